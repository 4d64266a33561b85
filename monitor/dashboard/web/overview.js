// All schedules on one page; what failed is on top.
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import { byToken, conditionOf, keyOf, stateOf } from "./data.js";
import { at, firstSentence, here, kinds } from "./format.js";
import { Badge, Countdown, Strip } from "./parts.js";

const shownAtOnce = 200;
const day = 24 * 3600 * 1000;

function rowsOf(data) {
  return [...data.items.values()].map((item) => {
    const status = item.status || {};
    const outcomes = data.outcomes(item);
    const counts = status.counts || {};
    const ended = (counts.succeeded || 0) + (counts.failed || 0);
    const told = data.words.get(data.question(item)) || {};
    const invalid = conditionOf(item, "Ready") || {};
    return {
      key: keyOf(item), link: `#/schedule/${encodeURIComponent(item.metadata.namespace)}/${encodeURIComponent(item.metadata.name)}`, item, outcomes, ns: item.metadata.namespace, name: item.metadata.name,
      labels: item.metadata.labels || {}, state: stateOf(item, outcomes),
      cron: item.spec.schedule || "", words: told.words ? firstSentence(told.words) : told.error || "",
      zone: status.timeZone || item.spec.timeZone || "",
      next: item.spec.suspend ? null : status.nextRun,
      active: (status.active || []).length,
      rate: ended ? (counts.succeeded || 0) / ended : null, ended,
      last: [...outcomes].reverse().find((run) => run.outcome === "Succeeded" || run.outcome === "Failed"),
      problem: invalid.status === "False" ? invalid.message || status.reason || "" : "",
    };
  });
}

function failuresOf(rows) {
  const since = Date.now() - day;
  return rows.map((row) => ({ row, failed: row.outcomes.filter((run) => run.outcome === "Failed" && new Date(run.ended || run.when) >= since) }))
    .filter((one) => one.failed.length)
    .sort((a, b) => new Date(b.failed.at(-1).ended || 0) - new Date(a.failed.at(-1).ended || 0));
}

function Failures({ rows }) {
  const [all, showAll] = useState(false);
  const found = failuresOf(rows);
  if (!found.length) return html`<section class="failures none" aria-label="Failures"><${Badge} kind="Succeeded" text="Nothing failed in the last 24 hours" /></section>`;
  const shown = all ? found : found.slice(0, 8);
  return html`<section class="failures" aria-labelledby="failed-title">
    <h2 id="failed-title">Failed in the last 24 hours <span class="quiet">(of each schedule's last 30 outcomes)</span></h2>
    <ul>${shown.map(({ row, failed }) => {
      const last = failed.at(-1);
      return html`<li key=${row.key}><${Badge} kind="Failed" text=${failed.length > 1 ? `${failed.length} times` : "once"} />
        <strong><a href=${row.link}>${row.name}</a></strong> <span class="quiet">${row.ns}</span>
        ${row.state === "Succeeded" && html`<${Badge} kind="Succeeded" text="recovered" />`}
        <a class="when" href=${`#/run/${encodeURIComponent(row.ns)}/${encodeURIComponent(last.name)}`}>${at(last.ended || last.when)}</a>
        <span class="reason">${last.reason}</span></li>`;
    })}</ul>
    ${found.length > shown.length && html`<button onClick=${() => showAll(true)}>${found.length - shown.length} more</button>`}
  </section>`;
}

const order = { Failed: 0, Invalid: 1, None: 2, Suspended: 3, Succeeded: 4 };
const sorts = {
  name: (a, b) => a.name.localeCompare(b.name) || a.ns.localeCompare(b.ns),
  next: (a, b) => (a.next ? Date.parse(a.next) : Infinity) - (b.next ? Date.parse(b.next) : Infinity) || 0,
  result: (a, b) => order[a.state] - order[b.state],
  rate: (a, b) => (a.rate ?? 2) - (b.rate ?? 2),
};

function fits(row, { text, ns, state, label }) {
  if (ns && row.ns !== ns) return false;
  if (state === "Running" ? !row.active : state && row.state !== state) return false;
  if (label) {
    const [key, value] = label.split("=");
    if (!(key in row.labels) || (value !== undefined && row.labels[key] !== value)) return false;
  }
  return !text || `${row.ns}/${row.name} ${row.cron} ${row.words} ${row.zone}`.toLowerCase().includes(text.toLowerCase());
}

function Row({ row }) {
  return html`<tr class=${row.state}>
    <th scope="row" data-label="Schedule"><a class="name" href=${row.link}>${row.name}</a> <span class="quiet">${row.ns}</span>
      ${row.active > 0 && html` <${Badge} kind="Running" text=${row.active > 1 ? `${row.active} running` : "running"} />`}</th>
    <td data-label="When"><span>${row.words}</span> <code>${row.cron}</code>${!row.words.includes(row.zone) && html` <span class="quiet">${row.zone}</span>`}</td>
    <td data-label="Next run">${row.next ? html`<${Countdown} time=${row.next} /> <time datetime=${row.next}>${at(row.next)}</time>
        ${row.zone && row.zone !== here && html` <time class="quiet" datetime=${row.next}>${at(row.next, row.zone)}</time>`}`
      : html`<span class="quiet">${row.item.spec.suspend ? "suspended" : "none"}</span>`}</td>
    <td data-label="Last result"><${Badge} kind=${row.state} />
      ${row.last && html` <span class="quiet">${at(row.last.ended || row.last.when)}</span>`}
      ${row.last && row.last.outcome === "Failed" && html` <span class="reason">${row.last.reason}</span>`}
      ${row.problem && html` <span class="reason">${row.problem}</span>`}</td>
    <td data-label="Last 30"><${Strip} outcomes=${row.outcomes} /></td>
    <td data-label="Success" class="number">${row.rate === null ? html`<span class="quiet">no run ended</span>`
      : html`<span title=${`of ${row.ended} runs since the schedule was created`}>${Math.floor(row.rate * 1000) / 10} %</span>`}</td>
  </tr>`;
}

function Sorted({ by, name, now, choose }) {
  const active = now.by === by;
  return html`<th scope="col" aria-sort=${active ? (now.down ? "descending" : "ascending") : "none"}>
    <button class="sort" onClick=${() => choose({ by, down: active && !now.down })}>${name} <span aria-hidden="true">${active ? (now.down ? "\u25bc" : "\u25b2") : ""}</span></button></th>`;
}

export function Overview({ data, version }) {
  const [filter, setFilter] = useState({ text: "", ns: "", state: "", label: "" });
  const [sort, setSort] = useState({ by: "name", down: false });
  const [limit, setLimit] = useState(shownAtOnce);
  const search = useRef();
  useEffect(() => {
    const onKey = (event) => {
      if (event.key !== "/" || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
      event.preventDefault();
      search.current.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const rows = useMemo(() => rowsOf(data), [version]);
  const set = (field) => (event) => setFilter({ ...filter, [field]: event.target.value.trim() });
  const namespaces = [...new Set(rows.map((row) => row.ns))].sort();
  const fitting = rows.filter((row) => fits(row, filter)).sort((a, b) => sorts[sort.by](a, b) * (sort.down ? -1 : 1) || sorts.name(a, b));
  if (!data.ready) return html`<p class="notice">Reading the schedules \u2026</p>`;
  if (!rows.length) return html`<p class="notice">There is no schedule yet${byToken() ? " where you may list them" : ""}. Create one with <code>sparkctl create -f FILE</code>.</p>`;
  return html`<${Failures} rows=${rows} />
    <section aria-labelledby="all-title">
    <h2 id="all-title">Schedules</h2>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label>Search <input ref=${search} type="search" placeholder="name, cron, zone  ( / )" onInput=${set("text")} /></label>
      <label>Namespace <select onChange=${set("ns")}><option value="">all</option>${namespaces.map((ns) => html`<option key=${ns} value=${ns}>${ns}</option>`)}</select></label>
      <label>State <select onChange=${set("state")}><option value="">all</option>
        ${["Failed", "Succeeded", "Running", "Suspended", "Invalid", "None"].map((kind) => html`<option key=${kind} value=${kind}>${kinds[kind].word}</option>`)}</select></label>
      <label>Label <input placeholder="team=etl" onInput=${set("label")} /></label>
      <span class="count" role="status">${fitting.length} of ${rows.length}</span>
    </form>
    <table class="schedules">
      <thead><tr>
        <${Sorted} by="name" name="Schedule" now=${sort} choose=${setSort} />
        <th scope="col">When</th>
        <${Sorted} by="next" name="Next run" now=${sort} choose=${setSort} />
        <${Sorted} by="result" name="Last result" now=${sort} choose=${setSort} />
        <th scope="col">Last 30 outcomes</th>
        <${Sorted} by="rate" name="Success" now=${sort} choose=${setSort} />
      </tr></thead>
      <tbody>${fitting.slice(0, limit).map((row) => html`<${Row} key=${row.key} row=${row} />`)}</tbody>
    </table>
    ${fitting.length > limit && html`<button onClick=${() => setLimit(limit + shownAtOnce)}>${fitting.length - limit} more</button>`}
    </section>`;
}

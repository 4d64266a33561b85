// One schedule: what comes next, what was, why slots were skipped, and what it can be told to do.
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import { api, outcomeOf } from "./data.js";
import { at, between, duration, fromNow, here } from "./format.js";
import { Badge, Countdown, Strip } from "./parts.js";
import { Calendar, Changes, Durations, merged, useSummary, useYear, Window } from "./year.js";

const changePause = 5000;  // between two questions for the history of a schedule that is busy
const shownRows = 200;
const summedDays = 30;

const path = (item) => `apis/sparkoperator.k8s.io/v1beta2/namespaces/${encodeURIComponent(item.metadata.namespace)}/scheduledsparkapplications/${encodeURIComponent(item.metadata.name)}`;

function patch(item, body) {
  return api(path(item), { method: "PATCH", body, type: "application/merge-patch+json" });
}

const orders = {
  suspend: { name: "Suspend", question: "Start no more runs? Those running go on.", done: "Suspended.", body: () => ({ spec: { suspend: true } }) },
  resume: { name: "Resume", question: "Start runs again, from the next slot?", done: "Resumed.", body: () => ({ spec: { suspend: false } }) },
  trigger: { name: "Run now", question: "Start a run by hand, beside the schedule?", done: "A run was asked for.",
             body: () => ({ metadata: { annotations: { "sparkoperator.k8s.io/trigger": new Date().toISOString() } } }) },
};

function Orders({ item }) {
  const [asked, setAsked] = useState(null);
  const [told, setTold] = useState("");
  const yes = useRef();
  useEffect(() => { if (asked) yes.current.focus(); }, [asked]);
  const perform = async () => {
    const order = orders[asked];
    setAsked(null);
    try {
      await patch(item, order.body());
      setTold(order.done);
    } catch (error) {
      setTold(`${order.name}: ${error.message}`);
    }
  };
  const cancel = (event) => { if (event.key === "Escape") setAsked(null); };
  return html`<div class="orders" role="group" aria-label="Orders" onKeyDown=${cancel}>
    ${["trigger", item.spec.suspend ? "resume" : "suspend"].map((name) => html`<button key=${name} onClick=${() => { setTold(""); setAsked(name); }}>${orders[name].name}</button>`)}
    ${asked && html`<span class="confirm" role="alertdialog" aria-label=${`${orders[asked].name} ${item.metadata.name}`}>
      <span>${orders[asked].question}</span>
      <button ref=${yes} class="yes" onClick=${perform}>Yes, ${orders[asked].name.toLowerCase()} ${item.metadata.name}</button>
      <button onClick=${() => setAsked(null)}>Cancel</button></span>`}
    <span role="status">${told}</span>
  </div>`;
}

// Asks again when the schedule has changed, not more often than every few seconds.
function useHistory(item) {
  const [history, setHistory] = useState({ runs: [], skips: [], events: [], problem: "" });
  const last = useRef(0);
  const { namespace, name } = item.metadata;
  const counts = JSON.stringify((item.status || {}).counts || {});
  useEffect(() => {
    const end = new AbortController();
    const timer = setTimeout(async () => {
      last.current = Date.now();
      try {
        const query = new URLSearchParams({ namespace, schedule: name, limit: String(shownRows) });
        const selected = new URLSearchParams({ fieldSelector: `involvedObject.name=${name}`, limit: "100" });
        const [past, events] = await Promise.all([
          api(`sparkcron/v1/history?${query}`, { signal: end.signal }).then((answer) => answer.json()),
          api(`api/v1/namespaces/${encodeURIComponent(namespace)}/events?${selected}`, { signal: end.signal }).then((answer) => answer.json()),
        ]);
        setHistory({ runs: past.runs, skips: past.skips, events: events.items || [], problem: "" });
      } catch (error) {
        if (!end.signal.aborted) setHistory((known) => ({ ...known, problem: error.message }));
      }
    }, Math.max(0, last.current + changePause - Date.now()));
    return () => { clearTimeout(timer); end.abort(); };
  }, [namespace, name, counts]);
  return history;
}

function History({ item, history, zone }) {
  const rows = [...history.runs.map((run) => ({ ...run, outcome: outcomeOf(run.state), when: run.slot || run.created })),
                ...history.skips.map((skip) => ({ ...skip, outcome: "Skipped", when: skip.to }))]
    .sort((a, b) => new Date(b.when) - new Date(a.when)).slice(0, shownRows);
  if (history.problem) return html`<p class="reason" role="alert">The history cannot be read: ${history.problem}</p>`;
  if (!rows.length) return html`<p class="quiet">No slot has come yet.</p>`;
  return html`<table class="rows"><thead><tr><th scope="col">Slot (${zone})</th><th scope="col">Outcome</th><th scope="col">Took</th><th scope="col">Attempts</th><th scope="col">Run</th><th scope="col">Why</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.name || row.from}>
      <td data-label="Slot"><time datetime=${row.when}>${at(row.when, zone)}</time>${row.manual && html` <span class="quiet">by hand</span>`}</td>
      <td data-label="Outcome"><${Badge} kind=${row.outcome} text=${row.count > 1 ? `Skipped, ${row.count} slots` : ""} /></td>
      <td data-label="Took">${duration(between(row.started || row.submitted, row.ended))}</td>
      <td data-label="Attempts">${row.attempts > 1 ? row.attempts : ""}</td>
      <td data-label="Run">${row.name && html`<a href=${`#/run/${encodeURIComponent(item.metadata.namespace)}/${encodeURIComponent(row.name)}`}>${row.name}</a>`}</td>
      <td data-label="Why"><span class=${row.outcome === "Failed" ? "reason" : ""}>${row.message || row.reason || ""}</span>${row.count > 1 && html` <span class="quiet">since ${at(row.from, zone)}</span>`}</td>
    </tr>`)}</tbody></table>`;
}

function manifestOf(item) {
  const { managedFields, ...metadata } = item.metadata;
  return JSON.stringify({ ...item, metadata }, null, 2);
}

export function Schedule({ data, name }) {
  const item = data.items.get(name);
  if (!data.ready) return html`<p class="notice">Reading the schedule \u2026</p>`;
  if (!item) return html`<p class="notice">There is no schedule ${name}. <a href="#/">All schedules</a></p>`;
  return html`<${Found} key=${name} data=${data} item=${item} />`;
}

function Found({ data, item }) {
  const history = useHistory(item);
  const year = useYear(data, item);
  const summary = useSummary(item.metadata.namespace, item.metadata.name, summedDays, history);
  const past = useMemo(() => merged(year, history), [year, history]);
  const status = item.status || {};
  const zone = status.timeZone || item.spec.timeZone || "UTC";
  const told = data.words.get(data.question(item)) || {};
  const next = item.spec.suspend ? [] : status.nextRuns || (status.nextRun ? [status.nextRun] : []);
  const events = [...history.events].sort((a, b) => new Date(b.lastTimestamp || b.eventTime || 0) - new Date(a.lastTimestamp || a.eventTime || 0));
  return html`<nav aria-label="Where"><a href="#/">All schedules</a></nav>
    <h2>${item.metadata.name} <span class="quiet">${item.metadata.namespace}</span> ${item.spec.suspend && html`<${Badge} kind="Suspended" />`}</h2>
    <p><code>${item.spec.schedule}</code> <span class="quiet">${zone}</span><br />${told.words || told.error || ""}</p>
    <${Orders} item=${item} />
    <${Strip} outcomes=${data.outcomes(item)} />
    <section aria-labelledby="next-title"><h2 id="next-title">Next slots</h2>
      ${next.length ? html`<ol class="next">${next.map((time) => html`<li key=${time}><${Countdown} time=${time} /> <time datetime=${time}>${at(time, zone)}</time>
        ${zone !== here && html` <time class="quiet" datetime=${time}>${at(time)}</time>`}</li>`)}</ol>`
      : html`<p class="quiet">${item.spec.suspend ? "None while it is suspended." : "None."}</p>`}</section>
    <section aria-labelledby="changes-title"><h2 id="changes-title">When the clock changes</h2>${year.asked && html`<${Changes} changes=${year.changes} zone=${zone} />`}</section>
    <section aria-labelledby="year-title"><h2 id="year-title">A year of outcomes</h2>${year.problem && html`<p class="reason" role="alert">The year cannot be read: ${year.problem}</p>`}
      <${Window} summary=${summary} days=${summedDays} /><${Calendar} past=${past} changes=${year.changes} cut=${year.cut} zone=${zone} /></section>
    <section aria-labelledby="durations-title"><h2 id="durations-title">How long runs take</h2><${Durations} past=${past} ns=${item.metadata.namespace} /></section>
    <section aria-labelledby="history-title"><h2 id="history-title">History</h2><${History} item=${item} history=${history} zone=${zone} /></section>
    <section aria-labelledby="conditions-title"><h2 id="conditions-title">Conditions</h2>
      <table class="rows"><tbody>${(status.conditions || []).map((one) => html`<tr key=${one.type}><th scope="row">${one.type}</th><td>${one.status}</td><td>${one.reason}</td><td>${one.message}</td><td>${at(one.lastTransitionTime)}</td></tr>`)}</tbody></table></section>
    <section aria-labelledby="events-title"><h2 id="events-title">Events</h2>
      ${events.length ? html`<table class="rows"><tbody>${events.map((one) => html`<tr key=${one.metadata.uid}><td>${at(one.lastTimestamp || one.eventTime)} <span class="quiet">${fromNow(one.lastTimestamp || one.eventTime)}</span></td><td>${one.type}</td><td>${one.reason}</td><td>${one.message}</td><td>${one.count > 1 ? `${one.count} times` : ""}</td></tr>`)}</tbody></table>`
      : html`<p class="quiet">None in the last hour.</p>`}</section>
    <details><summary>Manifest</summary><pre tabindex="0">${manifestOf(item)}</pre></details>`;
}

// All schedules on one clock: what ran, what comes, and where it gets crowded.
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import { ask, keyOf, outcomeOf } from "./data.js";
import { at, duration, fromNow, here, kinds } from "./format.js";

const second = 1000;
const hour = 3600 * second;
const spans = { day: { name: "A day", span: 24 * hour, words: "24 hours" }, week: { name: "A week", span: 7 * 24 * hour, words: "7 days" } };
const askedAgain = 600 * second;  // between them the watch of the schedules tells what happens
const drawnAgain = 5 * second;
const shownAtOnce = 100;
const linkedBars = 40;   // more of one schedule are drawn as one shape
const laneHeight = 20;

const rfc = (time) => new Date(time).toISOString();

// The version that counts for drawing: changes of a busy service are followed in steps.
function useSlowly(version) {
  const [slow, setSlow] = useState(version);
  const newest = useRef(version);
  newest.current = version;
  useEffect(() => {
    const timer = setInterval(() => setSlow(newest.current), drawnAgain);
    return () => clearInterval(timer);
  }, []);
  return slow;
}

function useWidth() {
  const box = useRef();
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}

async function slotsOf(data, items, from, to, signal) {
  const found = new Map();
  for (let i = 0; i < items.length; i += 200) {
    const some = items.slice(i, i + 200);
    const body = { from: rfc(from), to: rfc(to), schedules: some.map((item) => data.asked(item)) };
    const answer = await (await ask("slots", { method: "POST", body, signal })).json();
    some.forEach((item, at) => found.set(keyOf(item), answer.schedules[at]));
  }
  return found;
}

// What the ledger and the cron engine say of the window; asked anew when a schedule was edited.
function useTimes(data, span, ready) {
  const [times, setTimes] = useState({ past: { runs: [], skips: [], cut: false }, ahead: new Map(), from: 0, span: 0, problem: "" });
  const items = [...data.items.values()].filter((item) => !item.spec.suspend);
  const questions = useMemo(() => items.map((item) => data.question(item)).join("\n"), [items]);
  const asked = useRef(0);
  useEffect(() => {
    if (!ready) return undefined;
    const end = new AbortController();
    const load = async () => {
      if (document.hidden && asked.current) return;
      asked.current = Date.now();
      const from = Math.floor(Date.now() / hour) * hour;
      try {
        const [past, ahead] = await Promise.all([
          ask("past", { method: "POST", body: { since: rfc(Date.now() - span) }, signal: end.signal }).then((answer) => answer.json()),
          slotsOf(data, items, asked.current, from + span + hour, end.signal),
        ]);
        setTimes({ past, ahead, from, span, problem: "" });
      } catch (error) {
        if (!end.signal.aborted) setTimes((known) => ({ ...known, problem: error.message }));
      }
    };
    const first = setTimeout(load, Math.max(0, asked.current + 3 * second - Date.now()));
    const timer = setInterval(load, askedAgain);
    return () => { clearTimeout(first); clearInterval(timer); end.abort(); };
  }, [span, ready, questions]);
  return times;
}

function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

// One lane a schedule: bars of what ran, with what the status of the schedule knows since the ledger
// was asked, and what is expected.
function lanesOf(data, times, begin, end, now) {
  const lanes = new Map();
  const laneOf = (ns, name) => {
    const key = `${ns}/${name}`;
    if (!lanes.has(key)) lanes.set(key, { key, ns, name, item: data.items.get(key), runs: new Map(), skips: new Map(), slots: [], count: 0, hours: null, usual: null });
    return lanes.get(key);
  };
  for (const run of times.past.runs) {
    const created = Date.parse(run.created);
    laneOf(run.namespace, run.schedule || "").runs.set(run.name, { name: run.name, outcome: outcomeOf(run.state), slot: run.slot, begin: created, end: run.ended ? Date.parse(run.ended) : now });
  }
  for (const skip of times.past.skips)
    laneOf(skip.namespace, skip.schedule).skips.set(skip.from, { begin: Date.parse(skip.from), end: Date.parse(skip.to), count: skip.count, reason: skip.reason });
  for (const item of data.items.values()) {
    const lane = laneOf(item.metadata.namespace, item.metadata.name);
    const took = [];
    for (const run of data.outcomes(item)) {
      if (run.outcome === "Skipped") {
        if (run.slot) lane.skips.set(run.slot, { begin: Date.parse(run.slot), end: Date.parse(run.until || run.slot), count: run.count || 1, reason: run.reason });
        continue;
      }
      if (!run.created) continue;
      const ended = run.ended ? Date.parse(run.ended) : now;
      if (run.outcome === "Succeeded") took.push(ended - Date.parse(run.created));
      lane.runs.set(run.name, { name: run.name, outcome: run.outcome, slot: run.slot, begin: Date.parse(run.created), end: ended });
    }
    lane.usual = median(took);
    const ahead = times.ahead.get(lane.key);
    if (item.spec.suspend || !ahead || !ahead.slots) continue;
    lane.slots = ahead.slots.map((slot) => slot * second).filter((slot) => slot > now && slot <= end);
    lane.count = ahead.count;
    lane.hours = ahead.hours || null;
    lane.cut = ahead.count > ahead.slots.length;
  }
  for (const lane of lanes.values()) {
    lane.runs = [...lane.runs.values()].filter((run) => run.end >= begin && run.begin <= end);
    lane.skips = [...lane.skips.values()].filter((skip) => skip.end >= begin);
  }
  return [...lanes.values()].filter((lane) => lane.runs.length || lane.skips.length || lane.slots.length || lane.cut)
    .sort((a, b) => a.name.localeCompare(b.name) || a.ns.localeCompare(b.ns));
}

// Starts of each hour, and how many runs go on at once.
function crowdOf(lanes, begin, end, now, from) {
  const hours = Array.from({ length: Math.ceil((end - begin) / hour) }, (_, i) => ({ at: begin + i * hour, past: 0, ahead: 0 }));
  const add = (time, kind, count) => {
    const one = hours[Math.floor((time - begin) / hour)];
    if (one) one[kind] += count;
  };
  const edges = [];
  for (const lane of lanes) {
    for (const run of lane.runs) {
      add(run.begin, "past", 1);
      edges.push([run.begin, 1], [run.end, -1]);
    }
    for (const slot of lane.slots) {
      if (!lane.hours) add(slot, "ahead", 1);
      edges.push([slot, 1], [slot + (lane.usual || 0), -1]);
    }
    (lane.hours || []).forEach((count, i) => { if (from + i * hour + hour > now) add(from + i * hour, "ahead", count); });
  }
  edges.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let active = 0;
  let peak = { count: 0, at: 0 };
  const line = [];
  for (const [time, change] of edges) {
    active += change;
    if (time > now && active > peak.count) peak = { count: active, at: time };
    line.push([time, active]);
  }
  return { hours, line, peak };
}

function ticksOf(begin, end, width) {
  const wide = Math.max(1, width / 70);
  const step = [1, 2, 3, 6, 12, 24, 48].find((one) => (end - begin) / hour / one <= wide) || 96;
  const ticks = [];
  const day = new Date(begin);
  day.setHours(0, 0, 0, 0);
  for (let i = 0; ticks.length < 400; i += step) {
    const tick = new Date(day);
    tick.setHours(i);
    if (tick > end) break;
    if (tick >= begin) ticks.push(tick);
  }
  return ticks.map((tick) => ({ at: tick.getTime(), midnight: tick.getHours() === 0, text: tick.getHours() === 0 || step >= 24
    ? tick.toLocaleDateString("en-GB", { weekday: "short", day: "numeric" }) : `${String(tick.getHours()).padStart(2, "0")}:00` }));
}

function Ground({ ticks, x, height, now }) {
  return html`${ticks.map((tick) => html`<line key=${tick.at} class=${tick.midnight ? "grid midnight" : "grid"} x1=${x(tick.at)} y1="0" x2=${x(tick.at)} y2=${height} />`)}
    <line class="now" x1=${x(now)} y1="0" x2=${x(now)} y2=${height} />`;
}

function Crowd({ crowd, ticks, x, width, now }) {
  const height = 92;
  const most = Math.max(1, ...crowd.hours.map((one) => one.past + one.ahead), ...crowd.line.map(([, count]) => count));
  const up = (count) => (count / most) * (height - 14);
  let path = "";
  let last = 0;
  for (const [time, count] of crowd.line) {
    const place = Math.round(Math.min(Math.max(x(time), 0), width) * 2) / 2;
    path += `${path ? "" : "M0 " + height}H${place}V${height - up(count)}`;
    last = place;
  }
  return html`<svg class="crowd" role="img" aria-label="Starts of each hour, and runs at once" width=${width} height=${height + 16} viewBox=${`0 0 ${width} ${height + 16}`}>
    <${Ground} ticks=${ticks} x=${x} height=${height} now=${now} />
    ${crowd.hours.filter((one) => one.past + one.ahead).map((one) => {
      const left = x(one.at) + 0.5;
      const wide = Math.max(1, x(one.at + hour) - x(one.at) - 1);
      return html`<g key=${one.at}><title>${`${at(one.at)}, one hour: ${one.past ? `${one.past} started` : ""}${one.past && one.ahead ? ", " : ""}${one.ahead ? `${one.ahead} to come` : ""}`}</title>
        <rect class="past" x=${left} width=${wide} y=${height - up(one.past)} height=${up(one.past)} />
        <rect class="ahead" x=${left} width=${wide} y=${height - up(one.past + one.ahead)} height=${up(one.ahead)} /></g>`;
    })}
    ${last > 0 && html`<path class="active" d=${path} />`}
    <text class="scale" x="2" y="11">${most}</text>
    ${ticks.map((tick) => html`<text key=${tick.at} class="tick" x=${x(tick.at) + 3} y=${height + 12}>${tick.text}</text>`)}
  </svg>`;
}

const bar = (left, wide, top, high) => `M${left.toFixed(1)} ${top}h${wide.toFixed(1)}v${high}h${(-wide).toFixed(1)}z`;

function Bars({ lane, x }) {
  const wide = (run) => Math.max(2.5, x(run.end) - x(run.begin));
  const cross = (left, width) => { const middle = left + width / 2; return `M${middle - 2.5} 6l5 7m0 -7l-5 7`; };
  const shape = (run) => run.outcome === "Failed" ? bar(x(run.begin), wide(run), 1, 17) : bar(x(run.begin), wide(run), 4, 11);
  const ahead = lane.slots.map((slot) => bar(x(slot), Math.max(2, x(slot + (lane.usual || 0)) - x(slot)), 6, 8)).join("");
  const skips = lane.skips.map((skip) => bar(Math.max(x(skip.begin) - 1, 0), Math.max(2.5, x(skip.end) - x(skip.begin)), 16, 3)).join("");
  const few = lane.runs.length <= linkedBars;
  return html`
    ${few ? lane.runs.map((run) => html`<a key=${run.name} class=${run.outcome} tabindex="-1" href=${`#/run/${encodeURIComponent(lane.ns)}/${encodeURIComponent(run.name)}`}>
        <title>${`${run.name}: ${kinds[run.outcome].word}, ${at(run.begin)}, ${duration((run.end - run.begin) / second)}`}</title>
        <path d=${shape(run)} />${run.outcome === "Failed" && html`<path class="cross" d=${cross(x(run.begin), wide(run))} />`}</a>`)
      : ["Succeeded", "Failed", "Running"].map((kind) => html`<g key=${kind} class=${kind}><path d=${lane.runs.filter((run) => run.outcome === kind).map(shape).join("")} />
        ${kind === "Failed" && html`<path class="cross" d=${lane.runs.filter((run) => run.outcome === kind).map((run) => cross(x(run.begin), wide(run))).join("")} />`}</g>`)}
    ${skips && html`<g class="Skipped"><title>${lane.skips.map((skip) => `${skip.count} skipped: ${skip.reason}`).slice(0, 10).join(", ")}</title><path d=${skips} /></g>`}
    ${ahead && html`<g class="Ahead"><title>${`${lane.slots.length} to come, the next ${at(lane.slots[0])}${lane.usual ? `, usually ${duration(lane.usual / second)}` : ", no run to tell how long"}`}</title><path d=${ahead} /></g>`}`;
}

function labelOf(lane) {
  const count = (kind) => lane.runs.filter((run) => run.outcome === kind).length;
  const parts = ["Succeeded", "Failed", "Running"].filter(count).map((kind) => `${count(kind)} ${kind.toLowerCase()}`);
  const skipped = lane.skips.reduce((sum, skip) => sum + (skip.count || 1), 0);
  if (skipped) parts.push(`${skipped} skipped`);
  const ahead = lane.cut ? lane.count : lane.slots.length;
  if (ahead) parts.push(`${ahead} to come${lane.slots.length ? `, the next ${fromNow(lane.slots[0])}` : ""}${lane.usual ? `, usually ${duration(lane.usual / second)}` : ""}`);
  return parts.join(", ") || "nothing";
}

function Lane({ lane, ticks, x, width, now }) {
  const link = `#/schedule/${encodeURIComponent(lane.ns)}/${encodeURIComponent(lane.name)}`;
  return html`<li class="lane"><span class="who">${lane.item ? html`<a href=${link}>${lane.name}</a>` : html`<span>${lane.name ? `${lane.name} (deleted)` : "without a schedule"}</span>`} <span class="quiet">${lane.ns}</span></span>
    <svg role="img" aria-label=${`${lane.name}: ${labelOf(lane)}`} width=${width} height=${laneHeight} viewBox=${`0 0 ${width} ${laneHeight}`}>
      <${Ground} ticks=${ticks} x=${x} height=${laneHeight} now=${now} /><${Bars} lane=${lane} x=${x} /></svg></li>`;
}

function Legend() {
  const shapes = [["Succeeded", "succeeded", bar(1, 14, 4, 11)], ["Failed", "failed", bar(1, 14, 1, 17)], ["Running", "running", bar(1, 14, 4, 11)],
                  ["Ahead", "to come, as long as usual", bar(1, 14, 6, 8)], ["Skipped", "skipped", bar(1, 14, 16, 3)]];
  return html`<p class="legend">${shapes.map(([kind, word, d]) => html`<span key=${kind}><svg aria-hidden="true" width="16" height="20"><g class=${kind}><path d=${d} />${kind === "Failed" && html`<path class="cross" d="M5.5 6l5 7m0 -7l-5 7" />`}</g></svg> ${word}</span>`)}
    <span><svg aria-hidden="true" width="16" height="20"><path class="active" d="M0 16H5V6H11V12H16" /></svg> runs at once</span></p>`;
}

function Crowded({ crowd, lanes }) {
  const most = crowd.hours.reduce((best, one) => one.ahead > best.ahead ? one : best, { ahead: 0 });
  const atLeast = lanes.some((lane) => lane.cut) ? "at least " : "";
  return html`<p class="crowded">${most.ahead ? html`Most starts to come in one hour: <strong>${most.ahead}</strong>, from <time datetime=${rfc(most.at)}>${at(most.at)}</time>. ` : "No start is to come. "}
    ${crowd.peak.count > 0 && html`Most runs at once: <strong>${atLeast}${crowd.peak.count}</strong>, <time datetime=${rfc(crowd.peak.at)}>${at(crowd.peak.at)}</time>, if runs take as long as usual.`}</p>`;
}

export function Timeline({ data, version }) {
  const [zoom, setZoom] = useState("day");
  const [text, setText] = useState("");
  const [ns, setNs] = useState("");
  const [limit, setLimit] = useState(shownAtOnce);
  const slow = useSlowly(version);
  const [box, width] = useWidth();
  const { span, words } = spans[zoom];
  const times = useTimes(data, span, data.ready);
  const now = useMemo(() => Date.now(), [slow, times]);
  const from = Math.floor(now / hour) * hour;
  const begin = from - span;
  // The hour that has begun counts to the past: ahead there are still whole days.
  const end = from + span + hour;
  const all = useMemo(() => lanesOf(data, times, begin, end, now), [slow, times, zoom, data.ready]);
  const lanes = all.filter((lane) => (!ns || lane.ns === ns) && (!text || lane.key.toLowerCase().includes(text.toLowerCase())));
  const crowd = useMemo(() => crowdOf(lanes, begin, end, now, times.from), [all, ns, text]);
  const narrow = width < 700;
  const lane = Math.max(60, narrow ? width : width - 230);
  const x = (time) => (time - begin) / (end - begin) * lane;
  const ticks = ticksOf(begin, end, lane);
  const namespaces = [...new Set(all.map((one) => one.ns))].sort();
  const loaded = times.span === span;
  return html`<nav aria-label="Where"><a href="#/">All schedules</a></nav>
    <h2>Timeline <span class="quiet">${words} back and ahead, times in ${here}</span></h2>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <span role="group" aria-label="Zoom">${Object.entries(spans).map(([key, one]) => html`<button key=${key} type="button" aria-pressed=${zoom === key} onClick=${() => setZoom(key)}>${one.name}</button>`)}</span>
      <label>Search <input type="search" placeholder="name" onInput=${(event) => setText(event.target.value.trim())} /></label>
      <label>Namespace <select onChange=${(event) => setNs(event.target.value)}><option value="">all</option>${namespaces.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>
      <span class="count" role="status">${loaded ? `${lanes.length} of ${all.length} with something to show` : "reading \u2026"}</span></form>
    ${times.problem && html`<p class="reason" role="alert">The timeline cannot be read: ${times.problem}</p>`}
    ${loaded && html`<${Crowded} crowd=${crowd} lanes=${lanes} />`}
    <${Legend} />
    <div class="timeline" ref=${box}>${width > 0 && loaded && html`<div class="lane head"><span class="who quiet">starts an hour, and at once</span>
        <${Crowd} crowd=${crowd} ticks=${ticks} x=${x} width=${lane} now=${now} /></div>
      <ul class="lanes" aria-label="Schedules">${lanes.slice(0, limit).map((one) => html`<${Lane} key=${one.key} lane=${one} ticks=${ticks} x=${x} width=${lane} now=${now} />`)}</ul>`}</div>
    ${lanes.length > limit && html`<button onClick=${() => setLimit(limit + shownAtOnce)}>${lanes.length - limit} more</button>`}
    ${lanes.some((one) => one.cut) && html`<p class="quiet">Of a schedule with more than 300 slots to come the first 300 are drawn (and 20,000 of 200 schedules); the starts of each hour count all.</p>`}
    ${times.past.cut && html`<p class="quiet">Of the past the newest 10,000 runs and skips are shown.</p>`}`;
}

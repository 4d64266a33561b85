// One run: its phases, how it ended and why, and its driver's log, as it comes or as it was kept.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { api, ask, byToken, follow, lines, outcomeOf, pause, sparkLink } from "./data.js";
import { at, between, duration } from "./format.js";
import { Badge } from "./parts.js";

const keptLines = 5000;
const tries = 5;
const shownPods = 200;
const shownAttempts = 100;

// The object by a watch of its own, the ledger's record whenever the object's state changes.
function useRun(ns, name, onLoggedOut) {
  const [run, setRun] = useState({ object: null, record: null, ready: false, problem: null, asked: false });
  const state = run.object && run.object.status && run.object.status.applicationState ? run.object.status.applicationState.state : "";
  useEffect(() => {
    const end = new AbortController();
    const set = (change) => setRun((known) => ({ ...known, ...change }));
    follow(`apis/sparkoperator.k8s.io/v1beta2/namespaces/${encodeURIComponent(ns)}/sparkapplications`, { fieldSelector: `metadata.name=${name}` }, {
      reset: (items) => set({ object: items[0] || null, ready: true }),
      change: (type, object) => set({ object: type === "DELETED" ? null : object }),
      state: (problem) => { set({ problem }); if (problem && problem.status === 401) onLoggedOut(problem.message); },
    }, end.signal);
    return () => end.abort();
  }, [ns, name]);
  useEffect(() => {
    if (!run.ready) return undefined;
    const end = new AbortController();
    api(`sparkcron/v1/history?${new URLSearchParams({ namespace: ns, run: name, limit: "1" })}`, { signal: end.signal })
      .then((answer) => answer.json())
      .then((past) => setRun((known) => ({ ...known, record: past.runs.find((one) => one.name === name) || known.record, asked: true })))
      .catch(() => {});
    return () => end.abort();
  }, [ns, name, run.ready, state, run.object === null]);
  return run;
}

// The newest lines. A pod that is there is followed; else the log that was kept is read. That of an
// earlier attempt (`attempt` > 0) is always a kept one. Until `ready` nobody knows which of them.
function useLog(ns, name, ready, pod, running, attempt) {
  const [log, setLog] = useState({ lines: [], dropped: 0, problem: "", from: "" });
  useEffect(() => {
    if (!ready) return undefined;
    const end = new AbortController();
    let held = [];
    let dropped = 0;
    let timer = 0;
    const show = (from) => {
      timer ||= setTimeout(() => { timer = 0; setLog({ lines: held, dropped, problem: "", from }); }, 300);
    };
    const read = async (path, from) => {
      held = [];
      const answer = await api(path, { signal: end.signal });
      for await (const line of lines(answer.body)) {
        held.push(line);
        if (held.length > keptLines + 1000) {
          dropped += held.length - keptLines;
          held = held.slice(-keptLines);
        }
        show(from);
      }
      show(from);
    };
    const kept = `sparkcron/v1/log?${new URLSearchParams({ namespace: ns, run: name, tailLines: String(keptLines), ...(attempt && { attempt: String(attempt) }) })}`;
    const query = new URLSearchParams({ follow: String(running), tailLines: String(keptLines) });
    const ofPod = `api/v1/namespaces/${encodeURIComponent(ns)}/pods/${encodeURIComponent(pod)}/log?${query}`;
    // A pod that has not started has no log yet; that of one that has just gone is kept in a moment.
    const readOne = async () => {
      if (attempt) return read(kept, `of attempt ${attempt}, kept`);
      if (pod) {
        try {
          return await read(ofPod, running ? "live" : "");
        } catch (error) {
          if (running || error.status !== 404) throw error;
        }
      }
      if (running) throw new Error("the driver has not started yet");
      return read(kept, "kept");
    };
    (async () => {
      for (let left = tries; left > 0 && !end.signal.aborted; left -= running && !attempt ? 0 : 1) {
        try {
          return await readOne();
        } catch (error) {
          if (end.signal.aborted) return undefined;
          setLog({ lines: [], dropped: 0, problem: error.message, from: "" });
        }
        await pause(2, end.signal);
      }
      return undefined;
    })();
    return () => { clearTimeout(timer); end.abort(); };
  }, [ns, name, ready, pod, running, attempt]);
  return log;
}

const phaseNames = [["Slot", "slot"], ["Created", "created"], ["Submitted", "submitted"], ["Driver started", "started"], ["Ended", "ended"]];
const stretches = { created: "late", submitted: "waiting", started: "starting", ended: "running" };

// What went on between two phases, as long as it took; a run that goes on grows.
function PhaseLine({ times, over }) {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    if (over) return undefined;
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [over]);
  const width = 900;
  const begin = Date.parse(times[0].time);
  const end = over ? Date.parse(times.at(-1).time) : now;
  if (!(end > begin)) return null;
  const x = (time) => (Date.parse(time) - begin) / (end - begin) * width;
  const parts = times.slice(1).map((phase, i) => ({ kind: stretches[phase.key], from: x(times[i].time), to: x(phase.time), text: `${times[i].word} to ${phase.word}: ${duration(between(times[i].time, phase.time))}` }));
  if (!over) parts.push({ kind: "running going", from: x(times.at(-1).time), to: width, text: `since ${times.at(-1).word}: ${duration((now - Date.parse(times.at(-1).time)) / 1000)}` });
  return html`<svg class="phase-line" role="img" aria-label=${parts.map((part) => part.text).join(", ")} viewBox=${`0 0 ${width} 20`} preserveAspectRatio="none">
    ${parts.map((part) => html`<g key=${part.text} class=${part.kind}><title>${part.text}</title><rect x=${part.from} y="2" width=${Math.max(2, part.to - part.from)} height="16" /></g>`)}</svg>`;
}

function Phases({ record, over }) {
  const times = phaseNames.map(([word, key]) => ({ word, key, time: record[key] })).filter(({ time }) => time);
  return html`<section aria-label="Phases"><${PhaseLine} times=${times} over=${over} /><ol class="phases">${times.map(({ word, time }, i) => html`<li key=${word}><strong>${word}</strong> <time datetime=${time}>${at(time)}</time>
    ${i > 0 && html` <span class="quiet">${duration(between(times[i - 1].time, time))} later</span>`}</li>`)}</ol></section>`;
}

// Where the service was told that Spark's history server is; asked once a page.
let asked = null;
function useHistoryUrl() {
  const [url, setUrl] = useState("");
  useEffect(() => {
    asked ||= ask("settings", { method: "POST", body: {} }).then((answer) => answer.json());
    asked.then((settings) => setUrl(settings.sparkHistoryUrl || ""), () => { asked = null; });
  }, []);
  return /^https?:\/\//.test(url) ? url : "";
}

// A link to Spark's UI through the service, good for some hours; "" until there is one.
function useSparkLink(ns, name, address) {
  const [link, setLink] = useState("");
  useEffect(() => {
    setLink("");
    if (!address || byToken()) return undefined;
    const end = new AbortController();
    sparkLink(ns, name, end.signal).then(setLink, () => {});
    return () => end.abort();
  }, [ns, name, address]);
  return link;
}

function SparkLinks({ ns, name, status, record, over }) {
  const url = useHistoryUrl();
  const running = (status.applicationState || {}).state === "RUNNING";
  const address = (running && (status.driverInfo || {}).webUIAddress) || "";
  const link = useSparkLink(ns, name, address);
  const id = record.applicationId || status.sparkApplicationId;
  if (over) return url && id && html`<p><a href=${url.replaceAll("{applicationId}", encodeURIComponent(id))} target="_blank" rel="noopener noreferrer">Spark's history server</a></p>`;
  if (over || !address) return null;
  return link ? html`<p><a href=${link} target="_blank" rel="noopener noreferrer">Spark's UI</a></p>`
    : html`<p class="quiet">Spark's UI listens on ${address}, where the driver runs; <code>sparkctl forward ${name}</code> leads there.</p>`;
}

const attemptsOf = (status, record) => Math.max(status.executionAttempts || 0, record.attempts || 0);

function Attempts({ status, record }) {
  const parts = [];
  if (attemptsOf(status, record) > 1) parts.push(`${attemptsOf(status, record)} times`);
  if (status.submissionAttempts > 1) parts.push(`submitted ${status.submissionAttempts} times for the last of them`);
  return html`<p class="quiet">${record.manual ? "Started by hand. " : ""}${parts.length ? `Attempted ${parts.join(", ")}; times are those of the last attempt. ` : "One attempt. "}${record.exitCode !== undefined ? `Exit code ${record.exitCode}. ` : ""}${record.applicationId ? `Spark application ${record.applicationId}.` : ""}</p>`;
}

// The pods that are there, and executors that only the status remembers.
function usePods(ns, name, object) {
  const [pods, setPods] = useState({ items: [], problem: "" });
  const states = JSON.stringify([(object && object.status && object.status.applicationState) || {}, (object && object.status && object.status.executorState) || {}]);
  useEffect(() => {
    if (!object) return setPods({ items: [], problem: "" });
    const end = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const selected = new URLSearchParams({ labelSelector: `sparkoperator.k8s.io/app-name=${name}`, limit: String(shownPods) });
        const list = await (await api(`api/v1/namespaces/${encodeURIComponent(ns)}/pods?${selected}`, { signal: end.signal })).json();
        setPods({ items: list.items || [], problem: "" });
      } catch (error) {
        if (!end.signal.aborted) setPods({ items: [], problem: error.message });
      }
    }, 1000);
    return () => { clearTimeout(timer); end.abort(); };
  }, [ns, name, states, object === null]);
  return pods;
}

function podState(pod) {
  const [container] = (pod.status && pod.status.containerStatuses) || [];
  const ended = container && container.state && container.state.terminated;
  const waits = container && container.state && container.state.waiting;
  return `${(pod.status || {}).phase || ""}${ended ? `, exit code ${ended.exitCode}${ended.reason ? ` (${ended.reason})` : ""}` : ""}${waits && waits.reason ? `, ${waits.reason}` : ""}`;
}

function Pods({ pods, status }) {
  const known = new Set(pods.items.map((pod) => pod.metadata.name));
  const gone = Object.entries(status.executorState || {}).filter(([name]) => !known.has(name)).slice(0, shownPods);
  if (pods.problem) return html`<p class="reason" role="alert">The pods cannot be read: ${pods.problem}</p>`;
  if (!known.size && !gone.length) return html`<p class="quiet">No pod is there.</p>`;
  const roleOf = (pod) => (pod.metadata.labels || {})["spark-role"] || "";
  return html`<table class="rows"><thead><tr><th scope="col">Pod</th><th scope="col">Role</th><th scope="col">State</th><th scope="col">Node</th><th scope="col">Started</th></tr></thead><tbody>
    ${[...pods.items].sort((a, b) => roleOf(a).localeCompare(roleOf(b)) || a.metadata.name.localeCompare(b.metadata.name)).map((pod) => html`<tr key=${pod.metadata.uid}><td data-label="Pod">${pod.metadata.name}</td><td data-label="Role">${roleOf(pod)}</td>
      <td data-label="State">${podState(pod)}</td><td data-label="Node">${(pod.spec || {}).nodeName || ""}</td><td data-label="Started">${at((pod.status || {}).startTime)}</td></tr>`)}
    ${gone.map(([name, state]) => html`<tr key=${name}><td data-label="Pod">${name}</td><td data-label="Role">executor</td><td data-label="State">${state}</td><td data-label="Node"></td><td data-label="Started"></td></tr>`)}
  </tbody></table>${pods.items.length === shownPods && html`<p class="quiet">The first ${shownPods} are shown.</p>`}`;
}

// attempts: how many there were; `attempt` 0 is the last.
function Log({ log, attempts, attempt, choose }) {
  const [text, setText] = useState("");
  const shown = text ? log.lines.filter((line) => line.toLowerCase().includes(text.toLowerCase())) : log.lines;
  const box = useRef();
  const atEnd = useRef(true);
  useEffect(() => { if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight; }, [log]);
  return html`<section aria-labelledby="log-title"><h2 id="log-title">Driver log <span class="quiet">${log.from}</span></h2>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label>Search <input type="search" onInput=${(event) => setText(event.target.value)} /></label>
      ${attempts > 1 && html`<label>Attempt <select value=${attempt} onChange=${(event) => choose(Number(event.target.value))}>
        ${Array.from({ length: Math.min(attempts, shownAttempts) }, (_, i) => html`<option key=${i} value=${i === 0 ? 0 : attempts - i}>${i === 0 ? `${attempts}, the last` : attempts - i}</option>`)}</select></label>`}
      <span class="count" role="status">${shown.length} of ${log.lines.length} lines</span></form>
    ${log.dropped > 0 && html`<p class="quiet">${log.dropped} older lines are not shown.</p>`}
    ${log.problem ? html`<p class="quiet" role="status">No log: ${log.problem}</p>`
      : html`<pre class="log" ref=${box} tabindex="0" aria-label="Driver log"
          onScroll=${(event) => { const { scrollTop, clientHeight, scrollHeight } = event.target; atEnd.current = scrollTop + clientHeight > scrollHeight - 20; }}>${shown.join("\n")}</pre>`}
  </section>`;
}

export function Run({ ns, name, onLoggedOut, onState }) {
  const run = useRun(ns, name, onLoggedOut);
  const status = (run.object && run.object.status) || {};
  const state = (status.applicationState || {}).state || (run.record || {}).state || "";
  const over = state === "COMPLETED" || state === "FAILED";
  const attempts = attemptsOf(status, run.record || {});
  // Of an attempt that has become an earlier one the choice stays; that of the last follows.
  const [attempt, choose] = useState(0);
  const log = useLog(ns, name, run.ready, (status.driverInfo || {}).podName || "", !over && Boolean(run.object), attempt);
  const pods = usePods(ns, name, run.object);
  useEffect(() => onState(run.problem ? `not connected: ${run.problem.message}` : run.ready ? "live" : "connecting"), [run.problem, run.ready]);
  const record = run.record || (run.object && { created: run.object.metadata.creationTimestamp, name });
  if (!run.ready) return html`<p class="notice">${run.problem ? `not connected: ${run.problem.message}` : "Reading the run \u2026"}</p>`;
  if (!record && !run.asked) return html`<p class="notice">Reading the run \u2026</p>`;
  if (!record) return html`<p class="notice">There is no run ${ns}/${name}, and the history knows none. <a href="#/">All schedules</a></p>`;
  const why = (status.applicationState || {}).errorMessage || record.message || "";
  const schedule = record.schedule;
  return html`<nav aria-label="Where"><a href="#/">All schedules</a>
      ${schedule && html` \u203a <a href=${`#/schedule/${encodeURIComponent(ns)}/${encodeURIComponent(schedule)}`}>${schedule}</a>`}</nav>
    <h2>${name} <span class="quiet">${ns}</span> <${Badge} kind=${outcomeOf(state)} text=${state || "New"} /></h2>
    ${!run.object && html`<p class="quiet">The run itself was removed; this is what the history kept.</p>`}
    ${why && html`<p class="reason why" role="alert">${why}</p>`}
    <${Attempts} status=${status} record=${record} />
    <${SparkLinks} ns=${ns} name=${name} status=${status} record=${record} over=${over} />
    <${Phases} record=${record} over=${over} />
    <${Log} log=${log} attempts=${attempts} attempt=${attempt} choose=${choose} />
    <section aria-labelledby="pods-title"><h2 id="pods-title">Pods and executors</h2><${Pods} pods=${pods} status=${status} /></section>
    ${run.object && html`<details><summary>Manifest</summary><pre tabindex="0">${JSON.stringify({ ...run.object, metadata: { ...run.object.metadata, managedFields: undefined } }, null, 2)}</pre></details>`}`;
}

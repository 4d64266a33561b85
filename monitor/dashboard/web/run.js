// One run: its phases, how it ended and why, and its driver's log, as it comes or as it was kept.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { api, follow, lines, outcomeOf, pause } from "./data.js";
import { at, between, duration } from "./format.js";
import { Badge } from "./parts.js";

const keptLines = 5000;
const tries = 5;

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

// The newest lines. A pod that is there is followed; else the log that was kept is read.
function useLog(ns, name, pod, running) {
  const [log, setLog] = useState({ lines: [], dropped: 0, problem: "", from: "" });
  useEffect(() => {
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
    const kept = `sparkcron/v1/log?${new URLSearchParams({ namespace: ns, run: name, tailLines: String(keptLines) })}`;
    const query = new URLSearchParams({ follow: String(running), tailLines: String(keptLines) });
    const ofPod = `api/v1/namespaces/${encodeURIComponent(ns)}/pods/${encodeURIComponent(pod)}/log?${query}`;
    // A pod that has not started has no log yet; that of one that has just gone is kept in a moment.
    const readOne = async () => {
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
      for (let left = tries; left > 0 && !end.signal.aborted; left -= running ? 0 : 1) {
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
  }, [ns, name, pod, running]);
  return log;
}

function Phases({ record }) {
  const times = [["Slot", record.slot], ["Created", record.created], ["Submitted", record.submitted], ["Driver started", record.started], ["Ended", record.ended]]
    .filter(([, time]) => time);
  return html`<ol class="phases">${times.map(([word, time], i) => html`<li key=${word}><strong>${word}</strong> <time datetime=${time}>${at(time)}</time>
    ${i > 0 && html` <span class="quiet">${duration(between(times[i - 1][1], time))} later</span>`}</li>`)}</ol>`;
}

function Log({ log }) {
  const [text, setText] = useState("");
  const shown = text ? log.lines.filter((line) => line.toLowerCase().includes(text.toLowerCase())) : log.lines;
  const box = useRef();
  const atEnd = useRef(true);
  useEffect(() => { if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight; }, [log]);
  return html`<section aria-labelledby="log-title"><h2 id="log-title">Driver log <span class="quiet">${log.from}</span></h2>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label>Search <input type="search" onInput=${(event) => setText(event.target.value)} /></label>
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
  const log = useLog(ns, name, run.ready ? (status.driverInfo || {}).podName || "" : "", !over && Boolean(run.object));
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
    <p class="quiet">${record.manual ? "Started by hand. " : ""}${record.attempts > 1 ? `${record.attempts} attempts. ` : ""}${record.exitCode !== undefined ? `Exit code ${record.exitCode}. ` : ""}${record.applicationId ? `Spark application ${record.applicationId}.` : ""}</p>
    <${Phases} record=${record} />
    <${Log} log=${log} />
    ${run.object && html`<details><summary>Manifest</summary><pre tabindex="0">${JSON.stringify({ ...run.object, metadata: { ...run.object.metadata, managedFields: undefined } }, null, 2)}</pre></details>`}`;
}

// The service itself: who leads, whether runs start in time, what waits, the API, ledger and disk.
import { html, useEffect, useState } from "./vendor/preact.js";
import { api, ask, pause } from "./data.js";
import { at, bytes, duration } from "./format.js";
import { Badge } from "./parts.js";

const every = 15;  // seconds; an answer is short and comes from memory

// Prometheus's text format as [{name, labels, value}].
export function samples(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!parts) continue;
    const labels = {};
    for (const [, key, value] of (parts[2] || "").matchAll(/(\w+)="((?:\\.|[^"\\])*)"/g))
      labels[key] = value.replace(/\\(.)/g, (_, sign) => sign === "n" ? "\n" : sign);
    found.push({ name: parts[1], labels, value: Number(parts[3].replace("Inf", "Infinity")) });
  }
  return found;
}

// The bucket's bound under which a share of what was counted lies; null when there is nothing.
export function quantile(buckets, share) {
  const sums = new Map();
  for (const { labels, value } of buckets) {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    sums.set(bound, (sums.get(bound) || 0) + value);
  }
  const total = sums.get(Infinity) || 0;
  if (!total) return null;
  return [...sums.keys()].sort((a, b) => a - b).find((bound) => sums.get(bound) >= share * total);
}

// "[+]ping ok" as {name, kind, text}
function checksOf(text) {
  return [...text.matchAll(/^\[([+!-])\](\S+) (.*)$/gm)].map(([, sign, name, rest]) => ({ name, kind: { "+": "ok", "!": "warning", "-": "failed" }[sign], text: rest }));
}

async function look(signal) {
  const [numbers, checks] = await Promise.all([
    ask("numbers", { method: "POST", body: {}, signal }).then((answer) => answer.text()),
    api("readyz?verbose", { signal }).then((answer) => answer.text(), (error) => {
      if (error.status !== 500) throw error;
      return error.message;  // not ready: the list of checks all the same
    }),
  ]);
  return { samples: samples(numbers), checks: checksOf(checks), when: Date.now() };
}

function useHealth(onLoggedOut, onState) {
  const [health, setHealth] = useState(null);
  useEffect(() => {
    const end = new AbortController();
    (async () => {
      while (!end.signal.aborted) {
        if (!document.hidden) {
          try {
            setHealth(await look(end.signal));
            onState("live");
          } catch (error) {
            if (end.signal.aborted) return;
            if (error.status === 401) return onLoggedOut(error.message);
            onState(`not connected: ${error.message}`);
          }
        }
        await pause(every, end.signal);
      }
    })();
    return () => end.abort();
  }, []);
  return health;
}

const under = (bound) => bound === null ? "none yet" : bound === Infinity ? "more than the largest bucket" : `${duration(bound)} or less`;

function Lateness({ title, buckets }) {
  return html`<tr><th scope="row">${title}</th><td data-label="Half of them">${under(quantile(buckets, 0.5))}</td><td data-label="95 of 100">${under(quantile(buckets, 0.95))}</td>
    <td data-label="Counted">${buckets.filter((one) => one.labels.le === "+Inf").reduce((sum, one) => sum + one.value, 0)}</td></tr>`;
}

function Facts({ facts }) {
  return html`<table class="rows facts"><tbody>${facts.filter(([, value]) => value !== undefined && value !== null && value !== "").map(([name, value, bad]) => html`<tr key=${name}><th scope="row">${name}</th><td>${bad ? html`<${Badge} kind="Failed" text=${value} />` : value}</td></tr>`)}</tbody></table>`;
}

function Calls({ all }) {
  const groups = new Map();
  for (const one of all.filter(({ name }) => name === "sparkcron_api_call_duration_seconds_bucket")) {
    const key = `${one.labels.verb} ${one.labels.outcome}`;
    groups.set(key, [...(groups.get(key) || []), one]);
  }
  if (!groups.size) return html`<p class="quiet">None is counted here: the API is in the same process.</p>`;
  return html`<table class="rows"><thead><tr><th scope="col">Call</th><th scope="col">Outcome</th><th scope="col">Half of them took</th><th scope="col">95 of 100 took</th><th scope="col">Calls</th></tr></thead>
    <tbody>${[...groups].sort(([a], [b]) => a.localeCompare(b)).map(([key, buckets]) => {
      const { verb, outcome } = buckets[0].labels;
      return html`<tr key=${key}><td data-label="Call">${verb}</td><td data-label="Outcome"><${Badge} kind=${outcome === "ok" ? "Succeeded" : "Failed"} text=${outcome} /></td>
        <td data-label="Half of them took">${under(quantile(buckets, 0.5))}</td><td data-label="95 of 100 took">${under(quantile(buckets, 0.95))}</td>
        <td data-label="Calls">${buckets.filter((one) => one.labels.le === "+Inf").reduce((sum, one) => sum + one.value, 0)}</td></tr>`;
    })}</tbody></table>`;
}

const marks = { ok: "Succeeded", warning: "Invalid", failed: "Failed" };

export function Health({ onLoggedOut, onState }) {
  const health = useHealth(onLoggedOut, onState);
  if (!health) return html`<p class="notice">Asking the service \u2026</p>`;
  const all = health.samples;
  const named = (name) => all.filter((one) => one.name === name);
  const value = (name) => { const found = named(name); return found.length ? found.reduce((sum, one) => sum + one.value, 0) : undefined; };
  const each = (name) => named(name).map((one) => `${one.labels.controller || one.labels.resource}: ${one.value}`).join(", ");
  const leader = value("sparkcron_leader");
  const free = value("sparkcron_data_free_bytes");
  const failing = value("sparkcron_failing_objects");
  const refused = value("sparkcron_http_requests_refused_total");
  const build = named("sparkcron_build_info")[0];
  const troubled = health.checks.filter((one) => one.kind !== "ok");
  return html`<h2>Health <span class="quiet">as of ${at(health.when)}, asked every ${every} s</span></h2>
    <section class=${troubled.length ? "failures" : "failures none"} aria-label="Checks">${troubled.length
      ? html`<h2>What is not well</h2><ul>${troubled.map((one) => html`<li key=${one.name}><${Badge} kind=${marks[one.kind]} text=${one.kind} /> <strong>${one.name}</strong> <span class="reason">${one.text}</span></li>`)}</ul>`
      : html`<${Badge} kind="Succeeded" text=${`All ${health.checks.length} checks pass`} />`}
      <details><summary>All checks</summary><ul>${health.checks.map((one) => html`<li key=${one.name}><${Badge} kind=${marks[one.kind]} text=${one.kind} /> ${one.name} <span class="quiet">${one.text}</span></li>`)}</ul></details></section>
    <section aria-labelledby="leader-title"><h2 id="leader-title">Who starts runs</h2>
      <${Facts} facts=${[["Leader", leader === 1 ? "this process" : "another process; this one waits for the lease"], ["Version", build && build.labels.version],
                        ["Runs that go on", value("spark_application_running_count")],
                        ["Caught exceptions", value("sparkcron_caught_exceptions_total"), value("sparkcron_caught_exceptions_total") > 0],
                        ["Log lines dropped", value("sparkcron_log_lines_dropped_total"), value("sparkcron_log_lines_dropped_total") > 0]]} /></section>
    <section aria-labelledby="late-title"><h2 id="late-title">Lateness <span class="quiet">since the process started</span></h2>
      <table class="rows"><thead><tr><th scope="col">From a slot to</th><th scope="col">Half of them</th><th scope="col">95 of 100</th><th scope="col">Counted</th></tr></thead><tbody>
        <${Lateness} title="the run's creation" buckets=${named("sparkcron_schedule_lateness_seconds_bucket")} />
        <${Lateness} title="the driver's start" buckets=${named("sparkcron_driver_lateness_seconds_bucket")} /></tbody></table></section>
    <section aria-labelledby="queue-title"><h2 id="queue-title">Queue</h2>
      <${Facts} facts=${[["Objects that wait", each("sparkcron_queue_length") || "none"], ["Objects that fail again and again", failing ? each("sparkcron_failing_objects") : "none", failing > 0],
                        ["Steps that failed", named("sparkcron_reconcile_errors_total").map((one) => `${one.labels.controller}, ${one.labels.reason}: ${one.value}`).join("; ") || "none"],
                        ["Objects that cannot be read", each("sparkcron_unreadable_objects_total") || "none"]]} /></section>
    <section aria-labelledby="calls-title"><h2 id="calls-title">API calls</h2><${Calls} all=${all} /></section>
    <section aria-labelledby="disk-title"><h2 id="disk-title">Ledger and disk</h2>
      <${Facts} facts=${[["Ledger", value("sparkcron_ledger_writable") === 0 ? "cannot be written" : "can be written", value("sparkcron_ledger_writable") === 0],
                        ["Ledger's size", bytes(value("sparkcron_ledger_bytes"))], ["Kept logs", bytes(value("sparkcron_archived_logs_bytes"))],
                        ["Free where the data is", bytes(free)],
                        ["Ledgers found damaged or gone", (value("sparkcron_ledger_corruptions_total") || 0) + (value("sparkcron_ledger_vanished_total") || 0)],
                        ["Notices posted", value("sparkcron_notices_posted_total")], ["Notices given up", value("sparkcron_notices_dropped_total"), value("sparkcron_notices_dropped_total") > 0]]} /></section>
    <section aria-labelledby="http-title"><h2 id="http-title">HTTP server</h2>
      <${Facts} facts=${[["Connections", `${value("sparkcron_http_trusted_connections") ?? 0} with a token or session, ${value("sparkcron_http_stranger_connections") ?? 0} without`],
                        ["Memory of requests and answers", bytes(value("sparkcron_http_memory_bytes"))], ["Requests refused for lack of room", refused, refused > 0],
                        ["Answers given up, read too slowly", value("sparkcron_http_answers_cut_total")]]} /></section>`;
}

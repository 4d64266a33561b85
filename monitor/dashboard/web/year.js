// A schedule's year: outcomes by day with the days on which the clock changes, and how long runs took.
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import { api, ask, keyOf, outcomeOf } from "./data.js";
import { at, between, duration } from "./format.js";

const day = 24 * 3600 * 1000;
const weeksBack = 53;
const weeksAhead = 31;
const cell = 12;
const askedAgain = 300 * 1000;  // what came since is in the history that the page has anyway
const drawnRuns = 200;
const weekdays = ["Mon", "", "Wed", "", "Fri", "", "Sun"];

// The ledger's year and the clock's changes.
export function useYear(data, item) {
  const [year, setYear] = useState({ runs: [], skips: [], cut: false, changes: [], asked: false, problem: "" });
  const last = useRef(0);
  const key = keyOf(item);
  const question = data.question(item);
  const counts = JSON.stringify((item.status || {}).counts || {});
  useEffect(() => {
    const end = new AbortController();
    const timer = setTimeout(async () => {
      last.current = Date.now();
      const since = new Date(Date.now() - weeksBack * 7 * day).toISOString();
      try {
        const [past, clock] = await Promise.all([
          ask("past", { method: "POST", body: { since, schedule: key }, signal: end.signal }).then((answer) => answer.json()),
          ask("changes", { method: "POST", body: { from: since, schedule: data.asked(item) }, signal: end.signal }).then((answer) => answer.json(), () => ({ changes: [] })),
        ]);
        setYear({ ...past, changes: clock.changes, asked: true, problem: "" });
      } catch (error) {
        if (!end.signal.aborted) setYear((known) => ({ ...known, problem: error.message }));
      }
    }, last.current ? Math.max(0, last.current + askedAgain - Date.now()) : 0);
    return () => { clearTimeout(timer); end.abort(); };
  }, [key, question, counts]);
  return year;
}

// The year with what the history, which is asked more often, knows since.
export function merged(year, history) {
  const runs = new Map(year.runs.map((run) => [run.name, run]));
  for (const run of history.runs) runs.set(run.name, run);
  const skips = new Map(year.skips.map((skip) => [skip.from, skip]));
  for (const skip of history.skips) skips.set(skip.from, skip);
  return { runs: [...runs.values()], skips: [...skips.values()] };
}

// "2026-11-28" of a time in a zone, quickly.
function dayNames(zone) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit" };
  let format;
  try {
    format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: zone });
  } catch {
    format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" });
  }
  return (time) => format.format(time);
}

function daysOf({ runs, skips }, zone) {
  const nameOf = dayNames(zone);
  const days = new Map();
  const add = (name, kind, count) => {
    if (!days.has(name)) days.set(name, { Succeeded: 0, Failed: 0, Running: 0, Skipped: 0 });
    days.get(name)[kind] += count;
  };
  for (const run of runs) add(nameOf(new Date(run.slot || run.created)), outcomeOf(run.state), 1);
  for (const skip of skips) {
    const from = Date.parse(skip.from);
    const to = Date.parse(skip.to);
    const whole = Math.min(Math.floor((to - from) / day), weeksBack * 7);
    if (whole < 1) add(nameOf(new Date(to)), "Skipped", skip.count || 1);
    else for (let i = 0; i <= whole; ++i) add(nameOf(new Date(to - i * day)), "Skipped", Math.max(1, Math.round((skip.count || 1) / (whole + 1))));
  }
  return { days, today: nameOf(new Date()) };
}

const counted = (one) => ["Succeeded", "Failed", "Running", "Skipped"].filter((kind) => one && one[kind]).map((kind) => `${one[kind]} ${kind.toLowerCase()}`).join(", ") || "nothing";

function Cell({ name, x, y, one, change, future }) {
  const text = `${new Date(`${name}T12:00Z`).toLocaleDateString("en-GB", { weekday: "short", timeZone: "UTC" })} ${name}${future ? "" : `: ${counted(one)}`}${change ? `. ${change.text}` : ""}`;
  const kind = !one ? (future ? "future" : "empty") : one.Failed ? (one.Succeeded ? "Failed some" : "Failed") : one.Succeeded ? "Succeeded" : one.Running ? "Running" : "Skipped";
  return html`<g class=${`day ${kind}`}><title>${text}</title><rect x=${x} y=${y} width="10" height="10" />
    ${one && one.Failed > 0 && html`<path class="cross" d=${`M${x + 2.5} ${y + 2.5}l5 5m0 -5l-5 5`} />`}
    ${kind === "Skipped" && html`<circle cx=${x + 5} cy=${y + 5} r="2" />`}
    ${change && html`<path class="change" d=${`M${x - 1} ${y - 1}h12v12h-12z`} />`}</g>`;
}

export function Calendar({ past, changes, cut, zone }) {
  const { days, today } = useMemo(() => daysOf(past, zone), [past, zone]);
  const byDay = new Map(changes.map((one) => [one.day, one]));
  // In calendar dates, which know no zone: noon of UTC stands for the day.
  const now = Date.parse(`${today}T12:00Z`);
  const first = now - (((new Date(now).getUTCDay() + 6) % 7) + (weeksBack - 1) * 7) * day;
  const cells = [];
  const months = [];
  for (let i = 0; i < (weeksBack + weeksAhead) * 7; ++i) {
    const date = new Date(first + i * day);
    const name = date.toISOString().slice(0, 10);
    const x = 30 + Math.floor(i / 7) * cell;
    if (date.getUTCDate() === 1) months.push({ x, text: date.toLocaleDateString("en-GB", { month: "short", timeZone: "UTC" }) });
    cells.push(html`<${Cell} key=${name} name=${name} x=${x} y=${16 + (i % 7) * cell} one=${days.get(name)} change=${byDay.get(name)} future=${name > today} />`);
  }
  const failed = [...days].filter(([, one]) => one.Failed).map(([name]) => name).sort().reverse();
  const todayX = 30 + (weeksBack - 1) * cell;
  const box = useRef();
  useEffect(() => { box.current.scrollLeft = Math.max(0, todayX - box.current.clientWidth + 4 * cell); }, []);
  const width = 30 + (weeksBack + weeksAhead) * cell;
  return html`<div class="wide" ref=${box} tabindex="0" role="group" aria-label="Calendar">
    <svg class="year" role="img" aria-label=${`outcomes by day of ${zone}: ${days.size} days with outcomes, ${failed.length} with failures`} width=${width} height=${16 + 7 * cell + 2} viewBox=${`0 0 ${width} ${16 + 7 * cell + 2}`}>
      ${months.map((one) => html`<text key=${one.x} class="tick" x=${one.x} y="10">${one.text}</text>`)}
      ${weekdays.map((text, i) => text && html`<text key=${text} class="tick" x="2" y=${25 + i * cell}>${text}</text>`)}
      ${cells}
      <path class="now" d=${`M${todayX + cell - 1} 12V${16 + 7 * cell}`} /></svg></div>
    <p class="quiet">By days of ${zone}; the dashed line stands after this week, framed days are those on which the clock changes.
      ${failed.length > 0 && ` Days with failures: ${failed.slice(0, 10).join(", ")}${failed.length > 10 ? ` and ${failed.length - 10} more` : ""}.`}
      ${cut && " The newest 10,000 runs and skips are counted."}</p>`;
}

export function Changes({ changes, zone }) {
  const coming = changes.filter((one) => one.at * 1000 > Date.now());
  if (!coming.length) return html`<p class="quiet">The clock of ${zone} does not change in the next year.</p>`;
  return html`<ul class="changes">${coming.map((one) => html`<li key=${one.at}><time datetime=${new Date(one.at * 1000).toISOString()}>${at(one.at * 1000, zone)}</time> ${one.text}</li>`)}</ul>`;
}

const share = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

const tookOf = (run) => between(run.started || run.created, run.ended);

export function Durations({ past, ns }) {
  const ended = past.runs.filter((run) => tookOf(run) >= 0).sort((a, b) => new Date(a.created) - new Date(b.created)).slice(-drawnRuns);
  if (ended.length < 2) return html`<p class="quiet">Too few runs have ended to draw how long they take.</p>`;
  const good = ended.filter((run) => outcomeOf(run.state) === "Succeeded").map(tookOf).sort((a, b) => a - b);
  const longest = Math.max(1e-3, ...ended.map(tookOf));
  const width = 900;
  const height = 150;
  const x = (i) => 8 + i * (width - 16) / (ended.length - 1);
  const y = (seconds) => height - 6 - seconds / longest * (height - 20);
  const range = good.length >= 3 ? { low: share(good, 0.1), middle: share(good, 0.5), high: share(good, 0.9) } : null;
  const label = `how long the last ${ended.length} runs took: at most ${duration(longest)}${range ? `, usually ${duration(range.low)} to ${duration(range.high)}` : ""}`;
  return html`<svg class="durations" role="img" aria-label=${label} viewBox=${`0 0 ${width} ${height}`}>
      ${range && html`<rect class="usual" x="0" width=${width} y=${y(range.high)} height=${Math.max(1, y(range.low) - y(range.high))} /><line class="middle" x1="0" x2=${width} y1=${y(range.middle)} y2=${y(range.middle)} />`}
      <line class="grid" x1="0" x2=${width} y1=${y(0)} y2=${y(0)} /><text class="tick" x="2" y="11">${duration(longest)}</text>
      ${ended.map((run, i) => {
        const failed = outcomeOf(run.state) === "Failed";
        const [left, top] = [x(i), y(tookOf(run))];
        return html`<a key=${run.name} tabindex="-1" class=${failed ? "Failed" : "Succeeded"} href=${`#/run/${encodeURIComponent(ns)}/${encodeURIComponent(run.name)}`}><title>${`${run.name}: ${failed ? "failed" : "succeeded"} after ${duration(tookOf(run))}, ${at(run.slot || run.created)}`}</title>
          ${failed ? html`<path class="cross" d=${`M${left - 3} ${top - 3}l6 6m0 -6l-6 6`} />` : html`<circle cx=${left} cy=${top} r="3" />`}</a>`;
      })}</svg>
    <p class="quiet">The last ${ended.length} runs, from the driver's start to the end.${range && ` Eight of ten that succeeded took ${duration(range.low)} to ${duration(range.high)} (the band), half of them ${duration(range.middle)} or less.`}</p>`;
}

// The ledger's numbers of a schedule's last days, asked again with its history.
export function useSummary(ns, name, days, history) {
  const [summary, setSummary] = useState({ asked: false, problem: "" });
  useEffect(() => {
    const end = new AbortController();
    const query = new URLSearchParams({ namespace: ns, schedule: name, from: new Date(Date.now() - days * day).toISOString() });
    api(`sparkcron/v1/summary?${query}`, { signal: end.signal }).then((answer) => answer.json())
      .then((numbers) => setSummary({ ...numbers, asked: true, problem: "" }), (error) => {
        if (!end.signal.aborted) setSummary((known) => ({ ...known, problem: error.message }));
      });
    return () => end.abort();
  }, [ns, name, days, history]);
  return summary;
}

// "In the last 30 days 97.5 % of 40 runs succeeded; …"
export function Window({ summary, days }) {
  if (summary.problem) return html`<p class="reason" role="alert">The last ${days} days cannot be summed up: ${summary.problem}</p>`;
  if (!summary.asked) return null;
  const { ended, successRate, duration: took } = summary.runs;
  const reasons = Object.entries(summary.skipped || {});
  if (!ended && !reasons.length) return html`<p class="quiet">No run ended in the last ${days} days.</p>`;
  return html`<p>In the last ${days} days ${ended ? html`<strong>${Math.floor(successRate * 1000) / 10} %</strong> of ${ended} runs succeeded` : "no run ended"}${took && `; from creation to end half of them took ${duration(took.p50)} or less, 95 of 100 ${duration(took.p95)} or less`}.
    ${reasons.length > 0 && ` Slots were skipped: ${reasons.map(([reason, count]) => `${count} ${reason}`).join(", ")}.`}
    ${summary.cut && " The newest 10,000 runs and skips are counted."}</p>`;
}

// What several pages show.
import { html, useEffect, useState } from "./vendor/preact.js";
import { at, between, duration, fromNow, kinds } from "./format.js";

// Ticks once a second while the time is near, else twice a minute.
export function Countdown({ time }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const near = Math.abs(new Date(time) - Date.now()) < 3600 * 1000;
    const timer = setInterval(() => tick((count) => count + 1), near ? 1000 : 30000);
    return () => clearInterval(timer);
  }, [time]);
  return html`<span class="countdown">${fromNow(time)}</span>`;
}

export function Badge({ kind, text }) {
  const { sign, word } = kinds[kind] || kinds.None;
  return html`<span class=${`badge ${kind}`}><span aria-hidden="true">${sign}</span> ${text || word}</span>`;
}

function describe(run) {
  const parts = [run.outcome, run.slot ? `slot ${at(run.slot)}` : "by hand"];
  const seconds = between(run.created, run.ended);
  if (seconds >= 0 && run.outcome !== "Skipped") parts.push(`took ${duration(seconds)}`);
  if (run.count > 1) parts.push(`${run.count} slots`);
  if (run.reason) parts.push(run.reason);
  return parts.join(", ");
}

// Bars as tall as runs were long; each outcome has a shape of its own, besides its colour.
export function Strip({ outcomes }) {
  const seconds = outcomes.map((run) => between(run.created, run.ended));
  const longest = Math.max(1, ...seconds.filter((one) => one >= 0));
  const count = (kind) => outcomes.filter((run) => run.outcome === kind).length;
  const label = `last ${outcomes.length} outcomes: ${["Succeeded", "Failed", "Running", "Skipped"]
    .filter((kind) => count(kind)).map((kind) => `${count(kind)} ${kind.toLowerCase()}`).join(", ") || "none"}`;
  const first = 30 - outcomes.length;
  return html`<svg class="strip" role="img" aria-label=${label} viewBox="0 0 180 26" width="180" height="26">
    <line class="ground" x1="0" y1="25.5" x2="180" y2="25.5" />
    ${outcomes.map((run, i) => {
      const x = (first + i) * 6;
      const height = seconds[i] >= 0 ? 4 + 20 * Math.sqrt(seconds[i] / longest) : 12;
      return html`<g key=${run.name || run.when} class=${run.outcome}><title>${describe(run)}</title>
        ${run.outcome === "Failed" ? html`<rect x=${x + 0.5} y="1" width="4" height="24" class="back" /><path d=${`M${x + 1} 9.5l3 7m0 -7l-3 7`} class="cross" />`
          : run.outcome === "Skipped" ? html`<circle cx=${x + 2.5} cy="22" r="1.8" />`
            : run.outcome === "Running" ? html`<rect x=${x + 0.6} y="8" width="3.8" height="16.4" class="hollow" />`
              : html`<rect x=${x} y=${25 - height} width="5" height=${height} />`}</g>`;
    })}
  </svg>`;
}

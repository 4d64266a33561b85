// Values for people. Times always say their zone.

export const here = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const formats = new Map();

function formatOf(zone) {
  if (!formats.has(zone)) {
    const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
                    second: "2-digit", hourCycle: "h23", weekday: "short", timeZoneName: "short" };
    let format;
    try {
      format = new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: zone });
    } catch {
      format = new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: "UTC" });  // unknown to this browser
    }
    formats.set(zone, format);
  }
  return formats.get(zone);
}

// "Mon 2026-11-30 02:00:00 CET"
export function at(time, zone = here) {
  if (!time) return "";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const part = {};
  for (const one of formatOf(zone).formatToParts(date)) part[one.type] = one.value;
  return `${part.weekday} ${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second} ${part.timeZoneName}`;
}

// Seconds as "45 s", "3 min 20 s", "5 h 2 min", "3 d 4 h".
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.max(0, Math.round(seconds));
  if (seconds < 1 && seconds > 0) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10 && seconds > 0 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
}

export function between(from, to) {
  return from && to ? (new Date(to) - new Date(from)) / 1000 : NaN;
}

// "in 3 min 20 s", "5 s ago"
export function fromNow(time, now = Date.now()) {
  if (!time) return "";
  const seconds = Math.round((new Date(time) - now) / 1000);
  return seconds >= 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
}

export function firstSentence(text) {
  const end = text.search(/\.\s/);
  return end < 0 ? text.replace(/\.$/, "") : text.slice(0, end);
}

export const kinds = {
  Succeeded: { sign: "\u2713", word: "Succeeded" },
  Failed: { sign: "\u2717", word: "Failed" },
  Running: { sign: "\u25b6", word: "Running" },
  Skipped: { sign: "\u2013", word: "Skipped" },
  Suspended: { sign: "\u2016", word: "Suspended" },
  Invalid: { sign: "!", word: "Invalid" },
  None: { sign: "\u00b7", word: "No run yet" },
};

// "1.5 MiB"
export function bytes(count) {
  if (!Number.isFinite(count)) return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; count >= 1024 && unit + 1 < units.length; ++unit) count /= 1024;
  return `${unit && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

// What the pages know and how they come to know it: one list and one watch, and the answers of the
// history. Everything that comes from the server is text of strangers: it is only ever shown as text.

const base = new URL(".", location.href);
const schedulesPath = "apis/sparkoperator.k8s.io/v1beta2/scheduledsparkapplications";

export class AskError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// Relative to where the page is, so that a path prefix does not matter.
export async function ask(path, { method = "GET", body, type = "application/json", signal } = {}) {
  const headers = { "X-Sparkcron-Dashboard": "1" };
  if (body !== undefined) headers["Content-Type"] = type;
  const answer = await fetch(new URL(path, base), {
    method, headers, signal, credentials: "same-origin", cache: "no-store",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.ok) return answer;
  const text = await answer.text();
  let message = text;
  try {
    message = JSON.parse(text).message || text;
  } catch { /* not JSON: as it is */ }
  throw new AskError(answer.status, message || `the server answered ${answer.status}`);
}

export const api = (path, options) => ask(`api/${path}`, options);

export const logIn = (code) => ask("login", { method: "POST", body: { code, path: base.pathname } });
export const logOut = () => ask("logout", { method: "POST", body: { path: base.pathname } });

export async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      yield* parts;
    }
    if (rest) yield rest;
  } finally {
    reader.cancel().catch(() => {});
  }
}

export const pause = (seconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

// Once the page can be seen, or the signal was given.
const seen = (signal) => new Promise((resolve) => {
  const look = () => {
    if (document.hidden && !signal.aborted) return;
    document.removeEventListener("visibilitychange", look);
    resolve();
  };
  document.addEventListener("visibilitychange", look);
  signal.addEventListener("abort", look, { once: true });
  look();
});

// Lists, then watches, for ever; begins again by itself. `to` has reset(items), change(type, object)
// and state(error or null). A page that is hidden watches nothing: browsers open six connections to a
// server, for all their pages together.
export async function follow(path, query, to, signal) {
  let wait = 1;
  let version = null;
  const once = async (signal) => {
    if (version === null) {
      const list = await (await api(`${path}?${new URLSearchParams(query)}`, { signal })).json();
      to.reset(list.items || []);
      version = list.metadata.resourceVersion;
    }
    const asked = { ...query, watch: "true", allowWatchBookmarks: "true", resourceVersion: version };
    const watch = await api(`${path}?${new URLSearchParams(asked)}`, { signal });
    to.state(null);
    wait = 1;
    for await (const line of lines(watch.body)) {
      if (!line) continue;
      const { type, object } = JSON.parse(line);
      if (type === "ERROR") {
        version = null;
        return;
      }
      version = object.metadata.resourceVersion;
      if (type !== "BOOKMARK") to.change(type, object);
    }
  };
  while (!signal.aborted) {
    await seen(signal);
    const part = new AbortController();
    const look = () => { if (document.hidden || signal.aborted) part.abort(); };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    const began = Date.now();
    try {
      await once(part.signal);
      if (Date.now() - began < 1000) await pause(1, signal);  // whoever ends watches at once is not stormed
    } catch (error) {
      if (signal.aborted) return;
      if (part.signal.aborted) continue;
      to.state(error);
      if (error.status === 401) return;
      if (error.status === 410) version = null;
      await pause(wait, signal);
      wait = Math.min(wait * 2, 30);
    } finally {
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
    }
  }
}

export const keyOf = (object) => `${object.metadata.namespace}/${object.metadata.name}`;

export const outcomeOf = (state) => state === "COMPLETED" ? "Succeeded" : state === "FAILED" ? "Failed" : "Running";
const ended = new Set(["Succeeded", "Failed", "Skipped"]);  // the others go on
const keptOutcomes = 30;

// All schedules, with what their last runs came to.
export class Schedules {
  constructor(changed) {
    this.items = new Map();
    this.runs = new Map();   // key -> [run] of the history
    this.words = new Map();  // question -> words
    this.error = null;
    this.ready = false;
    this.changed = changed;
  }

  follow(signal) {
    return follow(schedulesPath, {}, this, signal);
  }

  reset(items) {
    this.items = new Map(items.map((item) => [keyOf(item), item]));
    this.ready = true;
    this.learn([...this.items.keys()]);
    this.changed();
  }

  change(type, object) {
    const key = keyOf(object);
    if (type === "DELETED") {
      this.items.delete(key);
      this.runs.delete(key);
    } else {
      const known = this.items.has(key);
      this.items.set(key, object);
      if (!known || !this.words.has(this.question(object))) this.learn([key]);
    }
    this.changed();
  }

  state(error) {
    this.error = error;
    this.changed();
  }

  asked(item) {
    return { schedule: item.spec.schedule || "", timeZone: (item.status || {}).timeZone || item.spec.timeZone || "",
             dstPolicy: item.spec.dstPolicy || "", seed: keyOf(item), anchor: item.metadata.creationTimestamp };
  }

  question(item) {
    return JSON.stringify(this.asked(item));
  }

  // The history and the words of these, 100 at a time. What a watch tells later needs no question.
  async learn(keys) {
    for (let i = 0; i < keys.length; i += 100) {
      const some = keys.slice(i, i + 100).filter((key) => this.items.has(key));
      try {
        const questions = some.map((key) => this.asked(this.items.get(key)));
        const [runs, words] = await Promise.all([
          ask("recent", { method: "POST", body: some }).then((answer) => answer.json()),
          ask("words", { method: "POST", body: questions }).then((answer) => answer.json()),
        ]);
        for (const key of some) this.runs.set(key, runs[key] || []);
        questions.forEach((question, at) => this.words.set(JSON.stringify(question), words[at]));
        this.changed();
      } catch (error) {
        this.state(error);
        return;
      }
    }
  }

  // [{outcome, name, slot, created, ended, reason}], the newest last: of the history, and of the
  // status what is newer (its "started" is when the run was created).
  outcomes(item) {
    const found = new Map();
    for (const run of this.runs.get(keyOf(item)) || [])
      found.set(run.name, { outcome: outcomeOf(run.state), name: run.name, slot: run.slot, created: run.created,
                            ended: run.ended, reason: run.message || "", when: run.slot || run.created });
    for (const run of (item.status || {}).recentRuns || []) {
      const known = found.get(run.name) || {};
      found.set(run.name || `skipped ${run.slot}`,
                { outcome: ended.has(run.outcome) ? run.outcome : "Running", name: run.name, slot: run.slot, created: known.created || run.started,
                  ended: run.ended || known.ended, reason: run.reason || known.reason || "",
                  when: run.slot || known.when || run.started, count: run.count, until: run.until });
    }
    return [...found.values()].sort((a, b) => new Date(a.when || 0) - new Date(b.when || 0)).slice(-keptOutcomes);
  }
}

export function conditionOf(item, type) {
  return ((item.status || {}).conditions || []).find((one) => one.type === type);
}

// One word for a schedule, as the filter has it.
export function stateOf(item, outcomes) {
  const ready = conditionOf(item, "Ready");
  if ((item.status || {}).scheduleState === "FailedValidation" || (ready && ready.status === "False" && ready.reason !== "Suspended")) return "Invalid";
  if (item.spec.suspend) return "Suspended";
  const last = [...outcomes].reverse().find((one) => one.outcome === "Succeeded" || one.outcome === "Failed");
  return last ? last.outcome : "None";
}

// What the pages know and how they come to know it: one list and one watch, and the answers of the
// history. Everything that comes from the server is text of strangers: it is only ever shown as text.

const base = new URL(".", location.href);
const schedulesPath = "apis/sparkoperator.k8s.io/v1beta2/scheduledsparkapplications";

// In a cluster: the person's own bearer token, which goes with every request. It stays in this tab, until
// it is closed or logged out; there is no cookie.
const tokenKey = "sparkcron-token";
let token = sessionStorage.getItem(tokenKey) || "";
let asksForToken = token !== "";

// Whether people log in with a token here, rather than with a link.
export const byToken = () => asksForToken;

export class AskError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// Relative to where the page is, so that a path prefix does not matter.
export async function ask(path, { method = "GET", body, type = "application/json", signal } = {}) {
  const headers = { "X-Sparkcron-Dashboard": "1" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = type;
  const answer = await fetch(new URL(path, base), {
    method, headers, signal, credentials: "same-origin", cache: "no-store",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.ok) return answer;
  if (answer.status === 401 && /^Bearer\b/i.test(answer.headers.get("WWW-Authenticate") || "")) asksForToken = true;
  const text = await answer.text();
  let message = text;
  try {
    message = JSON.parse(text).message || text;
  } catch { /* not JSON: as it is */ }
  throw new AskError(answer.status, message || `the server answered ${answer.status}`);
}

export const api = (path, options) => ask(`api/${path}`, options);

export const logIn = (code) => ask("login", { method: "POST", body: { code, path: base.pathname } });

export async function logInWith(given) {
  token = given.trim();
  try {
    await scope();
    sessionStorage.setItem(tokenKey, token);
  } catch (error) {
    token = "";
    throw error;
  }
}

export async function logOut() {
  if (!byToken()) return ask("logout", { method: "POST", body: { path: base.pathname } });
  token = "";
  return sessionStorage.removeItem(tokenKey);
}

// Where Spark's UI of a run that runs is, through the service.
export async function sparkLink(namespace, run, signal) {
  const answer = await ask("spark-link", { method: "POST", body: { namespace, run, path: base.pathname }, signal });
  return new URL((await answer.json()).path, base).href;
}

// {"all", "namespaces", "cut"}: where this person sees schedules, in a cluster.
export const scope = (options) => api("sparkcron/v1/scope", options).then((answer) => answer.json());

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

// Calls `once`, which returns when the server has ended something in order, for ever; what goes wrong is
// told to `onError` and tried again, later each time. A page that is hidden asks for nothing: browsers
// open six connections to a server, for all their pages together.
async function keepOn(once, onError, signal) {
  const wait = { seconds: 1 };
  while (!signal.aborted) {
    await seen(signal);
    const part = new AbortController();
    const look = () => { if (document.hidden || signal.aborted) part.abort(); };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    const began = Date.now();
    try {
      await once(part.signal, () => { wait.seconds = 1; });
      if (Date.now() - began < 1000) await pause(1, signal);  // whoever ends watches at once is not stormed
    } catch (error) {
      if (signal.aborted) return;
      if (part.signal.aborted) continue;
      onError(error);
      if (error.status === 401) return;
      await pause(wait.seconds, signal);
      wait.seconds = Math.min(wait.seconds * 2, 30);
    } finally {
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
    }
  }
}

// Lists, then watches, for ever; begins again by itself. `to` has reset(items), change(type, object)
// and state(error or null).
export function follow(path, query, to, signal) {
  let version = null;
  const once = async (signal, works) => {
    if (version === null) {
      const list = await (await api(`${path}?${new URLSearchParams(query)}`, { signal })).json();
      to.reset(list.items || []);
      version = list.metadata.resourceVersion;
    }
    const asked = { ...query, watch: "true", allowWatchBookmarks: "true", resourceVersion: version };
    const watch = await api(`${path}?${new URLSearchParams(asked)}`, { signal });
    to.state(null);
    works();
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
  return keepOn(once, (error) => {
    if (error.status === 410) version = null;
    to.state(error);
  }, signal);
}

// As follow(), of the schedules that a person may see in a cluster: one stream, whose first line is all.
function followSchedules(to, signal) {
  const once = async (signal, works) => {
    const feed = await api("sparkcron/v1/schedules", { signal });
    for await (const line of lines(feed.body)) {
      const { type, items, object } = JSON.parse(line);
      if (type === "LIST") {
        to.reset(items);
        to.state(null);
        works();
      } else if (type !== "ALIVE") to.change(type, object);
    }
  };
  return keepOn(once, (error) => to.state(error), signal);
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
    return byToken() ? followSchedules(this, signal) : follow(schedulesPath, {}, this, signal);
  }

  reset(items) {
    const known = this.items;
    this.items = new Map(items.map((item) => [keyOf(item), item]));
    this.ready = true;
    // A list that comes again has little that is new.
    const same = (key, item) => known.has(key) && this.runs.has(key) && known.get(key).metadata.resourceVersion === item.metadata.resourceVersion;
    this.learn([...this.items].filter(([key, item]) => !same(key, item)).map(([key]) => key));
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

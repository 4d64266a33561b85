// The frame of all pages: login, what is shown, whether the server is reached.
import { html, render, useEffect, useRef, useState } from "./vendor/preact.js";
import { byToken, logIn, logInWith, logOut, Schedules, scope } from "./data.js";
import { here } from "./format.js";
import { Health } from "./health.js";
import { Overview } from "./overview.js";
import { Run } from "./run.js";
import { Schedule } from "./schedule.js";
import { Timeline } from "./timeline.js";

// In a cluster everybody brings the token with which they speak to its API server.
function TokenForm({ onLoggedIn }) {
  const [problem, setProblem] = useState("");
  const given = useRef();
  const enter = async (event) => {
    event.preventDefault();
    try {
      await logInWith(given.current.value);
      onLoggedIn();
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`<form class="filters" onSubmit=${enter}>
    <label>Bearer token <input ref=${given} type="password" autocomplete="off" required /></label> <button>Log in</button></form>
    ${problem && html`<p role="alert">${problem}</p>`}
    <p>The token with which you speak to the cluster's API server: for a service account <code>kubectl create token NAME</code> prints one.
      You will see the namespaces in which you may list schedules. The token stays in this tab.</p>`;
}

function LoggedOut({ why, onLoggedIn }) {
  return html`<main class="notice" id="login">
    <h1>sparkcron</h1>
    ${why && html`<p role="alert">${why}</p>`}
    ${byToken() ? html`<${TokenForm} onLoggedIn=${onLoggedIn} />`
      : html`<p>To log in, run <code>sparkctl dashboard</code> where the service runs, and open the link that it prints.</p>`}
  </main>`;
}

// Where this person sees schedules, if that is not everywhere.
function useScope() {
  const [seen, setSeen] = useState(null);
  useEffect(() => {
    if (!byToken()) return undefined;
    const end = new AbortController();
    scope({ signal: end.signal }).then(setSeen, () => {});
    return () => end.abort();
  }, []);
  return seen;
}

function Seen({ seen }) {
  if (!seen || seen.all) return null;
  const names = seen.namespaces;
  const some = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  return html`<span class="quiet" title=${names.join(", ")}>${names.length ? `of ${some}` : "you may list schedules in no namespace that has any"}${seen.cut ? " (there are too many to ask about all)" : ""}</span>`;
}

// Changes come in bursts; the page follows once in half a second.
function useSchedules(onLoggedOut) {
  const [version, setVersion] = useState(0);
  const held = useRef(null);
  if (!held.current) {
    let timer = 0;
    held.current = new Schedules(() => {
      timer ||= setTimeout(() => { timer = 0; setVersion((count) => count + 1); }, 500);
    });
  }
  const data = held.current;
  useEffect(() => {
    const end = new AbortController();
    data.follow(end.signal);
    return () => end.abort();
  }, []);
  useEffect(() => { if (data.error && data.error.status === 401) onLoggedOut(data.error.message); }, [version]);
  return [data, version];
}

const pages = [["", "Schedules"], ["timeline", "Timeline"], ["health", "Health"]];

// "#/run/etl/x" as ["run", "etl", "x"]
function placeOf(hash) {
  try {
    return hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return [];
  }
}

function Lists({ place, onLoggedOut, onState }) {
  const [data, version] = useSchedules(onLoggedOut);
  useEffect(() => onState(data.error ? `not connected: ${data.error.message}` : data.ready ? "live" : "connecting"), [version]);
  if (place[0] === "schedule" && place.length === 3)
    return html`<${Schedule} data=${data} name=${`${place[1]}/${place[2]}`} version=${version} />`;
  return place[0] === "timeline" ? html`<${Timeline} data=${data} version=${version} />` : html`<${Overview} data=${data} version=${version} />`;
}

// One watch a page: that of the schedules, or that of a run; the page of health has none.
function Pages({ onLoggedOut }) {
  const [place, setPlace] = useState(placeOf(location.hash));
  const [state, setState] = useState("connecting");
  const main = useRef();
  const seen = useScope();
  useEffect(() => {
    const onHash = () => {
      if (location.hash === "#main") return main.current.focus();
      setPlace(placeOf(location.hash));
      main.current.focus();
      window.scrollTo(0, 0);
    };
    window.addEventListener("hashchange", onHash);
    setPlace(placeOf(location.hash));  // it may have changed since the first drawing
    return () => window.removeEventListener("hashchange", onHash);
  }, []);
  useEffect(() => { document.title = place.length === 3 ? `${place[2]} - sparkcron` : place[0] ? `${place[0]} - sparkcron` : "sparkcron"; }, [place]);
  const leave = () => logOut().then(() => onLoggedOut("You are logged out."), (error) => onLoggedOut(error.message));
  return html`<a class="skip" href="#main">Skip to the content</a>
    <header><h1><a href="#/">sparkcron</a></h1>
      <nav aria-label="Pages">${pages.map(([where, name]) => html`<a key=${where} href=${`#/${where}`} aria-current=${(place[0] || "") === where ? "page" : undefined}>${name}</a>`)}</nav>
      <${Seen} seen=${seen} /><span class="quiet">times in ${here}</span>
      <span class=${state.startsWith("not") ? "link broken" : "link"} role="status">${state}</span>
      <button onClick=${leave}>Log out</button></header>
    <main id="main" tabindex="-1" ref=${main}>${place[0] === "run" && place.length === 3
      ? html`<${Run} key=${place.join("/")} ns=${place[1]} name=${place[2]} onLoggedOut=${onLoggedOut} onState=${setState} />`
      : place[0] === "health" ? html`<${Health} onLoggedOut=${onLoggedOut} onState=${setState} />`
        : html`<${Lists} place=${place} onLoggedOut=${onLoggedOut} onState=${setState} />`}</main>`;
}

function App({ refused }) {
  const [why, setWhy] = useState(refused);
  return why === null ? html`<${Pages} onLoggedOut=${setWhy} />` : html`<${LoggedOut} why=${why} onLoggedIn=${() => setWhy(null)} />`;
}

// The code of a login link stands behind the #: it is sent to no server but in the body of the login.
async function begin() {
  let refused = null;
  const given = /^#login=([0-9a-f]+)$/.exec(location.hash);
  if (given) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      await logIn(given[1]);
    } catch (error) {
      refused = error.message;
    }
  }
  const page = document.getElementById("page");
  page.replaceChildren();
  render(html`<${App} key=${String(refused)} refused=${refused} />`, page);
}

// A link that is opened in a page that is there already only changes what is behind the #.
window.addEventListener("hashchange", () => { if (location.hash.startsWith("#login=")) location.reload(); });
begin();

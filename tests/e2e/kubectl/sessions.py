"""Scripted sessions, and what a server answers to them.

A session is a text file (sessions/README.md shows the form): commands of kubectl, and bare requests where kubectl cannot
ask. It runs in a namespace of its own. What differs between two runs of one server (times, uids, versions) is replaced by
its name, so that two servers can be compared line by line.
"""
import base64
import concurrent.futures
import difflib
import itertools
import json
import os
import pathlib
import re
import shlex
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent / "sessions"
ANSWERS = HERE / "answers"
COMMON = HERE / "definitions.yaml"


class Step:
    """One command, its standard input or body, and why the embedded server answers otherwise, if it does."""

    def __init__(self, line, number):
        self.line = line
        self.number = number
        self.body = ""
        self.reason = ""  # of a difference that is meant
        self.here = []    # what our answer says instead


class Session:
    def __init__(self, path):
        self.name = path.stem
        self.namespace = "s-" + self.name.replace("_", "-")
        self.steps = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith(("$ ", "> ")):
                self.steps.append(Step(line, number))
            elif line.startswith("    ") and self.steps:
                self.steps[-1].body += line[4:].rstrip() + "\n"
            elif line.startswith("differs: ") and self.steps:
                self.steps[-1].reason = line.removeprefix("differs: ")
            elif line.startswith("here: ") and self.steps:
                self.steps[-1].here.append(line.removeprefix("here: "))
            elif line and not line.startswith("#"):
                raise AssertionError(f"{path.name}:{number}: neither a command, its input, nor a remark: {line}")


def all_sessions():
    return [Session(path) for path in sorted(HERE.glob("*.txt"))]


class Side:
    """One of the two servers: a kubeconfig, the kubectl for both, and bare requests."""

    def __init__(self, kubeconfig, kubectl, default_accounts=False):
        self.kubectl = str(kubectl)
        self.default_accounts = default_accounts  # a controller makes one in each namespace
        self.home = tempfile.TemporaryDirectory(prefix="sparkcron-sessions-")
        self.environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": self.home.name, "KUBE_EDITOR": "true"}
        config = json.loads(self.run("config", "view", "--raw", "--flatten", "-o", "json")[1])
        self.server = config["clusters"][0]["cluster"]["server"]
        self.token = config["users"][0]["user"]["token"]
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        self.tls = ssl.create_default_context(cadata=authority)

    def close(self):
        self.home.cleanup()

    def run(self, *arguments, stdin=""):
        done = subprocess.run([self.kubectl, *arguments], env=self.environment, input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        return done.returncode, done.stdout

    def must(self, *arguments, stdin=""):
        code, text = self.run(*arguments, stdin=stdin)
        if code != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit {code}\n{text}")
        return text

    def call(self, method, path, content_type, body):
        request = urllib.request.Request(self.server + path, data=body.encode() if body else None, method=method)
        request.add_header("Authorization", "Bearer " + self.token)
        request.add_header("User-Agent", "session")
        if body:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.tls) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def answer(self, session, step):
        """The normalised answer to one step, as a text of lines."""
        line = step.line[2:].replace("NAMESPACE", session.namespace)
        body = step.body.replace("NAMESPACE", session.namespace)
        if step.line.startswith("$ "):
            code, text = self.run("--namespace", session.namespace, *shlex.split(line), stdin=body)
            return normalised(text, session) + (f"exit {code}\n" if code else "")
        method, path, *rest = line.split()
        status, headers, text = self.call(method, path, rest[0] if rest else "application/json", body)
        warnings = "".join(f"Warning: {value}\n" for value in headers.get_all("Warning") or [])
        return f"{status}\n" + normalised(warnings + pretty(text), session)

    def transcript(self, session):
        """The answer to each step. The namespace is deleted afterwards, and not waited for."""
        self.must("create", "namespace", session.namespace)
        if self.default_accounts:
            self.must("wait", "--for=create", "serviceaccount/default", "-n", session.namespace, "--timeout=60s")
        try:
            return [self.answer(session, step) for step in session.steps]
        finally:
            self.run("delete", "namespace", session.namespace, "--wait=false")

    def transcripts(self, sessions):
        """Of all sessions, by name; a few at a time."""
        self.must("apply", "-f", str(COMMON))
        self.must("wait", "--for=condition=Established", "--timeout=60s", "-f", str(COMMON))
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            return dict(zip([session.name for session in sessions], pool.map(self.transcript, sessions)))


def pretty(text):
    """Objects and streams of objects, one member a line."""
    try:
        return "".join(json.dumps(json.loads(line), indent=1, sort_keys=True) + "\n" for line in text.splitlines() if line)
    except ValueError:
        return text if text.endswith("\n") or not text else text + "\n"


UID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
NAMES = [
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "TOKEN"),
    (UID, "UID"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4})", "TIME"),
    (r'(resourceVersion\\*"?: ?\\*"?)[1-9]\d*', r"\1VERSION"),
    (r"((?:in object meta|, current): |in record \(|Resource Version: +)\d+", r"\1VERSION"),
    (r"https://[\d.]+:\d+", "SERVER"),
    (r"/tmp/(LIVE|MERGED)-\d+", r"\1"),
    (r"(?<=[ \"])(\d+m)?\d+s(?=[\s\"]|$)", "AGE"),
    (r"\bgen-[a-z0-9]{5}\b", "gen-SUFFIX"),
    (r"^[WE]\d{4} [\d:.]+ +\d+ ", "LOG "),
]


def normalised(text, session):
    for pattern, name in NAMES:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    lines = []
    for line in text.replace(session.namespace, "NAMESPACE").splitlines():
        # Columns are as wide as what stands in them.
        indent = len(line) - len(line.lstrip())
        lines.append((line[:indent] + re.sub(r" {2,}", "  ", line[indent:])).rstrip())
    # A real server finds what is wrong in no order of its own.
    groups = itertools.groupby(lines, lambda line: line.startswith("* "))
    lines = [line for listed, group in groups for line in (sorted(group) if listed else group)]
    return "".join(line + "\n" for line in lines)


def write_answers(session, answers):
    text = ""
    for step, answer in zip(session.steps, answers, strict=True):
        text += step.line + "\n" + prefixed("  < ", step.body) + prefixed("    ", answer)
    (ANSWERS / f"{session.name}.txt").write_text(text)


def prefixed(prefix, text):
    return "".join((prefix + line).rstrip() + "\n" for line in text.splitlines())


def read_answers(session):
    """What the real server answered to each step of the session as it is now; fails when it was recorded for another."""
    path = ANSWERS / f"{session.name}.txt"
    steps, answers = [], []
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith(("$ ", "> ")):
            steps.append([line, ""])
            answers.append("")
        elif line.startswith("  <"):
            steps[-1][1] += line[4:] + "\n"
        else:
            answers[-1] += line[4:] + "\n"
    if steps != [[step.line, step.body] for step in session.steps]:
        raise AssertionError(f"{path.name} is of another session than {session.name}.txt: with a cluster that is up, run "
                             f"tests/cluster/sessions_test.py --record {session.name}")
    return answers


def difference(recorded, answer):
    return "".join(difflib.unified_diff(recorded.splitlines(True), answer.splitlines(True), "real", "here", n=2))


def compare(session, recorded, answers):
    """What is not as it should be, step by step: a difference without a reason, a reason without a difference."""
    problems = []
    for step, real, here in zip(session.steps, recorded, answers, strict=True):
        at = f"{session.name}.txt:{step.number}: {step.line}\n"
        if real == here:
            if step.reason:
                problems.append(at + f"is answered alike: the exception can go ({step.reason})\n")
        elif not step.reason:
            problems.append(at + difference(real, here))
        else:
            problems += [at + f"is to answer {text!r}, and says:\n{here}" for text in step.here if text not in here]
    return problems

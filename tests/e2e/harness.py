"""What the end-to-end tests share: the running binary, the real kubectl, a Spark home that does nothing.

Tests wait for conditions, never for time to pass: wait_for() looks again until its condition holds.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("SPARKCRON_BIN", ROOT / "build/dev/bin"))
LABEL = "sparkoperator.k8s.io/scheduled-app-name"
FINAL = ("COMPLETED", "FAILED")

# A driver that is no Spark: it writes down what happened to it, which is the truth that tests compare with.
# FAKE_SECONDS: how long it runs. FAKE_GATE: a file that it waits for. FAKE_EXIT: its exit code. FAKE_ON_TERM: seconds it
# lingers after SIGTERM.
FAKE_SPARK_SUBMIT = r"""#!/usr/bin/env python3
import os, signal, sys, time

def tell(what):
    line = " ".join([what, os.environ["FAKE_RUN"], os.environ.get("SPARKCRON_SCHEDULED_TIME", "-"), str(os.getpid()),
                     repr(time.time())]) + "\n"
    fd = os.open(os.environ["FAKE_TRUTH"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, line.encode())
    os.fsync(fd)
    os.close(fd)

def on_term(number, frame):
    time.sleep(float(os.environ.get("FAKE_ON_TERM", "0")))
    tell("term")
    sys.exit(143)

# Told to stop before it has told of its start, it tells both.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
signal.signal(signal.SIGTERM, on_term)
tell("start")
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
print("fake driver of slot", os.environ.get("SPARKCRON_SCHEDULED_TIME", "-"), "is process", os.getpid(), flush=True)
time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
while "FAKE_GATE" in os.environ and not os.path.exists(os.environ["FAKE_GATE"]):
    time.sleep(0.05)
print("fake driver done", flush=True)
tell("end")
sys.exit(int(os.environ.get("FAKE_EXIT", "0")))
"""


def wait_for(condition, what, seconds=300, every=0.1):
    """The condition's value once it is true; fails after so many seconds, telling what was awaited."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        pause.wait(every)


def kubectl_program(version):
    """The pinned kubectl of .tools; "" is any."""
    patterns = [f".tools/kubectl-{version}*"] if version else [".tools/kubectl-*"]
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern), reverse=True):
            program = path / "kubectl" if path.is_dir() else path
            if program.is_file():
                return str(program)
    if not version and shutil.which("kubectl"):
        return shutil.which("kubectl")
    raise AssertionError(f"kubectl {version} is missing: run tools/bootstrap test")


class Service:
    """One `sparkcron standalone`, or another command, over a folder; can be killed and started again."""

    def __init__(self, folder, spark_home, *arguments, user=None, environment=None, listen="127.0.0.1:0", command="standalone"):
        self.subcommand = command
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.spark_home = spark_home
        self.arguments = arguments
        self.user = user
        self.listen = listen
        self.environment = environment or {}
        self.process = None
        self.log = self.folder / "service.log"

    def command(self):
        command = [str(BIN / "sparkcron"), self.subcommand, "--data-dir", str(self.data), "--listen", self.listen,
                   *(["--spark-home", str(self.spark_home)] if self.subcommand == "standalone" else []), *self.arguments]
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *command] if self.user else command

    def spawn(self):
        out = open(self.log, "a")
        self.process = subprocess.Popen(self.command(), stdout=out, stderr=out, start_new_session=True,
                                        env={**os.environ, "HOME": str(self.folder), **self.environment})
        out.close()
        return self

    def start(self):
        self.spawn()
        wait_for(lambda: self.process.poll() is not None or self.ready(), "the service is ready", every=0.05)
        if self.process.poll() is not None:
            raise AssertionError(f"sparkcron ended with {self.process.returncode}:\n{self.output()[-4000:]}")
        return self

    def ready(self):
        kubeconfig = self.data / "kubeconfig"
        if not kubeconfig.exists():
            return False
        try:
            with self.open("/readyz") as answer:
                return answer.status == 200
        except (OSError, AttributeError):
            return False

    def open(self, path):
        tls = ssl.create_default_context(cafile=str(self.data / "tls.crt"))
        return urllib.request.urlopen(self.address() + path, timeout=60, context=tls)

    def metric(self, name, **labels):
        """The value of one series of /metrics; None when it is not there."""
        with self.open("/metrics") as answer:
            text = answer.read().decode()
        for series, given, value in re.findall(r"^([a-z_]+)(?:{(.*)})? ([0-9.e+-]+)$", text, re.M):
            if series == name and all(f'{key}="{wanted}"' in given for key, wanted in labels.items()):
                return float(value)
        return None

    def address(self):
        return re.search(r"server: \"?(https://[0-9.:]+)", (self.data / "kubeconfig").read_text()).group(1)

    def token(self):
        return re.search(r"token: \"?([^\"\s]+)", (self.data / "kubeconfig").read_text()).group(1)

    def output(self):
        return self.log.read_text() if self.log.exists() else ""

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=120):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(seconds)
        return self.process.returncode if self.process else None


class KubectlCalls:
    """What tests ask of kubectl, wherever its server is; run() says how it is started."""

    def __call__(self, *arguments, stdin=None):
        done = self.run(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments):
        return json.loads(self("get", *arguments, "-o", "json"))

    def find(self, *arguments):
        """As get; None when it is not there."""
        text = self("get", *arguments, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text.strip() else None

    def apply(self, *objects):
        return self("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def patch(self, kind, name, change, *arguments):
        return self("patch", kind, name, "--type", "merge", "-p", json.dumps(change), *arguments)

    def patch_spec(self, name, /, **spec):
        return self.patch("scheduledsparkapplication", name, {"spec": spec})

    def await_completed(self, application):
        """The driver's log of an application that completes; fails, with its end, when it does not."""
        def ended():
            state = state_of(self.get("sparkapplication", application))
            return state in FINAL and state
        state = wait_for(ended, f"{application} ended")
        log = self("logs", f"{application}-driver")
        if state != "COMPLETED":
            raise AssertionError(f"{application} is {state}: {log[-3000:]}")
        return log

    def runs(self, schedule):
        items = self.get("sparkapplications", "-l", f"{LABEL}={schedule}")["items"]
        return sorted(items, key=lambda item: item["metadata"]["name"])


class Kubectl(KubectlCalls):
    def __init__(self, service, version=""):
        self.program = kubectl_program(version)
        self.environment = {**os.environ, "KUBECONFIG": str(service.data / "kubeconfig"), "HOME": str(service.folder)}

    def run(self, *arguments, stdin=None):
        return subprocess.run([self.program, *arguments], env=self.environment, input=stdin, text=True,
                              capture_output=True, timeout=120)

    def events(self, name):
        items = self.get("events")["items"]
        return [item for item in items if item.get("involvedObject", {}).get("name") == name]


def state_of(run):
    return run.get("status", {}).get("applicationState", {}).get("state", "")


def condition(item, kind):
    for one in item.get("status", {}).get("conditions", []):
        if one["type"] == kind:
            return one
    return {}


def sparkctl(service, *arguments, check=True, stdin=None):
    done = subprocess.run([str(BIN / "sparkctl"), "--kubeconfig", str(service.data / "kubeconfig"), *arguments], text=True,
                          capture_output=True, timeout=120, input=stdin)
    if check and done.returncode != 0:
        raise AssertionError(f"sparkctl {' '.join(arguments)}: {done.stderr.strip()}")
    return done


def ask_controller(log, path):
    """Of a controller that has written this log, at its door for health and metrics; IndexError before it listens."""
    address = re.findall(r"metrics on ([0-9.:]+)", log)[-1]
    return urllib.request.urlopen(f"http://{address}{path}", timeout=60)


def controller_is_ready(log):
    """It listens, and its caches are filled; one that waits for its turn has them, too."""
    try:
        with ask_controller(log, "/readyz") as answer:
            return answer.status == 200
    except (IndexError, OSError):
        return False


class E2ETest(unittest.TestCase):
    """A folder, a fake Spark home, and services that never outlive the test."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-e2e-"))
        self.truth_file = self.folder / "truth"
        self.spark_home = self.folder / "spark"
        (self.spark_home / "bin").mkdir(parents=True)
        submit = self.spark_home / "bin/spark-submit"
        submit.write_text(FAKE_SPARK_SUBMIT)
        submit.chmod(0o755)
        self.services = []
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for service in self.services:
            with contextlib.suppress(Exception):
                service.stop()
            with contextlib.suppress(Exception):
                service.kill9()
        kill_everything_below(self.folder)
        failed = any(error for _, error in getattr(self._outcome, "errors", []) or []) or getattr(
            getattr(self._outcome, "result", None), "failures", []) or getattr(getattr(self._outcome, "result", None), "errors", [])
        if failed:
            for service in self.services:
                print(f"--- log of the service of {self.id()}\n{service.output()[-6000:]}", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)

    def service(self, *arguments, spark_home=None, **more):
        service = Service(self.folder, spark_home or self.spark_home, *arguments, **more)
        self.services.append(service)
        return service

    def start_api_and_node(self):
        """`sparkcron apiserver` and `sparkcron node`, each alone; kubectl of them."""
        self.api = self.service(command="apiserver").start()
        self.spawn("node", "node", "--spark-home", str(self.spark_home), "--scheduler-name", "default-scheduler")
        return Kubectl(self.api)

    def start_controller(self, name="controller", *arguments, environment=None):
        return self.spawn(name, "controller", "--namespace", "default", "--listen", "127.0.0.1:0", *arguments, environment=environment)

    def spawn(self, name, *arguments, environment=None):
        """Another part of the service, with a folder and a log of this name, beside start_api_and_node()'s server."""
        with open(self.folder / f"{name}.log", "a") as log:
            process = subprocess.Popen(
                [str(BIN / "sparkcron"), *arguments, "--kubeconfig", str(self.api.data / "kubeconfig"), "--data-dir", str(self.folder / name)],
                stdout=log, stderr=log, start_new_session=True, env={**os.environ, **(environment or {})})

        def stop():
            process.terminate()
            process.wait(60)
        self.addCleanup(stop)
        return process

    def schedule(self, name, schedule="*/2 * * * * *", seconds=0, exit_code=0, on_term=0, gate=None, **spec):
        """A ScheduledSparkApplication of fake drivers; with a gate they go on until that file exists."""
        environment = {"FAKE_TRUTH": str(self.truth_file), "FAKE_RUN": "{{ .RunName }}", "FAKE_SECONDS": str(seconds),
                       "FAKE_EXIT": str(exit_code), "FAKE_ON_TERM": str(on_term), **({"FAKE_GATE": str(gate)} if gate else {})}
        return {
            "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "ScheduledSparkApplication",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "schedule": schedule, **spec,
                "template": {
                    "type": "Python", "sparkVersion": "4.0.1", "image": "apache/spark:4.0.1",
                    "mainApplicationFile": "local:///opt/jobs/fake.py",
                    "driver": {"cores": 1, "memory": "128m",
                               "env": [{"name": key, "value": value} for key, value in environment.items()]},
                    "executor": {"cores": 1, "instances": 1, "memory": "128m"},
                },
            },
        }

    def truth(self):
        """What the drivers wrote down: [(what, run, slot, pid, time)]."""
        if not self.truth_file.exists():
            return []
        rows = [line.split() for line in self.truth_file.read_text().splitlines()]
        return [(row[0], row[1], row[2], int(row[3]), float(row[4])) for row in rows if len(row) == 5]

    def started(self):
        return [row for row in self.truth() if row[0] == "start"]

    def ended(self):
        return [row for row in self.truth() if row[0] in ("end", "term")]


def kill_everything_below(folder):
    """Drivers outlive the service by design; tests leave none behind."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            where = [os.readlink(entry / "cwd")] + (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if any(str(folder) in text for text in where) and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)



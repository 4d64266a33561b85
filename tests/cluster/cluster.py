"""What the tests on a real cluster share: the cluster, a namespace of one's own, the controller, fake drivers.

Tests wait for conditions, never for time to pass. What a fake driver writes into the truth file, not the API, is what
exactly-once is checked against.
"""
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from harness import BIN, FINAL, LABEL, ROOT, KubectlCalls, condition, kubectl_program, state_of, wait_for  # noqa: E402, F401

RUN = pathlib.Path(os.environ.get("SPARKCRON_CLUSTER", ROOT / "build/cluster"))
API = "sparkoperator.k8s.io/v1beta2"


def seconds_of(slot):
    return int(datetime.datetime.fromisoformat(slot.replace("Z", "+00:00")).timestamp())


def part(verb, name):
    """Stops or starts one process of the cluster; comes back when it is done."""
    subprocess.run([str(HERE / "part"), verb, name], check=True, timeout=120)


class Kubectl(KubectlCalls):
    """kubectl as the cluster's administrator, in one namespace."""

    def __init__(self, namespace, kubeconfig=None):
        self.command = [kubectl_program("1.35"), "--kubeconfig", str(kubeconfig or RUN / "admin.kubeconfig"), "--namespace", namespace]

    def run(self, *arguments, stdin=None):
        return subprocess.run([*self.command, *arguments], input=stdin, text=True, capture_output=True, timeout=240)

    def drivers(self):
        return self.get("pods", "-l", "spark-role=driver")["items"]

    def events(self, name):
        return [item for item in self.get("events")["items"] if item["involvedObject"]["name"] == name]


class Controller:
    """One replica of `sparkcron controller`; the only place that knows how one is started."""

    def __init__(self, folder, namespaces, name="controller", *arguments, token=None):
        """token: of an account that has rights of its own; else it is the administrator."""
        self.folder = pathlib.Path(folder)
        self.name = name
        self.namespaces = namespaces
        self.arguments = arguments
        self.token = token
        self.process = None
        self.log = self.folder / f"{name}.log"

    def kubeconfig(self):
        """The administrator's, with our first namespace as the one of the lease."""
        text = (RUN / "admin.kubeconfig").read_text().replace("user: user}", f"user: user, namespace: {self.namespaces[0]}}}")
        if self.token:
            text = re.sub("user: {token: [^}]*}", "user: {token: %s}" % self.token, text)
        path = self.folder / f"{self.name}.kubeconfig"
        path.write_text(text)
        return path

    def start(self):
        watched = [word for namespace in self.namespaces for word in ("--namespace", namespace)]
        with open(self.log, "a") as out:
            self.process = subprocess.Popen(
                [str(BIN / "sparkcron"), "controller", "--kubeconfig", str(self.kubeconfig()), *watched, "--listen", "127.0.0.1:0",
                 "--data-dir", str(self.folder / f"{self.name}.data"), *self.arguments],
                stdout=out, stderr=out, start_new_session=True)
        wait_for(lambda: self.address() or self.process.poll() is not None, f"{self.name} says where it listens")
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.output()[-4000:]}")
        return self

    def output(self):
        return self.log.read_text() if self.log.exists() else ""

    def address(self):
        said = re.findall(r"metrics on (\S+)", self.output())
        return said[-1] if said else None

    def answers(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.address()}{path}", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def identity(self):
        return f"{os.uname().nodename}_{self.process.pid}"

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def ended(self, seconds=60):
        return self.process.wait(seconds)

    def stop(self):
        if self.runs():
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
            return self.ended()
        return None


def permissions(role):
    """The rows of the product's own table."""
    return json.loads(subprocess.run([BIN / "sparkcron", "permissions", "--role", role, "-o", "json"],
                                     capture_output=True, text=True, check=True).stdout)


def rules(rows):
    return [{"apiGroups": [row["group"]], "resources": [row["resource"]], "verbs": [row["verb"]],
             **({"resourceNames": [row["name"]]} if row["name"] else {})} for row in rows]


def asked(namespace, account):
    """What the account asked the API server for, by that one's own record: {(resource, verb): allowed}."""
    user = f"system:serviceaccount:{namespace}:{account}"
    calls = {}
    with open(RUN / "log/audit.log") as record:
        for entry in (json.loads(line) for line in record if user in line):
            target = entry.get("objectRef")
            if entry["user"]["username"] != user or not target:
                continue
            resource = "/".join(filter(None, [target["resource"], target.get("subresource")]))
            calls[resource, entry["verb"]] = entry["annotations"].get("authorization.k8s.io/decision") == "allow"
    return calls


class PodWatch:
    """Every change of a namespace's driver (or executor) pods, in the API server's order: [(what, pod's UID, phase)]."""

    def __init__(self, kubectl, namespace, role="driver"):
        selector = f"labelSelector=spark-role%3D{role}"
        self.process = subprocess.Popen([*kubectl.command, "get", "--raw", f"/api/v1/namespaces/{namespace}/pods?watch=1&{selector}"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.seen = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            change = json.loads(line)
            if change["type"] in ("ADDED", "MODIFIED", "DELETED"):
                pod = change["object"]
                self.seen.append((change["type"], pod["metadata"]["uid"], pod["status"].get("phase")))

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(10)
        self.process.stdout.close()
        return self.seen


class ClusterTest(unittest.TestCase):
    """A folder, a namespace with a service account for drivers, and controllers that never outlive the test."""

    def setUp(self):
        if not (RUN / "admin.kubeconfig").exists():
            raise AssertionError(f"no cluster is up in {RUN}: run tests/cluster/up")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-cluster-"))
        self.folder.chmod(0o755)
        self.truth_file = self.folder / "truth"
        self.controllers = []
        self.namespaces = []
        self.began = time.monotonic()
        self.addCleanup(self.clean_up)
        self.namespace, self.kubectl = self.new_namespace()

    def new_namespace(self):
        namespace = f"test-{uuid.uuid4().hex[:8]}"
        kubectl = Kubectl(namespace)
        kubectl("create", "namespace", namespace)
        self.namespaces.append(namespace)
        kubectl("create", "serviceaccount", "spark")
        kubectl.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "spark"},
                       "rules": rules(permissions("driver"))})
        kubectl("create", "rolebinding", "spark", "--role=spark", f"--serviceaccount={namespace}:spark")
        return namespace, kubectl

    def controller(self, name="controller", *arguments, namespaces=None, token=None):
        controller = Controller(self.folder, namespaces or [self.namespace], name, *arguments, token=token)
        self.controllers.append(controller)
        return controller

    def clean_up(self):
        """Namespaces go while their controller runs: that nothing is left stuck is part of every test."""
        if self.failed():
            self.tell_what_is_there()
        try:
            if not any(controller.runs() for controller in self.controllers):
                self.controller("cleaner", "--leader-elect=false", namespaces=self.namespaces).start()
            for controller in self.controllers:
                with contextlib.suppress(ProcessLookupError, AttributeError):
                    controller.send(signal.SIGCONT)
            self.kubectl("delete", "namespace", *self.namespaces, "--ignore-not-found", "--wait=false")
            wait_for(lambda: not any(self.kubectl.find("namespace", one) for one in self.namespaces), "the namespaces are gone", 300, 0.5)
        finally:
            for controller in self.controllers:
                with contextlib.suppress(Exception):
                    controller.stop()
                if controller.runs():
                    controller.send(signal.SIGKILL)
                    controller.ended()
            shutil.rmtree(self.folder, ignore_errors=True)
            print(f"{time.monotonic() - self.began:.0f} s ... ", end="", file=sys.stderr)

    def failed(self):
        return any(error for _, error in getattr(self._outcome, "errors", None) or []) or bool(
            self._outcome.result and any(test is self for test, _ in self._outcome.result.failures + self._outcome.result.errors))

    def tell_what_is_there(self):
        print(f"--- {self.id()} in {self.namespace}", file=sys.stderr)
        print(self.kubectl.run("get", "scheduledsparkapplications,sparkapplications,pods,events").stdout[-6000:], file=sys.stderr)
        for controller in self.controllers:
            print(f"--- log of {controller.name}\n{controller.output()[-6000:]}", file=sys.stderr)

    def application_spec(self, seconds=0, exit_code=0, on_term=0, **spec):
        """A driver that only pretends, and no executors."""
        environment = {"FAKE_TRUTH": "/truth/truth", "FAKE_RUN": "{{ .RunName }}", "FAKE_SECONDS": str(seconds),
                       "FAKE_EXIT": str(exit_code), "FAKE_ON_TERM": str(on_term)}
        return {
            "type": "Python", "mode": "cluster", "sparkVersion": "4.0.1", "image": "localhost/fake-spark:1",
            "imagePullPolicy": "IfNotPresent", "mainApplicationFile": "local:///opt/jobs/fake.py",
            "volumes": [{"name": "truth", "hostPath": {"path": str(self.folder)}}],
            "driver": {"serviceAccount": "spark", "coreRequest": "10m", "memory": "16m", "memoryOverhead": "32m",
                       "env": [{"name": key, "value": value} for key, value in environment.items()],
                       "volumeMounts": [{"name": "truth", "mountPath": "/truth"}]},
            "executor": {"instances": 1, "memory": "512m"}, **spec,
        }

    def application(self, name, **more):
        return {"apiVersion": API, "kind": "SparkApplication", "metadata": {"name": name}, "spec": self.application_spec(**more)}

    def schedule(self, name, schedule="*/5 * * * * *", template=None, **spec):
        return {"apiVersion": API, "kind": "ScheduledSparkApplication", "metadata": {"name": name},
                "spec": {"schedule": schedule, **spec, "template": template or self.application_spec()}}

    def get(self, name):
        return self.kubectl.get("scheduledsparkapplication", name)

    def counts(self, name):
        return self.get(name).get("status", {}).get("counts", {})

    def state(self, name):
        return state_of(self.kubectl.get("sparkapplication", name))

    def message(self, name):
        return self.kubectl.get("sparkapplication", name).get("status", {}).get("applicationState", {}).get("errorMessage", "")

    def await_state(self, name, *states, seconds=240):
        return wait_for(lambda: (state := self.state(name)) in states and state, f"{name} is {' or '.join(states)}", seconds, 0.3)

    def await_message(self, name, text, seconds=240):
        return wait_for(lambda: (message := self.message(name)) and text in message and message, f"{name} says {text!r}", seconds, 0.3)

    def truth(self):
        """What the drivers wrote down: [(what, run, slot, pod)]."""
        if not self.truth_file.exists():
            return []
        rows = [line.split() for line in self.truth_file.read_text().splitlines()]
        return [tuple(row[:4]) for row in rows if len(row) == 5]

    def started(self):
        return [row for row in self.truth() if row[0] == "start"]

    def ended(self):
        return [row for row in self.truth() if row[0] in ("end", "term")]

    def assert_each_slot_once(self, every):
        """From the first to the last that ran, none is left out."""
        slots = sorted(seconds_of(row[2]) for row in self.started() if row[2] != "-")
        self.assertEqual(slots, list(range(slots[0], slots[-1] + 1, every)))

    def assert_never_two_at_once(self):
        alive = 0
        for what, *_ in self.truth():
            alive += 1 if what == "start" else -1
            self.assertIn(alive, (0, 1), self.truth())

    def assert_no_slot_twice(self):
        slots = [row[2] for row in self.started()]
        self.assertEqual(len(slots), len(set(slots)), "a slot ran twice")

"""A Kubernetes API server with its etcd and nothing else, for measurements, and a controller that runs against it.

It is the program of tests/cluster (built there the first time), without nodes, scheduler and garbage collection: what is
measured ends when an object is stored. No root is needed.
"""
import base64
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from api_client import NEXT_RUN, ApiClient

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CLUSTER = ROOT / "tests/cluster"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def kubernetes_binary():
    told = lambda: pathlib.Path(subprocess.run(["bash", "-c", f". '{CLUSTER}/settings.sh'; echo $kubernetes"], check=True,
                                               capture_output=True, text=True).stdout.strip())
    if not told().exists():
        subprocess.run([CLUSTER / "build"], check=True)
    return told()


def end(process):
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class ControlPlane(ApiClient):
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-bench-"))
        self.processes = []
        self.host, self.port, self.token = "127.0.0.1", free_port(), secrets.token_hex(16)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        binary, etcd, peer = kubernetes_binary(), free_port(), free_port()
        self.make_credentials()
        url = f"http://127.0.0.1:{etcd}"
        # Durability is not what is measured: no fsync, as in tests/cluster.
        self.run("etcd", [binary, "etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync", "--log-level", "warn",
                          "--listen-client-urls", url, "--advertise-client-urls", url,
                          "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                          "--initial-cluster", f"default=http://127.0.0.1:{peer}"])
        self.run("kube-apiserver", [
            binary, "kube-apiserver", f"--etcd-servers={url}", "--profiling=false", f"--secure-port={self.port}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--authorization-mode=RBAC",
            f"--tls-cert-file={self.folder}/tls.crt", f"--tls-private-key-file={self.folder}/tls.key",
            f"--service-account-key-file={self.folder}/accounts.pub", f"--service-account-signing-key-file={self.folder}/accounts.key",
            "--service-account-issuer=https://kubernetes.default.svc", f"--token-auth-file={self.folder}/tokens.csv",
            "--service-cluster-ip-range=10.96.0.0/16", "--disable-admission-plugins=ServiceAccount"])
        self.wait_for("/readyz")
        for path in sorted((ROOT / "config/crd").glob("*.yaml")):
            self.create_yaml(self.connect(), "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", path.read_text())
        group = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/"
        for plural in ("scheduledsparkapplications", "sparkapplications"):
            self.wait_for(group + plural)

    def run(self, name, command):
        with open(self.folder / f"{name}.log", "w") as log:
            self.processes.append(subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   start_new_session=True))

    def make_credentials(self):
        for command in (["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "tls.key", "-out", "tls.crt",
                         "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"],
                        ["openssl", "genrsa", "-out", "accounts.key", "2048"],
                        ["openssl", "rsa", "-in", "accounts.key", "-pubout", "-out", "accounts.pub"]):
            subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        (self.folder / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        authority = base64.b64encode((self.folder / "tls.crt").read_bytes()).decode()
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": {"server": f"https://{self.host}:{self.port}", "certificate-authority-data": authority}}],
            "users": [{"name": "bench", "user": {"token": self.token}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench", "namespace": "default"}}]}))

    def wait_for(self, path):
        until = time.monotonic() + 120
        while True:
            try:
                connection = self.connect()
                connection.request("GET", path, headers=self.headers)
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > until or any(process.poll() is not None for process in self.processes):
                log = (self.folder / "kube-apiserver.log").read_text()
                sys.exit(f"the API server does not answer {path}:\n{log[-2000:]}")
            time.sleep(0.1)

    @property
    def certificate(self):
        return self.folder / "tls.crt"

    def stop(self):
        for process in reversed(self.processes):
            end(process)
        shutil.rmtree(self.folder, ignore_errors=True)


class Controller:
    """A control plane, of its own if none is given, and one controller at work on it."""

    def __init__(self, plane=None):
        self.plane = plane or ControlPlane()
        self.folder = self.plane.folder
        self.process = None
        (self.folder / "spark/bin").mkdir(parents=True, exist_ok=True)
        submit = self.folder / "spark/bin/spark-submit"
        submit.write_text("#!/bin/sh\nexit 0\n")
        submit.chmod(0o755)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def __getattr__(self, name):  # connect, call, headers, host, …
        return getattr(self.plane, name)

    def launch(self, command, environment=None):
        self.log = self.folder / "controller.log"
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})}, start_new_session=True)

    def fetch(self, url):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.read().decode()
        except OSError:
            if self.process.poll() is not None:
                sys.exit(f"the controller ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
            return ""

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, which="VmRSS"):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(which + r":\s+(\d+)", text).group(1)) / 1024

    def halt(self):
        end(self.process)

    def stop(self):
        end(self.process)
        self.plane.stop()


class Sparkcron(Controller):
    def __init__(self, binary, arguments, plane=None):
        self.binary, self.arguments = binary, arguments
        super().__init__(plane)

    def start(self):
        (self.folder / "controller.log").unlink(missing_ok=True)
        self.launch([self.binary, "controller", "--kubeconfig", self.plane.kubeconfig, "--namespace", "default", "--listen", "127.0.0.1:0",
                     "--data-dir", self.folder / "controller", "--leader-elect=false", "--log-level", "warning", *self.arguments])

    def ask(self, path):
        said = re.search(r"metrics on (\S+)", self.log.read_text())
        return self.fetch(f"http://{said.group(1)}{path}") if said else self.fetch("http://127.0.0.1:9/")

    def decided(self):
        return self.ask(f"/metrics?name[]={NEXT_RUN}").count(f"\n{NEXT_RUN}{{")


# The peer starts only where this kind of its own is known, which has nothing to do with schedules.
SPARK_CONNECT = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sparkconnects.sparkoperator.k8s.io, annotations: {api-approved.kubernetes.io: "unapproved, measured only"}}
spec:
  group: sparkoperator.k8s.io
  scope: Namespaced
  names: {kind: SparkConnect, listKind: SparkConnectList, plural: sparkconnects, singular: sparkconnect}
  versions:
    - {name: v1alpha1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
"""


class Peer(Controller):
    """The Kubeflow operator's binary, with as many threads and as much of the API as it can use."""

    def __init__(self, binary, arguments):
        self.binary, self.arguments, self.port_of_metrics = binary, arguments, free_port()
        plane = ControlPlane()
        plane.create_yaml(plane.connect(), "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", SPARK_CONNECT)
        plane.wait_for("/apis/sparkoperator.k8s.io/v1alpha1/namespaces/default/sparkconnects")
        super().__init__(plane)

    def start(self):
        self.launch([self.binary, "controller", "start", f"--kubeconfig={self.plane.kubeconfig}", "--namespaces=default",
                     "--leader-election=false", "--enable-metrics=true", f"--metrics-bind-address=127.0.0.1:{self.port_of_metrics}",
                     "--secure-metrics=false", f"--health-probe-bind-address=127.0.0.1:{free_port()}", *self.arguments],
                    {"SPARK_HOME": str(self.folder / "spark")})

    def decided(self):
        text = self.fetch(f"http://127.0.0.1:{self.port_of_metrics}/metrics")
        return sum(int(float(value)) for labels, value in re.findall(r"^controller_runtime_reconcile_total{([^}]*)} (\S+)$", text, re.M)
                   if "scheduled" in labels)

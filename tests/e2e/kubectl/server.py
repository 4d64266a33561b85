"""The embedded API server in a folder of its own, and kubectl against it."""
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
BIN = pathlib.Path(os.environ.get("SPARKCRON_BIN", ROOT / "build/dev/bin"))


class Server:
    """Can be killed and started again over the same folder."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sparkcron-api-")
        self.data = pathlib.Path(self.folder.name) / "data"
        self.process = None

    def start(self):
        log = open(pathlib.Path(self.folder.name) / "log", "ab")
        self.process = subprocess.Popen([str(BIN / "sparkcron"), "apiserver", "--data-dir", str(self.data), "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        first = self.process.stdout.readline()
        if " listens on " not in first:
            raise AssertionError("the server did not start: " + self.log())
        self.url = first.split()[-1]
        self.process.stdout.readline()
        self.tls = ssl.create_default_context(cafile=str(self.data / "tls.crt"))
        self.token = (self.data / "token").read_text().strip()
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
        if self.process:
            code = self.process.wait(timeout=60)
            self.process.stdout.close()
            self.process = None
            if number == signal.SIGTERM and code != 0:
                raise AssertionError(f"the server ended with {code}: {self.log()}")

    def kill(self):
        self.stop(signal.SIGKILL)

    def close(self):
        self.stop()
        self.folder.cleanup()

    def log(self):
        return (pathlib.Path(self.folder.name) / "log").read_text()

    def call(self, method, path, body=None, content_type="application/json", token=None, headers=None):
        """Status and decoded answer of one request."""
        data = None if body is None else json.dumps(body).encode() if not isinstance(body, bytes) else body
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers or {})
        if token is None:
            token = self.token
        if token:
            request.add_header("Authorization", "Bearer " + token)
        if data is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.tls) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")


class Kubectl:
    def __init__(self, server, version):
        self.program = str(ROOT / ".tools" / f"kubectl-{version}" / "kubectl")
        self.server = server
        if not pathlib.Path(self.program).is_file():
            raise AssertionError(f"{self.program} is missing: run tools/bootstrap test")

    def environment(self):
        # A home of its own, so that no discovery cache of another server is used.
        return {**os.environ, "KUBECONFIG": str(self.server.data / "kubeconfig"), "HOME": self.server.folder.name}

    def start(self, *arguments):
        return subprocess.Popen([self.program, *arguments], env=self.environment(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, *arguments, stdin=None, code=0, environment=None):
        """Output and errors together; any other exit code fails."""
        done = subprocess.run([self.program, *arguments], env={**self.environment(), **(environment or {})}, text=True,
                              input=stdin, capture_output=True, timeout=120, check=False)
        if code is not None and done.returncode != code:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n"
                                 + self.server.log()[-2000:])
        return done.stdout + done.stderr

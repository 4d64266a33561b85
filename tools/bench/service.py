"""One `sparkcron standalone` of a measurement, with a Spark home whose spark-submit does nothing."""
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from api_client import NEXT_RUN, ApiClient


class Service(ApiClient):
    def __init__(self, binary):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-bench-"))
        (self.folder / "spark/bin").mkdir(parents=True)
        submit = self.folder / "spark/bin/spark-submit"
        submit.write_text("#!/bin/sh\nexit 0\n")
        submit.chmod(0o755)
        self.kubeconfig = self.folder / "data/kubeconfig"
        self.start()

    def start(self):
        began = time.monotonic()
        self.kubeconfig.unlink(missing_ok=True)
        self.looking = None  # the connection that is_ready() and decided() use: a handshake costs more than what they ask for
        self.process = subprocess.Popen(
            [str(self.binary), *self.command(), "--data-dir", str(self.folder / "data"), "--listen", "127.0.0.1:0", "--log-level",
             "warning"],
            stdout=open(self.folder / "out", "a"), stderr=open(self.folder / "log", "a"), start_new_session=True)
        while not self.is_ready():
            if self.process.poll() is not None:
                sys.exit((self.folder / "log").read_text())
            time.sleep(0.002)
        self.ready_seconds = time.monotonic() - began

    def command(self):
        return ["standalone", "--spark-home", str(self.folder / "spark")]

    def is_ready(self):
        if not self.kubeconfig.exists():
            return False
        text = self.kubeconfig.read_text()
        match = re.search(r"server: \"?https://([0-9.]+):(\d+)", text)
        if not match:
            return False
        self.host, self.port = match.group(1), int(match.group(2))
        self.token = re.search(r"token: \"?([^\"\s]+)", text).group(1)
        try:
            return self.look("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def look(self, path):
        if self.looking is not None:
            try:
                return self.look_over(self.looking, path)
            except (OSError, http.client.HTTPException):  # it was quiet for long, and the server has closed it
                self.looking = None
        connection = self.connect()
        answer = self.look_over(connection, path)
        self.looking = connection
        return answer

    def look_over(self, connection, path):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    @property
    def certificate(self):
        return self.folder / "data/tls.crt"

    def metrics(self, query=""):
        connection = self.connect()
        connection.request("GET", "/metrics" + query)
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def decided(self):
        """On how many schedules it has decided since it was started."""
        status, text = self.look(f"/metrics?name[]={NEXT_RUN}")
        if status != 200:
            raise RuntimeError(f"/metrics: {status} {text[:200]}")
        return text.count(f"\n{NEXT_RUN}{{")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, which="VmRSS"):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(which + r":\s+(\d+)", text).group(1)) / 1024

    def halt(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

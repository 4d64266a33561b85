"""The commands of the pages, in the order in which a newcomer reads them, are run as they stand there."""
import json
import os
import pathlib
import re
import subprocess
import unittest

import harness
from harness import BIN, ROOT, Kubectl, kubectl_program, state_of, wait_for

# Pages and the commands of theirs that are not run here, each with its reason.
PAGES = ("docs/getting-started.md", "README.md", "docs/schedules.md", "docs/dashboard.md")
OTHER_PAGES = {
    "docs/kubernetes.md": "needs a cluster: tests/cluster",
    "docs/standalone.md": "needs systemd: tests/package",
    "docs/cron.md": "needs no server: tests/docs",
    "docs/time-zones.md": "needs no server: tests/docs",
}
ELSEWHERE = {
    "tools/demo": "builds and runs what this test is given",
    "tools/demo --keep": "builds and runs what this test is given",
    "tools/test": "runs this test",
    "cmake --preset release && cmake --build --preset release": "builds what this test is given",
    "sparkcron standalone": "is what the commands are run against",
    "export PATH=$PWD/build/release/bin:$PATH": "so it is here",
    "export KUBECONFIG=~/.local/share/sparkcron/kubeconfig": "so it is here",
    "tools/image/build --binaries build/release/bin --output sparkcron.tar": "needs a cluster: tests/image",
    "ctr -n k8s.io images import sparkcron.tar": "needs a cluster: tests/cluster",
    "helm install sparkcron charts/sparkcron --namespace sparkcron --create-namespace --set sparkJobNamespaces={default} --set webhook.enable=true":
        "needs a cluster: tests/cluster",
    "kubectl -n sparkcron port-forward service/sparkcron-history 8443:443": "needs a cluster: tests/cluster",
}
# The run that a page names is one of the day when it was written.
A_RUN = re.compile(r"nightly-etl-\d{8}t\d{6}z")

SPARK_SUBMIT = """#!/bin/sh
case "$*" in *nightly_etl*) echo "no such table"; exit 1 ;; esac
echo "Pi is roughly 3.14"
"""


def commands(page):
    """Those of the blocks for a shell, without their comments."""
    text = (ROOT / page).read_text()
    for kind, block in re.findall(r"^```(sh|console)\n(.*?)^```", text, re.M | re.S):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            if kind == "console" and not line.startswith("$ "):
                continue
            command = re.sub(r"\s+#.*", "", line.removeprefix("$ ")).strip()
            if command:
                yield command


class PagesTest(harness.E2ETest):
    def setUp(self):
        super().setUp()
        (self.spark_home / "bin/spark-submit").write_text(SPARK_SUBMIT)
        # As in a clone of one's own.
        self.clone = self.folder / "clone"
        self.clone.mkdir()
        for name in ("config", "charts"):
            (self.clone / name).symlink_to(ROOT / name)

    def run_shown(self, command):
        path = os.pathsep.join([str(BIN), str(pathlib.Path(kubectl_program("")).parent), os.environ["PATH"]])
        return subprocess.run(["bash", "-c", command], cwd=self.clone, text=True, capture_output=True, timeout=240, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PATH": path, "HOME": str(self.folder), "KUBECONFIG": str(self.service.data / "kubeconfig")})

    def someones_schedules(self):
        """What pages speak of and do not make: a nightly job with a run that failed, and a script of one's own."""
        self.kubectl("apply", "-f", str(ROOT / "config/samples/nightly-etl.yaml"))
        self.kubectl.patch_spec("nightly-etl", failedRunHistoryLimit=10)
        self.assertEqual(self.run_shown("sparkctl trigger nightly-etl").returncode, 0)
        self.failed_run = wait_for(lambda: next((run["metadata"]["name"] for run in self.kubectl.runs("nightly-etl") if state_of(run) == "FAILED"), None),
                                   "a run failed")
        (self.clone / "my_etl.py").write_text("print('mine')\n")
        (self.clone / "my-etl.yaml").write_text(json.dumps({
            "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": "my-etl"},
            "spec": {"type": "Python", "sparkVersion": "4.0.1", "mainApplicationFile": "my_etl.py",
                     "driver": {"memory": "512m"}, "executor": {"instances": 1}}}))

    def test_every_page_with_commands_is_known(self):
        pages = {str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
                 if next(commands(path.relative_to(ROOT)), None)}
        self.assertEqual(pages, set(PAGES) | set(OTHER_PAGES))

    def test_the_commands_of_the_pages_work(self):
        self.service = self.service().start()
        self.kubectl = Kubectl(self.service)
        self.someones_schedules()
        unused = set(ELSEWHERE)
        ran = 0
        for page in PAGES:
            for command in commands(page):
                if command in ELSEWHERE or command.startswith("sparkctl cron "):  # those are compared with what they print: tests/docs
                    unused.discard(command)
                    continue
                with self.subTest(page=page, command=command):
                    done = self.run_shown(A_RUN.sub(self.failed_run, command))
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    ran += 1
        self.assertEqual(unused, set(), "no page shows these any more")
        self.assertGreaterEqual(ran, 18)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""A driver's output while it runs, after it ended, and after its pod is gone, with kubectl and sparkctl."""
import datetime
import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import harness  # noqa: E402
from harness import Kubectl, sparkctl, state_of, wait_for  # noqa: E402

VERSION = os.environ.get("KUBECTL_VERSION", "1.35")
LINE = r"(\S+Z) (.*)"


class Logs(harness.E2ETest):
    def setUp(self):
        super().setUp()
        self.standalone = self.service().start()
        self.kubectl = Kubectl(self.standalone, VERSION)

    def application(self, name, seconds=0):
        schedule = self.schedule(name, seconds=seconds)
        return {**schedule, "kind": "SparkApplication", "spec": schedule["spec"]["template"]}

    def state(self, name):
        return state_of(self.kubectl.get("sparkapplication", name))

    def raw(self, name, query=""):
        return self.kubectl("get", "--raw", f"/api/v1/namespaces/default/pods/{name}-driver/log{query}")

    def test_logs_follow_a_running_driver(self):
        self.kubectl.apply(self.application("walk", seconds=6))
        wait_for(lambda: self.state("walk") == "RUNNING", "the driver runs")
        followed = self.kubectl("logs", "-f", "walk-driver")
        # The log ended because the driver did.
        self.assertRegex(followed, r"fake driver of slot .*\n(.*\n)*fake driver done\n$")
        wait_for(lambda: self.state("walk") == "COMPLETED", "the run completed")
        self.assertEqual(self.kubectl("logs", "walk-driver"), followed)
        self.check_options(lambda *options: self.kubectl("logs", "walk-driver", *options), followed)

    def check_options(self, logs, whole):
        lines = whole.splitlines(keepends=True)
        self.assertEqual(logs("--tail=1"), lines[-1])
        self.assertEqual(logs("--limit-bytes=4"), whole[:4])
        times = [re.match(LINE, line).group(1) for line in logs("--timestamps").splitlines()]
        self.assertEqual(times, sorted(times))
        self.assertEqual([re.match(LINE, line).group(2) + "\n" for line in logs("--timestamps").splitlines()], lines)
        self.assertEqual(logs("--since=1h"), whole)
        self.assertEqual(logs(f"--since-time={times[-1]}"), lines[-1])

    def test_logs_outlive_the_pod_and_its_run(self):
        self.kubectl.apply(self.application("gone", seconds=4))
        wait_for(lambda: self.state("gone") == "COMPLETED", "the run completed")
        before = self.kubectl("logs", "gone-driver")
        self.assertIn("fake driver done", before)
        self.kubectl("delete", "pod", "gone-driver")
        wait_for(lambda: "not found" in self.kubectl.run("get", "pod", "gone-driver").stderr, "the pod is gone")
        self.check_archived("gone", before)
        self.kubectl("delete", "sparkapplication", "gone")
        wait_for(lambda: "not found" in self.kubectl.run("get", "sparkapplication", "gone").stderr, "the run is gone")
        self.check_archived("gone", before)
        self.standalone.kill9()
        self.standalone.start()
        self.check_archived("gone", before)
        refused = self.kubectl.run("get", "--raw", "/api/v1/namespaces/default/pods/never-driver/log")
        self.assertIn('pods "never-driver" not found', refused.stderr)
        self.assertIn("no log of", sparkctl(self.standalone, "logs", "never", check=False).stderr)

    def check_archived(self, name, whole):
        lines = whole.splitlines(keepends=True)
        self.assertEqual(self.raw(name), whole)
        self.assertEqual(self.raw(name, "?container=spark-kubernetes-driver"), whole)
        self.assertEqual(self.raw(name, "?tailLines=1"), lines[-1])
        self.assertEqual(self.raw(name, "?limitBytes=4"), whole[:4])
        self.assertEqual(self.raw(name, "?follow=true&sinceSeconds=3600"), whole)
        stamped = self.raw(name, "?timestamps=true").splitlines()
        times = [re.match(LINE, line).group(1) for line in stamped]
        self.assertEqual([re.match(LINE, line).group(2) + "\n" for line in stamped], lines)
        age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(times[0])
        self.assertLess(age, datetime.timedelta(minutes=10))
        self.assertEqual(self.raw(name, f"?sinceTime={times[-1]}"), lines[-1])
        self.assertEqual(sparkctl(self.standalone, "logs", name).stdout, whole)
        self.assertEqual(sparkctl(self.standalone, "logs", name, "--tail", "1").stdout, lines[-1])

    def test_logs_of_pruned_runs_of_a_schedule(self):
        self.kubectl.apply(self.schedule("nightly", successfulRunHistoryLimit=1))
        wait_for(lambda: len(self.ended()) >= 3, "three runs ended")
        self.kubectl.patch_spec("nightly", suspend=True)
        wait_for(lambda: len(self.kubectl.runs("nightly")) == 1, "older runs are pruned")
        oldest = self.ended()[0][1]
        self.assertNotIn(oldest, [run["metadata"]["name"] for run in self.kubectl.runs("nightly")])
        wait_for(lambda: "not found" in self.kubectl.run("get", "pod", f"{oldest}-driver").stderr, "its pod is gone")
        self.assertIn("fake driver done", self.raw(oldest))
        self.assertIn("fake driver done", sparkctl(self.standalone, "logs", oldest).stdout)
        status = json.loads(self.kubectl("get", "--raw", "/sparkcron/v1/history?schedule=nightly"))
        self.assertIn(oldest, json.dumps(status))


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The chart's definitions: they are upgraded with it, and go with the release if asked. Nothing runs beside these tests."""
import json
import re
import shutil
import subprocess
import unittest

from cluster import Kubectl, condition, wait_for
from release import CHART, ROOT, ReleaseTest

DEFINITIONS = ("scheduledsparkapplications.sparkoperator.k8s.io", "sparkapplications.sparkoperator.k8s.io")


class CrdsTest(ReleaseTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.put_back)  # what the other tests, and the end of this one, count on

    def put_back(self):
        anywhere = Kubectl("default")
        wait_for(lambda: not any((anywhere.find("crd", name) or {"metadata": {}})["metadata"].get("deletionTimestamp")
                                 for name in DEFINITIONS), "none is on its way out", 240, 0.5)
        subprocess.run([ROOT / "tests/cluster/kubectl", "apply", "-f", ROOT / "config/crd"], check=True, capture_output=True, timeout=120)
        anywhere("wait", "--for", "condition=Established", "crd", *DEFINITIONS, "--timeout=120s")

    def test_they_go_with_the_release_and_take_everything_along(self):
        self.install("install", "--set", "crds.keep=false")
        self.kubectl.apply(self.schedule("every", "*/5 * * * * *", self.of_the_chart(), successfulRunHistoryLimit=2))
        self.kubectl.apply({**self.application("endless"), "spec": self.of_the_chart(seconds=3600)})
        self.await_state("endless", "RUNNING")
        wait_for(lambda: self.counts("every").get("succeeded", 0) >= 1, "a run succeeds", every=0.5)
        # Not with --wait: docs/kubernetes.md says why.
        self.helm("uninstall", "sparkcron", "--timeout", "240s")
        wait_for(lambda: not any(self.kubectl.find("crd", name) for name in DEFINITIONS), "the definitions are gone", 240, 0.5)
        wait_for(lambda: not self.kubectl.drivers(), "the drivers are gone, though one of them would never end", 240, 0.5)
        left = self.at_home.get("all,roles,rolebindings,jobs")["items"]
        self.assertEqual([one["metadata"]["name"] for one in left if "sparkcron" in one["metadata"]["name"]], [])

    def older_chart(self):
        """As an earlier version could have been: a schedule had a field less, and took any word for a policy."""
        chart = self.folder / "older"
        shutil.copytree(CHART, chart)
        definition = "files/crds/scheduledsparkapplications.yaml"
        for name, pattern, instead in (
                ("Chart.yaml", r"^version: .*$", "version: 0.0.1"),
                (definition, r"^( +)maxCatchUpRuns:\n(?:\1 +.*\n)+", ""),
                (definition, r"^( +concurrencyPolicy:\n +type: .*\n +description: .*\n) +enum:\n(?: +- .*\n)+", r"\1")):
            text, found = re.subn(pattern, instead, (chart / name).read_text(), flags=re.MULTILINE)
            self.assertEqual(found, 1, pattern)
            (chart / name).write_text(text)
        return chart

    def fields_of_a_schedule(self):
        [version] = self.kubectl.get("crd", DEFINITIONS[0])["spec"]["versions"]
        return version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]

    def test_an_upgrade_brings_the_new_ones_and_what_was_stored_before_is_not_stuck(self):
        self.install(chart=self.older_chart())
        self.assertNotIn("maxCatchUpRuns", self.fields_of_a_schedule())
        odd = self.schedule("odd", "@daily", self.of_the_chart(), concurrencyPolicy="Sometimes")

        def answer(*arguments):
            return self.kubectl.run("apply", "-f", "-", *arguments, stdin=json.dumps(odd))
        # An API server takes a moment until it goes by a definition that has changed.
        wait_for(lambda: answer("--dry-run=server").returncode == 0, "the older definition takes it", 60, 0.5)
        self.kubectl.apply(odd)
        wait_for(lambda: condition(self.get("odd"), "Ready"), "the controller has looked at it", every=0.5)

        self.install("upgrade")
        self.assertIn("maxCatchUpRuns", self.fields_of_a_schedule())
        odd["metadata"]["name"] = "new"
        wait_for(lambda: "spec.concurrencyPolicy: Unsupported value" in answer("--dry-run=server").stderr, "a new one is refused", 60, 0.5)
        # What the new definition would refuse can be labelled, edited elsewhere, reported on, mended and deleted.
        self.kubectl("label", "scheduledsparkapplication", "odd", "team=etl")
        self.kubectl.patch_spec("odd", suspend=True)

        def seen():
            schedule = self.get("odd")
            return schedule["status"]["observedGeneration"] == schedule["metadata"]["generation"]
        wait_for(seen, "the controller has looked at the edit", every=0.5)
        self.assertEqual(self.get("odd")["status"]["scheduleState"], "FailedValidation")
        self.kubectl.patch_spec("odd", concurrencyPolicy="Forbid", missedRunPolicy="All", maxCatchUpRuns=3)
        wait_for(lambda: self.get("odd")["status"]["scheduleState"] != "FailedValidation", "it is well", every=0.5)
        self.kubectl("delete", "scheduledsparkapplication", "odd", "--timeout=60s")


if __name__ == "__main__":
    unittest.main(verbosity=2)

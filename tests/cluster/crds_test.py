"""The chart with `crds.keep=false`: the definitions and all that they define go with the release. Nothing runs beside it."""
import subprocess
import unittest

from cluster import Kubectl, wait_for
from release import ROOT, ReleaseTest

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


if __name__ == "__main__":
    unittest.main(verbosity=2)

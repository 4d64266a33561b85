"""Helm as a client of an API server: a chart with a schedule and what goes with it, through its whole life.

    helm_test.py HelmTest StandaloneTest     Helm 3
    helm_test.py Helm4Test                   Helm 4
"""
import json
import pathlib
import subprocess
import unittest

from service import ROOT, Server

CHART = pathlib.Path(__file__).resolve().parent / "chart"


class Session(unittest.TestCase):
    MAJOR = "3"
    VALUES = []

    @classmethod
    def setUpClass(cls):
        # Built when it is first asked for.
        cls.program = subprocess.run([ROOT / "tools/bootstrap.d/helm", cls.MAJOR], capture_output=True, text=True, check=True).stdout.strip()

    def setUp(self):
        self.server = Server().start()
        self.addCleanup(self.server.close)
        self.namespace = self.server.new_name()
        self.core = f"/api/v1/namespaces/{self.namespace}"
        self.rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}"
        self.schedules = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{self.namespace}/scheduledsparkapplications"

    def helm(self, *arguments, code=0):
        if arguments[0] in ("install", "upgrade"):
            arguments = (*arguments, *self.VALUES)
        done = subprocess.run([self.program, *arguments, "--namespace", self.namespace], env=self.server.environment(), capture_output=True, text=True,
                              timeout=240, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def get(self, path):
        status, answer = self.server.call("GET", path)
        self.assertEqual(status, 200, answer)
        return answer

    def schedule(self):
        return self.get(self.schedules + "/etl")["spec"]["schedule"]

    def left(self, *paths):
        """What is there of the release; a cluster puts things of its own into a namespace."""
        return [(path, one["metadata"]["name"]) for path in paths for one in self.get(path)["items"]
                if one["metadata"]["name"].startswith("etl")]


class HelmTest(Session):
    """What an embedded and a real server answer alike."""

    def test_install_upgrade_roll_back_uninstall(self):
        # A dry run on the server asks about each object and stores none.
        self.helm("install", "etl", str(CHART), "--create-namespace", "--dry-run=server")
        self.helm("install", "etl", str(CHART), "--create-namespace")
        self.assertEqual(self.schedule(), "0 2 * * *")
        self.assertEqual(self.get(self.core + "/configmaps/etl-settings")["data"], {"message": "first"})
        self.assertEqual(self.get(self.core + "/secrets/etl-password")["data"], {"password": "c2VjcmV0"})
        self.assertEqual(self.get(self.rbac + "/roles/etl-spark")["rules"][0]["verbs"], ["*"])
        labels = self.get(self.schedules + "/etl")["metadata"]["labels"]
        self.assertEqual(labels["app.kubernetes.io/managed-by"], "Helm")

        self.helm("upgrade", "etl", str(CHART), "--set", "schedule=@hourly,message=second")
        self.assertEqual(self.schedule(), "@hourly")
        self.assertEqual(self.get(self.core + "/configmaps/etl-settings")["data"], {"message": "second"})
        history = json.loads(self.helm("history", "etl", "--output", "json"))
        self.assertEqual([entry["status"] for entry in history], ["superseded", "deployed"])

        # What others wrote in between stays, if the chart does not say otherwise.
        status, answer = self.server.call("PATCH", self.schedules + "/etl", {"spec": {"suspend": True}}, "application/merge-patch+json")
        self.assertEqual(status, 200, answer)
        self.helm("rollback", "etl", "1")
        self.assertEqual(self.schedule(), "0 2 * * *")
        self.assertTrue(self.get(self.schedules + "/etl")["spec"]["suspend"])
        self.assertIn("message: \"first\"", self.helm("get", "manifest", "etl"))
        self.assertIn("STATUS: deployed", self.helm("status", "etl"))

        self.helm("uninstall", "etl", "--wait")
        self.assertEqual(self.left(self.schedules, self.core + "/configmaps", self.core + "/secrets", self.rbac + "/roles",
                                   self.rbac + "/rolebindings"), [])

    def test_a_wrong_schedule_is_refused_and_can_be_put_right(self):
        self.helm("install", "etl", str(CHART), "--create-namespace")
        refused = self.helm("upgrade", "etl", str(CHART), "--set", "schedule=", code=1)
        self.assertIn("etl", refused)
        self.assertEqual(self.schedule(), "0 2 * * *")
        self.helm("upgrade", "etl", str(CHART), "--set", "schedule=@daily")
        self.assertEqual(self.schedule(), "@daily")


class Helm4Test(HelmTest):
    """Which applies on the server's side."""

    MAJOR = "4"
    # A real server refuses a null in what is applied on its side; ours takes it for absent, as at any creation.
    VALUES = ["--set", "arguments={yesterday}"]


class StandaloneTest(Session):
    """What the embedded server alone answers so."""

    def test_what_nothing_here_runs_fails_the_release_and_says_what_to_do(self):
        refused = self.helm("install", "etl", str(CHART), "--create-namespace", "--set", "broken=true", "--atomic", code=1)
        self.assertIn('deployments.apps "etl-web" is forbidden: sparkcron standalone keeps no pods running but drivers', refused)
        self.assertEqual(self.left(self.schedules, self.core + "/configmaps", self.rbac + "/roles"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The Helm chart with the container image of this build: installed, tested, upgraded, rolled back, uninstalled."""
import os
import subprocess
import unittest

from cluster import FINAL, ROOT, state_of, wait_for
from release import CHART, ReleaseTest

FINALIZER = "sparkoperator.k8s.io/run"


class ChartTest(ReleaseTest):
    def test_install_test_upgrade_rollback_uninstall(self):
        said = self.install()
        self.assertIn(f"looks after {self.namespace}", said)
        self.assertIn("Succeeded", self.helm("test", "sparkcron"))

        self.kubectl.apply(self.schedule("every", "*/5 * * * * *", self.of_the_chart(), successfulRunHistoryLimit=50))
        wait_for(lambda: self.counts("every").get("succeeded", 0) >= 2, "two runs succeed", every=0.5)

        # A second replica, other flags: the rollout completes while runs go on, and somebody leads.
        self.install("upgrade", "--set", "controller.replicas=2", "--set", "controller.logEncoder=json")
        deployment = self.at_home.get("deployment", "sparkcron-controller")
        self.assertEqual(deployment["status"]["readyReplicas"], 2)
        wait_for(self.leader, "one of them leads", every=0.5)
        self.helm("rollback", "sparkcron", "1", "--wait", "--timeout", "240s")
        pods = self.at_home.get("pods", "-l", "app.kubernetes.io/component=controller")["items"]
        alive = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        self.assertEqual(len(alive), 1)
        wait_for(lambda: self.leader().startswith(alive[0]), "the one that is left leads", every=0.5)
        before = self.counts("every")["succeeded"]
        wait_for(lambda: self.counts("every")["succeeded"] >= before + 2, "runs go on", every=0.5)
        self.kubectl.patch_spec("every", suspend=True)
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("every")), "they end", every=0.5)
        self.assert_each_slot_once(5)

        # A run that would never end: after the uninstall it can be deleted, with nobody there to let it go.
        self.kubectl.apply({**self.application("endless"), "spec": self.of_the_chart(seconds=3600)})
        self.await_state("endless", "RUNNING")
        self.assertIn(FINALIZER, self.kubectl.get("sparkapplication", "endless")["metadata"]["finalizers"])
        self.helm("uninstall", "sparkcron", "--wait", "--timeout", "240s")
        left = self.at_home.get("all,serviceaccounts,roles,rolebindings,configmaps")["items"]
        left = [f"{one['kind']}/{one['metadata']['name']}" for one in left if "sparkcron" in one["metadata"]["name"]]
        self.assertEqual(left, [])
        run = self.kubectl.get("sparkapplication", "endless")
        self.assertNotIn("finalizers", run["metadata"])
        self.assertEqual(state_of(run), "RUNNING", "the CRDs and the objects stay, the driver goes on")
        self.kubectl("delete", "sparkapplication", "endless", "--timeout=60s")
        wait_for(lambda: not self.kubectl.find("pod", "endless-driver"), "its driver goes with it", every=0.5)

        # Back again: what was there is looked after as before.
        self.install()
        self.kubectl.patch_spec("every", suspend=False)
        before = self.counts("every")["succeeded"]
        wait_for(lambda: self.counts("every")["succeeded"] > before, "runs go on", every=0.5)

    def test_a_run_that_is_being_deleted_when_the_controller_goes_is_let_go(self):
        self.install()
        self.kubectl.apply({**self.application("stubborn"), "spec": self.of_the_chart(seconds=3600, on_term=3600)})
        self.await_state("stubborn", "RUNNING")
        self.kubectl("delete", "sparkapplication", "stubborn", "--wait=false")
        self.helm("uninstall", "sparkcron", "--wait", "--timeout", "240s")
        wait_for(lambda: not self.kubectl.find("sparkapplication", "stubborn"), "it is gone", every=0.5)

    def test_the_server_takes_every_set_of_values_and_the_plain_manifests(self):
        for values in sorted((ROOT / "tests/chart/values").glob("*.yaml")):
            rendered = subprocess.run(
                [self.helm_path, "template", "sparkcron", CHART, "--namespace", self.home, "--values", values,
                 "--set", f"sparkJobNamespaces={{{self.namespace}}}", "--set", "crds.install=false",
                 # Kinds of the Prometheus operator and of cert-manager, which are not here.
                 "--set", "prometheus.podMonitor.create=false", "--set", "prometheus.prometheusRule.create=false",
                 "--set", "certManager.enable=false",
                 # A pod is refused as long as its account is not really there.
                 "--skip-tests"], capture_output=True, text=True, check=True).stdout
            self.server_takes(rendered)
        plain = (ROOT / "charts/plain/sparkcron.yaml").read_text().replace("namespace: sparkcron\n", f"namespace: {self.home}\n")
        self.server_takes(plain)

    def server_takes(self, manifests):
        anywhere = self.kubectl.command[:-2]  # without --namespace: they name theirs
        done = subprocess.run([*anywhere, "apply", "--dry-run=server", "--validate=strict", "-f", "-"], input=manifests,
                              capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("PodSecurity", done.stderr)

    def test_the_account_may_do_in_its_namespaces_what_it_does_and_nothing_elsewhere(self):
        self.install()
        account = f"system:serviceaccount:{self.home}:sparkcron-controller"

        def may(verb, what, namespace):
            return self.kubectl.run("auth", "can-i", verb, what, "--as", account, "-n", namespace).stdout.strip() == "yes"
        self.assertTrue(may("create", "pods", self.namespace))
        for verb, what, namespace in [("list", "pods", self.home), ("list", "pods", "kube-system"), ("get", "secrets", self.home),
                                      ("list", "secrets", self.namespace), ("create", "clusterroles", self.namespace),
                                      ("update", "deployments", self.home), ("delete", "nodes", self.namespace)]:
            self.assertFalse(may(verb, what, namespace), (verb, what, namespace))

    def test_real_spark_gets_along_with_the_account_of_the_chart(self):
        """The driver makes its executor and its configuration, and cleans up."""
        self.install()
        (self.folder / "sum.py").write_text(
            "from pyspark.sql import SparkSession\n"
            "spark = SparkSession.builder.getOrCreate()\n"
            "print('the sum is', spark.range(1000).selectExpr('sum(id)').first()[0])\n"
            "spark.stop()\n")
        mounts = [{"name": "jobs", "mountPath": "/opt/jobs"}]
        role = {"memory": "512m", "coreRequest": "100m", "volumeMounts": mounts}
        self.kubectl.apply({**self.application("sum"), "spec": {
            "type": "Python", "mode": "cluster", "sparkVersion": "4.0.1", "image": "localhost/spark-py:4.0.1",
            "imagePullPolicy": "IfNotPresent", "mainApplicationFile": "local:///opt/jobs/sum.py",
            "sparkConf": {"spark.ui.enabled": "false"},
            "volumes": [{"name": "jobs", "hostPath": {"path": str(self.folder)}}],
            "driver": {**role, "serviceAccount": "sparkcron-spark"}, "executor": {**role, "instances": 1}}})
        state = self.await_state("sum", *FINAL, seconds=400)
        log = self.kubectl("logs", "sum-driver")
        self.assertEqual(state, "COMPLETED", log[-4000:])
        self.assertIn("the sum is 499500", log)
        self.assertNotIn("orbidden", log)

    def test_two_replicas_keep_a_ledger_each_through_a_restart(self):
        """On claims. The cluster makes none by itself: two volumes of the node are offered."""
        for number in (0, 1):
            volume = self.folder / f"volume{number}"
            volume.mkdir()
            os.chown(volume, 65532, 65532)
            self.at_home.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"{self.home}-{number}"}, "spec": {
                "storageClassName": self.home, "capacity": {"storage": "4Gi"}, "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": str(volume)}}})
            self.addCleanup(self.at_home, "delete", "persistentvolume", f"{self.home}-{number}", "--wait=false")
        more = ["--set", "controller.replicas=2", "--set", "controller.ledger.persistence.enable=true",
                "--set", f"controller.ledger.persistence.storageClassName={self.home}"]
        self.install("install", *more)
        self.at_home("rollout", "restart", "statefulset/sparkcron-controller")
        self.at_home("rollout", "status", "statefulset/sparkcron-controller", "--timeout=240s")
        for number in (0, 1):
            self.assertTrue((self.folder / f"volume{number}/data/ledger.db").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)

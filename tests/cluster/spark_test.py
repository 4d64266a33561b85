"""Real Spark on a real cluster: the nightly ETL, with an executor as a pod of its own."""
import unittest

import cluster
from cluster import FINAL, ROOT, PodWatch, asked, state_of, wait_for


class SparkTest(cluster.ClusterTest):
    def nightly(self):
        """The sample's job; the script and its data come from folders of the node."""
        for name in ("in", "out"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o777)
        mounts = [{"name": "jobs", "mountPath": "/opt/sparkcron"}, {"name": "data", "mountPath": "/var/lib/nightly-etl"}]
        return self.schedule("nightly-etl", "*/20 * * * * *", {
            "type": "Python", "mode": "cluster", "sparkVersion": "4.0.1", "image": "localhost/spark-py:4.0.1",
            "imagePullPolicy": "IfNotPresent", "mainApplicationFile": "local:///opt/sparkcron/nightly_etl.py",
            "arguments": ["/var/lib/nightly-etl/in", "/var/lib/nightly-etl/out", "{{ .ScheduledTime }}"],
            "sparkConf": {"spark.sql.shuffle.partitions": "2", "spark.ui.enabled": "false"},
            "volumes": [{"name": "jobs", "hostPath": {"path": str(ROOT / "config/samples")}},
                        {"name": "data", "hostPath": {"path": str(self.folder)}}],
            "driver": {"serviceAccount": "spark", "memory": "512m", "coreRequest": "100m", "volumeMounts": mounts},
            "executor": {"instances": 1, "memory": "512m", "coreRequest": "100m", "volumeMounts": mounts},
        }, concurrencyPolicy="Forbid", timeZone="Europe/Berlin")

    def test_nightly_etl_with_an_executor(self):
        self.controller().start()
        executors = PodWatch(self.kubectl, self.namespace, "executor")
        self.addCleanup(executors.stop)
        self.kubectl.apply(self.nightly())
        wait_for(lambda: self.kubectl.runs("nightly-etl"), "a run is created")
        self.kubectl.patch_spec("nightly-etl", suspend=True)
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("nightly-etl")), "it ended", 400, 0.5)
        run = self.kubectl.runs("nightly-etl")[0]
        log = self.kubectl("logs", run["status"]["driverInfo"]["podName"])
        self.assertEqual(state_of(run), "COMPLETED", log[-4000:])
        slot = run["metadata"]["annotations"]["sparkoperator.k8s.io/scheduled-time"]
        self.assertIn(f"ETL of slot {slot} done", log)
        self.assertTrue(list((self.folder / "out" / f"slot={slot.replace(':', '-')}").glob("*.parquet")), "it wrote Parquet")
        self.assertIn("Running", [phase for _, _, phase in executors.seen], "the executor was a pod")
        self.assertEqual(list(run["status"]["executorState"].values()), ["COMPLETED"])
        wait_for(lambda: not self.kubectl.get("pods", "-l", "spark-role=executor")["items"], "the executor's pod is gone")
        calls = asked(self.namespace, "spark")
        self.assertEqual([call for call, allowed in calls.items() if not allowed], [], "the driver asked for what its role has not")


if __name__ == "__main__":
    unittest.main(verbosity=2)

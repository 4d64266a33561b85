"""Real Spark: the nightly ETL of the README, and executors as pods, on two lines of Spark."""
import unittest

import harness
from harness import Kubectl, sparkctl, state_of, wait_for

SPARK_4_0 = harness.ROOT / ".venv"
SPARK_3_5 = harness.ROOT / ".venv-3.5"


def spark_home(environment):
    homes = list(environment.glob("lib/python3*/site-packages/pyspark"))
    if not homes:
        raise AssertionError(f"{environment} has no pyspark: run tools/bootstrap test")
    return homes[0]


class SparkTest(harness.E2ETest):
    def etl(self):
        text = (harness.ROOT / "config/samples/nightly-etl.yaml").read_text()
        for old, new in (("/var/lib/nightly-etl/in", str(self.folder / "in")),
                         ("/var/lib/nightly-etl/out", str(self.folder / "out")),
                         ("/opt/sparkcron/nightly_etl.py", str(harness.ROOT / "config/samples/nightly_etl.py"))):
            text = text.replace(old, new)
        return text

    def test_nightly_etl_runs_on_time_again_and_again(self):
        service = self.service(spark_home=spark_home(SPARK_4_0)).start()
        kubectl = Kubectl(service)
        text = self.etl().replace('"30 2 * * *"', '"*/20 * * * * *"')
        kubectl("apply", "-f", "-", stdin=text)
        wait_for(lambda: kubectl.get("scheduledsparkapplication", "nightly-etl").get("status", {}).get("counts", {})
                 .get("succeeded", 0) >= 2, "two runs succeeded")
        kubectl("patch", "scheduledsparkapplication", "nightly-etl", "--type", "merge", "-p", '{"spec":{"suspend":true}}')
        runs = [run for run in kubectl.runs("nightly-etl") if state_of(run) == "COMPLETED"]
        self.assertGreaterEqual(len(runs), 2)
        for run in runs:
            slot = run["metadata"]["annotations"]["sparkoperator.k8s.io/scheduled-time"]
            log = kubectl("logs", run["status"]["driverInfo"]["podName"])
            self.assertIn(f"ETL of slot {slot} done", log)
            partition = self.folder / "out" / f"slot={slot.replace(':', '-')}"
            self.assertTrue(list(partition.glob("*.parquet")), f"{partition} holds no Parquet")
        self.assertIn("COMPLETED", kubectl("get", "sparkapplications"))
        self.assertIn("nightly-etl", sparkctl(service, "describe", "nightly-etl").stdout)

    def executors_as_pods(self, environment, version):
        home = spark_home(environment)
        service = self.service("--executors", "pods", spark_home=home).start()
        kubectl = Kubectl(service)
        kubectl.apply({
            "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
            "metadata": {"name": "pi", "namespace": "default"},
            "spec": {
                "type": "Python", "sparkVersion": version, "image": f"apache/spark:{version}",
                "mainApplicationFile": "local:///opt/spark/examples/src/main/python/pi.py", "arguments": ["4"],
                "sparkConf": {"spark.kubernetes.executor.deleteOnTermination": "false",
                              "spark.scheduler.minRegisteredResourcesRatio": "1.0",
                              "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s"},
                "driver": {"memory": "512m"}, "executor": {"instances": 2, "memory": "512m", "cores": 1},
            },
        })
        log = kubectl.await_completed("pi")
        self.assertIn("Pi is roughly 3.", log)
        for number in (1, 2):
            self.assertRegex(log, rf"Registered executor .*with ID {number}[, ]")

    def test_two_executors_as_pods_on_spark_4_0(self):
        self.executors_as_pods(SPARK_4_0, "4.0.1")

    def test_two_executors_as_pods_on_spark_3_5(self):
        self.executors_as_pods(SPARK_3_5, "3.5.8")

    def files_are_sent(self, environment, version, *to):
        """A job that imports a module and reads a file in the driver and in executors that are pods."""
        service = self.service("--executors", "pods", spark_home=spark_home(environment)).start()
        here = self.folder / "here"
        here.mkdir()
        (here / "job.py").write_text(
            "from pyspark.sql import SparkSession\n"
            "import words\n"
            "session = SparkSession.builder.getOrCreate()\n"
            "def task(i):\n"
            "    import words\n"
            "    from pyspark import SparkFiles\n"
            "    return words.said(open(SparkFiles.get('data.txt')).read(), i)\n"
            "print(words.said(open('data.txt').read(), 0),\n"
            "      session.sparkContext.parallelize([1, 2], 2).map(task).collect())\n")
        (here / "words.py").write_text("def said(text, i):\n    return f'{text} {i}'\n")
        (here / "data.txt").write_text("a word")
        (here / "job.yaml").write_text(f"""\
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata: {{name: job, namespace: default}}
spec:
  type: Python
  sparkVersion: {version}
  image: apache/spark:{version}
  mainApplicationFile: job.py
  deps: {{pyFiles: [words.py], files: [data.txt]}}
  driver: {{memory: 512m}}
  executor: {{instances: 1, memory: 512m, cores: 2}}
""")
        self.assertIn("job.py sent: ", sparkctl(service, "create", "-f", str(here / "job.yaml"), "--upload", *to).stdout)
        kubectl = Kubectl(service)
        log = kubectl.await_completed("job")
        self.assertIn("a word 0 ['a word 1', 'a word 2']", log)
        kubectl("delete", "sparkapplication", "job")
        wait_for(lambda: "sparkctl-" not in kubectl("get", "configmaps", "-o", "name"), "files go with what used them")

    def test_files_of_a_manifest_reach_driver_and_executors_on_spark_4_0(self):
        self.files_are_sent(SPARK_4_0, "4.0.1")

    def test_files_of_a_manifest_reach_driver_and_executors_on_spark_3_5(self):
        self.files_are_sent(SPARK_3_5, "3.5.8")

    def test_files_in_a_folder_of_the_service_reach_driver_and_executors(self):
        self.files_are_sent(SPARK_4_0, "4.0.1", "--upload-to", str(self.folder / "shared"))

    def test_a_driver_with_a_proxy_user_acts_as_that_user(self):
        """Towards Hadoop's file systems and as Spark names it; the process stays the service's own user's."""
        service = self.service(spark_home=spark_home(SPARK_4_0)).start()
        kubectl = Kubectl(service)
        script = self.folder / "who.py"
        script.write_text("from pyspark.sql import SparkSession\n"
                          "spark = SparkSession.builder.getOrCreate()\n"
                          "user = spark._jvm.org.apache.hadoop.security.UserGroupInformation.getCurrentUser()\n"
                          "print('acts as', user.getShortUserName(), 'and', spark.sparkContext.sparkUser())\n")
        kubectl.apply({
            "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
            "metadata": {"name": "who", "namespace": "default"},
            "spec": {"type": "Python", "sparkVersion": "4.0.1", "image": "apache/spark:4.0.1", "proxyUser": "carol",
                     "mainApplicationFile": f"local://{script}", "driver": {"memory": "512m"}, "executor": {"instances": 1}},
        })
        log = kubectl.await_completed("who")
        self.assertIn("acts as carol and carol", log)


if __name__ == "__main__":
    unittest.main(verbosity=2)

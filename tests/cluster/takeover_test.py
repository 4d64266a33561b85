"""From the Kubeflow operator to us and back: its objects as it leaves them, with their status, and no operator."""
import datetime
import unittest

import cluster
from cluster import API, FINAL, LABEL, condition, state_of, wait_for



def time_text(seconds_ago=0):
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


class TakeoverTest(cluster.ClusterTest):
    def leave_schedule(self, name, **spec):
        """A schedule that has run for a while; its next run is due."""
        self.kubectl.apply(self.schedule(name, **spec))
        self.kubectl.patch("scheduledsparkapplication", name, {"status": {
            "lastRun": time_text(10), "lastRunName": f"{name}-1767257000000000000", "nextRun": time_text(5),
            "pastSuccessfulRunNames": [f"{name}-1767256000000000000"], "pastFailedRunNames": [], "scheduleState": "Scheduled",
        }}, "--subresource", "status")

    def leave_run(self, schedule, nanoseconds, state, spec=None):
        """One of its runs: the schedule owns it, but is not its controller."""
        name = f"{schedule}-{nanoseconds}"
        owner = self.get(schedule)["metadata"]
        self.kubectl.apply({
            "apiVersion": API, "kind": "SparkApplication",
            "metadata": {"name": name, "labels": {LABEL: schedule}, "ownerReferences": [
                {"apiVersion": API, "kind": "ScheduledSparkApplication", "name": schedule, "uid": owner["uid"],
                 "blockOwnerDeletion": True}]},
            "spec": spec or self.application_spec()})
        status = {"applicationState": {"state": state}, "driverInfo": {"podName": f"{name}-driver"}, "executionAttempts": 1,
                  "submissionAttempts": 1, "submissionID": f"0d7e43ac-0000-4000-8000-{nanoseconds % 10**12:012d}",
                  "lastSubmissionAttemptTime": time_text(60), "sparkApplicationId": "spark-" + "0" * 32}
        if state in FINAL:
            status["terminationTime"] = time_text(30)
        self.kubectl.patch("sparkapplication", name, {"status": status}, "--subresource", "status")
        return name

    def leave_driver(self, application, seconds):
        """The driver pod that its spark-submit created: its labels, its owner."""
        item = self.kubectl.get("sparkapplication", application)
        labels = {"spark-role": "driver", "spark-app-selector": "spark-" + "0" * 32, "sparkoperator.k8s.io/app-name": application,
                  "sparkoperator.k8s.io/launched-by-spark-operator": "true",
                  "sparkoperator.k8s.io/submission-id": item["status"]["submissionID"], **item["metadata"]["labels"]}
        environment = {"FAKE_TRUTH": "/truth/truth", "FAKE_RUN": application, "FAKE_SECONDS": str(seconds)}
        self.kubectl.apply({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"{application}-driver", "labels": labels, "ownerReferences": [
                {"apiVersion": API, "kind": "SparkApplication", "name": application, "uid": item["metadata"]["uid"],
                 "controller": True, "blockOwnerDeletion": True}]},
            "spec": {"restartPolicy": "Never", "serviceAccountName": "spark",
                     "volumes": [{"name": "truth", "hostPath": {"path": str(self.folder)}}],
                     "containers": [{"name": "spark-kubernetes-driver", "image": "localhost/fake-spark:1",
                                     "env": [{"name": key, "value": value} for key, value in environment.items()],
                                     "volumeMounts": [{"name": "truth", "mountPath": "/truth"}]}]}})
        wait_for(lambda: self.kubectl.get("pod", f"{application}-driver")["status"]["phase"] == "Running", "the driver runs")

    def test_running_application_is_taken_over_with_its_driver(self):
        self.leave_schedule("nightly", schedule="0 0 1 1 *")
        name = self.leave_run("nightly", 1767257000000000000, "RUNNING")
        self.leave_driver(name, 20)
        uid = self.kubectl.drivers()[0]["metadata"]["uid"]
        self.controller().start()
        self.await_state(name, "COMPLETED")
        self.assertEqual([row[:2] for row in self.truth()], [("start", name), ("end", name)], "one driver, not disturbed")
        self.assertEqual([pod["metadata"]["uid"] for pod in self.kubectl.drivers()], [uid])
        self.assertEqual(self.kubectl.get("sparkapplication", name)["status"]["executionAttempts"], 1)

    def test_running_application_stands_in_the_way_of_forbid(self):
        self.leave_schedule("nightly", schedule="*/2 * * * * *", concurrencyPolicy="Forbid")
        name = self.leave_run("nightly", 1767257000000000000, "RUNNING")
        self.leave_driver(name, 15)
        self.controller().start()
        wait_for(lambda: len(self.started()) >= 3, "it goes on by itself")
        self.assert_never_two_at_once()
        self.assertEqual(self.started()[0][1], name)

    def test_its_old_runs_count_towards_the_limits(self):
        self.leave_schedule("nightly", schedule="0 0 1 1 *", successfulRunHistoryLimit=2, failedRunHistoryLimit=1)
        completed = [self.leave_run("nightly", 1767250000000000000 + number, "COMPLETED") for number in range(4)]
        failed = [self.leave_run("nightly", 1767251000000000000 + number, "FAILED") for number in range(2)]
        self.controller().start()
        wait_for(lambda: len(self.kubectl.runs("nightly")) == 3, "they are pruned")
        names = [run["metadata"]["name"] for run in self.kubectl.runs("nightly")]
        self.assertTrue(set(names) <= set(completed + failed), names)
        self.assertEqual(len([name for name in names if name in completed]), 2)
        # What is there when there is neither a status of ours nor a ledger: the runs that exist.
        wait_for(lambda: [self.counts("nightly").get(name) for name in ("started", "succeeded", "failed")] == [6, 4, 2], "the runs that were there count")
        self.assertFalse(self.started(), "none of them ran again")

    def test_schedule_goes_on_without_a_surprise_and_can_go_back(self):
        self.leave_schedule("nightly", schedule="*/3 * * * * *", successfulRunHistoryLimit=3)
        one = self.controller().start()
        wait_for(lambda: self.counts("nightly").get("succeeded", 0) >= 2, "two runs succeeded")
        self.assert_no_slot_twice()
        # Back: suspend, let it end, take us away.
        self.kubectl.patch_spec("nightly", suspend=True)
        wait_for(lambda: condition(self.get("nightly"), "Suspended").get("status") == "True"
                 and all(state_of(run) in FINAL for run in self.kubectl.runs("nightly")), "it is at rest")
        self.assertEqual(one.stop(), 0)
        status = self.get("nightly")["status"]
        self.assertEqual(status["scheduleState"], "Scheduled")
        runs = self.kubectl.runs("nightly")
        self.assertIn(status["lastRunName"], [run["metadata"]["name"] for run in runs])
        self.assertEqual(sorted(status["pastSuccessfulRunNames"]), [run["metadata"]["name"] for run in runs])
        for run in runs:
            self.assertNotIn("finalizers", run["metadata"], "nobody but us takes our finalizer off")
            self.assertEqual(run["metadata"]["labels"][LABEL], "nightly")
        # What the operator does with what is too much, and what people do: it goes without us.
        self.kubectl("delete", "sparkapplication", runs[0]["metadata"]["name"], "--timeout=60s")
        self.kubectl("delete", "scheduledsparkapplication", "nightly", "--timeout=60s")
        wait_for(lambda: not self.kubectl.get("sparkapplications")["items"], "garbage collection takes the rest")


if __name__ == "__main__":
    unittest.main(verbosity=2)

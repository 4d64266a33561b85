"""What goes wrong on a real cluster with one run: it is told, bounded or retried, and nothing is left behind."""
import json
import unittest

import cluster
from cluster import FINAL, state_of, wait_for


class FailuresTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.controller().start()

    def test_failing_application_is_retried_and_then_fails(self):
        retries = {"type": "OnFailure", "onFailureRetries": 2, "onFailureRetryInterval": 1}
        self.kubectl.apply(self.application("fails", exit_code=3, restartPolicy=retries))
        self.await_state("fails", "FAILED")
        self.assertEqual(len(self.started()), 3)
        self.assertEqual(self.kubectl.get("sparkapplication", "fails")["status"]["executionAttempts"], 3)
        self.assertIn("exit code 3", self.message("fails"))
        self.assert_never_two_at_once()
        self.assertEqual(len(self.kubectl.drivers()), 1, "the pod of the last attempt is kept, no other")

    def test_image_that_does_not_exist(self):
        self.kubectl.apply(self.application("bad-image", image="localhost/no-such-image:1", pendingDeadlineSeconds=20))
        self.await_message("bad-image", "localhost/no-such-image:1")
        self.await_state("bad-image", "FAILED")
        self.assertIn("localhost/no-such-image:1", self.message("bad-image"))
        wait_for(lambda: any("localhost/no-such-image:1" in one["message"] for one in self.kubectl.events("bad-image")), "an event tells")

    def test_driver_that_fits_no_node(self):
        spec = self.application("huge", pendingDeadlineSeconds=20)
        spec["spec"]["driver"]["memory"] = "900g"
        self.kubectl.apply(spec)
        self.await_message("huge", "Insufficient memory")
        self.await_state("huge", "FAILED")
        wait_for(lambda: all(pod["status"]["phase"] != "Pending" or pod["metadata"].get("deletionTimestamp")
                             for pod in self.kubectl.drivers()), "no driver waits for a node any more")

    def test_missing_service_account_is_told_and_waited_for(self):
        spec = self.application("homeless")
        spec["spec"]["driver"]["serviceAccount"] = "not-yet"
        self.kubectl.apply(spec)
        self.await_message("homeless", "not-yet")
        self.assertEqual(self.state("homeless"), "SUBMISSION_FAILED")
        self.kubectl("create", "serviceaccount", "not-yet")
        self.await_state("homeless", "COMPLETED")

    def test_exceeded_quota_is_told_and_waited_for(self):
        self.kubectl("create", "quota", "none", "--hard=pods=0")
        wait_for(lambda: self.kubectl.get("quota", "none").get("status", {}).get("hard"), "the quota holds")
        self.kubectl.apply(self.application("poor"))
        self.await_message("poor", "exceeded quota: none")
        self.assertEqual(self.state("poor"), "SUBMISSION_FAILED")
        self.kubectl("delete", "quota", "none")
        self.await_state("poor", "COMPLETED")
        self.assertEqual(len(self.started()), 1)

    def test_quota_of_applications_holds_a_slot(self):
        """The slot's own SparkApplication is refused: the newest slot is held, and runs once the quota is gone."""
        self.kubectl("create", "quota", "none", "--hard=count/sparkapplications.sparkoperator.k8s.io=0")
        wait_for(lambda: self.kubectl.get("quota", "none").get("status", {}).get("hard"), "the quota holds")
        self.kubectl.apply(self.schedule("refused"))
        wait_for(lambda: "exceeded quota" in cluster.condition(self.get("refused"), "Ready").get("message", ""), "the refusal is told")
        self.kubectl("delete", "quota", "none")
        wait_for(self.started, "a slot runs")
        self.assert_no_slot_twice()

    def test_driver_pod_deleted_by_hand(self):
        retries = {"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": 1}
        self.kubectl.apply(self.application("once", seconds=300), self.application("again", seconds=300, restartPolicy=retries))
        wait_for(lambda: len(self.started()) == 2, "both drivers run")
        self.kubectl("delete", "pod", "once-driver", "again-driver", "--wait=false")
        self.await_state("once", "FAILED")
        wait_for(lambda: len(self.started()) == 3, "the one with a retry runs again")
        self.assertEqual(self.started()[2][1], "again")
        self.await_state("again", "RUNNING")
        wait_for(lambda: [event for event in self.kubectl.events("once") if event["type"] == "Warning"], "an event tells")

    def test_driver_pod_deleted_by_force(self):
        self.kubectl.apply(self.application("forced", seconds=300))
        self.await_state("forced", "RUNNING")
        self.kubectl("delete", "pod", "forced-driver", "--force", "--grace-period=0")
        self.await_state("forced", "FAILED")

    def test_driver_pod_that_is_created_late_never_starts(self):
        """As if its creation had been on its way for a minute: the run has ended, its pod's name is free again."""
        self.kubectl.apply(self.application("over"))
        pod = wait_for(lambda: self.kubectl.find("pod", "over-driver"), "there is a driver")
        self.await_state("over", "COMPLETED")
        late = {**pod, "metadata": {key: pod["metadata"][key] for key in ("name", "labels", "annotations", "ownerReferences")},
                "spec": {key: value for key, value in pod["spec"].items() if key != "nodeName"}}
        del late["status"]
        for gone in (["pod", "over-driver"], ["sparkapplication", "over"]):
            self.kubectl("delete", *gone)
            wait_for(lambda: not self.kubectl.find("pod", "over-driver"), "its pod is gone")
            self.kubectl("create", "-f", "-", stdin=json.dumps(late))
            wait_for(lambda: not self.kubectl.find("pod", "over-driver"), "the late one is taken away")
        self.assertEqual(len(self.started()), 1, "it never started")

    def test_namespace_deleted_while_running(self):
        doomed, kubectl = self.new_namespace()
        self.controllers[0].stop()
        self.controller("both", namespaces=[self.namespace, doomed]).start()  # the lease is in the first
        kubectl.apply(self.schedule("doomed", "*/2 * * * * *", self.application_spec(seconds=300)))
        wait_for(lambda: kubectl.drivers(), "a driver runs there")
        kubectl("delete", "namespace", doomed, "--wait=false")
        wait_for(lambda: not self.kubectl.find("namespace", doomed), "the namespace is gone, nothing held it")
        self.kubectl.apply(self.schedule("elsewhere", "*/2 * * * * *"))
        wait_for(lambda: self.counts("elsewhere").get("succeeded", 0) >= 1, "other namespaces go on")
        self.assertTrue(self.controllers[1].runs())

    def test_schedule_deleted_while_running(self):
        self.kubectl.apply(self.schedule("gone", "*/2 * * * * *", self.application_spec(seconds=300)))
        wait_for(self.started, "a driver started")
        self.kubectl("delete", "scheduledsparkapplication", "gone", "--wait=false")
        wait_for(lambda: not self.kubectl.get("sparkapplications,pods,configmaps,services", "-l", "sparkoperator.k8s.io/app-name")["items"]
                 and not self.kubectl.get("sparkapplications")["items"], "all that it made is gone")
        self.assertEqual(len(self.started()), len(self.ended()), "a driver was left behind")


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Schedules on a real cluster: policies, suspend, history, edits, time to live."""
import unittest

import cluster
from cluster import FINAL, PodWatch, condition, state_of, wait_for


class PoliciesTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.controller().start()

    def test_forbid_never_overlaps_and_tells_what_it_skips(self):
        self.kubectl.apply(self.schedule("forbid", "*/2 * * * * *", self.application_spec(seconds=5), concurrencyPolicy="Forbid"))
        wait_for(lambda: len(self.ended()) >= 3, "three drivers ended")
        self.assert_never_two_at_once()
        wait_for(lambda: any(one.get("reason") == "ForbidConcurrent" for one in self.get("forbid")["status"].get("recentRuns", [])),
                 "skips are told")

    def test_replace_creates_a_driver_only_when_the_old_one_has_ended(self):
        watch = PodWatch(self.kubectl, self.namespace)
        self.addCleanup(watch.stop)
        self.kubectl.apply(self.schedule("replace", "*/5 * * * * *", self.application_spec(seconds=300, on_term=2),
                                         concurrencyPolicy="Replace"))
        wait_for(lambda: len(self.started()) >= 3, "three drivers started")
        self.assert_never_two_at_once()
        # The API server says the same: a pod whose phase is final has no process, its object may stay for a moment.
        alive = set()
        for what, uid, phase in list(watch.seen):
            if what == "DELETED" or phase in ("Succeeded", "Failed"):
                alive.discard(uid)
            else:
                alive.add(uid)
            self.assertLessEqual(len(alive), 1, "the old driver's pod was alive when the new one came")

    def test_suspend_and_resume_by_patch(self):
        self.kubectl.apply(self.schedule("pause", "*/2 * * * * *"))
        wait_for(self.started, "a driver started")
        self.kubectl.patch_spec("pause", suspend=True)
        wait_for(lambda: condition(self.get("pause"), "Suspended").get("status") == "True", "it is suspended")
        before = wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("pause")) and self.counts("pause"), "all ended")
        # Another schedule proves that slots pass.
        self.kubectl.apply(self.schedule("witness", "*/2 * * * * *"))
        wait_for(lambda: self.counts("witness").get("started", 0) >= 3, "three slots passed")
        self.assertEqual(self.counts("pause")["started"], before["started"])
        self.kubectl.patch_spec("pause", suspend=False)
        wait_for(lambda: self.counts("pause")["started"] > before["started"], "it runs again")
        self.assert_no_slot_twice_of("pause")

    def assert_no_slot_twice_of(self, schedule):
        slots = [row[2] for row in self.started() if row[1].startswith(f"{schedule}-")]
        self.assertEqual(len(slots), len(set(slots)), "a slot ran twice")

    def test_history_is_pruned_with_its_pods(self):
        self.kubectl.apply(self.schedule("plain", "*/3 * * * * *", successfulRunHistoryLimit=2))
        wait_for(lambda: self.counts("plain").get("succeeded", 0) >= 4, "four runs succeeded")
        self.kubectl.patch_spec("plain", suspend=True)
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("plain")), "all runs ended")
        wait_for(lambda: len(self.kubectl.runs("plain")) == 2, "two runs are kept")
        wait_for(lambda: len(self.kubectl.drivers()) == 2, "and the pods of those")
        self.assert_no_slot_twice()
        self.assertEqual(self.counts("plain")["started"], len(self.started()))

    def test_edit_while_running_concerns_the_next_run_only(self):
        self.kubectl.apply(self.schedule("edited", "*/2 * * * * *", self.application_spec(seconds=12), concurrencyPolicy="Forbid"))
        first = wait_for(self.started, "the first driver started")[0][1]
        self.kubectl.patch_spec("edited", template={"arguments": ["new"]}, schedule="*/3 * * * * *")
        wait_for(lambda: len(self.started()) >= 2, "the second driver started")
        self.assertEqual(self.truth()[1][:2], ("end", first), "the edit did not disturb what was running")
        first_run, second_run = self.kubectl.get("sparkapplication", first), self.kubectl.get("sparkapplication", self.started()[1][1])
        self.assertNotIn("arguments", first_run["spec"])
        self.assertEqual(second_run["spec"]["arguments"], ["new"])
        wait_for(lambda: self.get("edited")["status"].get("observedGeneration") == self.get("edited")["metadata"]["generation"],
                 "the edit is observed")

    def test_edit_of_a_running_application_runs_it_anew(self):
        self.kubectl.apply(self.application("anew", seconds=300))
        wait_for(self.started, "the driver started")
        old = self.kubectl.drivers()[0]["metadata"]["uid"]
        self.kubectl.patch("sparkapplication", "anew", {"spec": {"arguments": ["new"]}})
        wait_for(lambda: len(self.started()) == 2, "a second driver started")
        self.assert_never_two_at_once()
        self.assertNotIn(old, [pod["metadata"]["uid"] for pod in self.kubectl.drivers()])

    def test_time_to_live_removes_an_ended_application_and_its_pod(self):
        self.kubectl.apply(self.application("short", timeToLiveSeconds=1), self.application("kept"))
        wait_for(lambda: len(self.ended()) == 2, "both ended")
        wait_for(lambda: not self.kubectl.find("sparkapplication", "short"), "the one with a time to live is gone")
        wait_for(lambda: [pod["metadata"]["name"] for pod in self.kubectl.drivers()] == ["kept-driver"], "and its pod")
        self.await_state("kept", "COMPLETED")


if __name__ == "__main__":
    unittest.main(verbosity=2)

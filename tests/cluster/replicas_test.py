"""Two replicas of the controller: whatever happens to the leader, no slot is lost and none runs twice."""
import json
import random
import signal
import time
import unittest

import cluster
from cluster import FINAL, state_of, wait_for

EVERY = 3


class ReplicasTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.first = self.controller("first").start()
        wait_for(lambda: self.holder() == self.first.identity(), "the first leads")
        self.second = self.controller("second").start()
        self.kubectl.apply(self.schedule("steady", f"*/{EVERY} * * * * *", successfulRunHistoryLimit=100, failedRunHistoryLimit=100,
                                         missedRunPolicy="All"))
        wait_for(lambda: len(self.started()) >= 2, "drivers start")

    def lease(self):
        return self.kubectl.find("lease", "sparkcron-controller") or {"spec": {}}

    def holder(self):
        return self.lease()["spec"].get("holderIdentity", "")

    def assert_taken_over(self):
        """The other replica leads, and every slot from the first to the last has exactly one run."""
        wait_for(lambda: self.holder() == self.second.identity(), "the second leads")
        before = len(self.started())
        wait_for(lambda: len(self.started()) >= before + 3, "it starts drivers")
        self.kubectl.patch_spec("steady", suspend=True)
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("steady")), "all ended")
        self.assert_each_slot_once(EVERY)
        counts = self.counts("steady")
        self.assertEqual((counts["started"], counts["skipped"]), (len(self.started()), 0))

    def test_leader_that_is_told_to_stop(self):
        self.first.send(signal.SIGTERM)
        self.assertEqual(self.first.ended(), 0)
        self.assert_taken_over()
        led = {f"{one.identity()} became leader" for one in (self.first, self.second)}
        wait_for(lambda: {event["message"] for event in self.kubectl.events("sparkcron-controller")} == led, "the lease tells who led")

    def test_leader_that_is_killed(self):
        self.first.send(signal.SIGKILL)
        self.first.ended()
        self.assert_taken_over()

    def test_leader_that_hangs_and_wakes(self):
        self.first.send(signal.SIGSTOP)
        wait_for(lambda: self.holder() == self.second.identity(), "the second leads")
        self.first.send(signal.SIGCONT)
        self.assertEqual(self.first.ended(), 1, "who lost the lease ends")
        self.assertIn("Lost the lease", self.first.output())
        self.assert_taken_over()

    def test_leader_that_is_stopped_at_any_moment(self):
        """For moments in which it keeps the lease, in the middle of whatever it does, and at last for longer."""
        for _ in range(5):
            time.sleep(random.uniform(0, EVERY))  # the moment is what is tested
            self.first.send(signal.SIGSTOP)
            time.sleep(random.uniform(0, 5))
            self.first.send(signal.SIGCONT)
        self.assertEqual(self.holder(), self.first.identity(), "ten seconds without a renewal are needed to lose it")
        self.first.send(signal.SIGSTOP)
        wait_for(lambda: self.holder() == self.second.identity(), "the second leads")
        self.first.send(signal.SIGCONT)
        self.assertEqual(self.first.ended(), 1, "who lost the lease ends")
        self.assert_taken_over()

    def test_standby_is_ready(self):
        """Its caches are warm, so that a rolling update need not wait for it to lead."""
        wait_for(lambda: self.second.answers("/readyz"), "the standby is ready")
        self.assertEqual(self.holder(), self.first.identity())
        self.first.send(signal.SIGTERM)
        self.assertEqual(self.first.ended(), 0)
        self.assert_taken_over()

    def test_leader_whose_lease_was_taken_away(self):
        taken = {"spec": {"holderIdentity": self.second.identity()}}  # without a version: it is renewed meanwhile
        self.kubectl("patch", "lease", "sparkcron-controller", "--type=merge", "-p", json.dumps(taken))
        self.assertEqual(self.first.ended(), 1)
        self.assert_taken_over()

    def test_leader_whose_lease_was_deleted(self):
        """Whoever makes it anew leads; the other waits or ends, and never both act."""
        self.kubectl("delete", "lease", "sparkcron-controller")
        holder = wait_for(self.holder, "somebody leads")
        if holder == self.first.identity():
            self.first.send(signal.SIGTERM)
        else:
            self.assertEqual(self.first.ended(), 1)
        self.assert_taken_over()


if __name__ == "__main__":
    unittest.main(verbosity=2)

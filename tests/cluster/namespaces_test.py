"""Namespaces by label: they come and go while the controller runs, and what was there before is not forgotten."""
import re
import unittest

import cluster
from cluster import FINAL, state_of, wait_for

EVERY = 3


class NamespacesTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.tenant, self.theirs = self.new_namespace()
        self.label = f"team-{self.tenant}"

    def follow(self):
        """A controller of our own namespace and of all that carry the label; leads when it has run something of ours."""
        self.kubectl.apply(self.application("ours"))
        self.follower = self.controller("controller", "--namespace-selector", f"{self.label}=yes").start()
        self.await_state("ours", "COMPLETED")

    def mark(self, value):
        self.kubectl("label", "--overwrite", "namespace", self.tenant, f"{self.label}{value}")

    def started_of(self, schedule):
        return [row for row in self.started() if row[1].startswith(schedule + "-")]

    def test_application_that_was_there_before_the_label_runs_once_it_comes(self):
        self.theirs.apply(self.application("early"))
        self.follow()
        self.assertNotIn("status", self.theirs.get("sparkapplication", "early"), "it is nobody's yet")
        self.mark("=no")
        self.mark("=yes")
        wait_for(lambda: state_of(self.theirs.get("sparkapplication", "early")) == "COMPLETED", "it runs")
        self.assertEqual(sum(row[1] == "early" for row in self.started()), 1)

    def test_schedule_rests_without_the_label_and_goes_on_with_it(self):
        self.theirs.apply(self.schedule("steady", f"*/{EVERY} * * * * *", missedRunPolicy="All", successfulRunHistoryLimit=100))
        self.kubectl.apply(self.schedule("clock", f"*/{EVERY} * * * * *"))
        self.follow()
        self.mark("=yes")
        wait_for(lambda: len(self.started_of("steady")) >= 2, "it starts")
        self.mark("-")
        wait_for(self.rests, "it rests")
        runs = len(self.theirs.runs("steady"))
        passed = len(self.started_of("clock"))
        wait_for(lambda: len(self.started_of("clock")) >= passed + 3, "ours goes on")
        self.assertEqual(len(self.theirs.runs("steady")), runs, "no run without the label")
        self.mark("=yes")
        wait_for(lambda: len(self.started_of("steady")) >= runs + 3, "it goes on")
        self.theirs.patch_spec("steady", suspend=True)
        self.kubectl.patch_spec("clock", suspend=True)
        wait_for(lambda: all(state_of(run) in FINAL for run in self.theirs.runs("steady")), "all ended")
        slots = sorted(cluster.seconds_of(row[2]) for row in self.started_of("steady"))
        self.assertEqual(slots, list(range(slots[0], slots[-1] + 1, EVERY)), "what was missed meanwhile is made up for")

    def rests(self):
        """Two slots of ours without one of theirs."""
        before, passed = len(self.theirs.runs("steady")), len(self.started_of("clock"))
        wait_for(lambda: len(self.started_of("clock")) >= passed + 2, "ours goes on")
        return len(self.theirs.runs("steady")) == before

    def test_lists_are_streamed_where_the_server_offers_it(self):
        self.follow()
        refused = re.findall(r"^.*(?:List|Watch) failed.*$", self.follower.output(), re.M)
        self.assertEqual(refused, [])
        metrics = self.kubectl("get", "--raw", "/metrics")
        streamed = re.findall(r'^apiserver_watch_list_duration_seconds_count\{.*resource="(\w+)"', metrics, re.M)
        for resource in ("scheduledsparkapplications", "sparkapplications", "pods", "namespaces"):
            self.assertIn(resource, streamed)


if __name__ == "__main__":
    unittest.main(verbosity=2)

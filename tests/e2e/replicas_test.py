"""Two controllers beside one API server and one node: who takes over knows what there is, and has the whole history."""
import re
import sqlite3
import unittest

import harness
from harness import FINAL, ask_controller, condition, controller_is_ready, state_of, wait_for


class ReplicasTest(harness.E2ETest):
    def setUp(self):
        super().setUp()
        self.kubectl = self.start_api_and_node()
        self.first = self.start_controller("first")
        wait_for(lambda: self.leader() == self.first.pid, "the first leads")
        self.second = self.start_controller("second")
        self.kubectl.apply(self.schedule("steady", successfulRunHistoryLimit=1, missedRunPolicy="All"))

    def leader(self):
        leases = self.kubectl.get("leases", "-A")["items"]
        holder = leases[0]["spec"].get("holderIdentity") if leases else None
        return int(holder.rpartition("_")[2]) if holder else None

    def succeeded(self):
        return self.kubectl.get("scheduledsparkapplication", "steady").get("status", {}).get("counts", {}).get("succeeded", 0)

    def ledger(self, name):
        """Names and states of the runs in a replica's own ledger."""
        with sqlite3.connect(f"file:{self.folder / name / 'ledger.db'}?mode=ro", uri=True) as ledger:
            return dict(ledger.execute("SELECT name, state FROM runs"))

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def watches(self, name):
        """How many a replica has opened so far; a list that a cache begins with is one, too."""
        with ask_controller(self.log(name), "/metrics") as answer:
            counted = re.findall(r'^sparkcron_api_call_duration_seconds_count\{verb="watch",.*\} (\d+)$', answer.read().decode(), re.M)
        return sum(map(int, counted))

    def test_replica_that_takes_over_needs_no_list(self):
        wait_for(lambda: self.succeeded() >= 1, "the first starts runs")
        wait_for(lambda: controller_is_ready(self.log("second")), "the second is ready")
        before = self.watches("second")
        self.assertGreaterEqual(before, 3, "schedules, applications, pods")
        self.first.kill()
        wait_for(lambda: self.leader() == self.second.pid, "the second leads")
        succeeded = self.succeeded()
        wait_for(lambda: self.succeeded() >= succeeded + 1, "it starts runs")
        self.assertEqual(self.watches("second"), before, "its caches were warm")

    def test_replica_that_takes_over_knows_the_runs_that_the_other_has_pruned(self):
        wait_for(lambda: self.succeeded() >= 4, "runs come and are pruned")
        pruned = {row[1] for row in self.ended()} - {run["metadata"]["name"] for run in self.kubectl.runs("steady")}
        self.assertGreaterEqual(len(pruned), 2)
        self.first.kill()
        wait_for(lambda: self.leader() == self.second.pid, "the second leads")
        before = self.succeeded()
        wait_for(lambda: self.succeeded() >= before + 3, "it goes on")
        self.kubectl.patch_spec("steady", suspend=True)
        wait_for(lambda: condition(self.kubectl.get("scheduledsparkapplication", "steady"), "Suspended").get("status") == "True", "nothing starts any more")
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("steady")), "all ended")
        started = [row[1] for row in self.started()]
        self.assertEqual(len(started), len(set(started)), "no slot ran twice")
        wait_for(lambda: self.ledger("second") == {name: "COMPLETED" for name in started}, "its ledger has every run of both")
        # An outcome is recorded before the status says so.
        wait_for(lambda: self.succeeded() == len(started), "the status counts every run of both, once")


if __name__ == "__main__":
    unittest.main(verbosity=2)

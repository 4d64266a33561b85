"""kill -9 of the service at random moments, many times. The truth is what the drivers themselves wrote down."""
import json
import os
import random
import threading
import unittest

import harness
from harness import FINAL, Kubectl, sparkctl, state_of, wait_for

NAMES = ("short", "fails", "long", "wished")
TRIGGER = "sparkoperator.k8s.io/trigger"
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "12"))


class CrashTest(harness.E2ETest):
    @staticmethod
    def open_wish(kubectl):
        """Written, or taken away and without a run yet: another now might be one with it."""
        schedule = kubectl.get("scheduledsparkapplication", "wished")
        return (schedule["metadata"].get("annotations", {}).get(TRIGGER)
                or schedule.get("status", {}).get("scheduling", {}).get("pendingTrigger"))

    def test_kill9_at_random_moments(self):
        seed = int(os.environ.get("CRASH_SEED", random.randrange(1 << 30)))
        print(f"CRASH_SEED={seed}")
        rng = random.Random(seed)
        service = self.service().start()
        kubectl = Kubectl(service)
        kubectl.apply(
            self.schedule("short", "* * * * * *", concurrencyPolicy="Forbid", missedRunPolicy="All",
                          successfulRunHistoryLimit=1000, failedRunHistoryLimit=1000),
            self.schedule("fails", "*/3 * * * * *", exit_code=7, successfulRunHistoryLimit=1000, failedRunHistoryLimit=1000),
            self.schedule("long", "*/5 * * * * *", seconds=2, concurrencyPolicy="Forbid", successfulRunHistoryLimit=1000),
        )
        wait_for(self.started, "a driver started")
        kubectl.apply(self.schedule("wished", "0 0 1 1 *", concurrencyPolicy="Allow", successfulRunHistoryLimit=1000))
        wishes = 0
        for _ in range(ROUNDS):
            if self.open_wish(kubectl) is None:
                kubectl("annotate", "scheduledsparkapplication", "wished", f"{TRIGGER}=now")
                wishes += 1
            threading.Event().wait(rng.uniform(0.05, 2.5))  # a random moment is what is tested
            service.kill9()
            service.start()
        for name in ("short", "fails", "long"):
            kubectl.patch_spec(name, suspend=True)
        wait_for(lambda: self.open_wish(kubectl) is None and len(kubectl.runs("wished")) == wishes, "each wish has its run")

        def settled():
            runs = [run for name in NAMES for run in kubectl.runs(name)]
            return runs and all(state_of(run) in FINAL for run in runs) and runs
        runs = wait_for(settled, "every run ended")

        # No driver was started twice, and no slot ran in two drivers.
        names = [row[1] for row in self.started()]
        self.assertEqual(len(names), len(set(names)), "a run was started twice")
        slots = [(row[1].split("-")[0], row[2]) for row in self.started()]
        self.assertEqual(len(slots), len(set(slots)), "a slot ran twice")
        # No exit code was lost: every run that ended by itself says what its driver said.
        ended = {row[1] for row in self.truth() if row[0] == "end"}
        by_name = {run["metadata"]["name"]: run for run in runs}
        for name in ended & set(by_name):
            expected = "FAILED" if name.startswith("fails-") else "COMPLETED"
            self.assertEqual(state_of(by_name[name]), expected, json.dumps(by_name[name].get("status")))
        # Every run that the API knows was really started, and the other way round.
        self.assertEqual(set(by_name), set(names))
        # The ledger counts each once.
        for name in NAMES:
            rows = json.loads(sparkctl(service, "history", name, "--limit", "1000", "-o", "json").stdout)
            rows = rows if isinstance(rows, list) else rows["items"]
            mine = {run for run in names if run.startswith(name + "-")}
            self.assertEqual({row["name"] for row in rows if row.get("name")}, mine)
            # The schedule's status is written a round after its last run's.
            counts = lambda: kubectl.get("scheduledsparkapplication", name)["status"]["counts"]
            wait_for(lambda: (now := counts())["started"] == len(mine) == now["succeeded"] + now["failed"], f"{name} counts {len(mine)}")

    def test_forbid_holds_across_a_crash(self):
        service = self.service().start()
        kubectl = Kubectl(service)
        kubectl.apply(self.schedule("lone", "* * * * * *", seconds=6, concurrencyPolicy="Forbid"))
        wait_for(self.started, "a driver started")
        service.kill9()
        service.start()
        wait_for(lambda: len(self.started()) >= 2, "the next driver started")
        alive = 0
        for what, *_ in self.truth():
            alive += 1 if what == "start" else -1
            self.assertIn(alive, (0, 1))

    def test_sigterm_leaves_drivers_and_picks_them_up_again(self):
        service = self.service().start()
        kubectl = Kubectl(service)
        gate = self.folder / "gate"
        kubectl.apply(self.schedule("stays", "*/2 * * * * *", gate=gate, concurrencyPolicy="Forbid"))
        name = wait_for(self.started, "a driver started")[0][1]
        kubectl.patch_spec("stays", suspend=True)
        self.assertEqual(service.stop(), 0)
        gate.touch()
        wait_for(self.ended, "the driver ended while nobody looked")
        self.assertEqual(self.ended()[0][0], "end")
        service.start()
        wait_for(lambda: state_of(kubectl.get("sparkapplication", name)) == "COMPLETED", "its end was noticed")
        self.assertEqual(len(self.started()), 1)

    def test_on_exit_stop_stops_drivers(self):
        service = self.service("--on-exit", "stop").start()
        Kubectl(service).apply(self.schedule("stops", seconds=300, concurrencyPolicy="Forbid"))
        wait_for(self.started, "a driver started")
        self.assertEqual(service.stop(60), 0)
        self.assertEqual([row[0] for row in self.ended()], ["term"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Schedules against the running binary: policies, suspend, edits, history, deletion; drivers are fake, all else real."""
import datetime
import http.server
import json
import threading
import unittest

import harness
from harness import FINAL, Kubectl, condition, state_of, wait_for


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class PoliciesTest(harness.E2ETest):
    def setUp(self):
        super().setUp()
        self.standalone = self.service().start()
        self.kubectl = Kubectl(self.standalone)

    def get(self, name):
        return self.kubectl.get("scheduledsparkapplication", name)

    def counts(self, name):
        return self.get(name).get("status", {}).get("counts", {})

    def suspend(self, name):
        """Nothing is started after it."""
        self.kubectl.patch_spec(name, suspend=True)
        wait_for(lambda: condition(self.get(name), "Suspended").get("status") == "True", f"{name} is suspended")

    def test_runs_again_and_again_and_prunes(self):
        self.kubectl.apply(self.schedule("plain", successfulRunHistoryLimit=2))
        wait_for(lambda: self.counts("plain").get("succeeded", 0) >= 4, "four runs succeeded")
        self.suspend("plain")
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("plain")), "all runs ended")
        wait_for(lambda: len(self.kubectl.runs("plain")) == 2, "two runs are kept")
        slots = [row[2] for row in self.started()]
        self.assertEqual(len(slots), len(set(slots)), "a slot ran twice")
        self.assertEqual(self.counts("plain")["started"], len(slots))

    def test_every_run_knows_its_slot(self):
        self.kubectl.apply(self.schedule("slots", successfulRunHistoryLimit=50))
        row = wait_for(self.started, "a driver started")[0]
        self.assertRegex(row[1], r"^slots-\d{8}t\d{6}z$")
        slot = row[2]
        self.assertEqual(row[1], "slots-" + slot.replace("-", "").replace(":", "").replace("T", "t").replace("Z", "z"))
        run = self.kubectl.get("sparkapplication", row[1])
        self.assertEqual(run["metadata"]["annotations"]["sparkoperator.k8s.io/scheduled-time"], slot)

    def test_suspend_stops_new_runs_and_resume_owes_none(self):
        self.kubectl.apply(self.schedule("pause"))
        wait_for(self.started, "a driver started")
        self.suspend("pause")
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("pause")), "the last run ended")
        before = len(self.started())
        paused = now_text()
        # Another schedule proves that slots pass.
        self.kubectl.apply(self.schedule("witness"))
        wait_for(lambda: self.counts("witness").get("started", 0) >= 3, "three slots passed")
        self.assertEqual(len([row for row in self.started() if row[1].startswith("pause-")]), before)
        resumed_at = now_text()
        resumed = json.loads(self.kubectl("patch", "scheduledsparkapplication", "pause", "--type", "merge", "-p",
                                          '{"spec":{"suspend":false}}', "-o", "json"))
        self.assertFalse(resumed["spec"]["suspend"])
        wait_for(lambda: len([row for row in self.started() if row[1].startswith("pause-")]) > before, "a run after resuming")
        # A busy machine may be late for slots after that; none in between is owed.
        self.assertFalse(any(one.get("reason") in ("Superseded", "MissedSkipped") and paused < one["slot"] < resumed_at
                             for one in self.get("pause")["status"].get("recentRuns", [])))

    def test_forbid_never_overlaps(self):
        self.kubectl.apply(self.schedule("forbid", "* * * * * *", seconds=2.5, concurrencyPolicy="Forbid"))
        wait_for(lambda: len(self.ended()) >= 4, "four drivers ended")
        alive = 0
        for what, *_ in self.truth():
            alive += 1 if what == "start" else -1
            self.assertIn(alive, (0, 1))
        wait_for(lambda: any(one.get("reason") == "ForbidConcurrent"
                             for one in self.get("forbid")["status"].get("recentRuns", [])), "skips are told")

    def test_replace_waits_for_the_old_driver(self):
        self.kubectl.apply(self.schedule("replace", "*/3 * * * * *", seconds=60, on_term=1, concurrencyPolicy="Replace"))
        wait_for(lambda: len(self.started()) >= 3, "three drivers started")
        alive = 0
        for what, *_ in self.truth():
            alive += 1 if what == "start" else -1
            self.assertIn(alive, (0, 1))

    def test_edit_of_the_schedule_takes_effect_at_once(self):
        self.kubectl.apply(self.schedule("yearly", "0 0 1 1 *"))
        wait_for(lambda: self.get("yearly").get("status", {}).get("nextRun"), "the next run is known")
        self.kubectl.patch_spec("yearly", schedule="*/2 * * * * *")
        wait_for(lambda: len(self.started()) >= 2, "the edited schedule runs")

    def test_bad_schedule_is_told_and_recovers(self):
        self.kubectl.apply(self.schedule("bad", "75 * * * *"))
        ready = wait_for(lambda: condition(self.get("bad"), "Ready").get("status") == "False" and condition(self.get("bad"), "Ready"),
                         "the schedule is refused")
        self.assertIn("minute: 75 is out of range 0-59", ready["message"])
        self.assertIn("minute: 75 is out of range 0-59", self.kubectl("describe", "scheduledsparkapplication", "bad"))
        self.kubectl.patch_spec("bad", schedule="*/2 * * * * *")
        wait_for(self.started, "the mended schedule runs")

    def test_bad_manifests_are_refused_in_words(self):
        template = self.schedule("x")["spec"]["template"]
        cases = {
            "unknown field": ({"schedul": "* * * * *", "schedule": "* * * * *", "template": template}, 'unknown field "spec.schedul"'),
            "unknown policy": ({"schedule": "* * * * *", "template": template, "concurrencyPolicy": "Sometimes"},
                               'spec.concurrencyPolicy: Unsupported value: "Sometimes"'),
            "negative limit": ({"schedule": "* * * * *", "template": template, "failedRunHistoryLimit": -1},
                               "should be greater than or equal to 0"),
            "no template": ({"schedule": "* * * * *"}, "spec.template: Required value"),
        }
        for name, (spec, message) in cases.items():
            with self.subTest(name):
                item = {**self.schedule("x"), "spec": spec}
                done = self.kubectl.run("create", "-f", "-", stdin=json.dumps(item))
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(message, done.stderr)
        bad_zone = self.schedule("zone", timeZone="Mars/Olympus")
        self.kubectl.apply(bad_zone)
        wait_for(lambda: "Mars/Olympus" in condition(self.get("zone"), "Ready").get("message", ""), "the bad zone is told")

    def test_failed_runs_are_counted_and_say_why(self):
        self.kubectl.apply(self.schedule("fails", exit_code=3, failedRunHistoryLimit=2))
        wait_for(lambda: self.counts("fails").get("failed", 0) >= 2, "two runs failed")
        run = next(run for run in self.kubectl.runs("fails") if state_of(run) == "FAILED")
        self.assertIn("exit code 3", run["status"]["applicationState"]["errorMessage"])
        self.assertIn("driver failed with exit code 3", self.kubectl("get", "sparkapplications"))
        self.assertEqual(condition(self.get("fails"), "LastRunSucceeded")["status"], "False")

    def test_failures_are_posted_until_the_receiver_takes_them(self):
        received, answers = [], [500]

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                received.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(answers.pop() if answers else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.standalone.stop()
        url = self.folder / "url"
        url.write_text(f"http://127.0.0.1:{server.server_address[1]}/secret\n")
        service = self.service("--notify-url", f"@{url}").start()
        self.kubectl = Kubectl(service)
        quiet = self.schedule("quiet", exit_code=3)
        quiet["metadata"]["annotations"] = {"sparkoperator.k8s.io/notify": "none"}
        self.kubectl.apply(quiet)
        self.kubectl.apply(self.schedule("fails", exit_code=3))
        wait_for(lambda: len(received) >= 3, "failures were posted")
        self.assertEqual({path for path, _ in received}, {"/secret"})
        self.assertEqual(received[0], received[1])
        # On a machine that stood still a slot may be missed before the first run fails.
        first = wait_for(lambda: next((body for _, body in received if body["kind"] == "Failed"), None), "a failure was posted")
        self.assertEqual((first["kind"], first["namespace"], first["schedule"], first["exitCode"]), ("Failed", "default", "fails", 3))
        self.assertRegex(first["text"], r"^default/fails failed: run fails-\d{8}t\d{6}z, slot .*exit code 3")
        self.assertEqual({body["schedule"] for _, body in received}, {"fails"})
        self.assertEqual(service.metric("sparkcron_notice_failures_total"), 1)
        self.assertNotIn("/secret", service.output())

    def test_metrics_tell_what_happened(self):
        self.kubectl.apply(self.schedule("fails", exit_code=3))
        wait_for(lambda: self.counts("fails").get("failed", 0) >= 2, "two runs failed")
        self.kubectl.patch_spec("fails", suspend=True)
        wait_for(lambda: self.standalone.metric("sparkcron_schedule_suspended", schedule="fails") == 1, "suspended is told")
        wait_for(lambda: self.standalone.metric("sparkcron_schedule_active_runs", schedule="fails") == 0, "all ended")
        counts = self.counts("fails")
        self.assertEqual(self.standalone.metric("sparkcron_schedule_runs_failed_total", schedule="fails"), counts["failed"])
        self.assertEqual(self.standalone.metric("sparkcron_schedule_lateness_seconds_count", schedule="fails"), counts["started"])
        for name in ("spark_application_count", "spark_application_submit_count", "spark_application_failure_count",
                     "spark_application_failure_execution_time_seconds_count", "spark_application_start_latency_seconds_count"):
            wait_for(lambda n=name: self.standalone.metric(n) == counts["started"], f"{name} is {counts['started']}")
        wait_for(lambda: self.standalone.metric("spark_application_running_count") == 0, "none is told to run")

    def test_deleting_a_schedule_stops_and_removes_its_runs(self):
        self.kubectl.apply(self.schedule("gone", seconds=300))
        wait_for(self.started, "a driver started")
        self.kubectl("delete", "scheduledsparkapplication", "gone", "--wait=false")
        wait_for(lambda: not self.kubectl.get("sparkapplications")["items"] and not self.kubectl.get("pods")["items"],
                 "runs and pods are gone")
        self.assertEqual(len(self.started()), len(self.ended()), "a driver was left behind")

    def test_an_application_made_again_under_its_name_waits_for_the_old_driver(self):
        template = self.schedule("unused", seconds=300, on_term=1)["spec"]["template"]
        for variable in template["driver"]["env"]:
            variable["value"] = variable["value"].replace("{{ .RunName }}", "again")
        manifest = self.folder / "again.json"
        manifest.write_text(json.dumps({"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
                                        "metadata": {"name": "again", "namespace": "default"}, "spec": template}))
        self.kubectl("apply", "-f", str(manifest))
        for number, ways in enumerate(([("delete",), ("apply",)], [("replace", "--force")]), start=1):
            wait_for(lambda: len(self.started()) == number, f"driver {number} started")
            before = self.kubectl.get("sparkapplication", "again")["metadata"]["uid"]
            for way in ways:
                self.kubectl(*way, "-f", str(manifest))
            wait_for(lambda: len(self.started()) == number + 1, "the new application's driver started")
            self.assertNotEqual(self.kubectl.get("sparkapplication", "again")["metadata"]["uid"], before)
            ended = self.ended()
            self.assertEqual(len(ended), number)
            self.assertLessEqual(ended[-1][4], self.started()[-1][4], "two drivers of one name at once")
        wait_for(lambda: state_of(self.kubectl.get("sparkapplication", "again")) == "RUNNING", "the last one runs")

    def test_two_schedules_at_the_same_second(self):
        self.kubectl.apply(self.schedule("left", "*/5 * * * * *"), self.schedule("right", "*/5 * * * * *"))
        wait_for(lambda: len(self.started()) >= 4, "both run twice")
        by_slot = {}
        for _, run, slot, *_ in self.started():
            by_slot.setdefault(slot, set()).add(run.split("-")[0])
        self.assertIn({"left", "right"}, by_slot.values())

    def test_trigger_works_while_suspended_and_moves_no_slot(self):
        self.kubectl.apply(self.schedule("manual", "0 0 1 1 *", suspend=True))
        wait_for(lambda: self.get("manual").get("status", {}).get("conditions"), "the schedule is seen")
        self.kubectl("annotate", "scheduledsparkapplication", "manual", "sparkoperator.k8s.io/trigger=now")
        row = wait_for(self.started, "the triggered run started")[0]
        self.assertRegex(row[1], r"^manual-manual-\d{8}t\d{6}z$")
        wait_for(lambda: self.counts("manual").get("succeeded") == 1, "it is counted")
        self.assertEqual(len(self.started()), 1)

    def test_the_same_trigger_starts_a_run_each_time_it_is_written(self):
        annotation = "sparkoperator.k8s.io/trigger"
        def written():
            return self.get("again")["metadata"].get("annotations", {}).get(annotation)
        self.kubectl.apply(self.schedule("again", "0 0 1 1 *", concurrencyPolicy="Allow"))
        wait_for(lambda: self.get("again").get("status", {}).get("conditions"), "the schedule is seen")
        for times in (1, 2, 3):
            self.kubectl("annotate", "scheduledsparkapplication", "again", annotation + "=now")
            wait_for(lambda: self.counts("again").get("succeeded") == times, "it ran")
            self.assertIsNone(written())
        # One of a manifest stays, and asks once.
        manifest = self.schedule("again", "0 0 1 1 *", concurrencyPolicy="Allow")
        manifest["metadata"].setdefault("annotations", {})[annotation] = "now"
        self.kubectl.apply(manifest)
        wait_for(lambda: self.counts("again").get("succeeded") == 4, "it ran")
        manifest["metadata"]["annotations"]["more"] = "1"
        self.kubectl.apply(manifest)
        self.assertEqual(written(), "now")
        self.kubectl("annotate", "scheduledsparkapplication", "again", annotation + "-")
        wait_for(lambda: "handledTrigger" not in self.get("again")["status"]["scheduling"], "that is seen")
        self.kubectl("annotate", "scheduledsparkapplication", "again", annotation + "=now")
        wait_for(lambda: self.counts("again").get("succeeded") == 5, "it ran")
        self.assertEqual(self.counts("again")["started"], 5)

    def test_logs_are_served_while_the_driver_runs_and_after(self):
        # The run that is asked about must not be pruned for the next one meanwhile.
        self.kubectl.apply(self.schedule("speaks", "*/3 * * * * *", successfulRunHistoryLimit=50))
        wait_for(lambda: self.counts("speaks").get("succeeded", 0) >= 1, "a run succeeded")
        run = next(run for run in self.kubectl.runs("speaks") if state_of(run) == "COMPLETED")
        self.kubectl.patch_spec("speaks", suspend=True)
        out = self.kubectl("logs", run["status"]["driverInfo"]["podName"])
        self.assertIn("fake driver done", out)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The dashboard in Debian's Chromium, against the running binary: login, all schedules, one, a run. See browser.py."""
import datetime
import re
import unittest

import harness
from browser import HOSTILE, BrowserTest
from harness import sparkctl, wait_for


class DashboardTest(BrowserTest):
    def test_a_link_logs_in_once_and_nothing_is_seen_without(self):
        self.kubectl.apply(self.schedule("nightly", "0 2 * * *", timeZone="Europe/Berlin"))
        link = self.link()
        stranger = self.open(self.standalone.address() + "/dashboard/")
        stranger.locator("#login").wait_for()
        self.assertNotIn("nightly", stranger.content())
        self.complaints.clear()  # the 401 that shows the login
        page = self.open(link)
        self.row(page, "nightly").wait_for()
        self.assertNotIn("login=", page.url, "the code does not stay in the address")
        cookie, = page.context.cookies()
        self.assertTrue(cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/dashboard/")
        self.quiet(page)
        page.reload()
        self.row(page, "nightly").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.locator("#login").wait_for()
        again = self.open(link)
        again.get_by_text("was used already").wait_for()

    def test_the_overview_is_live_and_tells_what_failed(self):
        self.kubectl.apply(
            self.schedule("good", "*/2 * * * * *", successfulRunHistoryLimit=1),
            self.schedule("bad", "*/2 * * * * *", exit_code=3, failedRunHistoryLimit=1),
            self.schedule("nightly", "30 9 * * MON-FRI", timeZone="America/New_York"),
            self.schedule("paused", "0 2 * * *", suspend=True),
            self.schedule("wrong", "99 2 * * *"))
        page = self.open(self.link())
        nightly = self.row(page, "nightly")
        nightly.get_by_text("At 09:30 on Monday through Friday").wait_for()
        nightly.get_by_text("30 9 * * MON-FRI").wait_for()
        nightly.get_by_text(re.compile(":30:00")).first.wait_for()  # the words come from the spec, this from the status
        self.assertRegex(nightly.inner_text(), r"(?s)in \d+.*\d\d:30:00 (JST|GMT\+9).*09:30:00 (EST|EDT|GMT-[45])")
        self.row(page, "good").locator(".badge.Succeeded").wait_for()
        failures = page.locator(".failures")
        failures.get_by_text("bad", exact=True).wait_for()
        self.assertNotIn("good", failures.inner_text())
        self.row(page, "bad").locator(".strip .Failed").nth(1).wait_for()
        self.row(page, "wrong").locator(".badge.Invalid").wait_for()
        self.row(page, "paused").locator(".badge.Suspended").wait_for()
        self.assertIn("succeeded", self.row(page, "good").locator(".strip").get_attribute("aria-label"))
        # What changes is seen without being asked for.
        self.kubectl.patch_spec("good", suspend=True)
        self.row(page, "good").locator(".badge.Suspended").wait_for()
        self.kubectl("delete", "scheduledsparkapplication", "paused")
        self.row(page, "paused").wait_for(state="detached")
        self.kubectl.apply(self.schedule("newcomer", "0 3 * * *"))
        self.row(page, "newcomer").get_by_text("At 03:00").wait_for()
        self.picture(page, "overview")

        page.get_by_label("Search").fill("new_york")
        self.row(page, "bad").wait_for(state="detached")
        self.assertEqual(page.locator("table.schedules tbody tr").count(), 1)
        page.get_by_label("Search").fill("")
        page.get_by_label("State").select_option("Invalid")
        self.row(page, "nightly").wait_for(state="detached")
        page.get_by_label("State").select_option("")
        page.get_by_role("button", name="Success").click()
        self.assertEqual(page.locator("table.schedules tbody tr").first.locator(".name").inner_text(), "bad")
        self.quiet(page)

    def test_a_schedule_is_read_and_told_what_to_do(self):
        self.kubectl.apply(self.schedule("etl", "0 2 * * *", timeZone="Europe/Berlin"))
        page = self.open(self.link())
        self.row(page, "etl").get_by_role("link", name="etl").click()
        page.get_by_text("At 02:00 every day, in Europe/Berlin").wait_for()
        slots = page.locator("ol.next li")
        slots.nth(9).wait_for()
        self.assertRegex(slots.first.inner_text(), r"(?s)02:00:00 (CET|CEST|GMT\+[12]).*(JST|GMT\+9)")
        page.get_by_role("button", name="Suspend").click()
        page.get_by_role("button", name="Cancel").click()
        self.assertFalse(self.kubectl.get("scheduledsparkapplication", "etl")["spec"].get("suspend"), "not without a confirmation")
        page.get_by_role("button", name="Suspend").click()
        page.locator("button.yes:focus").wait_for()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Resume").wait_for()
        self.assertTrue(self.kubectl.get("scheduledsparkapplication", "etl")["spec"]["suspend"])
        page.get_by_role("button", name="Resume").click()
        page.get_by_role("button", name="Yes, resume etl").click()
        page.get_by_role("button", name="Suspend").wait_for()
        page.get_by_role("button", name="Run now").click()
        page.get_by_role("button", name="Yes, run now etl").click()
        page.get_by_text("A run was asked for.").wait_for()
        page.locator("table.rows .badge.Succeeded").wait_for()
        self.picture(page, "schedule")
        self.quiet(page)

    def test_a_run_and_its_log_live_and_after_it_was_removed(self):
        gate = self.folder / "gate"
        self.kubectl.apply(self.schedule("slow", "0 0 1 1 *", gate=gate, exit_code=3))
        self.assertIn("triggered", sparkctl(self.standalone, "trigger", "slow").stdout)
        run = wait_for(lambda: self.kubectl.runs("slow"), "the run")[0]["metadata"]["name"]
        page = self.open(self.link())
        self.row(page, "slow").wait_for()
        page.goto(f"{self.standalone.address()}/dashboard/#/run/default/{run}")
        page.locator("pre.log", has_text="fake driver of slot").wait_for()
        self.assertNotIn("fake driver done", page.locator("pre.log").inner_text())
        page.locator("table.rows tr", has_text=f"{run}-driver").get_by_text("Running", exact=True).wait_for()
        gate.touch()
        page.locator("pre.log", has_text="fake driver done").wait_for()
        page.locator("h2 .badge.Failed").wait_for()
        page.locator(".why").wait_for()
        page.locator(".phases").get_by_text("Ended").wait_for()
        self.assertRegex(page.locator(".phase-line").get_attribute("aria-label"), r"Driver started to Ended: \d+")
        page.get_by_text("One attempt. Exit code 3.").wait_for()
        self.picture(page, "run")
        page.get_by_label("Search").fill("done")
        page.get_by_text(re.compile(r"^1 of \d+ lines$")).wait_for()
        self.kubectl("delete", "sparkapplication", run)
        page.get_by_text("The run itself was removed").wait_for()
        page.reload()
        page.locator("pre.log", has_text="fake driver done").wait_for()
        page.locator("h2 .badge.Failed").wait_for()
        page.get_by_role("link", name="slow").click()
        page.locator("table.rows").get_by_role("link", name=run).wait_for()

    def test_a_server_that_gives_no_link_says_how_a_clusters_dashboard_is_reached(self):
        other = harness.Service(self.folder / "other", self.spark_home, command="apiserver")
        self.services.append(other)
        other.folder.mkdir()
        other.spawn()
        wait_for(other.ready, "the API server is ready")
        done = sparkctl(other, "dashboard", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("this server gives no link: on a cluster the controller serves the dashboard", done.stderr)

    def test_a_restart_of_the_service_is_survived(self):
        self.kubectl.apply(self.schedule("nightly", "0 2 * * *"))
        page = self.open(self.link())
        self.row(page, "nightly").wait_for()
        self.standalone.stop()
        page.get_by_text("not connected").wait_for()
        self.standalone.start()
        self.kubectl.apply(self.schedule("later", "0 3 * * *"))
        self.row(page, "later").wait_for()
        page.get_by_text("live", exact=True).wait_for()

    def test_markup_in_names_messages_and_labels_stays_text(self):
        hostile = self.schedule("hostile", HOSTILE, timeZone='"><script>document.title=1</script>')
        hostile["metadata"]["labels"] = {"team": "etl"}
        failing = self.schedule("failing", "0 0 1 1 *")
        self.kubectl.apply(hostile, failing)
        # What a status says is hostile text, too.
        self.kubectl("patch", "scheduledsparkapplication", "failing", "--subresource=status", "--type=merge", "-p",
                     '{"status": {"recentRuns": [{"name": "r1", "outcome": "Failed", "slot": "2026-01-01T00:00:00Z", '
                     '"ended": "%s", "reason": "<img src=x onerror=document.title=1>"}]}}' % now())
        page = self.open(self.link())
        self.row(page, "hostile").get_by_text("onerror").first.wait_for()
        page.locator(".failures").get_by_text("<img src=x onerror=document.title=1>").wait_for()
        self.assertEqual(page.locator("#page img, #page script, #page b").count(), 0)
        self.quiet(page)

    def test_it_can_be_read_on_a_telephone_and_in_the_dark(self):
        self.kubectl.apply(self.schedule("a-schedule-with-quite-a-long-name-that-must-wrap-somewhere", "*/2 * * * * *"),
                           self.schedule("bad", "*/2 * * * * *", exit_code=3))
        page = self.open(self.link(), viewport={"width": 360, "height": 800}, color_scheme="dark")
        page.locator(".failures").get_by_text("bad", exact=True).wait_for()
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 360, "nothing is cut off at the side")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertLess(sum(int(part) for part in dark[4:-1].split(",")), 150)
        self.picture(page, "telephone-dark")
        self.quiet(page)

    def test_cookies_alone_and_other_pages_change_nothing(self):
        self.kubectl.apply(self.schedule("nightly", "0 2 * * *"))
        page = self.open(self.link())
        self.row(page, "nightly").wait_for()
        path = "/dashboard/api/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/scheduledsparkapplications/nightly"
        self.assertEqual(page.evaluate("path => fetch(path).then(answer => answer.status)", path), 403)
        self.assertEqual(page.evaluate("""path => fetch(path, {method: "PATCH", body: '{"spec": {"suspend": true}}',
            headers: {"Content-Type": "application/merge-patch+json"}}).then(answer => answer.status)""", path), 403)
        self.assertEqual(page.evaluate("""() => new Promise(done => { const socket = new WebSocket(location.origin.replace("https", "wss") +
            "/dashboard/api/apis/sparkoperator.k8s.io/v1beta2/scheduledsparkapplications?watch=true");
            socket.onopen = () => done("open"); socket.onerror = () => done("refused"); })"""), "refused")
        self.assertFalse(self.kubectl.get("scheduledsparkapplication", "nightly")["spec"].get("suspend"))


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    unittest.main(verbosity=2)

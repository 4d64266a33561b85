"""More of the dashboard in Debian's Chromium: timeline, year, health, many schedules. See browser.py."""
import datetime
import http.server
import json
import re
import ssl
import subprocess
import threading
import unittest
import urllib.request

from browser import HOSTILE, BrowserTest
from harness import sparkctl, state_of, wait_for


class DashboardPagesTest(BrowserTest):
    def lane(self, page, name):
        return page.locator(".lanes .lane", has=page.get_by_text(name, exact=True))

    def go(self, page, where):
        page.goto(f"{self.standalone.address()}/dashboard/#/{where}")

    def test_the_timeline_shows_what_ran_and_where_it_gets_crowded(self):
        crowded = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=3)).hour
        self.kubectl.apply(
            self.schedule("good", "*/2 * * * * *", successfulRunHistoryLimit=1),
            self.schedule("bad", "*/2 * * * * *", exit_code=3, failedRunHistoryLimit=1),
            *(self.schedule(f"etl-{i}", f"{i} {crowded} * * *", timeZone="UTC") for i in range(5)),
            self.schedule("weekly", (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).strftime("0 %H %d %m *"), timeZone="UTC"),
            self.schedule("paused", "0 * * * *", suspend=True))
        page = self.open(self.link())
        self.row(page, "bad").locator(".strip .Failed").nth(1).wait_for()
        for name in ("good", "bad"):  # so that the crowd is that of the others
            self.kubectl.patch_spec(name, suspend=True)
        page.get_by_role("link", name="Timeline").click()
        page.get_by_text("24 hours back and ahead, times in Asia/Tokyo").wait_for()
        self.lane(page, "good").locator(".Succeeded").first.wait_for()
        self.lane(page, "bad").locator(".Failed").first.wait_for()
        self.lane(page, "etl-4").locator(".Ahead").wait_for()
        page.locator(".crowded", has_text=re.compile(r"in one hour: 5, from .* \d\d:00:00 (JST|GMT\+9)")).wait_for()
        self.assertIn("succeeded", self.lane(page, "good").locator("svg").get_attribute("aria-label"))
        self.assertRegex(self.lane(page, "etl-0").locator("svg").get_attribute("aria-label"), r"1 to come, the next in \d h")
        self.assertEqual(self.lane(page, "weekly").count() + self.lane(page, "paused").count(), 0, "nothing of them is in the window")
        self.picture(page, "timeline")
        page.get_by_role("button", name="A week").click()
        self.lane(page, "weekly").locator(".Ahead").wait_for()
        self.assertRegex(self.lane(page, "etl-0").locator("svg").get_attribute("aria-label"), r"[78] to come")
        page.get_by_label("Search").fill("etl")
        self.lane(page, "good").wait_for(state="detached")
        self.assertEqual(page.locator(".lanes .lane").count(), 5)
        # What happens meanwhile is seen, and so is what was edited.
        page.get_by_label("Search").fill("")
        self.assertIn("triggered", sparkctl(self.standalone, "trigger", "weekly").stdout)
        self.lane(page, "weekly").locator(".Succeeded").wait_for()
        self.kubectl.patch_spec("weekly", schedule="0 * * * *")
        wait_for(lambda: re.search(r"16[0-9] to come", self.lane(page, "weekly").locator("svg").get_attribute("aria-label") or ""), "the edited schedule")
        self.lane(page, "weekly").get_by_role("link", name="weekly", exact=True).click()
        page.get_by_role("heading", name="A year of outcomes").wait_for()
        self.quiet(page)

    def test_a_schedules_year_says_what_the_clock_will_do(self):
        self.kubectl.apply(self.schedule("etl", "30 2 * * *", timeZone="Europe/Berlin"), self.schedule("often", "*/2 * * * * *"),
                           self.schedule("tokyo", "0 2 * * *", timeZone="Asia/Tokyo"))
        page = self.open(self.link())
        self.row(page, "often").locator(".strip .Succeeded").nth(4).wait_for()
        self.go(page, "schedule/default/etl")
        changes = page.locator(".changes li")
        changes.nth(1).wait_for()
        text = "\n".join(changes.all_inner_texts())
        self.assertRegex(text, r"03:00:00 (CEST|GMT\+2) The clock goes from 02:00 to 03:00. The slot at 02:30 runs once, at 03:00.")
        self.assertRegex(text, r"02:00:00 (CET|GMT\+1) The clock goes back from 03:00 to 02:00. The slot at 02:30 runs once, the first time.")
        page.locator(".year .change").nth(2).wait_for(state="attached")
        page.get_by_text("No run ended in the last 30 days").wait_for()
        self.go(page, "schedule/default/tokyo")
        page.get_by_text("The clock of Asia/Tokyo does not change in the next year.").wait_for()
        self.go(page, "schedule/default/often")
        page.locator(".year .day.Succeeded").wait_for(state="attached")
        page.locator(".durations .Succeeded").nth(3).wait_for(state="attached")
        page.get_by_text(re.compile(r"In the last 30 days 100 % of \d+ runs succeeded; from creation to end half of them took .* or less")).wait_for()
        self.assertRegex(page.locator(".durations").get_attribute("aria-label"), r"usually .* to ")
        self.picture(page, "year")
        self.quiet(page)

    def test_a_runs_page_has_the_logs_of_earlier_attempts(self):
        bad = self.schedule("bad", "0 0 1 1 *", exit_code=3)
        bad["spec"]["template"]["restartPolicy"] = {"type": "OnFailure", "onFailureRetries": 2, "onFailureRetryInterval": 1}
        self.kubectl.apply(bad)
        self.assertIn("triggered", sparkctl(self.standalone, "trigger", "bad").stdout)
        run = wait_for(lambda: [run for run in self.kubectl.runs("bad") if state_of(run) == "FAILED"], "all attempts failed")[0]["metadata"]["name"]
        processes = [row[3] for row in self.truth() if row[0] == "start"]
        self.assertEqual(len(processes), 3)
        page = self.open(self.link())
        self.go(page, f"run/default/{run}")
        page.get_by_text("Attempted 3 times").wait_for()
        page.locator("pre.log", has_text=f"is process {processes[2]}\n").wait_for()
        chosen = page.get_by_role("combobox", name="Attempt")
        self.assertEqual(chosen.locator("option").all_inner_texts(), ["3, the last", "2", "1"])
        for attempt in (1, 2):
            chosen.select_option(str(attempt))
            page.get_by_text(f"of attempt {attempt}, kept").wait_for()
            page.locator("pre.log", has_text=f"is process {processes[attempt - 1]}\n").wait_for()
        chosen.select_option("0")
        page.locator("pre.log", has_text=f"is process {processes[2]}\n").wait_for()
        # One that is lost is said to be.
        next((self.standalone.data / "logs").rglob("*.attempt-1.log.gz")).unlink()
        self.standalone.stop()
        self.standalone.start()
        page.reload()
        page.get_by_text("Attempted 3 times").wait_for()
        chosen.select_option("1")
        page.get_by_text(f"No log: no log of attempt 1 of run default/{run} is kept, but of attempt").wait_for()

    def test_sparks_ui_of_a_run_that_runs_is_shown_and_reaches_nothing_else(self):
        self.kubectl.apply(self.schedule("slow", "0 0 1 1 *", seconds=600))
        self.assertIn("triggered", sparkctl(self.standalone, "trigger", "slow").stdout)
        run = wait_for(lambda: [run for run in self.kubectl.runs("slow") if state_of(run) == "RUNNING"], "it runs")[0]
        host, port = run["status"]["driverInfo"]["webUIAddress"].split(":")

        class SparksUi(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                base = self.headers["X-Forwarded-Context"]
                self.send_response(200)
                self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
                self.end_headers()
                self.wfile.write(b"document.getElementById('said').textContent += ' by a script';" if self.path.endswith(".js") else f"""<html><head></head><body><h1>{self.path}</h1>
                    <a href="{base}/stages/">Stages</a><p id=said>said</p><script src="{base}/static/a.js"></script><p id=stolen></p><script>
                    const say = (text) => document.getElementById("stolen").textContent += text;
                    say(`origin ${{origin}}; `);
                    localStorage.setItem("a", 1); say(`kept ${{localStorage.getItem("a")}}; `);
                    try {{ say(`cookie ${{document.cookie}}; `); }} catch {{ say("no cookie; "); }}
                    fetch("{base}/../../api/api/v1/namespaces/default/pods", {{credentials: "include", headers: {{"X-Sparkcron-Dashboard": "1"}}}})
                        .then((answer) => say(`pods ${{answer.status}}`), () => say("no pods"));</script>""".encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((host, int(port)), SparksUi)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page = self.open(self.link())
            self.go(page, f"run/default/{run['metadata']['name']}")
            with page.context.expect_page() as opened:
                page.get_by_role("link", name="Spark's UI").click()
            ui = opened.value
            ui.get_by_text("said by a script").wait_for()
            ui.get_by_text("origin null; kept 1; no cookie; no pods").wait_for()
            ui.get_by_role("heading", name="/jobs/").wait_for()
            ui.get_by_role("link", name="Stages").click()
            ui.get_by_role("heading", name="/stages/").wait_for()
            self.assertIn("stopped", sparkctl(self.standalone, "stop", run["metadata"]["name"]).stdout)
            page.get_by_role("link", name="Spark's UI").wait_for(state="detached")
            ui.reload()
            ui.get_by_text("Spark's UI is there while a driver runs").wait_for()
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def test_health_is_told_without_a_persons_scraping(self):
        self.kubectl.apply(self.schedule("good", "*/2 * * * * *"))
        page = self.open(self.link())
        self.row(page, "good").locator(".strip .Succeeded").nth(1).wait_for()
        page.get_by_role("link", name="Health").click()
        page.get_by_text(re.compile(r"All \d+ checks pass")).wait_for()
        text = page.locator("main").inner_text()
        for part in ("this process", "the run's creation", "or less", "Objects that wait", "Ledger's size", "Free where the data is"):
            self.assertIn(part, text)
        self.assertRegex(text, r"(?s)as of \w+ [0-9-]+ [0-9:]+ (JST|GMT\+9)")
        page.get_by_text("All checks", exact=True).click()
        page.get_by_text("databases").wait_for()
        self.picture(page, "health")
        # A check that fails is on top.
        (self.standalone.data / "api.db").rename(self.standalone.data / "api.db.gone")
        page.get_by_role("heading", name="What is not well").wait_for()
        page.locator(".failures li", has_text="databases").locator(".badge.Failed").first.wait_for()
        self.quiet_but(page, "500")

    def quiet_but(self, page, status):
        self.complaints = [one for one in self.complaints if f"status of {status}" not in one]
        self.quiet(page)

    def test_a_thousand_schedules_are_drawn_and_searched(self):
        self.fill(1000)
        page = self.open(self.link())
        page.get_by_text("1000 of 1000", exact=True).wait_for()
        self.assertEqual(page.locator("table.schedules tbody tr").count(), 200)
        page.get_by_role("button", name="800 more").click()
        page.get_by_role("button", name="600 more").wait_for()
        page.get_by_label("Search").fill("job-0777")
        self.row(page, "job-0777").wait_for()
        self.assertEqual(page.locator("table.schedules tbody tr").count(), 1)
        self.go(page, "timeline")
        page.get_by_text("1000 of 1000 with something to show").wait_for()
        self.assertEqual(page.locator(".lanes .lane").count(), 100)
        self.assertRegex(page.locator(".crowded").inner_text(), r"in one hour: \d+")
        page.get_by_label("Search").fill("job-0777")
        page.get_by_text("1 of 1000 with something to show").wait_for()
        page.get_by_label("Search").fill("")
        page.get_by_role("button", name="A week").click()
        page.get_by_text("7 days back and ahead").wait_for()
        page.get_by_text("1000 of 1000 with something to show").wait_for()
        self.picture(page, "thousand")
        self.quiet(page)

    def fill(self, count):
        """So many schedules, of all hours; one by one is what an API offers."""
        tls = ssl.create_default_context(cafile=str(self.standalone.data / "tls.crt"))
        for i in range(count):
            body = self.schedule(f"job-{i:04}", f"{i % 60} {i % 24} * * *", timeZone=("UTC", "Europe/Berlin", "America/New_York")[i % 3])
            request = urllib.request.Request(
                f"{self.standalone.address()}/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/scheduledsparkapplications",
                data=json.dumps(body).encode(), headers={"Authorization": f"Bearer {self.standalone.token()}", "Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=60, context=tls).close()

    def test_markup_stays_text_on_every_page(self):
        hostile = self.schedule("hostile", HOSTILE)
        failing = self.schedule("failing", "0 2 * * *", exit_code=3)
        failing["spec"]["template"]["driver"]["env"].append({"name": "SPARKCRON_HOSTILE", "value": HOSTILE})
        self.kubectl.apply(hostile, failing)
        (self.spark_home / "bin/spark-submit").write_text(
            "#!/bin/sh\nprintf '%s\\n' \"$SPARKCRON_HOSTILE\" 'Exception in thread \"main\" java.lang.Error: <img src=x onerror=document.title=1>'\nexit 3\n")
        self.assertIn("triggered", sparkctl(self.standalone, "trigger", "failing").stdout)
        run = wait_for(lambda: self.kubectl.runs("failing"), "the run")[0]["metadata"]["name"]
        page = self.open(self.link())
        self.go(page, f"run/default/{run}")
        page.locator("pre.log", has_text="onerror=document.title=1").wait_for()
        page.locator("h2 .badge.Failed").wait_for()
        self.kubectl("patch", "scheduledsparkapplication", "failing", "--subresource=status", "--type=merge", "-p", json.dumps({"status": {
            "conditions": [{"type": "Ready", "status": "False", "reason": HOSTILE, "message": HOSTILE, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "timeZone": HOSTILE}}))
        self.kubectl("create", "-f", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "hostile", "namespace": "default"}, "reason": "Markup", "message": HOSTILE,
            "type": "Warning", "involvedObject": {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "ScheduledSparkApplication", "name": "failing", "namespace": "default"}}))
        self.go(page, "schedule/default/failing")
        page.locator("table.rows", has_text="Markup").wait_for()
        self.assert_no_markup(page)
        self.go(page, "schedule/default/hostile")
        page.get_by_text("onerror").first.wait_for()
        self.assert_no_markup(page)
        self.go(page, "timeline")
        self.lane(page, "failing").wait_for()
        self.assert_no_markup(page)
        self.go(page, "schedule/default/%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D1%22%3E")
        page.get_by_text("There is no schedule").wait_for()
        self.assert_no_markup(page)
        self.complaints = [one for one in self.complaints if "status of 4" not in one]  # a zone that is none, a log not there yet
        self.quiet(page)

    def assert_no_markup(self, page):
        self.assertEqual(page.locator("#page img, #page script, #page b").count(), 0)

    def test_every_page_can_be_read_on_a_telephone_and_in_the_dark(self):
        self.kubectl.apply(self.schedule("a-schedule-with-quite-a-long-name-that-must-wrap-somewhere", "*/2 * * * * *"),
                           self.schedule("bad", "*/2 * * * * *", exit_code=3))
        page = self.open(self.link(), viewport={"width": 360, "height": 800}, color_scheme="dark")
        self.row(page, "bad").locator(".strip .Failed").nth(2).wait_for()
        # Of a run that has just begun there is no log yet, and the browser complains of each answer 404.
        self.kubectl.patch_spec("bad", suspend=True)
        ended = lambda: {state_of(run) for run in self.kubectl.runs("bad")} == {"FAILED"}
        wait_for(ended, "what was started has failed")
        run = self.kubectl.runs("bad")[-1]["metadata"]["name"]
        for where, there in (("timeline", ".lanes .Failed"), ("health", ".facts"), ("schedule/default/bad", ".durations .Failed"), (f"run/default/{run}", "pre.log")):
            self.go(page, where)
            page.locator(there).first.wait_for(state="attached")
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 360, where)
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
            self.assertLess(sum(int(part) for part in dark[4:-1].split(",")), 150)
            self.picture(page, f"telephone-dark-{where.split('/', maxsplit=1)[0]}")
        self.quiet(page)

    def test_a_run_that_has_ended_leads_to_sparks_history_server(self):
        self.standalone.stop()
        self.standalone.arguments = ("--spark-history-url", "javascript:{applicationId}")
        refused = subprocess.run(self.standalone.command(), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("--spark-history-url: must begin with https:// or http://", refused.stderr)
        self.standalone.arguments = ("--spark-history-url", "https://history.example/history/{applicationId}/jobs")
        self.standalone.start()
        self.kubectl.apply(self.schedule("etl", "0 2 * * *"))
        self.assertIn("triggered", sparkctl(self.standalone, "trigger", "etl").stdout)
        run = wait_for(lambda: [run for run in self.kubectl.runs("etl") if state_of(run) == "COMPLETED"], "the run")[0]["metadata"]["name"]
        self.kubectl.patch("sparkapplication", run, {"status": {"sparkApplicationId": "a/../b\"'<"}}, "--subresource=status")
        page = self.open(self.link())
        self.go(page, f"run/default/{run}")
        link = page.get_by_role("link", name="Spark's history server")
        link.wait_for()
        self.assertEqual(link.get_attribute("href"), "https://history.example/history/a%2F..%2Fb%22'%3C/jobs")
        self.quiet_but(page, "404")  # a log that is not kept yet

    def test_the_pages_are_reached_and_left_by_keyboard(self):
        self.kubectl.apply(self.schedule("nightly", "0 2 * * *"))
        page = self.open(self.link())
        self.row(page, "nightly").wait_for()
        page.get_by_role("link", name="Timeline").focus()
        page.keyboard.press("Enter")
        self.lane(page, "nightly").wait_for()
        wait_for(lambda: page.evaluate("document.activeElement.id") == "main", "the focus is in the page")
        reached = []
        for _ in range(12):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.tagName"))
        self.assertIn("A week", reached)
        self.assertIn("nightly", reached)


if __name__ == "__main__":
    unittest.main(verbosity=2)

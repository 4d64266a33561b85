"""The dashboard of `sparkcron controller` in Debian's Chromium: people log in with tokens and see what is theirs.

The API server is the embedded one, behind a double that knows people and rights. See browser.py, reviewing_api.py.
"""
import json
import re
import ssl
import unittest
import urllib.error
import urllib.request

import harness
from browser import BrowserTest
from harness import sparkctl, wait_for
from reviewing_api import ReviewingApi

READS = [("list", "scheduledsparkapplications"), ("list", "sparkapplications"), ("list", "events"), ("list", "pods"), ("get", "pods/log")]
PEOPLE = {
    "token-of-ann": ("ann", {("*", verb, resource) for verb, resource in [*READS, ("patch", "scheduledsparkapplications")]}),
    "token-of-bob": ("bob", {("etl", verb, resource) for verb, resource in READS}),
    "token-of-dora": ("dora", set()),
}


class ClusterDashboardTest(BrowserTest):
    def setUp(self):
        harness.E2ETest.setUp(self)
        self.complaints = []
        self.kubectl = self.start_api_and_node()
        self.double = ReviewingApi(self.api, PEOPLE)
        self.addCleanup(self.double.close)
        kubeconfig = self.folder / "through-the-double"
        kubeconfig.write_text((self.api.data / "kubeconfig").read_text().replace(self.api.address(), self.double.address))
        folder = self.folder / "controller"
        folder.mkdir()
        self.controller = harness.Service(folder, self.spark_home, "--kubeconfig", str(kubeconfig), "--history-listen", "127.0.0.1:0",
                                          command="controller")
        self.services.append(self.controller)
        self.controller.spawn()
        where = wait_for(lambda: re.search(r"history on (\S+)", self.controller.output()), "it says where it listens")[1]
        self.url = f"https://{where}/dashboard/"
        # Before it has read the schedules, pages are told to come back.
        wait_for(lambda: harness.controller_is_ready(self.controller.output()), "the controller is ready")
        for ns in ("etl", "other"):
            self.kubectl("create", "namespace", ns)

    def in_namespace(self, ns, schedule):
        schedule["metadata"]["namespace"] = ns
        return schedule

    def log_in(self, token):
        page = self.open(self.url)
        page.get_by_label("Bearer token").fill(token)
        page.get_by_role("button", name="Log in").click()
        return page

    def ask(self, path, token=None, method="GET", body=None, header=True):
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(self.url + path, method=method, data=body)
        if header:
            request.add_header("X-Sparkcron-Dashboard", "1")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60, context=tls) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def test_people_see_and_change_what_the_cluster_lets_them(self):
        self.kubectl.apply(self.in_namespace("etl", self.schedule("nightly", "0 2 * * *", timeZone="Europe/Berlin")),
                           self.in_namespace("other", self.schedule("secret", "0 3 * * *")))
        # Nothing without a token.
        page = self.open(self.url)
        page.get_by_label("Bearer token").wait_for()
        self.assertNotIn("nightly", page.content())
        page.get_by_label("Bearer token").fill("forged")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("the API server does not accept the token").wait_for()
        self.assertEqual(self.ask("api/sparkcron/v1/schedules")[0], 401)
        self.assertEqual(self.ask("api/sparkcron/v1/scope", "token-of-ann", header=False)[0], 403)
        self.complaints.clear()

        bob = self.log_in("token-of-bob")
        self.row(bob, "nightly").wait_for()
        bob.get_by_text("of etl").wait_for()
        self.assertEqual(self.row(bob, "secret").count(), 0)
        self.assertEqual(bob.context.cookies(), [])
        ann = self.log_in("token-of-ann")
        self.row(ann, "secret").wait_for()
        self.row(ann, "nightly").wait_for()
        self.picture(ann, "cluster")
        # What changes is seen by who may see it.
        self.kubectl.apply(self.in_namespace("other", self.schedule("hidden", "0 4 * * *")))
        self.row(ann, "hidden").get_by_text("At 04:00").wait_for()
        self.kubectl.apply(self.in_namespace("etl", self.schedule("newcomer", "0 5 * * *")))
        self.row(bob, "newcomer").get_by_text("At 05:00").wait_for()
        self.assertEqual(self.row(bob, "hidden").count(), 0)
        bob.reload()
        self.row(bob, "newcomer").wait_for()
        # The first question, by which a page learns that it must ask for a token, is refused.
        self.complaints = [one for one in self.complaints if "status of 401" not in one]
        self.quiet(bob)

        # Bob reads the schedule; the cluster refuses him the change, and lets ann.
        bob.goto(self.url + "#/schedule/etl/nightly")
        bob.get_by_text("At 02:00 every day, in Europe/Berlin").wait_for()
        bob.get_by_role("button", name="Suspend").click()
        bob.get_by_role("button", name="Yes, suspend nightly").click()
        bob.get_by_text("Suspend: bob may not patch scheduledsparkapplications in etl").wait_for()
        self.assertFalse(self.kubectl.get("scheduledsparkapplication", "nightly", "-n", "etl")["spec"].get("suspend"))
        ann.goto(self.url + "#/schedule/etl/nightly")
        ann.get_by_role("button", name="Run now").click()
        ann.get_by_role("button", name="Yes, run now nightly").click()
        ann.get_by_text("A run was asked for.").wait_for()
        self.assertIn(("ann", "patch", "scheduledsparkapplications", "etl"), self.double.asked)
        # The run, its log and the history, as bob.
        bob.locator("table.rows .badge.Succeeded").wait_for()
        bob.locator("table.rows").get_by_role("link", name=re.compile("^nightly-manual-")).click()
        bob.locator("pre.log", has_text="the driver ended").wait_for()
        bob.locator("h2 .badge.Succeeded").wait_for()
        bob.goto(self.url + "#/timeline")
        bob.locator(".lanes .lane", has=bob.get_by_text("nightly", exact=True)).locator(".Succeeded").first.wait_for()
        self.assertEqual(bob.locator(".lanes .lane", has=bob.get_by_text("secret", exact=True)).count(), 0)
        # Of the service itself only who sees all namespaces is told.
        ann.goto(self.url + "#/health")
        ann.get_by_text("Objects that wait").wait_for()
        self.assertEqual(self.ask("numbers", "token-of-bob", "POST", b"{}")[0], 403)
        self.assertEqual(self.ask("api/sparkcron/v1/history?namespace=other", "token-of-bob")[0], 403)

        bob.get_by_role("button", name="Log out").click()
        bob.get_by_label("Bearer token").wait_for()
        bob.reload()
        bob.get_by_label("Bearer token").wait_for()
        dora = self.log_in("token-of-dora")
        dora.get_by_text("you may list schedules in no namespace that has any").wait_for()
        dora.get_by_text("There is no schedule yet where you may list them").wait_for()

    def test_a_run_is_followed_while_it_goes_on(self):
        gate = self.folder / "gate"
        self.kubectl.apply(self.in_namespace("etl", self.schedule("slow", "0 0 1 1 *", gate=gate)))
        bob = self.log_in("token-of-bob")
        self.row(bob, "slow").wait_for()
        self.assertIn("triggered", sparkctl(self.api, "-n", "etl", "trigger", "slow").stdout)
        run = wait_for(lambda: json.loads(self.kubectl("get", "sparkapplications", "-n", "etl", "-o", "json"))["items"], "the run")[0]["metadata"]["name"]
        bob.goto(f"{self.url}#/run/etl/{run}")
        bob.locator("pre.log", has_text="the driver began").wait_for()
        self.assertNotIn("the driver ended", bob.locator("pre.log").inner_text())
        self.double.ended.set()
        gate.touch()
        bob.locator("pre.log", has_text="the driver ended").wait_for()
        bob.locator("h2 .badge.Succeeded").wait_for()
        # Then the object goes, and what the controller has kept is there.
        self.kubectl("delete", "sparkapplication", "-n", "etl", run)
        bob.get_by_text("The run itself was removed").wait_for()
        bob.reload()
        bob.locator("pre.log", has_text="the driver ended").wait_for()

    def test_a_page_comes_back_when_the_controller_does(self):
        self.kubectl.apply(self.in_namespace("etl", self.schedule("nightly", "0 2 * * *")))
        bob = self.log_in("token-of-bob")
        self.row(bob, "nightly").wait_for()
        self.controller.arguments = tuple(re.sub(r"^127\.0\.0\.1:0$", re.search(r"https://([0-9.:]+)/", self.url)[1], one) for one in self.controller.arguments)
        self.assertEqual(self.controller.stop(), 0, "pages that are open hold up no stop")
        bob.get_by_text("not connected").wait_for()
        self.controller.spawn()
        self.kubectl.apply(self.in_namespace("etl", self.schedule("later", "0 3 * * *")))
        self.row(bob, "later").wait_for()


if __name__ == "__main__":
    unittest.main(verbosity=2)

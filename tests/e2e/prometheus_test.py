"""A real Prometheus (Debian's, by tools/bootstrap.d/prometheus) scrapes the running service and evaluates the chart's alerts."""
import json
import re
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

import harness
from harness import ROOT, Kubectl, wait_for

CONFIGURATION = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: sparkcron
    scheme: https
    tls_config: {ca_file: CA}
    static_configs: [{targets: ["TARGET"]}]
"""


class Prometheus:
    """One in a folder of its own, on a port that the system chose."""

    def __init__(self, folder, service):
        self.folder = folder
        folder.mkdir()
        program = subprocess.run([ROOT / "tools/bootstrap.d/prometheus"], capture_output=True, text=True, check=True).stdout.strip()
        (folder / "prometheus.yml").write_text(CONFIGURATION.replace("CA", str(service.data / "tls.crt"))
                                               .replace("TARGET", service.address().removeprefix("https://")))
        # OVERDUE is a value of the chart.
        (folder / "alerts.yaml").write_text((ROOT / "charts/sparkcron/files/alerts.yaml").read_text().replace("OVERDUE", "300"))
        with open(folder / "log", "w") as log:
            self.process = subprocess.Popen([program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                             "--web.listen-address=127.0.0.1:0"], stdout=log, stderr=log, cwd=folder)

    def log(self):
        return (self.folder / "log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def address(self):
        """Once it listens."""
        def listens():
            if self.process.poll() is not None:
                raise AssertionError(f"Prometheus ended:\n{self.log()}")
            return re.search(r'msg="Listening on" address=(127\.0\.0\.1:\d+)', self.log())
        return "http://" + wait_for(listens, "Prometheus listens").group(1)

    def await_ready(self):
        """It listens before it answers queries: until then they get 503."""
        def ready():
            try:
                with urllib.request.urlopen(f"{self.address()}/-/ready", timeout=30) as answer:
                    return answer.status == 200
            except urllib.error.HTTPError:
                return False
        wait_for(ready, "Prometheus is ready")

    def ask(self, path, **parameters):
        with urllib.request.urlopen(f"{self.address()}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def value(self, query):
        """None while there is no such series."""
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None


class PrometheusTest(harness.E2ETest):
    def test_a_real_prometheus_finds_the_metrics_and_its_alerts_fire(self):
        service = self.service().start()
        kubectl = Kubectl(service)
        kubectl.apply(self.schedule("good", "*/2 * * * * *"), self.schedule("bad", "*/2 * * * * *", exit_code=3))
        wait_for(lambda: (service.metric("sparkcron_schedule_consecutive_failures", schedule="bad") or 0) >= 2, "two failures")
        wait_for(lambda: service.metric("sparkcron_schedule_runs_succeeded_total", schedule="good"), "a success")
        prometheus = Prometheus(self.folder / "prometheus", service)
        self.addCleanup(prometheus.stop)
        prometheus.await_ready()
        wait_for(lambda: prometheus.value('up{job="sparkcron"}') == 1, "the service is scraped")
        # Every family of the service is there under its name.
        with service.open("/metrics") as answer:
            names = set(re.findall(r"^([a-z_]+)(?:{.*})? [0-9.e+-]+$", answer.read().decode(), re.M))
        self.assertGreater(len(names), 50)
        wait_for(lambda: names <= set(prometheus.ask("label/__name__/values")), "every name was scraped")
        self.assertEqual(prometheus.value("sparkcron_leader"), 1)
        self.assertGreaterEqual(prometheus.value('sparkcron_schedule_consecutive_failures{schedule="bad"}'), 2)
        self.assertGreaterEqual(prometheus.value('histogram_quantile(0.5, sum by (le) (sparkcron_schedule_lateness_seconds_bucket))'), 0)
        # What it counts is what the ledger says, once the runs have stopped.
        for name in ("good", "bad"):
            kubectl.patch_spec(name, suspend=True)
        # One question, so that all of the answer is of one scrape.
        wait_for(lambda: prometheus.value("sum(sparkcron_schedule_active_runs) + sum(1 - sparkcron_schedule_suspended)") == 0, "all is quiet")
        failed = lambda: kubectl.get("scheduledsparkapplication", "bad")["status"]["counts"]["failed"]
        wait_for(lambda: prometheus.value('sparkcron_schedule_runs_failed_total{schedule="bad"}') == failed(), "the count of the ledger")
        # The chart's rules are understood, and one that should fires.
        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 10)
        wait_for(lambda: all(rule["health"] == "ok" for group in prometheus.ask("rules")["groups"] for rule in group["rules"]), "every rule was evaluated")
        firing = lambda: {(alert["labels"]["alertname"], alert["labels"].get("schedule")) for alert in prometheus.ask("alerts")["alerts"] if alert["state"] == "firing"}
        wait_for(lambda: ("SparkcronFailsAgain", "bad") in firing(), "the alert fires")
        self.assertNotIn(("SparkcronFailsAgain", "good"), firing())


if __name__ == "__main__":
    unittest.main(verbosity=2)

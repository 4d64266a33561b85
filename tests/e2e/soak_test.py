#!/usr/bin/env python3
"""Runs the service for a while under schedules of every second and every minute and shows that it comes to rest: memory,
descriptors, threads, files, folders, rows and objects stop growing.

  soak_test.py                  half an hour, as tools/test --long runs it
  soak_test.py --minutes 3      a quick look; the figures are the same, the margins wider
  soak_test.py --json FILE      every sample besides

What the service keeps on purpose is kept small here (--history-runs, --event-ttl), so that the bounds are reached well
before the half. Then the second half is judged: the median of its last third may be above that of its first third by no
more than the margin of that figure.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import urllib.request

import harness

SECONDLY, MINUTELY = 4, 12
HISTORY_RUNS = 300
EVENT_TTL_SECONDS = 20

# Of each figure: growth that is no growth, and the most that it may ever be.
MARGINS = {
    "memory_mb": (12, 400),
    "descriptors": (8, 400),
    "threads": (4, 200),
    "pod_folders": (15, 300),
    "log_files": (600, 4 * (HISTORY_RUNS + 256)),
    "other_files": (4, 60),
    "data_mb": (6, 160),
    "api_db_mb": (4, 64),
    "ledger_mb": (1, 16),
    "ledger_runs": (280, HISTORY_RUNS + 256),
    "ledger_skips": (280, HISTORY_RUNS + 256),
    "events": (120, 4000),
    "applications": (12, 200),
    "pods": (12, 200),
    "configmaps": (12, 200),
    "services": (12, 200),
    "metric_lines": (60, 3000),
}
KINDS = {
    "events": "/api/v1/namespaces/default/events",
    "applications": "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/sparkapplications",
    "pods": "/api/v1/namespaces/default/pods",
    "configmaps": "/api/v1/namespaces/default/configmaps",
    "services": "/api/v1/namespaces/default/services",
}
SCHEDULES = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/scheduledsparkapplications"


def schedule(name, expression, **spec):
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "ScheduledSparkApplication",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"schedule": expression, **spec, "template": {
            "type": "Python", "sparkVersion": "4.0.1", "image": "apache/spark:4.0.1",
            "mainApplicationFile": "local:///opt/jobs/etl.py",
            "driver": {"memory": "128m"}, "executor": {"instances": 1, "memory": "128m"}}},
    }


class Soak:
    def __init__(self, folder):
        self.folder = folder
        home = folder / "spark"
        (home / "bin").mkdir(parents=True)
        submit = home / "bin/spark-submit"
        submit.write_text("#!/bin/sh\necho the driver of $SPARKCRON_SCHEDULED_TIME\nexit 0\n")
        submit.chmod(0o755)
        self.service = harness.Service(folder, home, "--log-level", "warning", "--history-runs", str(HISTORY_RUNS),
                                       "--event-ttl", str(EVENT_TTL_SECONDS))
        self.samples = []
        self.churned = 0

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.service.address() + path, method=method, data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {self.service.token()}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60, context=self.tls) as answer:
            return json.loads(answer.read())

    def start(self):
        self.service.start()
        self.tls = harness.ssl.create_default_context(cafile=str(self.service.data / "tls.crt"))
        for number in range(SECONDLY):
            # Forbid: a machine that is too slow for all slots skips some instead of queueing runs, which would grow.
            self.call("POST", SCHEDULES, schedule(f"secondly-{number}", "* * * * * *", concurrencyPolicy="Forbid"))
        for number in range(MINUTELY):
            self.call("POST", SCHEDULES, schedule(f"minutely-{number}", f"{number * 5} * * * * *"))

    def churn(self):
        """A schedule comes and its predecessor goes, with all it has."""
        self.call("POST", SCHEDULES, schedule(f"passing-{self.churned}", "*/2 * * * * *", concurrencyPolicy="Forbid"))
        if self.churned > 0:
            self.call("DELETE", f"{SCHEDULES}/passing-{self.churned - 1}")
        self.churned += 1

    def count(self, path):
        page = self.call("GET", path + "?limit=1")
        return len(page["items"]) + page["metadata"].get("remainingItemCount", 0)

    def rows(self, table):
        with contextlib.closing(sqlite3.connect(f"file:{self.service.data}/ledger.db?mode=ro", uri=True)) as ledger:
            return ledger.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def sample(self):
        process, data = pathlib.Path(f"/proc/{self.service.process.pid}"), self.service.data
        status = (process / "status").read_text()
        files = {"logs": 0, "other": 0}
        size = 0
        for root, _, names in os.walk(data):
            top = pathlib.Path(root).relative_to(data).parts
            for name in names:
                with contextlib.suppress(OSError):
                    size += os.lstat(os.path.join(root, name)).st_size
                if not top or top[0] != "pods":
                    files["logs" if top and top[0] == "logs" else "other"] += 1
        megabytes = lambda name: sum(p.stat().st_size for p in data.glob(name + "*") if p.exists()) / 1e6  # noqa: E731
        pods = data / "pods"
        with self.service.open("/metrics") as answer:
            metric_lines = answer.read().count(b"\n")
        self.samples.append({
            "seconds": round(time.monotonic() - self.began, 1),
            "memory_mb": int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024,
            "descriptors": len(os.listdir(process / "fd")),
            "threads": int(re.search(r"Threads:\s+(\d+)", status).group(1)),
            "pod_folders": len(os.listdir(pods)) if pods.exists() else 0,
            "log_files": files["logs"], "other_files": files["other"], "data_mb": size / 1e6,
            "api_db_mb": megabytes("api.db"), "ledger_mb": megabytes("ledger.db"),
            "ledger_runs": self.rows("runs"), "ledger_skips": self.rows("skips"),
            "metric_lines": metric_lines,
            **{kind: self.count(path) for kind, path in KINDS.items()},
        })

    def run(self, minutes):
        self.began = time.monotonic()
        pause = threading.Event()
        every = max(2.0, min(15.0, minutes * 60 / 90))
        while time.monotonic() - self.began < minutes * 60:
            if self.service.process.poll() is not None:
                raise AssertionError(f"the service ended with {self.service.process.returncode}:\n{self.service.output()[-4000:]}")
            self.churn()
            self.sample()
            pause.wait(every)
        self.slots_run = sum(self.service.metric("sparkcron_schedule_runs_started_total", schedule=f"secondly-{number}") or 0
                             for number in range(SECONDLY))


def judge(samples, slack):
    """The table, and what did not come to rest."""
    half = samples[len(samples) // 2:]
    first, last = half[:len(half) // 3], half[-(len(half) // 3):]
    rows, failures = [], []
    for name, (margin, most) in MARGINS.items():
        values = [sample[name] for sample in samples]
        begin, end = (statistics.median(sample[name] for sample in part) for part in (first, last))
        well = end - begin <= margin * slack and max(values) <= most * slack
        rows.append(f"{name:14} {values[0]:9.1f} {begin:9.1f} {end:9.1f} {max(values):9.1f}   {margin * slack:7.1f} {most * slack:8.1f}"
                    f"  {'' if well else 'GROWS'}")
        if not well:
            failures.append(name)
    head = f"{'':14} {'at first':>9} {'half':>9} {'end':>9} {'most':>9}   {'margin':>7} {'bound':>8}"
    return "\n".join([head, *rows]), failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--slack", type=float, default=1.0, help="multiplies every margin and bound (sanitizers: 3)")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-soak-"))
    soak = Soak(folder)
    try:
        soak.start()
        soak.run(options.minutes)
    finally:
        with contextlib.suppress(Exception):
            soak.service.stop()
        with contextlib.suppress(Exception):
            soak.service.kill9()
        harness.kill_everything_below(folder)
        if options.json:
            options.json.write_text(json.dumps(soak.samples))
        output = soak.service.output()
        shutil.rmtree(folder, ignore_errors=True)
    if len(soak.samples) < 12:
        sys.exit(f"only {len(soak.samples)} samples: too short to judge")
    table, failures = judge(soak.samples, options.slack)
    print(f"{options.minutes:g} minutes, {soak.slots_run:.0f} runs of every second, {soak.churned} schedules came and went")
    print(table)
    if soak.slots_run < options.minutes * 20:
        failures.append("too few runs: the schedules of every second did not run")
    if failures:
        sys.exit(f"not at rest: {', '.join(failures)}\n{output[-3000:]}")
    print("at rest")


if __name__ == "__main__":
    main()

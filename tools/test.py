#!/usr/bin/env python3
"""Builds and runs the tests, stage by stage, and prints one summary.

  tools/test              everything: checks; all tests under ASan and UBSan, end to end with real kubectl and real
                          Spark included, on this machine and on a real Kubernetes; what has threads under TSan;
                          fuzzers for a short time
  tools/test --quick      the inner loop: checks and fast tests under ASan and UBSan
  tools/test -R cron      only tests whose name matches, under ASan and UBSan
  tools/test --without cluster
                          for machines that cannot run a Kubernetes: it needs root and namespaces
  tools/test --long       besides: tests that take many minutes; what is shipped compiles, by g++ and with no
                          precompiled header, which finds the include that a file forgot
"""
import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

# What has threads of its own; the rest is pure or runs in one.
THREADED = ["test_base", "test_base_http", "test_base_http_client", "test_kube", "test_kube_server",
            "test_kube_server_storage", "test_monitor", "test_runner_node"]
# The others are built by hand (tests/fuzz/README.md); the corpora of all are replayed by the fast tests.
FUZZERS = ["fuzz_cron_parser", "fuzz_cron_footer", "fuzz_cron_answers"]
# The tests of a stage, as ctest chooses them.
KINDS = {"fast": ["-LE", "slow|long|cluster"], "slow": ["-L", "slow"], "cluster": ["-L", "cluster", "-LE", "long"],
         "long": ["-L", "long"]}
# Stages that --without takes, by what the summary calls them.
LEAVABLE = {"cluster": "tests on a real Kubernetes", "tsan": "threaded tests, TSan", "fuzz": "fuzzers"}
ROOT = pathlib.Path(__file__).resolve().parent.parent


class Stages:
    """Runs stages, goes on after a failure, remembers everything for the summary."""

    def __init__(self):
        self.rows = []
        self.passed = 0
        self.failed = 0
        self.slowest = {}
        self.left_out = []

    def run(self, title, *command):
        """One command that passes or fails as a whole."""
        ok, seconds = self._execute(title, command)
        self._count(title, 1 if ok else 0, 0 if ok else 1, seconds)
        return ok

    def tests(self, title, preset, *arguments):
        """ctest; counts its tests."""
        report = ROOT / "build" / preset / "junit.xml"
        report.unlink(missing_ok=True)
        ok, seconds = self._execute(
            title, ["ctest", "--preset", preset, "--output-junit", str(report), "--no-tests=error", *arguments])
        if report.exists():
            suite = xml.etree.ElementTree.parse(report).getroot()
            self.slowest[title] = sorted(((float(case.get("time", 0)), case.get("name"))
                                          for case in suite.iter("testcase")), reverse=True)[:10]
            total, failed = int(suite.get("tests", 0)), int(suite.get("failures", 0))
            # A test that did not run is not a pass.
            failed += int(suite.get("disabled", 0)) + int(suite.get("skipped", 0))
            self._count(title, total - failed, failed or (0 if ok else 1), seconds)
        else:
            self._count(title, 0, 1, seconds)

    def _execute(self, title, command):
        print(f"\n==> {title}", flush=True)
        began = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, check=False)
        seconds = time.monotonic() - began
        print(f"<== {title}: {'passed' if done.returncode == 0 else 'FAILED'} after {seconds:.0f} s", flush=True)
        return done.returncode == 0, seconds

    def _count(self, title, passed, failed, seconds):
        self.passed += passed
        self.failed += failed
        self.rows.append((title, passed, failed, seconds))

    def summary(self):
        for title, tests in self.slowest.items():
            print(f"\n==> Slowest: {title}")
            for seconds, name in tests:
                print(f"{seconds:>8.1f} s {name}")
        print("\n==> Summary")
        for title, passed, failed, seconds in self.rows:
            print(f"{'FAIL' if failed else 'ok  '} {title:<50} {passed:>4} passed {failed:>3} failed {seconds:>6.0f} s")
        for title in self.left_out:
            print(f"--   {title:<50} left out")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


class BuildAhead:
    """Builds what later stages need while the slow tests wait for real time, at the lowest priority."""

    def __init__(self, *steps):
        # A group of its own, but not a session: sessions share the processors equally, whatever their priority.
        self._shell = subprocess.Popen(["nice", "-n", "19", "sh", "-c", "; ".join(steps) or "true"], cwd=ROOT, process_group=0,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Ninja goes on where it stopped, now in the stage that shows what fails.
        if self._shell.poll() is None:
            os.killpg(self._shell.pid, signal.SIGINT)
            self._shell.wait()


def build(stages, preset, *targets):
    print(f"\n==> Build {preset}", flush=True)
    # Configure quietly: its output helps only when it fails.
    configured = subprocess.run(["cmake", "--preset", preset], cwd=ROOT, capture_output=True, text=True, check=False)
    if configured.returncode != 0:
        print(configured.stdout + configured.stderr)
    return configured.returncode == 0 and stages.run(f"build {preset}", "cmake", "--build", "--preset", preset,
                                                   *(["--target", *targets] if targets else []))


def fuzz(stages, seconds):
    """Each fuzzer goes on from its committed corpus for a short time; new inputs stay in build/."""
    for fuzzer in sorted((ROOT / "build/fuzz/bin").glob("fuzz_*")):
        found = ROOT / "build/fuzz/corpus" / fuzzer.name
        found.mkdir(parents=True, exist_ok=True)
        seeds = ROOT / "tests/fuzz/corpus" / fuzzer.name.removeprefix("fuzz_")
        stages.run(f"{fuzzer.name} for {seconds} s", str(fuzzer), f"-max_total_time={seconds}", "-rss_limit_mb=2048",
                   "-print_final_stats=0", "-verbosity=0", str(found), *([str(seeds)] if seeds.is_dir() else []))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="checks and fast tests only")
    parser.add_argument("--no-bootstrap", action="store_true", help="install nothing")
    parser.add_argument("-R", dest="pattern", help="only tests whose name matches this regular expression")
    parser.add_argument("--without", action="append", default=[], choices=list(LEAVABLE), help="leave a stage out")
    parser.add_argument("--long", action="store_true", help="also the long tests")
    parser.add_argument("--fuzz-seconds", type=int, default=10, help="per fuzzer (default %(default)s)")
    options = parser.parse_args()
    # One more than there are processors: many wait for processes, browsers and Spark.
    os.environ.setdefault("CTEST_PARALLEL_LEVEL", str((os.cpu_count() or 2) + 1))
    chosen = ["-R", options.pattern] if options.pattern else []

    later = [] if "cluster" in options.without else ["tests/cluster/build"]
    later += [f"cmake --preset {preset} && cmake --build --preset {preset} --target {' '.join(targets)}"
              for preset, targets in (("tsan", THREADED), ("fuzz", FUZZERS)) if preset not in options.without]

    stages = Stages()
    stages.left_out = [LEAVABLE[name] for name in dict.fromkeys(options.without)]
    if not options.pattern:
        stages.run("checks", "tools/check")
    if build(stages, "dev"):
        asked = {"fast": True, "slow": not options.quick, "cluster": not options.quick and "cluster" not in options.without,
                 "long": options.long}
        kinds = [kind for kind in KINDS if asked[kind] and (not options.pattern or has_any(KINDS[kind], options.pattern))]
        # A name that no test has fails in the first stage.
        if "fast" in kinds or not kinds:
            stages.tests("fast tests, ASan and UBSan", "dev", *KINDS["fast"], *chosen)
        if "slow" in kinds:
            with BuildAhead(*([] if options.pattern else later)):
                stages.tests("end-to-end and slow tests, ASan and UBSan", "dev", *KINDS["slow"], *chosen)
        if "cluster" in kinds:
            # These wait for pods most of the time: more at once than there are processors.
            stages.tests("tests on a real Kubernetes, ASan and UBSan", "dev", *KINDS["cluster"], "--parallel", "5", *chosen)
        if "long" in kinds:
            stages.tests("long tests, ASan and UBSan", "dev", *KINDS["long"], *chosen)
    if options.long and not options.pattern:
        build(stages, "release")
    if not options.quick and not options.pattern:
        if "tsan" not in options.without and build(stages, "tsan", *THREADED):
            stages.tests("threaded tests, TSan", "tsan", "-R", f"^({'|'.join(THREADED)})$")
        if "fuzz" not in options.without and build(stages, "fuzz", *FUZZERS):
            fuzz(stages, options.fuzz_seconds)
    return stages.summary()


def has_any(labels, pattern):
    listed = subprocess.run(["ctest", "--preset", "dev", "-N", *labels, "-R", pattern], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    return not re.search(r"Total Tests: 0", listed.stdout)


if __name__ == "__main__":
    sys.exit(main())

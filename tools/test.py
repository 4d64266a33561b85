#!/usr/bin/env python3
"""Builds and runs the tests, stage by stage, and prints one summary.

  tools/test              everything: checks, and all tests under ASan and UBSan, end to end with real kubectl and
                          real Spark included
  tools/test --quick      the inner loop: checks and fast tests under ASan and UBSan
  tools/test -R cron      only tests whose name matches
  tools/test --tsan       besides: the fast tests built with clang under TSan
  tools/test --fuzz       besides: every libFuzzer target for a short time
  tools/test --long       besides: the simulation with many more seeds
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Stages:
    """Runs stages, goes on after a failure, remembers everything for the summary."""

    def __init__(self):
        self.rows = []
        self.passed = 0
        self.failed = 0

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
        return done.returncode == 0, time.monotonic() - began

    def _count(self, title, passed, failed, seconds):
        self.passed += passed
        self.failed += failed
        self.rows.append((title, passed, failed, seconds))

    def summary(self):
        print("\n==> Summary")
        for title, passed, failed, seconds in self.rows:
            print(f"{'FAIL' if failed else 'ok  '} {title:<50} {passed:>4} passed {failed:>3} failed {seconds:>6.0f} s")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def build(stages, preset):
    print(f"\n==> Build {preset}", flush=True)
    # Configure quietly: its output helps only when it fails.
    configured = subprocess.run(["cmake", "--preset", preset], cwd=ROOT, capture_output=True, text=True, check=False)
    if configured.returncode != 0:
        print(configured.stdout + configured.stderr)
    return configured.returncode == 0 and stages.run(f"build {preset}", "cmake", "--build", "--preset", preset)


def fuzz(stages, seconds):
    """Each fuzzer goes on from its committed corpus for a short time; new inputs stay in build/."""
    for fuzzer in sorted((ROOT / "build/fuzz/bin").glob("fuzz_*")):
        found = ROOT / "build/fuzz/corpus" / fuzzer.name
        found.mkdir(parents=True, exist_ok=True)
        seeds = ROOT / "tests/fuzz" / fuzzer.name.removeprefix("fuzz_")
        stages.run(f"{fuzzer.name} for {seconds} s", str(fuzzer), f"-max_total_time={seconds}", "-rss_limit_mb=2048",
                   "-print_final_stats=0", "-verbosity=0", str(found), *([str(seeds)] if seeds.is_dir() else []))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="checks and fast tests only")
    parser.add_argument("--no-bootstrap", action="store_true", help="install nothing")
    parser.add_argument("-R", dest="pattern", help="only tests whose name matches this regular expression")
    parser.add_argument("--tsan", action="store_true", help="also under TSan")
    parser.add_argument("--fuzz", action="store_true", help="also the fuzzers")
    parser.add_argument("--long", action="store_true", help="also the long tests")
    parser.add_argument("--fuzz-seconds", type=int, default=15, help="per fuzzer (default %(default)s)")
    options = parser.parse_args()
    os.environ.setdefault("CTEST_PARALLEL_LEVEL", str(os.cpu_count() or 2))
    chosen = ["-R", options.pattern] if options.pattern else []

    stages = Stages()
    if not options.pattern:
        stages.run("checks", "tools/check")
    if build(stages, "dev"):
        if options.quick:
            stages.tests("fast tests, ASan and UBSan", "dev", "-LE", "slow|long", *chosen)
        else:
            stages.tests("fast tests, ASan and UBSan", "dev", "-LE", "slow|long", *chosen)
            if not options.pattern or has_slow(options.pattern):
                # One at a time: they start real Spark and measure nothing, but two cores are two cores.
                stages.tests("end-to-end and slow tests, ASan and UBSan", "dev", "-L", "slow", "-j1", *chosen)
    if options.long:
        stages.tests("long tests, ASan and UBSan", "dev", "-L", "long", *chosen)
    if options.tsan and build(stages, "tsan"):
        stages.tests("fast tests, TSan", "tsan", "-LE", "slow|long", *chosen)
    if options.fuzz and build(stages, "fuzz"):
        fuzz(stages, options.fuzz_seconds)
    return stages.summary()


def has_slow(pattern):
    listed = subprocess.run(["ctest", "--preset", "dev", "-N", "-L", "slow", "-R", pattern], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    return not re.search(r"Total Tests: 0", listed.stdout)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""From nothing to a nightly ETL that runs: builds sparkcron, starts it on this machine, applies a
ScheduledSparkApplication with kubectl and tells what happens, as it happens.

The first time takes up to ten minutes on two cores (Spark is downloaded, the program is built), later about
two. Nothing outside this folder and the demo's own temporary folder is touched.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ
SCHEDULE = "ScheduledSparkApplication/nightly-etl"
FINAL = ("COMPLETED", "FAILED")


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def step(text):
    print(paint("1;36", f"==> {text}"), flush=True)


def say(text):
    print(f"    {time.strftime('%H:%M:%S', time.gmtime())}Z  {text}", flush=True)


def fail(text):
    sys.exit(paint("1;31", f"demo: {text}"))


def run_with_progress(command, title, log):
    """Runs a slow step; shows its last line in place on a terminal, a dot now and then elsewhere."""
    began = time.monotonic()
    with open(log, "w") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        shown = 0.0
        for line in process.stdout:
            out.write(line)
            if COLOUR:
                print(f"\r\033[K    {line.strip()[:100]}", end="", flush=True)
            elif time.monotonic() - shown > 10:
                shown = time.monotonic()
                progress = re.match(r"\[\d+/\d+\]", line)
                print(f"    {title} {progress.group(0) if progress else '...'}", flush=True)
    if COLOUR:
        print("\r\033[K", end="")
    if process.wait() != 0:
        print(pathlib.Path(log).read_text()[-3000:])
        fail(f"{title} failed; the whole output is in {log}")
    say(f"{title}: done in {time.monotonic() - began:.0f} s")


def find_kubectl():
    bundled = sorted((ROOT / ".tools").glob("kubectl-*/kubectl")) + sorted((ROOT / ".tools").glob("kubectl-*"))
    found = shutil.which("kubectl") or next((str(path) for path in reversed(bundled) if path.is_file()), None)
    return found or fail("no kubectl: run tools/bootstrap run")


class Service:
    """sparkcron standalone in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.kubeconfig = folder / "data" / "kubeconfig"
        self.log = folder / "sparkcron.log"
        command = [str(ROOT / "build/release/bin/sparkcron"), "standalone", "--data-dir", str(folder / "data"),
                   "--listen", "127.0.0.1:0"]
        self.out = open(self.log, "w")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self.out, text=True,
                                        start_new_session=True)
        self.ready_lines = []
        ready = threading.Event()

        def read():
            for line in self.process.stdout:
                self.ready_lines.append(line.rstrip())
                if "kubeconfig" in line:
                    ready.set()
            ready.set()

        threading.Thread(target=read, daemon=True).start()
        if not ready.wait(30) or self.process.poll() is not None:
            fail(f"sparkcron did not start:\n{self.log.read_text()[-2000:]}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Kubectl:
    def __init__(self, kubeconfig):
        self.program = find_kubectl()
        self.environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}

    def __call__(self, *arguments, stdin=None, quiet=False):
        done = subprocess.run([self.program, *arguments], env=self.environment, input=stdin, text=True,
                              capture_output=True)
        if done.returncode != 0:
            fail(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        if not quiet:
            for line in done.stdout.rstrip().splitlines():
                print("    " + line, flush=True)
        return done.stdout

    def get(self, *arguments):
        return json.loads(self("get", *arguments, "-o", "json", quiet=True))


def manifest(folder):
    """config/samples/nightly-etl.yaml, every half minute, with this machine's paths."""
    text = (ROOT / "config/samples/nightly-etl.yaml").read_text()
    for old, new in (
        ('schedule: "30 2 * * *"', 'schedule: "*/30 * * * * *"'),
        ("local:///opt/sparkcron/nightly_etl.py", f"local://{ROOT}/config/samples/nightly_etl.py"),
        ("/var/lib/nightly-etl/in", str(folder / "in")),
        ("/var/lib/nightly-etl/out", str(folder / "out")),
        ("startingDeadlineSeconds: 3600\n", "startingDeadlineSeconds: 60\n"),
    ):
        if old not in text:
            fail(f"config/samples/nightly-etl.yaml has changed: {old} is not there")
        text = text.replace(old, new)
    return text


class Watcher:
    """Tells each change once: the schedule's next run, the runs' states, what the drivers printed."""

    def __init__(self, kubectl):
        self.kubectl = kubectl
        self.states = {}
        self.next_run = None
        self.completed = 0

    def look(self, deadline):
        """Looks until something has changed or the deadline is reached. True if it changed."""
        while time.monotonic() < deadline:
            if self.look_once():
                return True
            time.sleep(0.5)
        return False

    def look_once(self):
        changed = False
        schedule = self.kubectl.get(SCHEDULE)
        next_run = schedule.get("status", {}).get("nextRun")
        if next_run and next_run != self.next_run:
            self.next_run = next_run
            say(f"next run is due at {next_run}")
            changed = True
        runs = self.kubectl.get("sparkapplication", "-l", "sparkoperator.k8s.io/scheduled-app-name=nightly-etl")["items"]
        for item in sorted(runs, key=lambda one: one["metadata"]["name"]):
            changed = self.look_at(item) or changed
        return changed

    def look_at(self, item):
        name = item["metadata"]["name"]
        state = item.get("status", {}).get("applicationState", {}).get("state", "")
        if not state or self.states.get(name) == state:
            return False
        self.states[name] = state
        colour = {"COMPLETED": "32", "FAILED": "31"}.get(state, "33")
        say(f"run {name} {paint(colour, state)}")
        if state in FINAL:
            for line in self.kubectl("logs", item["status"]["driverInfo"]["podName"], quiet=True).splitlines():
                if re.match(r"\d{4}-\d\d-\d\dT\S+ |ETL ", line):
                    print("              " + paint("2", line))
            self.completed += state == "COMPLETED"
        if state == "FAILED":
            say(item["status"]["applicationState"].get("errorMessage", ""))
        return True

    def until(self, wanted, what, seconds):
        deadline = time.monotonic() + seconds
        while not wanted():
            if not self.look(deadline):
                fail(f"{what} did not happen within {seconds} s")


def show(kubectl, folder):
    kubectl("get", "scheduledsparkapplication", "nightly-etl")
    counts = kubectl.get(SCHEDULE)["status"].get("counts", {})
    say("counts: " + ", ".join(f"{name} {value}" for name, value in sorted(counts.items())))
    sparkctl = ROOT / "build/release/bin/sparkctl"
    done = subprocess.run([str(sparkctl), "--kubeconfig", kubectl.environment["KUBECONFIG"], "history", "nightly-etl"],
                          text=True, capture_output=True)
    print("".join(f"    {line}\n" for line in (done.stdout or done.stderr).splitlines()), end="")
    partitions = sorted(path.name for path in (folder / "out").glob("slot=*"))
    say(f"Parquet partitions: {', '.join(partitions)}")


def walk(kubectl, folder):
    watcher = Watcher(kubectl)
    step("kubectl apply: the nightly ETL, every half minute, Forbid")
    (folder / "nightly-etl.yaml").write_text(manifest(folder))
    kubectl("apply", "-f", str(folder / "nightly-etl.yaml"))
    watcher.until(lambda: watcher.completed >= 2, "two completed runs", 240)
    show(kubectl, folder)

    step("Suspend: no run starts while suspended")
    kubectl("patch", SCHEDULE, "--type", "merge", "-p", '{"spec":{"suspend":true}}')
    watcher.until(lambda: all(state in FINAL for state in watcher.states.values()), "the last run's end", 120)
    before = len(watcher.states)
    watcher.look(time.monotonic() + 32)
    if len(watcher.states) != before:
        fail("a run started while suspended")
    say("a slot passed, no run started")

    step("Resume: the next slot runs, nothing is made up for")
    kubectl("patch", SCHEDULE, "--type", "merge", "-p", '{"spec":{"suspend":false}}')
    done = watcher.completed
    watcher.until(lambda: watcher.completed > done, "a run after resuming", 120)
    show(kubectl, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the service and its folder when done")
    options = parser.parse_args()

    step("Building the release (build/release)")
    (ROOT / "build").mkdir(exist_ok=True)
    run_with_progress(["cmake", "--preset", "release"], "configure", "build/demo-configure.log")
    run_with_progress(["cmake", "--build", "--preset", "release"], "build", "build/demo-build.log")

    folder = pathlib.Path(tempfile.mkdtemp(prefix="sparkcron-demo-"))
    step("Starting sparkcron standalone")
    service = Service(folder)
    for line in service.ready_lines:
        print("    " + line)
    kubectl = Kubectl(service.kubeconfig)
    finished = False
    try:
        walk(kubectl, folder)
        finished = True
    finally:
        if options.keep and finished:
            step("Go on by hand")
            print(f"""
    export KUBECONFIG={service.kubeconfig}
    export PATH={ROOT}/build/release/bin:$PATH
    kubectl get scheduledsparkapplications,sparkapplications,pods
    kubectl describe scheduledsparkapplication nightly-etl
    sparkctl describe nightly-etl
    sparkctl trigger nightly-etl
    sparkctl logs -f nightly-etl
    sparkctl cron next '0 2 * * MON-FRI' --zone Europe/Berlin

    The service runs as process {service.process.pid}; stop it with: kill {service.process.pid}
    Its folder is {folder}
""")
        else:
            service.stop()
            if finished:
                shutil.rmtree(folder, ignore_errors=True)
                step("Done. tools/demo --keep leaves the service running for you to play with")
            else:
                print(f"    logs are in {folder}")


if __name__ == "__main__":
    main()

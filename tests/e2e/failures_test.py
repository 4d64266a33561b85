"""What the service says and does when its surroundings are broken."""
import contextlib
import os
import socket
import sqlite3
import stat
import subprocess
import unittest

import harness
from harness import Kubectl, wait_for

NOBODY = 65534


class FailuresTest(harness.E2ETest):
    def ends_with(self, service, text, code=1):
        service.spawn()
        wait_for(lambda: service.process.poll() is not None, "the service ended")
        self.assertIn(text, service.output())
        self.assertEqual(service.process.returncode, code)

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.ends_with(self.service(listen=f"127.0.0.1:{port}"), f"127.0.0.1:{port}: address already in use")

    def test_two_services_on_one_folder(self):
        self.service().start()
        self.ends_with(self.service(), "is in use by another sparkcron")

    def test_unreadable_and_read_only_data_folders_as_an_ordinary_user(self):
        os.chmod(self.folder, 0o755)
        for mode, name in ((0o000, "unreadable"), (0o555, "read-only")):
            with self.subTest(name):
                folder = self.folder / name
                (folder / "data").mkdir(parents=True)
                os.chown(folder / "data", NOBODY, NOBODY)
                os.chmod(folder / "data", mode)
                service = harness.Service(folder, self.spark_home, user=NOBODY)
                self.services.append(service)
                self.ends_with(service, str(folder / "data"))
                self.assertIn("permission denied", service.output().lower())

    def test_runs_as_an_ordinary_user_with_private_files(self):
        os.chmod(self.folder, 0o777)
        service = self.service(user=NOBODY).start()
        mode = stat.S_IMODE((service.data / "kubeconfig").stat().st_mode)
        self.assertEqual(mode, 0o600)
        kubectl = Kubectl(service)
        self.truth_file.touch()
        self.truth_file.chmod(0o666)
        kubectl.apply(self.schedule("plain"))
        wait_for(self.started, "a driver started")

    def test_every_call_needs_the_token(self):
        service = self.service().start()
        kubectl = Kubectl(service)
        server = service.address()
        done = kubectl.run("get", "pods", "--kubeconfig", "/dev/null", "--server", server)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(service.token(), service.output(), "the token is in the log")

    def test_data_folder_from_a_newer_version(self):
        service = self.service().start()
        service.stop()
        databases = list(service.data.glob("*.db"))
        self.assertTrue(databases)
        for database in databases:
            with self.subTest(database.name):
                with contextlib.closing(sqlite3.connect(database)) as connection:
                    before = connection.execute("PRAGMA user_version").fetchone()[0]
                    connection.execute("PRAGMA user_version = 9999")
                self.ends_with(self.service(), "was written by a newer sparkcron")
                with contextlib.closing(sqlite3.connect(database)) as connection:
                    connection.execute(f"PRAGMA user_version = {before}")

    def test_full_disk_loses_nothing_and_recovers(self):
        mount = self.folder / "data"
        mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(mount)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(mount)], check=False)
        service = self.service().start()
        kubectl = Kubectl(service)
        kubectl.apply(self.schedule("kept", "0 0 1 1 *"))
        filler = mount / "filler"
        with contextlib.suppress(OSError), open(filler, "wb") as out:
            while True:
                out.write(b"x" * 65536)
                out.flush()

        def refused():
            done = kubectl.run("create", "configmap", f"c{os.urandom(4).hex()}", "--from-literal", "x=" + "y" * 100000)
            return done.returncode != 0 and done.stderr
        message = wait_for(refused, "a write is refused")
        self.assertIn("disk is full", message)
        self.assertEqual(kubectl.get("scheduledsparkapplication", "kept")["spec"]["schedule"], "0 0 1 1 *")
        filler.unlink()
        wait_for(lambda: kubectl.run("create", "configmap", "after").returncode == 0, "writing works again")
        service.kill9()
        service.start()
        kubectl("get", "configmap", "after")
        kubectl("get", "scheduledsparkapplication", "kept")

    def test_counts_outlive_the_loss_of_the_ledger(self):
        service = self.service().start()
        kubectl = Kubectl(service)
        kubectl.apply(self.schedule("often", "*/2 * * * * *"), self.schedule("bad", "0 0 1 1 *", exit_code=3))
        counts = lambda name: kubectl.get("scheduledsparkapplication", name).get("status", {}).get("counts", {})
        trigger = lambda name: harness.sparkctl(service, "trigger", name, "--wait", "--timeout", "110", check=False)
        trigger("bad")
        wait_for(lambda: counts("often").get("succeeded", 0) >= 3, "runs succeeded")
        kubectl.patch_spec("often", suspend=True)
        # Until the status says so, a run may have been created that it does not count yet.
        suspended = lambda: harness.condition(kubectl.get("scheduledsparkapplication", "often"), "Suspended").get("status") == "True"
        wait_for(lambda: suspended() and counts("often").get("active") == 0 and counts("bad").get("failed") == 1, "all has ended and is counted")
        before = {name: counts(name) for name in ("often", "bad")}
        one_more = lambda known, what: {**known, "started": known["started"] + 1, what: known[what] + 1}

        # What the status says goes on.
        service.stop()
        for file in service.data.glob("ledger.db*"):
            file.unlink()
        service.start()
        trigger("often")
        trigger("bad")
        after = {"often": one_more(before["often"], "succeeded"), "bad": one_more(before["bad"], "failed")}
        for name, wanted in after.items():
            wait_for(lambda n=name, w=wanted: counts(n) == w, f"{name} is counted on: {wanted}")
            self.assertEqual(service.metric("sparkcron_schedule_runs_started_total", schedule=name), wanted["started"])

    def test_counts_outlive_the_loss_of_the_status(self):
        service = self.service().start()
        kubectl = Kubectl(service)
        kubectl.apply(self.schedule("often", "*/2 * * * * *"), self.schedule("bad", "0 0 1 1 *", exit_code=3))
        counts = lambda name: kubectl.get("scheduledsparkapplication", name).get("status", {}).get("counts", {})
        runs = lambda: {item["metadata"]["name"] for item in kubectl.get("sparkapplications")["items"]}
        trigger = lambda name: harness.sparkctl(service, "trigger", name, "--wait", "--timeout", "110", check=False)
        trigger("bad")
        wait_for(lambda: counts("often").get("succeeded", 0) >= 3, "runs succeeded")
        kubectl.patch_spec("often", suspend=True)
        # Until the status says so, a run may have been created that it does not count yet.
        suspended = lambda: harness.condition(kubectl.get("scheduledsparkapplication", "often"), "Suspended").get("status") == "True"
        wait_for(lambda: suspended() and counts("often").get("active") == 0 and counts("bad").get("failed") == 1, "all has ended and is counted")
        before, existing = {name: counts(name) for name in ("often", "bad")}, runs()

        for name in before:
            kubectl("patch", "scheduledsparkapplication", name, "--subresource=status", "--type=json", "-p",
                    '[{"op": "remove", "path": "/status"}]')
        for name, wanted in before.items():
            wait_for(lambda n=name, w=wanted: counts(n) == w, f"{name} has its counts again: {wanted}")
        # What was asked for once is not done again.
        self.assertEqual(runs(), existing)
        trigger("bad")
        wanted = {**before["bad"], "started": 2, "failed": 2}
        wait_for(lambda: counts("bad") == wanted, f"the next run is counted on: {wanted}")
        self.assertEqual(service.metric("sparkcron_schedule_runs_started_total", schedule="bad"), 2)

    def test_help_and_version(self):
        for arguments in (["--help"], ["standalone", "--help"], ["--version"]):
            done = subprocess.run([str(harness.BIN / "sparkcron"), *arguments], capture_output=True, text=True, check=True)
            self.assertTrue(done.stdout)
        done = subprocess.run([str(harness.BIN / "sparkcron"), "standalone", "--listen", "nonsense"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("HOST:PORT expected", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""sparkctl against the running binary, and the parts of standalone as processes of their own."""
import base64
import concurrent.futures
import http.server
import json
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

import harness
from harness import BIN, FINAL, Kubectl, sparkctl, state_of, wait_for


class SparkctlTest(harness.E2ETest):
    def setUp(self):
        super().setUp()
        self.standalone = self.service().start()

    def ctl(self, *arguments, **more):
        return sparkctl(self.standalone, *arguments, **more).stdout

    def refused(self, *arguments, stdin=None):
        done = sparkctl(self.standalone, *arguments, check=False, stdin=stdin)
        return done.returncode, done.stderr

    def create(self, *arguments, **spec):
        return self.ctl("create", "-f", "-", stdin=json.dumps(self.schedule(*arguments, **spec)))

    def names_of_runs(self):
        return {run["metadata"]["name"] for run in json.loads(self.ctl("list", "runs", "-o", "json"))["items"]}

    def trigger(self, name):
        """The name of the schedule's first run. A machine that stands still for seconds has it say where that will be found."""
        told = re.search(r"triggered: (\S+)", self.ctl("trigger", name))
        return told[1] if told else wait_for(lambda: [run for run in self.names_of_runs() if run.startswith(f"{name}-")], "the run")[0]

    def test_a_schedule_from_its_creation_to_its_end(self):
        self.assertIn("etl created", self.create("etl", "*/2 * * * * *", successfulRunHistoryLimit=1, timeZone="Europe/Berlin"))
        wait_for(lambda: json.loads(self.ctl("get", "etl", "-o", "json")).get("status", {}).get("counts", {}).get("succeeded", 0) >= 2, "two runs succeeded")
        self.assertIn("suspended", self.ctl("suspend", "etl"))
        wait_for(lambda: all(state_of(run) in FINAL for run in json.loads(self.ctl("list", "runs", "-o", "json"))["items"]),
                 "all runs ended")
        wait_for(lambda: len(json.loads(self.ctl("list", "runs", "etl", "-o", "json"))["items"]) == 1, "one run is kept")

        listed = self.ctl("list")
        self.assertRegex(listed.splitlines()[0], r"^NAME +SCHEDULE +")
        self.assertRegex(listed, r"etl +\*/2 \* \* \* \* \* ")
        self.assertRegex(self.ctl("list", "-A"), r"default +etl")
        self.assertIn("kind: ScheduledSparkApplication", self.ctl("get", "etl", "-o", "yaml"))
        self.assertEqual(self.ctl("list", "-o", "name").strip(), "scheduledsparkapplication.sparkoperator.k8s.io/etl")

        described = self.ctl("describe", "etl")
        for part in ("Europe/Berlin", "Suspended", "*/2 * * * * *", "Succeeded"):
            self.assertIn(part, described)
        history = [entry for entry in json.loads(self.ctl("history", "etl", "-o", "json")) if "state" in entry]
        self.assertGreaterEqual(len(history), 2, "pruned runs are in the history")
        self.assertEqual({run["state"] for run in history}, {"COMPLETED"})
        self.assertIn("COMPLETED", self.ctl("history", "etl", "--limit", "1"))
        self.assertIn("fake driver done", self.ctl("logs", "etl"))
        self.assertIn("fake driver done", self.ctl("logs", history[-1]["name"]), "the log of a pruned run")
        self.assertIn("in the history only", self.ctl("describe", history[-1]["name"]), "a pruned run")

        self.assertIn("resumed", self.ctl("resume", "etl"))
        before = len(self.started())
        wait_for(lambda: len(self.started()) > before, "a run after resuming")
        self.assertIn("deleted", self.ctl("delete", "etl"))
        wait_for(lambda: not json.loads(self.ctl("list", "runs", "-o", "json"))["items"], "its runs are gone")

    def test_a_run_by_hand_is_waited_for(self):
        self.create("good", "0 0 1 1 *")
        self.assertIn("good-manual-", self.ctl("trigger", "good", "--wait", "--timeout", "110"))
        self.create("bad", "0 0 1 1 *", exit_code=3)
        code, message = self.refused("trigger", "bad", "--wait", "--timeout", "110")
        self.assertEqual(code, 7)
        self.assertIn("FAILED", message)
        failed = r"warning \[runner\] SparkApplication failed application=default/bad-manual-\w+ reason=.*exit code 3.* exit_code=3"
        wait_for(lambda: re.search(failed, self.standalone.output()), "the log says why")
        wait_for(lambda: re.search(r"(?s)RunFailed.*failed:.*exit\s+code\s+3", self.ctl("events", "bad")), "the event says why")

    def test_the_services_group_operates_it_with_a_kubeconfig_of_its_own(self):
        run = self.folder / "run"
        run.mkdir()
        kubeconfig = run / "kubeconfig"
        self.standalone.stop()
        self.standalone.arguments = ("--operator-kubeconfig", str(kubeconfig))
        self.standalone.start()
        self.assertEqual(kubeconfig.stat().st_mode & 0o777, 0o640)
        self.assertNotIn(str(self.standalone.data), kubeconfig.read_text(), "nothing else is read")
        done = subprocess.run([str(BIN / "sparkctl"), "--kubeconfig", str(kubeconfig), "list"], text=True, capture_output=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.standalone.stop()
        self.standalone.arguments = ("--operator-kubeconfig", str(self.folder / "nowhere/kubeconfig"))
        refused = subprocess.run(self.standalone.command(), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("--operator-kubeconfig: ", refused.stderr)

    def test_logs_are_followed_to_the_end(self):
        self.create("slow", "0 0 1 1 *", seconds=3)
        self.ctl("trigger", "slow")
        wait_for(self.started, "the driver started")
        self.assertIn("fake driver done", self.ctl("logs", "-f", "slow"))

    def test_logs_of_attempts_whose_pods_are_gone(self):
        schedule = self.schedule("bad", "0 0 1 1 *", exit_code=3)
        schedule["spec"]["template"]["restartPolicy"] = {"type": "OnFailure", "onFailureRetries": 2, "onFailureRetryInterval": 1}
        self.ctl("create", "-f", "-", stdin=json.dumps(schedule))
        name = self.trigger("bad")
        wait_for(lambda: state_of(json.loads(self.ctl("get", name, "-o", "json"))) == "FAILED", "all attempts failed")
        processes = [pid for _, _, _, pid, _ in self.started()]
        self.assertEqual(len(processes), 3)
        log_of = lambda pid: f"is process {pid}\nfake driver done\n"
        for attempt, pid in enumerate(processes, 1):
            self.assertIn(log_of(pid), self.ctl("logs", "--attempt", str(attempt), name))
        self.assertIn(log_of(processes[1]), self.ctl("logs", "-p", name))
        self.assertIn(log_of(processes[2]), self.ctl("logs", name))

        kept = list((self.standalone.data / "logs").rglob("*.attempt-1.log.gz"))
        self.assertEqual(len(kept), 1)
        self.standalone.stop()
        kept[0].unlink()
        self.standalone.start()
        self.assertIn(log_of(processes[1]), self.ctl("logs", "--attempt", "2", name), "after a restart")
        code, message = self.refused("logs", "--attempt", "1", name)
        self.assertEqual(code, 3)
        self.assertIn(f"no log of attempt 1 of run default/{name} is kept, but of attempt", message)
        self.assertIn("there is no attempt 4", self.refused("logs", "--attempt", "4", name)[1])

    def test_a_followed_log_survives_a_restart_of_the_service(self):
        self.create("slow", "0 0 1 1 *", seconds=20)
        name = self.trigger("slow")
        with subprocess.Popen([str(BIN / "sparkctl"), "--kubeconfig", str(self.standalone.data / "kubeconfig"), "logs", "-f", name],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
            self.addCleanup(following.kill)
            first = following.stdout.readline()
            self.standalone.listen = self.standalone.address().removeprefix("https://")
            self.standalone.stop()
            self.standalone.start()
            out, told = following.communicate(timeout=300)
            self.assertEqual(following.returncode, 0, told)
        self.assertEqual(first + out, self.ctl("logs", name))

    def test_slots_that_were_and_will_be_are_told(self):
        self.create("etl", "0 0 1 1 *", timeZone="Europe/Berlin")
        self.assertIn("etl: 0 0 1 1 * in Europe/Berlin\n", self.ctl("why", "etl"))
        self.assertIn("lies before the schedule was created", self.ctl("why", "etl"))
        self.create("often", "*/2 * * * * *")
        wait_for(lambda: json.loads(self.ctl("get", "often", "-o", "json")).get("status", {}).get("counts", {}).get("succeeded", 0) >= 2, "two runs succeeded")
        ran = next(run for run in json.loads(self.ctl("history", "often", "-o", "json")) if run.get("state") == "COMPLETED")
        self.ctl("suspend", "often")
        told = self.ctl("why", "often", "--at", ran["slot"])
        self.assertIn(f"ran: {ran['name']}, COMPLETED.", told)
        self.assertIn("It is suspended", told)
        self.ctl("resume", "often")
        self.assertRegex(self.ctl("timeline", "--for", "1h"), r"often +~\d+s +\*/2 \* \* \* \* \*, 18\d\d slots")

    def test_the_page_of_a_driver_of_this_machine_is_named(self):
        self.create("long", "0 0 1 1 *", seconds=300)
        name = self.trigger("long")
        wait_for(lambda: state_of(json.loads(self.ctl("get", name, "-o", "json"))) == "RUNNING", "it runs")
        self.assertRegex(self.ctl("forward", "long"), r"^http://127\.[0-9.]+:4040$")
        self.ctl("stop", name)

    def test_a_run_of_a_template_alone(self):
        self.create("etl", "0 0 1 1 *")
        self.assertIn("once created", self.ctl("create", "once", "--from", "etl"))
        wait_for(lambda: state_of(json.loads(self.ctl("get", "once", "-o", "json"))) == "COMPLETED", "it completed")

    def test_a_run_is_stopped_and_tried_again(self):
        self.create("long", "0 0 1 1 *", seconds=300)
        self.ctl("trigger", "long")
        wait_for(self.started, "the driver started")
        name = json.loads(self.ctl("list", "runs", "-o", "json"))["items"][0]["metadata"]["name"]
        run = lambda: json.loads(self.ctl("get", name, "-o", "json"))
        wait_for(lambda: state_of(run()) == "RUNNING", "it runs")
        self.assertIn("is being stopped", self.ctl("stop", name))
        wait_for(lambda: state_of(run()) in FINAL, "it ended")
        self.assertEqual(state_of(run()), "FAILED")
        self.assertIn("stopped by ", run()["status"]["applicationState"]["errorMessage"])
        self.assertIn("stopped by ", self.ctl("history", "--failed", "--since", "1h"))
        self.assertIn("is tried again", self.ctl("retry", name))
        wait_for(lambda: state_of(run()) == "RUNNING", "it runs again")
        self.assertEqual(run()["status"]["executionAttempts"], 2)
        self.ctl("stop", name)
        wait_for(lambda: state_of(run()) == "FAILED", "it ended again")

    def test_a_schedule_that_will_start_nothing_is_told_at_once(self):
        for name, spec, text in (("cron", {"schedule": "99 * * * *"}, "minute: 99 is out of range"),
                                 ("zone", {"timeZone": "Mars/X"}, "Mars/X")):
            with self.subTest(name):
                done = sparkctl(self.standalone, "create", "-f", "-", stdin=json.dumps(self.schedule(name, **spec)))
                self.assertRegex(done.stderr, f"Warning: it will start no run: .*{text}")
        applied = Kubectl(self.standalone).run("apply", "-f", "-", stdin=json.dumps(self.schedule("cron", "98 * * * *")))
        self.assertRegex(applied.stderr, "Warning: it will start no run: .*minute: 98")
        quiet = sparkctl(self.standalone, "create", "-f", "-", stdin=json.dumps(self.schedule("good", "0 2 * * *")))
        self.assertEqual(quiet.stderr, "")

    def test_what_this_machine_runs_is_not_said_to_run_nowhere(self):
        schedule = self.schedule("bare", "0 2 * * *")
        del schedule["spec"]["template"]["image"]
        schedule["spec"]["template"]["mainApplicationFile"] = "/opt/jobs/fake.py"
        done = sparkctl(self.standalone, "create", "-f", "-", stdin=json.dumps(schedule))
        self.assertEqual(done.stderr, "")

    def test_an_application_that_cannot_run_is_told_at_once(self):
        def create(name, **driver):
            spec = self.schedule(name)["spec"]["template"]
            spec["driver"].update(driver)
            return sparkctl(self.standalone, "create", "-f", "-", stdin=json.dumps({
                "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
                "metadata": {"name": name, "namespace": "default"}, "spec": spec}))
        self.assertRegex(create("heap", javaOptions="-Xmx4g").stderr,
                         r"Warning: it cannot run: spec\.driver\.javaOptions must not have -Xmx")
        self.assertNotIn("cannot run", create("fine").stderr)

    def test_two_runs_by_hand_at_once_are_two_and_have_names(self):
        self.create("etl", "0 0 1 1 *", concurrencyPolicy="Allow", successfulRunHistoryLimit=10)
        with concurrent.futures.ThreadPoolExecutor() as threads:
            told = list(threads.map(lambda _: self.ctl("trigger", "etl"), range(2)))
        # A machine that stands still for seconds has it say where the name will be found.
        names = [name for text in told for name in re.findall(r"triggered: (etl-manual-\S+)", text)]
        runs = wait_for(lambda: len(found := self.names_of_runs()) == 2 and found, "both runs")
        self.assertEqual(len(names), len(set(names)), told)
        self.assertLessEqual(set(names), runs)

    def test_errors_say_what_to_do(self):
        cases = [
            (["get", "nothing"], None, 3, "nothing"),
            (["suspend", "nothing"], None, 3, "nothing"),
            (["logs", "nothing"], None, 3, "nothing"),
            (["nonsense"], None, 2, "nonsense"),
            (["create", "-f", "/does/not/exist.yaml"], None, 3, "/does/not/exist.yaml"),
            (["create", "-f", "-"], json.dumps(self.schedule("zero", successfulRunHistoryLimit=-1)), 5, "successfulRunHistoryLimit"),
            (["create", "-f", "-"], json.dumps(self.schedule("odd", scheduleX="1")), 5, "scheduleX"),
            (["create", "-f", "-"], "kind: [", 5, "standard input: line 1, column 1"),
            (["cron", "check", "75 * * * *"], None, 1, "minute: 75 is out of range 0-59 (at 0)"),
        ]
        for arguments, stdin, expected, text in cases:
            with self.subTest(arguments=arguments):
                code, message = self.refused(*arguments, stdin=stdin)
                self.assertEqual(code, expected, message)
                self.assertIn(text, message)
        self.standalone.stop()
        code, message = self.refused("list")
        self.assertEqual(code, 6, message)


class CompletionTest(unittest.TestCase):
    """Each shell sources its own script and completes with it; names come from a stand-in for the API."""
    SHELLS = {
        "bash": ["bash", "--norc", "-c", """
            source "$1"; COMP_WORDS=(sparkctl his); COMP_CWORD=1; _sparkctl; echo "${COMPREPLY[@]}"
            COMP_WORDS=(sparkctl logs ni); COMP_CWORD=2; _sparkctl; echo "${COMPREPLY[@]}" """, "-"],
        "zsh": ["zsh", "-fc", """
            autoload -Uz compinit; compinit -u -D; source "$1"; [[ ${_comps[sparkctl]} == _sparkctl ]] || exit 1
            compadd() { shift; print -r -- ${(M)@:#$prefix*} }
            prefix=his words=(sparkctl his) CURRENT=2; _sparkctl
            prefix=ni words=(sparkctl logs ni) CURRENT=3; _sparkctl""", "-"],
        "fish": ["fish", "--no-config", "-c", """
            source $argv[1]; complete -C "sparkctl his" | cut -f1; string join " " (complete -C "sparkctl logs ni" | cut -f1)"""],
    }

    def test_each_shell_completes_commands_and_names(self):
        for shell, command in self.SHELLS.items():
            with self.subTest(shell=shell), tempfile.TemporaryDirectory() as folder:
                self.assertIsNotNone(shutil.which(shell), f"{shell} is not installed; tools/bootstrap test does it")
                folder = pathlib.Path(folder)
                stand_in = folder / "sparkctl"
                stand_in.write_text("#!/bin/sh\n[ \"$2\" = runs ] && echo sparkapplication.sparkoperator.k8s.io/nightly-1"
                                    " || echo scheduledsparkapplication.sparkoperator.k8s.io/nightly\n")
                stand_in.chmod(0o755)
                script = folder / "script"
                script.write_text(subprocess.run([str(BIN / "sparkctl"), "completion", shell], capture_output=True, text=True,
                                                 check=True).stdout)
                done = subprocess.run([*command, str(script)], capture_output=True, text=True, timeout=240, check=False,
                                      env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder), "TERM": "dumb"})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout.split("\n")[:2], ["history", "nightly nightly-1"], done.stderr)


class PartsTest(harness.E2ETest):
    def test_apiserver_controller_and_node_apart(self):
        """A run needs all three; the controllers see only the namespace that they are given."""
        kubectl = self.start_api_and_node()
        kubectl("create", "namespace", "other")
        self.start_controller()
        elsewhere = self.schedule("elsewhere")
        elsewhere["metadata"]["namespace"] = "other"
        kubectl.apply(elsewhere, self.schedule("here"))
        wait_for(lambda: kubectl.get("scheduledsparkapplication", "here").get("status", {}).get("counts", {}).get("succeeded", 0) >= 2,
                 "two runs succeeded")
        self.assertTrue(all(row[1].startswith("here-") for row in self.started()))
        lease = kubectl.get("leases", "-A")["items"]
        self.assertEqual(len(lease), 1, "the controller holds the lease")


class ClientCertificateTest(harness.E2ETest):
    def test_a_client_certificate_is_presented(self):
        """Clusters that know their users by certificate; the server here asks for one and tells whose it was."""
        names = {"ca": "/CN=ca", "server": "/CN=localhost", "client": "/O=etl/CN=jane"}
        for name, subject in names.items():
            self.certificate(name, subject)
        seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append(dict(pair[0] for pair in self.connection.getpeercert()["subject"])["commonName"])
                body = json.dumps({"kind": "ScheduledSparkApplicationList", "apiVersion": "sparkoperator.k8s.io/v1beta2",
                                   "metadata": {}, "items": []}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        tls.load_verify_locations(self.folder / "ca.crt")
        tls.verify_mode = ssl.CERT_REQUIRED
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

        encoded = {name: base64.b64encode((self.folder / name).read_bytes()).decode() for name in ("ca.crt", "client.crt", "client.key")}
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{server.server_port}",
                                                   "certificate-authority-data": encoded["ca.crt"]}}],
            "users": [{"name": "jane", "user": {"client-certificate-data": encoded["client.crt"],
                                                "client-key-data": encoded["client.key"]}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "jane"}}],
        }
        kubeconfig = self.folder / "kubeconfig"
        kubeconfig.write_text(json.dumps(config))
        command = [str(BIN / "sparkctl"), "--kubeconfig", str(kubeconfig), "list"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(seen), {"jane"})

        del config["users"][0]["user"]["client-certificate-data"], config["users"][0]["user"]["client-key-data"]
        kubeconfig.write_text(json.dumps(config))
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        self.assertNotEqual(done.returncode, 0, "without the certificate nobody gets in")

    def certificate(self, name, subject):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
        key = ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-subj", subject]
        if name == "ca":
            openssl("req", "-x509", *key, "-days", "2", "-out", "ca.crt")
            return
        openssl("req", *key, "-out", f"{name}.csr")
        (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "names", "-out", f"{name}.crt")


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""What neither clients, nor signals, nor a full pipe, nor a lost file may do to the service."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import stat
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

import harness
from harness import FINAL, Kubectl, state_of, wait_for

HISTORY = "/sparkcron/v1/history"


class RobustnessTest(harness.E2ETest):
    def test_a_full_pipe_on_standard_error_stops_nothing(self):
        reader, writer = os.pipe()
        service = self.service("--log-level", "debug")
        # Nobody reads it: full from the beginning.
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        with open(service.log, "a") as out:
            service.process = subprocess.Popen(service.command(), stdout=out, stderr=writer, start_new_session=True,
                                               env={**os.environ, "HOME": str(self.folder)})
        os.close(writer)
        wait_for(service.ready, "the service is ready")
        Kubectl(service).apply(self.schedule("loud", schedule="* * * * * *"))
        wait_for(lambda: len(self.started()) >= 3, "drivers start")
        self.assertEqual(service.stop(), 0)
        os.close(reader)

    def test_hangups_and_a_file_size_limit_do_not_end_the_service(self):
        service = self.service().start()
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGXFSZ):
            service.process.send_signal(number)
        self.assertTrue(service.ready())
        size = (service.data / "api.db-wal").stat().st_size
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, size))
        big = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"a": "x" * 900_000}}
        refused = Kubectl(service).run("create", "-f", "-", stdin=json.dumps(big))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIsNone(service.process.poll())
        # Not ready, since nothing can be stored; but alive, and it answers.
        with service.open("/livez") as answer:
            self.assertEqual(answer.status, 200)

    def test_a_full_store_says_how_full_it_is_and_what_to_do(self):
        service = self.service("--storage-quota", "1Mi").start()

        def ask(method, path, body=None):
            request = urllib.request.Request(service.address() + "/api/v1/namespaces/default/configmaps" + path, method=method,
                                             data=json.dumps(body).encode() if body else None,
                                             headers={"Authorization": f"Bearer {service.token()}", "Content-Type": "application/json"})
            tls = harness.ssl.create_default_context(cafile=str(service.data / "tls.crt"))
            try:
                with urllib.request.urlopen(request, timeout=60, context=tls) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as refused:
                with refused:
                    return refused.code, json.load(refused)

        def create(name):
            return ask("POST", "", {"metadata": {"name": name}, "data": {"a": "x" * 600_000}})

        answers = [create(f"big-{number}") for number in range(4)]
        full = next(number for number, answer in enumerate(answers) if answer[0] != 201)
        self.assertGreater(full, 0)
        code, status = answers[full]
        self.assertEqual((code, status["reason"]), (503, "ServiceUnavailable"))
        self.assertRegex(status["message"], r"the objects have \d{7} bytes, the limit is 1048576: delete what is no longer needed$")
        # What is there can be read and deleted, and then there is room again.
        for number in range(full):
            self.assertEqual(ask("DELETE", f"/big-{number}")[0], 200)
        self.assertEqual(create("again")[0], 201)

    def test_apiserver_alone_exports_what_its_part_of_standalone_exports(self):
        both = []
        for command in ("standalone", "apiserver"):
            folder = self.folder / command
            folder.mkdir()
            service = harness.Service(folder, self.spark_home, command=command)
            self.services.append(service)
            service.start()
            with service.open("/metrics") as answer:
                both.append({line.split()[2] for line in answer.read().decode().splitlines() if line.startswith("# TYPE ")})
            service.stop()
        standalone, apiserver = both
        self.assertLessEqual(apiserver, standalone)
        of_controllers = {"sparkcron_api_call_duration_seconds", "sparkcron_leader", "sparkcron_queue_length"}
        self.assertEqual({name for name in standalone - apiserver - of_controllers
                          if not name.startswith(("spark_", "sparkcron_ledger_"))},
                         {"sparkcron_archived_logs_bytes", "sparkcron_logs_kept_total", "sparkcron_logs_lost_total"})

    def test_stop_with_a_request_in_flight_in_every_handler(self):
        service = self.service().start()
        kubectl = Kubectl(service)
        kubectl.apply(self.schedule("slow", schedule="* * * * * *", seconds=60, concurrencyPolicy="Forbid"))
        wait_for(self.started, "a driver started")
        pods = "/api/v1/namespaces/default/pods"
        name = wait_for(lambda: [pod for pod in kubectl.get("pods")["items"] if pod["status"].get("phase") == "Running"],
                        "a driver's pod runs")[0]["metadata"]["name"]
        paths = [f"{pods}/{name}", pods, f"{pods}?watch=true", f"{pods}/{name}/log?follow=true", f"{pods}/{name}/log",
                 HISTORY, "/metrics", "/readyz", "/livez", "/openapi/v3", "/apis"]
        head = {"Authorization": f"Bearer {service.token()}"}
        self.stop_while_asked(service, [urllib.request.Request(service.address() + path, headers=head) for path in paths])

    def test_stop_of_a_controller_with_a_request_in_flight_in_every_handler(self):
        api = harness.Service(self.folder, self.spark_home, command="apiserver")
        self.services.append(api)
        api.start()
        folder = self.folder / "controller"
        folder.mkdir()
        controller = harness.Service(
            folder, self.spark_home, "--kubeconfig", str(api.data / "kubeconfig"), "--history-listen", "127.0.0.1:0",
            "--webhook-listen", "127.0.0.1:0", "--webhook-cert-dir", str(api.data), "--enable-resource-quota-enforcement",
            command="controller")
        self.services.append(controller)
        controller.spawn()
        said = wait_for(lambda: re.search(r"metrics on (\S+); history on (\S+)", controller.output()), "it says where it listens")
        webhook = wait_for(lambda: re.search(r"Serves the admission webhook.*?(127\.0\.0\.1:\d+)", controller.output()), "the webhook is served")[1]
        spec = {"type": "Python", "sparkVersion": "4.0.1", "image": "i", "mainApplicationFile": "local:///a.py", "driver": {}, "executor": {}}
        review = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "kind": {"kind": "SparkApplication"}, "operation": "CREATE", "namespace": "default",
            "object": {"metadata": {"name": "a"}, "spec": spec}}}).encode()
        questions = [urllib.request.Request(f"http://{said[1]}{path}") for path in ("/metrics", "/readyz", "/livez", "/healthz")]
        questions += [urllib.request.Request(f"https://{webhook}{path}", data=review) for path in ("/validate", "/mutate")]
        # Refused after a call of the API: the handler is held by that one.
        questions += [urllib.request.Request(f"https://{said[2]}{HISTORY}", headers={"Authorization": "Bearer nobody"})]
        self.stop_while_asked(controller, questions)

    def stop_while_asked(self, service, questions):
        """Each question by two askers without end, until the service has gone, in order."""
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        answered = {question.full_url: 0 for question in questions}

        def keep_asking(question):
            while service.process.poll() is None:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    try:
                        with urllib.request.urlopen(question, timeout=30, context=tls) as answer:
                            answered[question.full_url] += 1
                            while answer.read1(65536):
                                pass
                    except urllib.error.HTTPError as refusal:
                        with refusal:
                            answered[question.full_url] += 1

        askers = [threading.Thread(target=keep_asking, args=[question]) for question in questions for _ in range(2)]
        for asker in askers:
            asker.start()
        wait_for(lambda: all(answered.values()), "every handler has answered")
        self.assertEqual(service.stop(), 0)
        for asker in askers:
            asker.join()
        for word in ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "runtime error"):
            self.assertNotIn(word, service.output())

    def test_a_thousand_idle_connections_without_a_token_keep_nobody_out(self):
        service = self.service().start()
        host, port = service.address().removeprefix("https://").split(":")
        with contextlib.ExitStack() as idle:
            for _ in range(1000):
                idle.enter_context(socket.create_connection((host, int(port)), timeout=60))
            Kubectl(service).apply(self.schedule("through"))
            wait_for(self.started, "a driver started")

    def test_files_are_private_in_a_folder_that_was_there(self):
        data = self.folder / "data"
        data.mkdir(mode=0o755)
        service = self.service()
        before = os.umask(0)
        try:
            service.start()
        finally:
            os.umask(before)
        Kubectl(service).apply(self.schedule("one", schedule="* * * * * *"))
        wait_for(self.ended, "a driver ended")
        wait_for(lambda: list(data.glob("logs/**/*.log.gz")) or not list(data.glob("pods/*")), "logs are there")
        # A volume that is being filled has the modes of its ConfigMap for a moment, in its pod's private folder.
        Kubectl(service)("patch", "scheduledsparkapplication", "one", "--type=merge", "-p", '{"spec": {"suspend": true}}')
        wait_for(lambda: all(state_of(run) in FINAL for run in Kubectl(service).runs("one")), "nothing runs any more")
        for folder, folders, files in os.walk(data):
            names = folders + files
            if folder == str(data):
                folders[:] = [name for name in folders if name != "volumes"]  # what users claim is theirs
            for name in names:
                path = pathlib.Path(folder, name)
                with contextlib.suppress(FileNotFoundError):  # pods that were pruned are being cleared away
                    mode = path.lstat().st_mode
                    if not stat.S_ISLNK(mode):
                        self.assertEqual(stat.S_IMODE(mode) & 0o077, 0, path)

    def test_a_removed_database_is_noticed_and_not_begun_anew_in_silence(self):
        service = self.service().start()
        database = service.data / "api.db"
        kept = self.folder / "kept.db"
        database.rename(kept)

        def unready():
            try:
                service.open("/readyz")
            except urllib.error.HTTPError as answer:
                return "[-]databases failed" in answer.read().decode()
            return False

        wait_for(unready, "/readyz says it")
        service.kill9()
        again = self.service()
        again.spawn()
        wait_for(lambda: again.process.poll() is not None, "the service refused")
        self.assertIn(f"{database} is missing, and this folder has been used before", again.output())
        self.assertFalse(database.exists())
        kept.rename(database)
        again.start()


if __name__ == "__main__":
    unittest.main()

"""The admission webhook, installed by the chart: what it refuses and writes, its certificate, and what runs without it."""
import base64
import json
import subprocess
import threading
import unittest

from cluster import HERE, wait_for
from release import ReleaseTest

KEY = "sparkoperator.k8s.io/"
DENIED = 'admission webhook "validate.sparkoperator.k8s.io" denied the request: '
CHANGED = KEY + "webhook-certificate-changed"


class WebhookCase(ReleaseTest):
    def install(self, verb="install", *more):
        said = super().install(verb, "--set", "webhook.enable=true", *more)
        # The pod is ready before the node's proxy has heard of it.
        probe = self.schedule("probe", "0 5 * * *", self.of_the_chart())
        wait_for(lambda: self.apply(probe, "--dry-run=server").returncode == 0, "the webhook is reached", 60)
        return said

    def apply(self, item, *arguments, verb="apply"):
        return self.kubectl.run(verb, "-f", "-", *arguments, stdin=json.dumps(item))

    def refusal(self, item):
        done = self.apply(item)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr


class WebhookTest(WebhookCase):
    def test_what_people_write_is_refused_or_filled_in(self):
        self.install("install", "--set", "webhook.resourceQuotaEnforcement.enable=true")
        self.refuses_schedules_by_their_fields()
        self.refuses_an_application_in_the_words_of_its_status()
        self.writes_defaults_that_are_no_edit()
        self.fills_in_pods_of_plain_spark_submit()
        self.asks_quotas_for_the_whole_run()

    def refuses_schedules_by_their_fields(self):
        template = self.of_the_chart()
        self.assertIn(DENIED + "spec.schedule: minute: 75 is out of range 0-59 (at 0)", self.refusal(self.schedule("bad", "75 * * * *")))
        self.assertIn(DENIED + "spec.timeZone: ", self.refusal(self.schedule("bad", timeZone="Mars/Olympus")))
        image = {"sparkConf": {"spark.kubernetes.container.image": "other"}}
        self.assertIn(DENIED + "spec.template.sparkConf must not set spark.kubernetes.container.image: use spec.template.image",
                      self.refusal(self.schedule("bad", template={**template, **image})))
        self.assertIsNone(self.kubectl.find("scheduledsparkapplication", "bad"))
        done = self.apply(self.schedule("odd", "0 5 * * *", template, timeZone="Etc/GMT+2"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Warning: spec.timeZone: Etc/GMT+2 is 2 h behind UTC", done.stderr)
        # An edit is asked about, and so is one that suspends something wrong.
        self.assertIn(DENIED, self.kubectl.run("patch", "scheduledsparkapplication", "odd", "--type", "merge", "-p",
                                               '{"spec": {"schedule": "x"}}').stderr)
        self.kubectl.patch_spec("odd", suspend=True)

    def refuses_an_application_in_the_words_of_its_status(self):
        bad = {**self.application("denied"), "spec": {**self.of_the_chart(), "sparkConf": {"spark.kubernetes.context": "other"}}}
        words = "spec.sparkConf must not set spark.kubernetes.context: the service has no kubeconfig for tenants"
        self.assertIn(DENIED + words, self.refusal(bad))
        # The controller's own creations are not asked about: without a webhook the status says it.
        account = f"system:serviceaccount:{self.home}:sparkcron-controller"
        self.kubectl("create", "-f", "-", "--as", account, stdin=json.dumps(bad))
        self.await_state("denied", "FAILED")
        self.assertEqual(self.message("denied"), words)
        # What is there can be labelled, not edited into something else that is wrong, and deleted.
        self.kubectl("label", "sparkapplication", "denied", "a=b")
        edit = '{"spec": {"arguments": ["x"]}}'
        self.assertIn(DENIED + words, self.kubectl.run("patch", "sparkapplication", "denied", "--type", "merge", "-p", edit).stderr)
        self.kubectl("delete", "sparkapplication", "denied", "--timeout=60s")

    def writes_defaults_that_are_no_edit(self):
        spec = self.of_the_chart()
        del spec["mode"], spec["executor"]["instances"]
        terse = {**self.application("terse"), "spec": spec}
        self.kubectl("create", "-f", "-", stdin=json.dumps(terse))
        stored = self.kubectl.get("sparkapplication", "terse")["spec"]
        self.assertEqual((stored["mode"], stored["restartPolicy"], stored["executor"]["instances"], stored["driver"]["cores"]),
                         ("cluster", {"type": "Never"}, 1, 1))
        self.await_state("terse", "COMPLETED")
        before = self.kubectl.get("sparkapplication", "terse")
        done = self.apply(terse, verb="replace")
        self.assertEqual(done.returncode, 0, done.stderr)
        after = self.kubectl.get("sparkapplication", "terse")
        self.assertEqual(after["spec"], before["spec"])
        self.assertEqual(after["metadata"]["generation"], before["metadata"]["generation"])

    def fills_in_pods_of_plain_spark_submit(self):
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": "plain", "labels": {"spark-role": "driver"},
                            "annotations": {KEY + "sparkConfigMap": "conf", KEY + "GCPServiceAccount.key": "/mnt/gcp"}},
               "spec": {"containers": [{"name": "spark-kubernetes-driver", "image": "localhost/fake-spark:1"}]}}

        def stored(one):
            done = self.apply(one, "--dry-run=server", "-o", "json", verb="create")
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)["spec"]
        spec = stored(pod)
        mounts = {one["mountPath"]: one["name"] for one in spec["containers"][0]["volumeMounts"]}
        self.assertEqual((mounts["/etc/spark/conf"], mounts["/mnt/gcp"]), ("spark-configmap-volume", "key-secret-vol"))
        self.assertEqual({one["name"]: one["value"] for one in spec["containers"][0]["env"]},
                         {"SPARK_CONF_DIR": "/etc/spark/conf", "GOOGLE_APPLICATION_CREDENTIALS": "/mnt/gcp/key.json"})
        pod["metadata"]["labels"] = {}
        self.assertNotIn("env", stored(pod)["containers"][0])

    def asks_quotas_for_the_whole_run(self):
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"requests.memory": "600Mi"}}}
        self.kubectl.apply(quota)
        wait_for(lambda: self.kubectl.get("resourcequota", "team").get("status", {}).get("hard"), "the quota is looked after", 60)
        # The driver alone would fit, its executor of 512 + 384 MiB does not.
        self.assertIn('exceeded quota "team": the application asks for requests.memory=944Mi',
                      self.refusal({**self.application("large"), "spec": self.of_the_chart()}))
        self.kubectl("delete", "resourcequota", "team")

    def secret(self):
        return self.at_home.get("secret", "sparkcron-webhook-certs")

    def text(self, key):
        return base64.b64decode(self.secret().get("data", {}).get(key, "")).decode()

    def change_secret(self, age, **data):
        encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.at_home.patch("secret", "sparkcron-webhook-certs",
                           {"metadata": {"annotations": {CHANGED: age}}, **({"data": encoded} if encoded else {})})

    def told(self):
        """What each webhook's API server is to trust."""
        found = [self.at_home.get(kind, "sparkcron-webhook") for kind in ("validatingwebhookconfiguration", "mutatingwebhookconfiguration")]
        return {base64.b64decode(webhook["clientConfig"].get("caBundle", "")).decode() for one in found for webhook in one["webhooks"]}

    def test_the_certificate_is_exchanged_while_people_write(self):
        self.install("install", "--set", "controller.replicas=2")
        folder = self.folder
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "5", "-subj", "/CN=old",
                        "-addext", f"subjectAltName=DNS:sparkcron-webhook-svc.{self.home}.svc,"
                                   f"DNS:sparkcron-webhook-svc.{self.home}.svc.cluster.local",
                        "-keyout", folder / "key", "-out", folder / "crt"], check=True, capture_output=True)
        ending = (folder / "crt").read_text()
        failures, stop = [], threading.Event()

        def write():
            while not stop.is_set():
                done = self.apply(self.schedule("good", "0 5 * * *", self.of_the_chart()), "--dry-run=server")
                if done.returncode != 0:
                    failures.append(done.stderr)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            first = self.text("tls.crt")
            fresh = subprocess.run(["date", "-u", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True, check=True).stdout.strip()
            # As if the one in use were about to end; both are trusted before it is served.
            self.change_secret(fresh, ca_crt=first + ending)
            wait_for(lambda: self.told() == {first + ending}, "both are trusted", 90, 0.5)
            self.change_secret(fresh, tls_crt=ending, tls_key=(folder / "key").read_text())
            following = wait_for(lambda: self.text("next.crt"), "the next one is made", 90, 0.5)
            wait_for(lambda: all(ending in one and following in one for one in self.told()), "it is trusted", 90, 0.5)
            self.assertEqual(self.text("tls.crt"), ending, "and waits for its hour")
            self.change_secret("2126-01-01T00:00:00Z")  # of a clock that was wrong: no reason to wait
            wait_for(lambda: self.text("tls.crt") == following, "it is in use", 90, 0.5)
            wait_for(lambda: all(following in one and ending in one for one in self.told()), "with the old one", 90, 0.5)
        finally:
            stop.set()
            writer.join()
        self.assertEqual(failures, [])

    def made_by_somebody_else(self, name):
        """The PEM of a certificate and of its key, by an authority that is this test's."""
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        if not (self.folder / "ca.crt").exists():
            openssl("req", "-x509", *new_key, "-days", "5", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
        (self.folder / "names").write_text(f"subjectAltName=DNS:sparkcron-webhook-svc.{self.home}.svc")
        openssl("req", *new_key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "5",
                "-extfile", "names", "-out", f"{name}.crt")
        return (self.folder / f"{name}.crt").read_text(), (self.folder / f"{name}.key").read_text()

    def test_what_somebody_else_puts_into_the_secret_and_renews_is_served_without_a_restart(self):
        """As cert-manager does."""
        def put(name):
            certificate, key = self.made_by_somebody_else(name)
            self.at_home.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "type": "kubernetes.io/tls",
                                "stringData": {"tls.crt": certificate, "tls.key": key}})
            return certificate

        def pod():
            [one] = self.at_home.get("pods", "-l", "app.kubernetes.io/component=controller")["items"]
            return one

        def served():
            ask = f"openssl s_client -connect {pod()['status']['podIP']}:9443 </dev/null 2>/dev/null | openssl x509"
            return subprocess.run([HERE / "inside", "sh", "-c", ask], capture_output=True, text=True, timeout=60).stdout
        first = put("first")
        authority = base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()
        self.install("install", "--set", "webhook.certificate.secretName=tls", "--set", f"webhook.certificate.caBundle={authority}")
        before = pod()
        self.assertEqual(served(), first)
        renewed = put("renewed")
        wait_for(lambda: served() == renewed, "the new one is served", 240, 1)
        self.assertIn(DENIED, self.refusal(self.schedule("bad", "75 * * * *")), "and trusted")
        after = pod()
        self.assertEqual((after["metadata"]["uid"], after["status"]["containerStatuses"][0]["restartCount"]), (before["metadata"]["uid"], 0))

    def test_runs_that_are_due_do_not_ask_a_webhook_that_is_away(self):
        self.install()
        self.kubectl.apply(self.schedule("every", "*/5 * * * * *", self.of_the_chart(), successfulRunHistoryLimit=2))
        self.kubectl.apply({**self.application("endless"), "spec": self.of_the_chart(seconds=3600)})
        self.await_state("endless", "RUNNING")
        # Nobody is at that port; connections that are open would have outlived a Service without pods.
        for kind, count in (("validatingwebhookconfiguration", 1), ("mutatingwebhookconfiguration", 2)):
            away = [{"op": "replace", "path": f"/webhooks/{i}/clientConfig/service/port", "value": 444} for i in range(count)]
            self.at_home("patch", kind, "sparkcron-webhook", "--type", "json", "-p", json.dumps(away))
        another = self.schedule("another", "0 5 * * *", self.of_the_chart())
        done = wait_for(lambda: (one := self.apply(another, "--dry-run=server")).returncode != 0 and one, "people are refused", 60)
        self.assertIn("failed calling webhook", done.stderr)
        before = self.counts("every").get("succeeded", 0)
        wait_for(lambda: self.counts("every").get("succeeded", 0) >= before + 4, "runs go on", 240, 0.5)
        self.assertLessEqual(len(self.kubectl.runs("every")), 4, "and are pruned")
        self.kubectl("delete", "sparkapplication", "endless", "--timeout=120s")
        self.kubectl("label", "scheduledsparkapplication", "every", "still=writable")
        self.kubectl("delete", "scheduledsparkapplication", "every", "--timeout=60s")
        self.assert_each_slot_once(5)


class Helm4Test(WebhookCase):
    """Helm 4 applies on the server's side: what the controller writes into objects of the chart stays the controller's."""

    HELM = "4"

    def written_by_the_controller(self):
        secret = self.at_home.get("secret", "sparkcron-webhook-certs")["data"]
        configurations = [self.kubectl.get(kind, "sparkcron-webhook")
                          for kind in ("validatingwebhookconfiguration", "mutatingwebhookconfiguration")]
        trusted = {webhook["clientConfig"].get("caBundle") for one in configurations for webhook in one["webhooks"]}
        return secret, trusted

    def test_install_test_upgrade_rollback_uninstall(self):
        # The definitions were written by kubectl, and may differ.
        self.install("install", "--force-conflicts")
        self.assertIn("Succeeded", self.helm("test", "sparkcron"))
        self.kubectl.apply(self.schedule("every", "*/5 * * * * *", self.of_the_chart(), successfulRunHistoryLimit=50))
        wait_for(lambda: self.counts("every").get("succeeded", 0) >= 1, "a run succeeds", every=0.5)
        written = self.written_by_the_controller()
        self.assertLessEqual({"tls.crt", "tls.key"}, set(written[0]))
        self.assertEqual(len(written[1]), 1)
        self.assertNotIn(None, written[1])

        self.install("upgrade", "--set", "controller.logEncoder=json")
        self.assertEqual(self.written_by_the_controller(), written)
        self.helm("rollback", "sparkcron", "1", "--wait", "--timeout", "240s")
        self.assertEqual(self.written_by_the_controller(), written)
        # The node's proxy hears of the pod that is back a moment after it is ready.
        wait_for(lambda: DENIED in self.apply(self.schedule("bad", "75 * * * *")).stderr, "the webhook is reached again", 60, 0.5)
        before = self.counts("every")["succeeded"]
        wait_for(lambda: self.counts("every")["succeeded"] > before, "runs go on", every=0.5)

        self.helm("uninstall", "sparkcron", "--wait", "--timeout", "240s")
        left = self.at_home.get("all,serviceaccounts,roles,rolebindings,configmaps,secrets")["items"]
        self.assertEqual([one["metadata"]["name"] for one in left if "sparkcron" in one["metadata"]["name"]], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The roles, row by row: with all of them everything works, without one it does not, and nothing more is allowed.

Each row of `sparkcron permissions` that is the controller's has a namespace in which it is missing, and a controller with
a service account of that namespace. No pod is ever placed: what becomes of drivers is written by the test. The rows of
options have a controller with all options on.
"""
import json
import re
import ssl
import threading
import unittest
import urllib.error
import urllib.request

import cluster
from cluster import asked, permissions, rules, wait_for

RUNS_AT_ONCE = 9
CONTROLLER = "controller"
NOTHING_SCHEDULES = {"nowhere": "true"}
# Repeating a submission whose status could not be written is how one comes upon objects of its own; editing meanwhile,
# how they are replaced.
UNWRITTEN_APPLICATION = ("sparkapplications/status", "patch")
# This API server streams them in watches (`Informer::stream_lists`); one that refuses that is asked for the lists.
STREAMED = {(resource, "list") for resource in ("namespaces", "scheduledsparkapplications")}


def call_of(row):
    return row["resource"], row["verb"]


def allowed(kubectl, namespace):
    """What the account sparkcron may, as the API server lists it, less what everybody may."""
    def rules_of(user):
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
        answer = kubectl("create", "--validate=false", "-f", "-", "-o", "json", "--as", user, "--as-group=system:serviceaccounts",
                         "--as-group=system:authenticated", stdin=json.dumps(review))
        return {(resource, verb) for rule in json.loads(answer)["status"]["resourceRules"]
                for resource in rule["resources"] for verb in rule["verbs"]}
    account = f"system:serviceaccount:{namespace}:"
    return rules_of(account + "sparkcron") - rules_of(account + "default")


class Tenant:
    """A namespace, what is applied there, and a controller that has all of the rows but some."""

    def __init__(self, test, missing=()):
        self.test = test
        self.missing = set(missing)
        self.namespace, self.kubectl = test.new_namespace()
        granted = [row for row in permissions(CONTROLLER) + permissions("election") if call_of(row) not in self.missing]
        self.kubectl.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sparkcron"}},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "sparkcron"}, "rules": rules(granted)},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "sparkcron"},
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "sparkcron"},
             "subjects": [{"kind": "ServiceAccount", "name": "sparkcron"}]})
        token = self.kubectl("create", "token", "sparkcron", "--duration=1h").strip()
        self.controller = test.controller(f"controller-{self.namespace}", namespaces=[self.namespace], token=token)

    def apply_all(self):
        """A schedule with a short history, and an application that fails, with everything that one may have of its own."""
        test = self.test
        retried = test.application_spec(sparkVersion="4.2.1", driverPodDisruptionBudget=True, driverIngressOptions=[
            {"servicePort": 8080, "servicePortName": "api", "ingressURLFormat": "{{$appName}}.example.com"}], restartPolicy={"type": "OnFailure", "onFailureRetries": 3, "onFailureRetryInterval": 1},
                                        nodeSelector=NOTHING_SCHEDULES, sparkConf={
            "spark.kubernetes.driver.volumes.persistentVolumeClaim.data.options.claimName": "OnDemand",
            "spark.kubernetes.driver.volumes.persistentVolumeClaim.data.options.storageClass": "none",
            "spark.kubernetes.driver.volumes.persistentVolumeClaim.data.options.sizeLimit": "1Gi",
            "spark.kubernetes.driver.volumes.persistentVolumeClaim.data.mount.path": "/data"})
        self.kubectl.apply(
            test.schedule("often", "*/3 * * * * *", test.application_spec(nodeSelector=NOTHING_SCHEDULES),
                          concurrencyPolicy="Replace", successfulRunHistoryLimit=1, failedRunHistoryLimit=1),
            {"apiVersion": cluster.API, "kind": "SparkApplication", "metadata": {"name": "fails"}, "spec": retried})
        self.kubectl("annotate", "scheduledsparkapplication", "often", "sparkoperator.k8s.io/trigger=now")

    def edit(self):
        self.kubectl("patch", "sparkapplication", "fails", "--type=merge", "-p", '{"spec": {"arguments": ["edited"]}}')

    def take_labels(self):
        """Runs that are the schedule's by their owner only are asked for one by one."""
        label = "sparkoperator.k8s.io/scheduled-app-name"
        wait_for(lambda: self.kubectl("label", "sparkapplications", "-l", label, label + "-").strip(), "a run loses its label", every=0.5)

    def refused(self, call):
        """Whether the controller itself says that it may not: in its log, an event or a status. Where it may not write the
        status that would say so, the API server's word is enough."""
        resource, verb = call
        if UNWRITTEN_APPLICATION in self.missing and call != UNWRITTEN_APPLICATION:
            return asked(self.namespace, "sparkcron").get(call) is False
        objects = self.kubectl("get", "scheduledsparkapplications,sparkapplications,events", "-o", "json")
        said = (self.controller.output() + objects).replace('\\"', '"')
        if resource.endswith("/finalizers"):  # the words of the admission plugin, which knows no verbs
            return "cannot set blockOwnerDeletion" in said
        return f'cannot {verb} resource "{resource}"' in said


class Kubelet(threading.Thread):
    """Says of every driver of these tests that it ran: those of schedules succeed, the others fail."""

    def __init__(self, kubectl):
        super().__init__(daemon=True)
        self.kubectl = kubectl
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.5):
            for pod in self.kubectl.get("pods", "--all-namespaces", "-l", "spark-role=driver")["items"]:
                # Those of the tests beside this one are the real kubelet's.
                ours = pod["spec"].get("nodeSelector") == NOTHING_SCHEDULES
                if ours and pod["status"].get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                    self.finish(pod)

    def finish(self, pod):
        labels = pod["metadata"]["labels"]
        good = "sparkoperator.k8s.io/scheduled-app-name" in labels
        status = {"phase": "Succeeded" if good else "Failed", "containerStatuses": [{
            "name": "spark-kubernetes-driver", "image": "x", "imageID": "", "ready": False, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0 if good else 1, "finishedAt": pod["metadata"]["creationTimestamp"]}}}]}
        self.kubectl.run("--namespace", pod["metadata"]["namespace"], "patch", "pod", pod["metadata"]["name"], "--subresource=status",
                         "--type=merge", "-p", json.dumps({"status": status}))

    def stop(self):
        self.ended.set()
        self.join(60)


class OptionsTest(cluster.ClusterTest):
    """A controller with every option on, whose account has exactly the rows of the table."""

    CONTROLLERS = ("controller", "quota", "namespace-selector", "election", "webhook-certificate", "webhook-trust", "history-tokens",
                   "history-access")
    IN_THE_CLUSTER = ("controller", "quota", "namespace-selector", "webhook-trust", "history-tokens")

    def setUp(self):
        super().setUp()
        self.name = f"sparkcron-{self.namespace}"  # of what belongs to no namespace

    def clean_up(self):
        """What belongs to no namespace goes last: the controller needs its rights to let its runs go."""
        try:
            super().clean_up()
        finally:
            self.kubectl.run("delete", "--ignore-not-found", f"clusterrole/{self.name}", f"clusterrolebinding/{self.name}",
                             f"validatingwebhookconfiguration/{self.name}", f"mutatingwebhookconfiguration/{self.name}")

    def rows(self, roles):
        """Under the names that the options give."""
        return [{**row, "name": self.name if row["role"] == "webhook-trust" else row["name"]} for role in roles for row in permissions(role)]

    def grant(self):
        account = {"kind": "ServiceAccount", "name": "sparkcron", "namespace": self.namespace}
        objects = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sparkcron"}},
                   {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sparkcron-webhook-certs"}, "type": "Opaque"}]
        for kind, name, roles in (("ClusterRole", self.name, self.IN_THE_CLUSTER),
                                  ("Role", "sparkcron", [role for role in self.CONTROLLERS if role not in self.IN_THE_CLUSTER])):
            rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
            objects += [{**rbac, "kind": kind, "rules": rules(self.rows(roles))},
                        {**rbac, "kind": kind + "Binding", "subjects": [account],
                         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}}]
        for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
            # It asks about nothing: what counts is whom its API server is to trust.
            objects.append({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": self.name}, "webhooks": [{
                "name": "never.sparkoperator.k8s.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "namespaceSelector": {"matchLabels": {"sparkcron-test": self.name}}, "clientConfig": {"url": "https://localhost:1/"},
                "rules": [{"apiGroups": ["none.example.com"], "apiVersions": ["v1"], "resources": ["nothings"], "operations": ["CREATE"]}]}]})
        self.kubectl.apply(*objects)

    def ask(self, address, path, token=None, body=None):
        request = urllib.request.Request(f"https://{address}{path}", data=None if body is None else json.dumps(body).encode(),
                                         headers={"X-Sparkcron-Dashboard": "1", **({"Authorization": f"Bearer {token}"} if token else {})})
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(request, timeout=30, context=trust) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_with_every_option_on_what_is_allowed_is_the_table_and_all_of_it_is_asked_for(self):
        self.grant()
        token = self.kubectl("create", "token", "sparkcron", "--duration=1h").strip()
        self.kubectl("label", "namespace", self.namespace, f"team={self.namespace}")
        controller = self.controller(
            "all", "--namespace-selector", f"team={self.namespace}", "--history-listen", "127.0.0.1:0", "--webhook-listen", "127.0.0.1:0",
            "--webhook-configuration-name", self.name, "--enable-resource-quota-enforcement", token=token).start()
        webhook = wait_for(lambda: re.findall(r"Serves the admission webhook.*?(127\.0\.0\.1:\d+)", controller.output()), "it is served", 120)[-1]
        history = re.findall(r"history on (127\.0\.0\.1:\d+)", controller.output())[-1]
        for kind in ("validatingwebhookconfiguration", "mutatingwebhookconfiguration"):
            wait_for(lambda k=kind: self.kubectl.get(k, self.name)["webhooks"][0]["clientConfig"].get("caBundle"), f"{kind} is told", 60, 0.5)
        self.kubectl.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"requests.memory": "1Mi"}}})
        wait_for(lambda: self.kubectl.get("resourcequota", "team").get("status", {}).get("hard"), "the quota is looked after", 60)
        application = self.application("large")
        application["metadata"]["namespace"] = self.namespace
        status, answer = self.ask(webhook, "/validate", body={"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "kind": {"kind": "SparkApplication"}, "operation": "CREATE", "namespace": self.namespace, "object": application}})
        self.assertEqual(status, 200)
        self.assertIn("exceeded quota", answer)
        self.kubectl("delete", "resourcequota", "team")
        # It is known whose this token is, and that account may not read.
        status, answer = self.ask(history, "/sparkcron/v1/history", token=token)
        self.assertEqual(status, 403, answer)
        # What it may see in the dashboard is asked.
        status, answer = self.ask(history, "/dashboard/api/sparkcron/v1/scope", token=token)
        self.assertEqual(status, 200, answer)
        self.kubectl.apply(self.schedule("often", "*/3 * * * * *", self.application_spec(nodeSelector=NOTHING_SCHEDULES)))
        wait_for(lambda: self.kubectl.runs("often"), "runs are made", 120, 0.5)
        self.kubectl.patch_spec("often", suspend=True)
        calls = asked(self.namespace, "sparkcron")
        self.assertEqual([call for call, allowed in calls.items() if not allowed], [])
        options = {call_of(row) for role in self.CONTROLLERS if role not in ("controller", "election") for row in permissions(role)}
        # A watch is recorded when it ends.
        self.assertLessEqual(options - set(calls), STREAMED | {("namespaces", "watch")})
        self.assertEqual(allowed(self.kubectl, self.namespace), {call_of(row) for row in self.rows(self.CONTROLLERS)})


class PermissionsTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        kubelet = Kubelet(self.kubectl)
        kubelet.start()
        self.addCleanup(kubelet.stop)

    def everything_works(self, tenant):
        counts = tenant.kubectl.get("scheduledsparkapplication", "often").get("status", {}).get("counts", {})
        fails = tenant.kubectl.get("sparkapplication", "fails")
        return counts.get("succeeded", 0) >= 3 and cluster.state_of(fails) == "FAILED"

    def test_with_all_of_them_everything_works_and_nothing_more_is_allowed(self):
        tenant = Tenant(self)
        tenant.apply_all()
        tenant.controller.start()
        wait_for(lambda: self.everything_works(tenant), "runs are made and pruned, retries are made", 240, 0.5)
        self.assertNotIn("forbidden", tenant.controller.output().lower())
        calls = asked(tenant.namespace, "sparkcron")
        self.assertEqual([call for call, allowed in calls.items() if not allowed], [])
        self.assertEqual(allowed(tenant.kubectl, tenant.namespace), {call_of(row) for row in permissions(CONTROLLER) + permissions("election")})

    def test_each_single_one_is_needed(self):
        self.addCleanup(lambda: [controller.stop() for controller in self.controllers])  # they could not clean up
        # Volcano, coscheduling and Gateways are not in this cluster.
        served = {version.rpartition("/")[0] for version in self.kubectl("api-versions").split()}
        rows = [call_of(row) for row in permissions(CONTROLLER) + permissions("election") if row["group"] in served]
        rows = [row for row in rows if row not in STREAMED]
        for start in range(0, len(rows), RUNS_AT_ONCE):
            self.miss(rows[start:start + RUNS_AT_ONCE])

    def miss(self, calls):
        """One tenant for each."""
        tenants = {call: Tenant(self, [call, *self.made_necessary_by(call)]) for call in calls}
        for tenant in tenants.values():
            tenant.apply_all()
            tenant.controller.start()
        for call, tenant in tenants.items():
            if UNWRITTEN_APPLICATION in tenant.missing:
                wait_for(lambda t=tenant: t.refused(UNWRITTEN_APPLICATION), f"{call}: the status cannot be written", 120)
                tenant.edit()
            if call == ("sparkapplications", "get"):
                tenant.take_labels()
        for call, tenant in tenants.items():
            wait_for(lambda c=call, t=tenant: t.refused(c), f"without {call[1]} of {call[0]} something is refused", every=0.5)
            tenant.controller.stop()

    @staticmethod
    def made_necessary_by(call):
        resource, verb = call
        if resource in ("services", "configmaps", "persistentvolumeclaims", "networkpolicies", "ingresses",
                        "poddisruptionbudgets", "pods") and verb in ("get", "delete"):
            return [UNWRITTEN_APPLICATION]
        return []


if __name__ == "__main__":
    unittest.main(verbosity=2)

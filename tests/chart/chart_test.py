#!/usr/bin/env python3
"""charts/sparkcron, rendered by Helm (tools/bootstrap.d/helm): what it makes, what it refuses, that each value does something."""
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("SPARKCRON_BIN", ROOT / "build/dev/bin"))
CHART = ROOT / "charts/sparkcron"
VALUES = sorted((ROOT / "tests/chart/values").glob("*.yaml"))


def output_of(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


HELM = output_of(ROOT / "tools/bootstrap.d/helm").strip()
PROMTOOL = output_of(ROOT / "tools/bootstrap.d/promtool").strip()


def helm(*arguments):
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False)


def template(values=None, *arguments):
    """values: a file or what it would hold."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        if values is not None and not isinstance(values, pathlib.Path):
            json.dump(values, file)
            file.flush()
            values = file.name
        return helm("template", "sparkcron", CHART, "--namespace", "sparkcron",
                    *(["--values", values] if values is not None else []), *arguments)


class Yaml:
    """Reads YAML through Helm: a chart that prints what it holds as JSON. Python has no reader of its own."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._chart = pathlib.Path(self._folder.name)
        (self._chart / "templates").mkdir()
        (self._chart / "Chart.yaml").write_text("apiVersion: v2\nname: reader\nversion: 0.0.0\n")
        (self._chart / "templates/all.yaml").write_text(
            '{{- range $path, $_ := .Files.Glob "documents/*" }}\n---\n{{ $.Files.Get $path | fromYaml | toJson }}\n{{- end }}\n')

    def documents(self, text):
        folder = self._chart / "documents"
        folder.mkdir()
        try:
            for number, part in enumerate(re.split(r"^---\n", text, flags=re.MULTILINE)):
                if re.sub(r"^\s*#.*$", "", part, flags=re.MULTILINE).strip():
                    (folder / f"{number:04}.yaml").write_text(part)
            printed = output_of(HELM, "template", self._chart)
            return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        finally:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()


YAML = Yaml()


def objects(values=None):
    done = template(values, "--set", "crds.install=false")
    assert done.returncode == 0, done.stderr
    return YAML.documents(done.stdout)


def of_kind(kind, found):
    return [one for one in found if one["kind"] == kind]


def workload(found):
    [one] = of_kind("Deployment", found) + of_kind("StatefulSet", found)
    return one


def arguments_of(found):
    return workload(found)["spec"]["template"]["spec"]["containers"][0]["args"]


def granted_to_the_controller(found):
    """{(group, resource, verb, name of the only object or None)}, in whatever namespace."""
    account = workload(found)["spec"]["template"]["spec"]["serviceAccountName"]
    roles = {(one["kind"], one["metadata"]["name"]): one["rules"] for one in of_kind("Role", found) + of_kind("ClusterRole", found)}
    mine = [one["roleRef"] for one in of_kind("RoleBinding", found) + of_kind("ClusterRoleBinding", found)
            if account in [subject["name"] for subject in one["subjects"]]]
    return {(group, resource, verb, name) for ref in mine for rule in roles[ref["kind"], ref["name"]] for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"] for name in rule.get("resourceNames", [None])}


class Rendered(unittest.TestCase):
    def test_everything_generated_is_what_it_would_be_now(self):
        done = subprocess.run([ROOT / "charts/generate", "--check", "--rules", BIN / "sparkcron"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_lint_finds_nothing_in_any_of_the_values(self):
        for values in VALUES:
            done = helm("lint", "--strict", CHART, "--values", values)
            self.assertEqual(done.returncode, 0, f"{values.name}: {done.stdout}{done.stderr}")

    def test_the_crds_are_those_of_the_project_kept_at_an_uninstall_unless_asked(self):
        for keep in (True, False):
            done = template({"crds": {"keep": keep}}, "--show-only", "templates/crds.yaml")
            found = YAML.documents(done.stdout)
            wanted = [YAML.documents(file.read_text())[0] for file in sorted((ROOT / "config/crd").glob("*.yaml"))]
            self.assertEqual([one["metadata"]["annotations"].pop("helm.sh/resource-policy", None) for one in found],
                             ["keep" if keep else None] * 2)
            for one in found:
                del one["metadata"]["labels"]
            self.assertEqual(found, wanted)

    def test_what_the_controller_is_granted_is_the_table_with_each_option_and_without(self):
        always = {"controller", "election", "history-tokens", "history-access"}
        webhook = {"webhook-certificate", "webhook-trust"}
        rows = [
            ({}, always),
            ({"controller": {"history": {"enable": False}}}, always - {"history-tokens", "history-access"}),
            ({"controller": {"leaderElection": {"enable": False}}}, always - {"election"}),
            ({"spark": {"jobNamespaces": [""]}}, always),
            ({"spark": {"jobNamespaces": [], "jobNamespaceSelector": "team=etl"}}, always | {"namespace-selector"}),
            ({"webhook": {"enable": True}}, always | webhook),
            ({"webhook": {"enable": True, "resourceQuotaEnforcement": {"enable": True}}}, always | webhook | {"quota"}),
            ({"webhook": {"enable": True}, "certManager": {"enable": True}}, always),
            ({"webhook": {"enable": True, "certificate": {"secretName": "mine", "caBundle": "QQ=="}}}, always),
        ]
        table = json.loads(output_of(BIN / "sparkcron", "permissions", "-o", "json"))
        for values, roles in rows:
            with self.subTest(values=values):
                wanted = {(row["group"], row["resource"], row["verb"]) for row in table if row["role"] in roles}
                self.assertEqual({grant[:3] for grant in granted_to_the_controller(objects(values))}, wanted)

    def test_rights_for_one_object_name_the_one_that_the_chart_makes(self):
        found = objects({"webhook": {"enable": True}, "fullnameOverride": "other"})
        named = {resource: name for _, resource, _, name in granted_to_the_controller(found) if name}
        made = {one["metadata"]["name"] for kind in ("Secret", "ValidatingWebhookConfiguration") for one in of_kind(kind, found)}
        self.assertEqual(named, {"leases": "sparkcron-controller", "secrets": "other-webhook-certs",
                                 "validatingwebhookconfigurations": "other-webhook", "mutatingwebhookconfigurations": "other-webhook"})
        self.assertEqual(made, {"other-webhook-certs", "other-webhook"})

    def test_the_plain_manifests_are_the_chart_s_objects(self):
        def less(one):
            one = copy.deepcopy(one)
            for holder in (one, one.get("spec", {}).get("template", {})):
                labels = holder.get("metadata", {}).get("labels", {})
                for key in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
                    labels.pop(key, None)
            return one
        plain = YAML.documents((ROOT / "charts/plain/sparkcron.yaml").read_text())
        chart = [one for one in objects() if "helm.sh/hook" not in one["metadata"].get("annotations", {})]
        self.assertEqual(plain[0]["kind"], "Namespace")
        self.assertEqual(plain[1:], [less(one) for one in chart])

    def test_every_flag_is_one_that_the_program_takes(self):
        for values in VALUES:
            with tempfile.TemporaryDirectory() as folder:
                found = objects(values)
                [job] = of_kind("Job", found)
                for words in (arguments_of(found), job["spec"]["template"]["spec"]["containers"][0]["args"]):
                    given = [f"--data-dir={folder}" if word.startswith("--data-dir=") else word for word in words]
                    # It gets as far as looking for the cluster: 2 would be a flag that it does not know.
                    done = subprocess.run([BIN / "sparkcron", *given, "--kubeconfig=/nowhere/config"],
                                          capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 1, f"{values.name}: {done.stderr}")
                    self.assertIn("/nowhere/config", done.stderr)

    def test_namespaces_by_any_of_their_names(self):
        rows = [
            ({}, ["default"]),
            ({"spark": {"jobNamespaces": ["a", "b"]}}, ["a", "b"]),
            ({"sparkJobNamespaces": ["a", "b"]}, ["a", "b"]),
            ({"sparkJobNamespace": "a"}, ["a"]),
            ({"spark": {"jobNamespaces": ["a", "a"]}}, ["a"]),
            ({"spark": {"jobNamespaces": [""]}}, []),
            ({"spark": {"jobNamespaces": []}}, []),
            ({"spark": {"jobNamespaces": ["a", ""]}}, []),
        ]
        for values, wanted in rows:
            with self.subTest(values=values):
                found = objects(values)
                self.assertEqual([word for word in arguments_of(found) if word.startswith("--namespace=")],
                                 [f"--namespace={name}" for name in wanted])
                controller = [one["metadata"].get("namespace") for one in of_kind("Role", found)
                              if one["metadata"]["name"] == "sparkcron-controller"]
                self.assertEqual(controller, wanted)
                self.assertEqual([one["metadata"]["name"] for one in of_kind("ClusterRole", found)],
                                 ["sparkcron-sparkcron-controller-history",  # tokens are in no namespace
                                  *([] if wanted else ["sparkcron-controller", "sparkcron-release"])])
                named = [name for name in values.get("spark", {}).get("jobNamespaces", wanted) if name]
                self.assertEqual([one["metadata"]["namespace"] for one in of_kind("ServiceAccount", found)
                                  if one["metadata"]["name"] == "sparkcron-spark"], list(dict.fromkeys(named)))

    def test_every_pod_passes_the_restricted_standard_and_every_binding_has_its_role(self):
        for values in VALUES:
            found = objects(values)
            pods = [one["spec"]["template"]["spec"] for one in [workload(found), *of_kind("Job", found)]]
            pods += [one["spec"] for one in of_kind("Pod", found)]
            for pod in pods:
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertFalse([key for key in ("hostNetwork", "hostPID", "hostIPC") if key in pod])
                for volume in pod.get("volumes", []):
                    self.assertFalse(set(volume) - {"name", "emptyDir", "configMap", "secret"}, volume)
                container = pod["containers"][0]
                self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
                self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
                self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
            roles = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
                     for one in found if one["kind"] in ("Role", "ClusterRole")}
            bound = {(one["roleRef"]["kind"], one["metadata"].get("namespace"), one["roleRef"]["name"])
                     for one in found if one["kind"] in ("RoleBinding", "ClusterRoleBinding")}
            self.assertEqual(roles, bound)
            names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found]
            self.assertEqual(len(names), len(set(names)))

    def test_drivers_may_keep_the_account_that_the_operators_chart_gave_them(self):
        found = objects({"sparkJobNamespaces": ["jobs"], "spark": {"serviceAccount": {"name": "spark-operator-spark"}}})
        self.assertIn(("jobs", "spark-operator-spark"),
                      [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in of_kind("ServiceAccount", found)])
        [binding] = [one for one in of_kind("RoleBinding", found)
                     if "spark-operator-spark" in [subject["name"] for subject in one["subjects"]]]
        [role] = [one for one in of_kind("Role", found) if one["metadata"]["name"] == binding["roleRef"]["name"]]
        self.assertEqual({binding["metadata"]["namespace"], role["metadata"]["namespace"]}, {"jobs"})
        self.assertIn("pods", [resource for rule in role["rules"] for resource in rule["resources"]])

    def test_an_annotation_of_the_pods_may_be_another_than_the_chart_s(self):
        annotations = workload(objects({"controller": {"annotations": {"prometheus.io/scrape": "false", "team": "etl"}}}))[
            "spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(annotations, {"kubectl.kubernetes.io/default-container": "sparkcron", "prometheus.io/path": "/metrics",
                                       "prometheus.io/port": "8080", "prometheus.io/scrape": "false", "team": "etl"})
        printed = template({"controller": {"annotations": {"prometheus.io/scrape": "false"}}}, "--set", "crds.install=false").stdout
        self.assertEqual(printed.count("prometheus.io/scrape"), 1)

    def test_no_role_has_a_wildcard(self):
        for values in VALUES:
            for role in of_kind("Role", objects(values)) + of_kind("ClusterRole", objects(values)):
                for rule in role["rules"]:
                    self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"])

    def test_the_notes_say_what_is_lost_and_how_to_uninstall(self):
        # Helm shows them only to whom a cluster answers: a copy of the chart makes an object of them.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        chart = pathlib.Path(folder.name) / "sparkcron"
        shutil.copytree(CHART, chart)
        (chart / "templates/NOTES.txt").rename(chart / "files/notes.txt")
        (chart / "templates/notes.yaml").write_text(
            'kind: ConfigMap\ntext: {{ tpl (.Files.Get "files/notes.txt") . | toJson }}\n')

        def notes(values):
            (chart / "values.json").write_text(json.dumps(values))
            printed = output_of(HELM, "template", "sparkcron", chart, "--values", chart / "values.json",
                                "--namespace", "sparkcron", "--show-only", "templates/notes.yaml")
            return YAML.documents(printed)[0]["text"]
        said = notes({})
        self.assertIn("looks after default.", said)
        self.assertIn("The ledger is in an emptyDir", said)
        self.assertIn("Drivers run as the account sparkcron-spark", said)
        self.assertIn("The CRDs stay", said)
        self.assertIn("Its image, localhost/sparkcron:0.1.0, comes from no registry: it has to be on each node", said)
        self.assertIn("(unless controller.logArchive names a bucket) and the reasons", said)
        said = notes({"controller": {"logArchive": {"url": "s3://logs"}}})
        self.assertIn("Lost are the history of runs that were pruned, their logs and the reasons", said)
        said = notes({"spark": {"jobNamespaces": []}, "crds": {"keep": False}, "image": {"registry": "registry.example.com"},
                      "controller": {"ledger": {"persistence": {"enable": True}}}})
        self.assertIn("looks after all namespaces.", said)
        self.assertIn("ledger-sparkcron-controller-0", said)
        self.assertIn("No account was made for drivers", said)
        self.assertIn("ALL schedules and runs", said)
        self.assertNotIn("comes from no registry", said)

    def test_history_is_read_by_its_readers_and_nobody_else(self):
        found = objects({"controller": {"history": {"readers": [{"kind": "Group", "name": "data"},
                                                                {"kind": "ServiceAccount", "name": "web"}]}}})
        [role] = [one for one in of_kind("Role", found) if one["metadata"]["name"] == "sparkcron-history-reader"]
        self.assertEqual([(rule["resources"], rule["resourceNames"], rule["verbs"]) for rule in role["rules"]],
                         [(["services/proxy"], ["https:sparkcron-history:https"], ["get"]),
                          (["serviceaccounts/token"], ["sparkcron-history"], ["create"])])
        [binding] = [one for one in of_kind("RoleBinding", found) if one["metadata"]["name"] == "sparkcron-history-reader"]
        self.assertEqual([(one["kind"], one["name"], one.get("namespace")) for one in binding["subjects"]],
                         [("ServiceAccount", "sparkcron-history", "sparkcron"), ("Group", "data", None),
                          ("ServiceAccount", "web", "sparkcron")])
        off = objects({"controller": {"history": {"enable": False}}})
        self.assertEqual([one["metadata"]["name"] for one in off if "history" in one["metadata"]["name"]], [])
        self.assertFalse([word for word in arguments_of(off) if word.startswith("--history-listen")])


class Webhook(unittest.TestCase):
    """Whom API servers ask about what, and who gives the certificate."""

    def webhooks(self, found):
        return [(one, webhook) for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
                for one in of_kind(kind, found) for webhook in one["webhooks"]]

    def test_the_names_of_the_flags_are_those_of_the_objects(self):
        for values in ({}, {"fullnameOverride": "a" * 60}):
            found = objects({"webhook": {"enable": True}, **values})
            flags = dict(word[2:].split("=", 1) for word in arguments_of(found) if "=" in word)
            names = {(one["kind"], one["metadata"]["name"]) for one in found}
            self.assertLessEqual({("Secret", flags["webhook-secret-name"]), ("Service", flags["webhook-svc-name"]),
                                  ("ValidatingWebhookConfiguration", flags["webhook-configuration-name"]),
                                  ("MutatingWebhookConfiguration", flags["webhook-configuration-name"])}, names)
            for flag in ("webhook-secret-name", "webhook-svc-name", "webhook-configuration-name"):
                self.assertLessEqual(len(flags[flag]), 63)
            ports = workload(found)["spec"]["template"]["spec"]["containers"][0]["ports"]
            [service] = [one for one in of_kind("Service", found) if one["metadata"]["name"] == flags["webhook-svc-name"]]
            self.assertIn({"name": service["spec"]["ports"][0]["targetPort"], "containerPort": 9443}, ports)
            for _, webhook in self.webhooks(found):
                self.assertEqual(webhook["clientConfig"]["service"]["name"], flags["webhook-svc-name"])

    def test_the_controller_does_not_ask_itself(self):
        for values in ({}, {"controller": {"serviceAccount": {"create": False, "name": "scheduler"}}}):
            found = objects({"webhook": {"enable": True}, **values})
            account = workload(found)["spec"]["template"]["spec"]["serviceAccountName"]
            for _, webhook in self.webhooks(found):
                if webhook["rules"][0]["resources"] == ["pods"]:
                    label = "sparkoperator.k8s.io/launched-by-spark-operator"
                    self.assertIn({"key": label, "operator": "NotIn", "values": ["true"]},
                                  webhook["objectSelector"]["matchExpressions"])
                else:
                    self.assertIn(f'request.userInfo.username != "system:serviceaccount:sparkcron:{account}"',
                                  [one["expression"] for one in webhook["matchConditions"]])

    def test_only_job_namespaces_are_asked_about(self):
        def selected(values):
            return [webhook.get("namespaceSelector", {}).get("matchExpressions", [{}])[0].get("values")
                    for _, webhook in self.webhooks(objects({"webhook": {"enable": True}, **values}))]
        self.assertEqual(selected({"sparkJobNamespaces": ["a", "b"]}), [["a", "b"]] * 3)
        self.assertEqual(selected({"spark": {"jobNamespaces": [""]}}), [None] * 3)

    def test_who_gives_the_certificate(self):
        own = objects({"webhook": {"enable": True}})
        def made(found):
            return [one["metadata"]["name"] for one in of_kind("Secret", found) + of_kind("ClusterRole", found) if "webhook" in one["metadata"]["name"]]
        self.assertEqual(made(own), ["sparkcron-webhook-certs", "sparkcron-webhook"])
        manager = objects({"webhook": {"enable": True}, "certManager": {"enable": True}})
        [_, certificate] = of_kind("Certificate", manager)
        for one, _ in self.webhooks(manager):
            self.assertEqual(one["metadata"]["annotations"]["cert-manager.io/inject-ca-from"],
                             f"sparkcron/{certificate['metadata']['name']}")
        given = objects({"webhook": {"enable": True, "certificate": {"secretName": "tls", "caBundle": "QQ=="}}})
        for _, webhook in self.webhooks(given):
            self.assertEqual(webhook["clientConfig"]["caBundle"], "QQ==")
        for found, secret in ((manager, certificate["spec"]["secretName"]), (given, "tls")):
            self.assertEqual(made(found), [])
            pod = workload(found)["spec"]["template"]["spec"]
            self.assertIn({"name": "webhook-certificate", "secret": {"secretName": secret}}, pod["volumes"])
            self.assertIn("--webhook-cert-dir=/etc/sparkcron/webhook", pod["containers"][0]["args"])

    def test_what_cert_manager_is_asked_for_is_what_its_api_takes(self):
        """The fields of cert-manager.io/v1 that are used here, the first two of which it wants."""
        def specs(values, kind):
            return {one["metadata"]["name"]: one["spec"] for one in of_kind(kind, objects({"webhook": {"enable": True}, "certManager": values}))}

        def check(spec):
            self.assertLessEqual({"secretName", "issuerRef"}, set(spec))
            self.assertLessEqual(set(spec), {"secretName", "issuerRef", "dnsNames", "commonName", "isCA", "duration", "renewBefore"})
            self.assertLessEqual(set(spec["issuerRef"]), {"name", "kind", "group"})
            self.assertIn(spec["issuerRef"].get("kind", "Issuer"), ("Issuer", "ClusterIssuer"))
            self.assertTrue(spec.get("dnsNames") or spec.get("commonName"), "of nobody")
            self.assertLessEqual(len(spec.get("commonName", "")), 64)
            for name in ("duration", "renewBefore"):
                self.assertRegex(spec.get(name, "1h"), "^[0-9]+h$")
        # Of its own: an authority that has signed itself, and what that one signs.
        own = {"enable": True}
        issuers, certificates = specs(own, "Issuer"), specs(own, "Certificate")
        for spec in certificates.values():
            check(spec)
            self.assertIn(spec["issuerRef"]["name"], issuers)
        served, authority = certificates["sparkcron-webhook"], certificates["sparkcron-webhook-ca"]
        self.assertEqual(issuers[authority["issuerRef"]["name"]], {"selfSigned": {}})
        self.assertEqual(issuers[served["issuerRef"]["name"]], {"ca": {"secretName": authority["secretName"]}})
        self.assertTrue(authority["isCA"] and not served.get("isCA"))
        self.assertEqual(served["dnsNames"][0], "sparkcron-webhook-svc.sparkcron.svc")
        # Somebody's.
        given = {"enable": True, "issuerRef": {"kind": "ClusterIssuer", "name": "company"}, "duration": "2160h", "renewBefore": "360h"}
        self.assertEqual(specs(given, "Issuer"), {})
        [spec] = specs(given, "Certificate").values()
        check(spec)
        self.assertEqual((spec["issuerRef"], spec["duration"], spec["renewBefore"]), (given["issuerRef"], "2160h", "360h"))

    def test_an_older_kubernetes_is_refused(self):
        done = template({"webhook": {"enable": True}}, "--kube-version", "1.27.0")
        self.assertIn("webhook.enable: needs Kubernetes 1.28", done.stderr)
        self.assertEqual(template({}, "--kube-version", "1.27.0").returncode, 0)


class Refused(unittest.TestCase):
    def test_what_cannot_work_is_refused_with_the_reason(self):
        rows = [
            ({"webhook": {"enable": True, "certificate": {"secretName": "tls"}}}, "secretName and caBundle belong together"),
            ({"webhook": {"enable": True, "certificate": {"secretName": "tls", "caBundle": "QQ=="}}, "certManager": {"enable": True}},
             "choose one, who gives the certificate"),
            ({"webhook": {"failurePolicy": "Maybe"}}, "value must be one of"),
            ({"webhook": {"timeoutSeconds": 31}}, "got 31, want 30"),
            ({"controller": {"replicas": 2, "leaderElection": {"enable": False}}}, "would all act"),
            ({"controller": {"podDisruptionBudget": {"enable": True}}}, "needs controller.replicas of 2 or more"),
            ({"controller": {"replicas": 2, "podDisruptionBudget": {"enable": True, "minAvailable": 2}}}, "no node could be drained"),
            ({"controller": {"replicas": 2, "podDisruptionBudget": {"enable": True, "minAvailable": "100%"}}}, "no node could be drained"),
            ({"controller": {"history": {"port": 8080}}}, "controller.history.port, prometheus.metrics.port: one port each"),
            ({"webhook": {"enable": True, "port": 8443}}, "webhook.port: one port each"),
            ({"controller": {"history": {"enable": False, "readers": [{"kind": "Group", "name": "team"}]}}},
             "controller.history.readers: needs controller.history.enable"),
            ({"certManager": {"enable": True}}, "certManager.enable: needs webhook.enable"),
            ({"commonLabels": {"app.kubernetes.io/managed-by": "us"}}, "commonLabels: app.kubernetes.io/managed-by is a label that the chart sets"),
            ({"controller": {"labels": {"app.kubernetes.io/name": "us"}}}, "controller.labels: app.kubernetes.io/name is a label that the chart"),
            ({"fullnameOverride": "Spark_Cron"}, "does not match pattern"),
            ({"fullnameOverride": "2nd"}, "does not match pattern"),  # no Service may be called so
            ({"nameOverride": "My.Cron"}, "does not match pattern"),
            ({"controller": {"kubeAPIQPS": 5}}, "additional properties 'kubeAPIQPS' not allowed"),
            ({"webhook": {"replicas": 2}}, "additional properties 'replicas' not allowed"),
            ({"spark": {"jobNamespaces": "default"}}, "got string, want array"),
            ({"spark": {"jobNamespaces": ["Default"]}}, "does not match pattern"),
            ({"controller": {"logLevel": "trace"}}, "value must be one of"),
            ({"controller": {"workers": 0}}, "got 0, want 1"),
            ({"controller": {"defaultSparkConf": {"spark.x": 1.5}}}, "got number, want boolean or integer or string"),
        ]
        for values, why in rows:
            with self.subTest(values=values):
                done = template(values)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(why, done.stderr)

    def test_ports_that_nothing_listens_on_may_be_equal(self):
        for values in ({"webhook": {"port": 8080}}, {"controller": {"history": {"enable": False, "port": 8080}}}):
            with self.subTest(values=values):
                self.assertEqual(template(values).returncode, 0)


def leaves(schema, path=()):
    """The values that the schema knows, each with its schema."""
    if "properties" in schema and schema.get("additionalProperties") is False and schema.get("type") == "object":
        for name, inner in schema["properties"].items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, schema


def at(values, path):
    for name in path:
        values = values[name]
    return values


def with_leaf(values, path, value):
    values = copy.deepcopy(values)
    at(values, path[:-1])[path[-1]] = value
    return values


# Where a value must be a certain one, and what a list or an object of Kubernetes may hold.
OTHER = {
    "controller.logArchive.url": "s3://other",
    "controller.logArchive.endpoint": "https://other",
    "controller.history.sparkHistoryUrl": "https://other/{applicationId}",
    "controller.history.readers": [{"kind": "Group", "name": "other"}],
    "controller.resources": {"requests": {"cpu": "1"}},
    "controller.hostUsers": False,
    "controller.ledger.persistence.accessModes": ["ReadWriteOncePod"],
    "controller.ledger.sizeLimit": "1Gi",
    "controller.ledger.persistence.size": "1Gi",
    "controller.podDisruptionBudget.minAvailable": "50%",
    "image.pullSecrets": [{"name": "other"}],
    "prometheus.metrics.portName": "other",
}


def other(path, schema, value):
    if ".".join(path) in OTHER:
        return OTHER[".".join(path)]
    if "enum" in schema:
        return next((one for one in schema["enum"] if one != value), None)
    kind = schema.get("type")
    if kind == "boolean":
        return not value
    if kind == "integer":
        return value + 1
    if kind == "string":
        return "other"
    if kind == "object":
        return {"other": "one"}
    return ["other"] if path[-1] in ("jobNamespaces", "sparkJobNamespaces") else [{"name": "other"}]


class EachValue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads((CHART / "values.schema.json").read_text())
        del cls.schema["properties"]["global"]  # Helm hands it to every chart
        [cls.values] = YAML.documents((CHART / "values.yaml").read_text())

    def test_schema_and_values_know_the_same(self):
        def known(values, schema, path=()):
            for name, value in values.items():
                inner = schema["properties"][name]
                if inner.get("additionalProperties") is False and "properties" in inner:
                    yield from known(value, inner, (*path, name))
                else:
                    yield (*path, name)
        self.assertEqual(sorted(known(self.values, self.schema)), sorted(path for path, _ in leaves(self.schema)))

    def test_changes_what_is_made(self):
        """A value that changes nothing is not offered. Looked at with everything switched on, and with the defaults."""
        full = copy.deepcopy(self.values)
        full["controller"]["replicas"] = 2
        full["controller"]["logArchive"]["url"] = "s3://logs"
        for path in ("controller.podDisruptionBudget.enable", "prometheus.podMonitor.create",
                     "prometheus.prometheusRule.create", "prometheus.dashboard.create", "controller.ledger.persistence.enable",
                     "webhook.enable", "certManager.enable"):
            full = with_leaf(full, path.split("."), True)
        bases = [(base, template(base).stdout) for base in (self.values, full)]
        idle = []
        for path, schema in leaves(self.schema):
            for base, rendered in bases:
                value = other(path, schema, at(base, path))
                if value is None:
                    break  # the only one there is
                changed = template(with_leaf(base, path, value))
                if changed.returncode != 0:
                    # Switching off the lease of two replicas, or asking for a budget of one: refused, so not idle.
                    if "execution error" in changed.stderr:
                        break
                    self.fail(f"{'.'.join(path)} = {value}: {changed.stderr}")
                if changed.stdout != rendered:
                    break
            else:
                idle.append(".".join(path))
        self.assertEqual(idle, [])


class Monitoring(unittest.TestCase):
    def metrics_of_the_program(self):
        source = "".join(file.read_text() for folder in ("monitor", "tools/sparkcron")
                         for file in (ROOT / folder).glob("*.cpp"))
        return set(re.findall(r'"((?:sparkcron|spark)_[a-z_]+)"', source))

    def asked_for(self, text):
        return {re.sub(r"_(bucket|sum|count)$", "", name) if name.endswith("_bucket") else name
                for name in re.findall(r"\b(?:sparkcron|spark)_[a-z_]+\b", text)}

    def test_alerts_and_dashboard_ask_for_metrics_that_there_are(self):
        alerts = (CHART / "files/alerts.yaml").read_text()
        dashboard = json.loads((CHART / "files/dashboard.json").read_text())
        expressions = "\n".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
        for text in (re.sub(r"^#.*$", "", alerts, flags=re.MULTILINE), expressions):
            self.assertGreater(len(self.asked_for(text)), 5)
            self.assertEqual(self.asked_for(text) - self.metrics_of_the_program(), set())

    def test_the_alerts_fire_when_they_should_and_not_before(self):
        with tempfile.TemporaryDirectory() as folder:
            [rule] = of_kind("PrometheusRule", objects({"prometheus": {"prometheusRule": {"create": True}}}))
            rules = pathlib.Path(folder) / "rules.json"
            rules.write_text(json.dumps(rule["spec"]))
            checked = subprocess.run([PROMTOOL, "check", "rules", rules], capture_output=True, text=True, check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            cases = pathlib.Path(folder) / "cases.json"
            up = {"series": 'sparkcron_build_info{pod="a"}', "values": "1x60"}
            schedule = 'namespace="etl",schedule="nightly"'
            # The leader's next slot is at 10 minutes and stays there; a standby knows no schedules.
            late = {"series": f'sparkcron_schedule_next_run_timestamp_seconds{{pod="a",{schedule}}}', "values": "600x60"}
            failed = {"series": f'sparkcron_schedule_runs_failed_total{{pod="a",{schedule}}}', "values": "0x9 1x50"}
            # Not ready for one reason, then for another.
            unready = [{"series": f'sparkcron_schedule_ready{{pod="a",{schedule},reason="{reason}"}}', "values": values}
                       for reason, values in (("", "1x9 stale"), ("CreateRefused", "_x9 0x4 stale"), ("NameTaken", "_x14 0x45"))]
            ledger = {"series": 'sparkcron_ledger_writable{pod="a"}', "values": "1x9 0x50"}
            # The one that leads goes at 10 minutes, and the other takes over ten minutes later.
            leaders = [{"series": 'sparkcron_leader{pod="a"}', "values": "1x9 stale"},
                       {"series": 'sparkcron_leader{pod="b"}', "values": "0x19 1x40"}]
            again = {"series": f'sparkcron_schedule_consecutive_failures{{pod="a",{schedule}}}', "values": "0x9 1x9 2x9 0x30"}
            # A run from minute 5 on, where ten minutes are usual; a schedule without anything usual has one as well.
            long = [{"series": f'sparkcron_schedule_oldest_active_run_timestamp_seconds{{pod="a",{schedule}}}', "values": "_x5 300x40 stale"},
                    {"series": f'sparkcron_schedule_usual_duration_seconds{{pod="a",{schedule}}}', "values": "600x60"},
                    {"series": 'sparkcron_schedule_oldest_active_run_timestamp_seconds{pod="a",namespace="etl",schedule="new"}',
                     "values": "300x60"}]
            # Ten runs a minute: on time at first, then between 30 and 60 s late.
            lateness = [{"series": f'sparkcron_schedule_lateness_seconds_bucket{{pod="a",{schedule},le="{le}"}}', "values": values}
                        for le, values in (("30", "0+10x19 190x40"), ("60", "0+10x60"), ("+Inf", "0+10x60"))]

            # Given up at 10 minutes; a notice that is only refused for now is none of it.
            notices = [{"series": 'sparkcron_notices_dropped_total{pod="a"}', "values": "0x9 3x50"},
                       {"series": 'sparkcron_notice_failures_total{pod="a"}', "values": "0+1x60"}]

            def expected(alert, minute, labels):
                return {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": [{"exp_labels": labels}] if labels else []}
            of = {"namespace": "etl", "schedule": "nightly"}
            critical, warning = {"severity": "critical"}, {"severity": "warning"}
            cases.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [
                {"interval": "1m", "input_series": [up, late, failed, ledger, again, *unready, *leaders, *long, *lateness, *notices], "alert_rule_test": self.without_annotations(rule, [
                    expected("SparkcronDown", 20, None),
                    expected("SparkcronRunOverdue", 15, None), expected("SparkcronRunOverdue", 17, {**of, **critical}),
                    expected("SparkcronRunFailed", 9, None), expected("SparkcronRunFailed", 12, {**of, **warning}),
                    expected("SparkcronRunFailed", 40, None),
                    expected("SparkcronScheduleNotReady", 18, None),
                    expected("SparkcronScheduleNotReady", 22, {**of, **warning}),
                    expected("SparkcronNoLeader", 11, None), expected("SparkcronNoLeader", 13, critical),
                    expected("SparkcronNoLeader", 21, None),
                    expected("SparkcronFailsAgain", 19, None), expected("SparkcronFailsAgain", 21, {**of, **critical}),
                    expected("SparkcronFailsAgain", 31, None),
                    expected("SparkcronRunTakesLong", 30, None), expected("SparkcronRunTakesLong", 31, {**of, **warning}),
                    expected("SparkcronRunTakesLong", 47, None),
                    expected("SparkcronStartsLate", 19, None), expected("SparkcronStartsLate", 40, warning),
                    expected("SparkcronNoticesDropped", 9, None), expected("SparkcronNoticesDropped", 12, {"pod": "a", **warning}),
                    expected("SparkcronNoticesDropped", 40, None),
                    expected("SparkcronLedgerNotWritable", 10, None),
                    expected("SparkcronLedgerNotWritable", 13, {"pod": "a", **critical})])},
                {"interval": "1m", "input_series": [], "alert_rule_test": self.without_annotations(rule, [
                    expected("SparkcronDown", 6, critical)])},
            ]}))
            for one in rule["spec"]["groups"][0]["rules"]:
                one.pop("annotations")
            rules.write_text(json.dumps(rule["spec"]))
            tested = subprocess.run([PROMTOOL, "test", "rules", cases], capture_output=True, text=True, check=False)
            self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def without_annotations(self, rule, tests):
        """Their text is not compared, but each alert that is tested exists and has a summary."""
        by_name = {one["alert"]: one for one in rule["spec"]["groups"][0]["rules"]}
        for test in tests:
            self.assertIn("summary", by_name[test["alertname"]]["annotations"])
        return tests


if __name__ == "__main__":
    unittest.main()

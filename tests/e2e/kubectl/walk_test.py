"""What people do with kubectl, one after the other, against the embedded API server alone."""
import json
import unittest

from case import HERE, KubectlCase, widget


class Walk(KubectlCase):
    def test_apply_get_patch_delete(self):
        run = self.run_kubectl
        self.assertIn("widget.demo.example.com/w1 created", run("apply", "-f", "-", stdin=widget("w1")))
        self.assertIn("unchanged", run("apply", "-f", "-", stdin=widget("w1")))
        self.assertIn("configured", run("apply", "-f", "-", stdin=widget("w1", size=2)))
        self.assertRegex(run("get", "widgets"), r"NAME +SIZE +STATE +AGE\nw1 +2 +\d+s")
        self.assertRegex(run("get", "wd", "-A", "-o", "wide"), r"NAMESPACE +NAME +SIZE +STATE +POLICY +AGE\n"
                                                               r"default +w1 +2 +Allow +\d+s")
        self.assertIn("w1", run("get", "demo"))
        self.assertIn("policy: Allow", run("get", "widget", "w1", "-o", "yaml"))
        for kind, patch, size in (("merge", '{"spec":{"size":5}}', 5),
                                  ("json", '[{"op":"replace","path":"/spec/size","value":6}]', 6)):
            self.assertIn("patched", run("patch", "widget", "w1", "--type", kind, "-p", patch))
            self.assertEqual(self.get("widget", "w1")["spec"]["size"], size)
        self.assertIn("no change", run("patch", "widget", "w1", "--type", "merge", "-p", '{"spec":{"size":6}}'))
        before = self.get("widget", "w1")
        run("patch", "widget", "w1", "--subresource=status", "--type", "merge", "-p", '{"status":{"state":"Fine"}}')
        after = self.get("widget", "w1")
        self.assertEqual(after["status"], {"state": "Fine"})
        self.assertEqual(after["metadata"]["generation"], before["metadata"]["generation"])
        self.assertRegex(run("get", "widgets"), r"w1 +6 +Fine +\d+s")
        run("label", "widget", "w1", "color=red")
        run("annotate", "widget", "w1", "note=x")
        self.assertIn("w1", run("get", "widgets", "-l", "color in (red,blue),!size"))
        self.assertIn("No resources found", run("get", "widgets", "-l", "color!=red"))
        self.assertIn("replaced", run("replace", "-f", "-", stdin=widget("w1", size=7)))
        self.assertNotIn("labels", self.get("widget", "w1")["metadata"])
        described = run("describe", "widget", "w1")
        self.assertRegex(described, r"Name: +w1")
        self.assertIn("deleted", run("delete", "widget", "w1"))
        self.assertIn('widgets.demo.example.com "w1" not found', run("get", "widget", "w1", code=1))

    def test_create_and_its_refusals(self):
        run = self.run_kubectl
        self.assertIn("created", run("create", "-f", "-", stdin=widget("w1")))
        self.assertIn('widgets.demo.example.com "w1" already exists', run("create", "-f", "-", stdin=widget("w1"), code=1))
        self.assertIn('unknown field "spec.colour"', run("create", "-f", "-", stdin=widget("w2", colour="x"), code=1))
        self.assertIn('Warning: unknown field "spec.colour"',
                      run("create", "--validate=warn", "-f", "-", stdin=widget("w2", colour="x")))
        self.assertNotIn("colour", self.get("widget", "w2")["spec"])
        refused = run("create", "-f", "-", stdin=widget("w3", size=0, policy="Sometimes"), code=1)
        self.assertIn('spec.policy: Unsupported value: "Sometimes": supported values: "Allow", "Forbid"', refused)
        self.assertIn("spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1", refused)
        refused = run("create", "-f", "-", stdin=widget("Bad_Name"), code=1)
        self.assertIn("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters", refused)
        self.assertIn('namespaces "nowhere" not found', run("create", "-n", "nowhere", "-f", "-", stdin=widget("w1"), code=1))
        generated = json.loads(widget("x"))
        generated["metadata"] = {"generateName": "gen-"}
        self.assertRegex(run("create", "-f", "-", stdin=json.dumps(generated)), r"widget.demo.example.com/gen-[a-z0-9]{5} created")

    def test_server_side_apply(self):
        run = self.run_kubectl
        parts = [{"name": "a", "weight": 1}]
        self.assertIn("serverside-applied", run("apply", "--server-side", "-f", "-", stdin=widget("w1", parts=parts)))
        other = json.dumps({"apiVersion": "demo.example.com/v1", "kind": "Widget", "metadata": {"name": "w1"},
                            "spec": {"size": 9, "parts": [{"name": "b", "weight": 2}]}})
        refused = run("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=other, code=1)
        self.assertIn('conflict with "kubectl"', refused)
        self.assertIn(".spec.size", refused)
        run("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-", stdin=other)
        spec = self.get("widget", "w1")["spec"]
        self.assertEqual(spec["size"], 9)
        self.assertEqual([part["name"] for part in spec["parts"]], ["a", "b"])
        # What an applier no longer mentions goes, if nobody else owns it.
        run("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=widget("w1", size=9))
        self.assertEqual([part["name"] for part in self.get("widget", "w1")["spec"]["parts"]], ["a"])
        # From client-side to server-side apply.
        run("apply", "-f", "-", stdin=widget("w2", tags=["a"]))
        run("apply", "--server-side", "-f", "-", stdin=widget("w2", tags=["a", "b"]))
        self.assertEqual(self.get("widget", "w2")["spec"]["tags"], ["a", "b"])

    def test_dry_run_diff_and_explain(self):
        run = self.run_kubectl
        self.assertIn("created (server dry run)", run("apply", "--dry-run=server", "-f", "-", stdin=widget("w1")))
        self.assertIn("not found", run("get", "widget", "w1", code=1))
        run("apply", "-f", "-", stdin=widget("w1"))
        version = self.get("widget", "w1")["metadata"]["resourceVersion"]
        self.assertIn("configured (server dry run)", run("apply", "--dry-run=server", "-f", "-", stdin=widget("w1", size=3)))
        self.assertEqual(self.get("widget", "w1")["metadata"]["resourceVersion"], version)
        self.assertIn("+  size: 3", run("diff", "-f", "-", stdin=widget("w1", size=3), code=1))
        self.assertEqual("", run("diff", "-f", "-", stdin=widget("w1")))
        self.assertIn("What is wanted.", run("explain", "widget.spec"))
        self.assertIn("How large it is.", run("explain", "widget.spec.size"))
        self.assertIn("parts", run("explain", "widget", "--recursive"))
        self.assertIn("containers", run("explain", "pod.spec"))
        self.assertIn("Environment variables. They win over those of envFrom.", run("explain", "pod.spec.containers.env"))
        self.assertIn("Settings by key", run("explain", "configmap"))

    def test_watch_and_wait(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("w1"))
        watch = self.start("get", "widgets", "-w", "--output-watch-events", "--request-timeout=60")
        self.assertIn("EVENT", watch.stdout.readline())
        self.assertRegex(watch.stdout.readline(), r"ADDED +w1 +1")
        waiting = self.start("wait", "widget/w1", "--for=jsonpath={.spec.size}=4", "--timeout=60s")
        run("patch", "widget", "w1", "--type", "merge", "-p", '{"spec":{"size":4}}')
        self.assertRegex(watch.stdout.readline(), r"MODIFIED +w1 +4")
        self.assertIn("condition met", waiting.communicate(timeout=60)[0])
        gone = self.start("wait", "widget/w1", "--for=delete", "--timeout=60s")
        run("delete", "widget", "w1")
        self.assertRegex(watch.stdout.readline(), r"DELETED +w1")
        gone.communicate(timeout=60)
        self.assertEqual(gone.returncode, 0)

    def test_imperative_creates_and_can_i(self):
        run = self.run_kubectl
        self.assertIn("namespace/kx created", run("create", "namespace", "kx"))
        self.assertIn("configmap/c created", run("create", "configmap", "c", "-n", "kx", "--from-literal=a=b"))
        self.assertEqual(self.get("configmap", "c", "-n", "kx")["data"], {"a": "b"})
        self.assertIn("secret/s created", run("create", "secret", "generic", "s", "-n", "kx", "--from-literal=a=b"))
        self.assertEqual(self.get("secret", "s", "-n", "kx")["data"], {"a": "Yg=="})
        self.assertIn("serviceaccount/sa created", run("create", "serviceaccount", "sa", "-n", "kx"))
        self.assertIn("yes", run("auth", "can-i", "create", "widgets"))
        run("patch", "configmap", "c", "-n", "kx", "-p", '{"data":{"c":"d"}}')
        self.assertEqual(self.get("configmap", "c", "-n", "kx")["data"], {"a": "b", "c": "d"})
        run("apply", "-n", "kx", "-f", "-", stdin=widget("inside"))
        run("delete", "namespace", "kx")
        self.assertIn("not found", run("get", "namespace", "kx", code=1))
        self.assertEqual(self.server.call("GET", "/apis/demo.example.com/v1/namespaces/kx/widgets")[1]["items"], [])
        self.assertIn("may not be deleted", run("delete", "namespace", "default", code=1))

    def test_pods_and_events(self):
        run = self.run_kubectl
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p1", "labels": {"spark-role": "driver"}},
               "spec": {"containers": [{"name": "main", "image": "spark:4"}]}}
        run("apply", "-f", "-", stdin=json.dumps(pod))
        self.assertRegex(run("get", "pods"), r"NAME +READY +STATUS +RESTARTS +AGE\np1 +0/1 +Pending +0 +\d+s")
        self.assertIn("p1", run("get", "pods", "--field-selector", "status.phase=Pending"))
        self.assertIn("No resources found", run("get", "pods", "--field-selector", "status.phase!=Pending"))
        uid = self.get("pod", "p1")["metadata"]["uid"]
        event = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "p1.1", "namespace": "default"},
                 "regarding": {"kind": "Pod", "name": "p1", "namespace": "default", "uid": uid, "apiVersion": "v1"},
                 "reason": "Tested", "note": "A note about it", "type": "Normal", "action": "Testing",
                 "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "test", "reportingInstance": "t-1"}
        status, answer = self.server.call("POST", "/apis/events.k8s.io/v1/namespaces/default/events", event)
        self.assertEqual(status, 201, answer)
        self.assertRegex(run("describe", "pod", "p1"), r"Tested.*A note about it")
        self.assertIn("A note about it", run("get", "events"))
        self.assertIn("Tested", run("events", "--for", "pod/p1"))
        self.assertEqual("", run("logs", "p1"))
        status, answer = self.server.call("POST", "/api/v1/namespaces/default/pods/p1/binding",
                                          {"target": {"kind": "Node", "name": "n1"}})
        self.assertEqual(status, 201, answer)
        self.assertEqual(self.get("pod", "p1")["spec"]["nodeName"], "n1")
        # A bound pod goes when its node says so.
        run("delete", "pod", "p1", "--wait=false")
        self.assertIn("deletionTimestamp", self.get("pod", "p1")["metadata"])
        self.assertRegex(run("get", "pods"), r"p1 +0/1 +Terminating")
        run("delete", "pod", "p1", "--force", "--grace-period=0")
        self.assertIn("not found", run("get", "pod", "p1", code=1))

    def test_owners_and_finalizers(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("owner"))
        owner = self.get("widget", "owner")["metadata"]["uid"]

        def child(name):
            child = json.loads(widget(name))
            child["metadata"]["ownerReferences"] = [{"apiVersion": "demo.example.com/v1", "kind": "Widget", "name": "owner",
                                                     "uid": owner, "blockOwnerDeletion": True, "controller": True}]
            run("apply", "-f", "-", stdin=json.dumps(child))

        child("kept")
        run("delete", "widget", "owner", "--cascade=orphan")
        run("wait", "widget/kept", "--for=jsonpath={.metadata.name}=kept")
        self.assertNotIn("ownerReferences", self.get("widget", "kept")["metadata"])
        run("apply", "-f", "-", stdin=widget("owner"))
        owner = self.get("widget", "owner")["metadata"]["uid"]
        child("gone")
        run("delete", "widget", "owner", "--cascade=foreground")
        self.assertIn("not found", run("get", "widget", "gone", code=1))
        run("apply", "-f", "-", stdin=widget("owner"))
        owner = self.get("widget", "owner")["metadata"]["uid"]
        child("later")
        run("delete", "widget", "owner")
        run("wait", "widget/later", "--for=delete", "--timeout=60s")
        held = json.loads(widget("held"))
        held["metadata"]["finalizers"] = ["demo.example.com/hold"]
        run("apply", "-f", "-", stdin=json.dumps(held))
        run("delete", "widget", "held", "--wait=false")
        self.assertIn("deletionTimestamp", self.get("widget", "held")["metadata"])
        run("patch", "widget", "held", "--type", "merge", "-p", '{"metadata":{"finalizers":null}}')
        self.assertIn("not found", run("get", "widget", "held", code=1))

    def test_definitions_come_and_go(self):
        run = self.run_kubectl
        other = (HERE / "widgets.yaml").read_text().replace("widgets", "gadgets").replace("Widget", "Gadget").replace("wd", "gd")
        run("apply", "-f", "-", stdin=other)
        run("apply", "-f", "-", stdin=widget("g1").replace("Widget", "Gadget"))
        self.assertIn("gadgets", run("api-resources"))
        run("delete", "crd", "gadgets.demo.example.com")
        # With kubectl's cached discovery or without it.
        self.assertRegex(run("get", "gadgets", code=1), "have a resource type|could not find the requested resource")
        broken = other.replace("type: integer\n                  minimum", "type: nonsense\n                  minimum")
        self.assertIn("nonsense", run("apply", "-f", "-", stdin=broken, code=1))

    def test_discovery(self):
        run = self.run_kubectl
        self.assertRegex(run("api-resources"), r"sparkapplications +sparkapp +sparkoperator.k8s.io/v1beta2 +true +SparkApplication")
        self.assertIn("demo.example.com/v1", run("api-versions"))
        self.assertIn("v1.34.0", run("version"))
        self.assertIn("is running at", run("cluster-info"))
        self.assertEqual("ok", run("get", "--raw", "/healthz"))
        self.assertIn("default", run("get", "namespaces"))
        self.assertIn("default", run("get", "serviceaccounts"))


if __name__ == "__main__":
    unittest.main(verbosity=2)

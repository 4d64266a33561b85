"""How objects change and go: conflicts, every kind of patch, apply, edit, dry runs, deletions."""
import json
import pathlib
import stat
import unittest

from case import CONFIG_MAPS, WIDGETS, KubectlCase, widget


def container(name, image="spark:4", **more):
    return {"name": name, "image": image, **more}


class Changes(KubectlCase):
    def test_update_conflicts(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("w1"))
        stale = self.get("widget", "w1")
        run("patch", "widget", "w1", "--type", "merge", "-p", '{"spec":{"size":2}}')
        stale["spec"]["size"] = 3
        refused = run("replace", "-f", "-", stdin=json.dumps(stale), code=1)
        self.assertIn('Operation cannot be fulfilled on widgets.demo.example.com "w1": the object has been modified; '
                      "please apply your changes to the latest version and try again", refused)
        status, answer = self.server.call("PUT", f"{WIDGETS}/w1", stale)
        self.assertEqual((status, answer["reason"]), (409, "Conflict"))
        # A patch that names the version it was made for, too.
        patch = {"metadata": {"resourceVersion": stale["metadata"]["resourceVersion"]}, "spec": {"size": 3}}
        self.assertIn("the object has been modified",
                      run("patch", "widget", "w1", "--type", "merge", "-p", json.dumps(patch), code=1))
        self.assertEqual(self.get("widget", "w1")["spec"]["size"], 2)
        other = self.get("widget", "w1")
        other["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
        self.assertEqual(self.server.call("PUT", f"{WIDGETS}/w1", other)[0], 409)
        self.assertIn("replaced", run("replace", "--force", "-f", "-", stdin=widget("w1", size=8)))
        self.assertEqual(self.get("widget", "w1")["spec"]["size"], 8)

    def test_kinds_that_only_a_cluster_acts_on_are_stored_with_a_warning(self):
        run = self.run_kubectl
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "spark"},
                "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}]}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "spark"},
                   "subjects": [{"kind": "ServiceAccount", "name": "spark"}],
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "spark"}}
        file = json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, binding, json.loads(widget("w1"))]})
        self.addCleanup(run, "delete", "role/spark", "rolebinding/spark", "--ignore-not-found")
        applied = run("apply", "-f", "-", stdin=file)
        self.assertIn("role.rbac.authorization.k8s.io/spark created", applied)
        self.assertIn("widget.demo.example.com/w1 created", applied)
        self.assertIn("Warning: Role has no effect in sparkcron standalone: whoever has the token may do everything", applied)
        self.assertIn("unchanged", run("apply", "-f", "-", stdin=file))
        self.assertIn("Role/spark", run("get", "rolebinding", "spark"))
        self.assertIn("<[]PolicyRule>", run("explain", "role"))

    def test_strategic_patches_merge_lists_by_their_keys(self):
        run = self.run_kubectl
        self.addCleanup(run, "delete", "pod/p1", "service/s1", "--ignore-not-found")
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p1"},
               "spec": {"containers": [container("a"), container("b")], "tolerations": [{"key": "x", "operator": "Exists"}]}}
        run("apply", "-f", "-", stdin=json.dumps(pod))
        run("patch", "pod", "p1", "-p", json.dumps({"spec": {"containers": [container("b", "spark:5")]}}))
        self.assertEqual([(one["name"], one["image"]) for one in self.get("pod", "p1")["spec"]["containers"]],
                         [("a", "spark:4"), ("b", "spark:5")])
        self.assertIn("image updated", run("set", "image", "pod/p1", "a=spark:6"))
        self.assertEqual(self.get("pod", "p1")["spec"]["containers"][0]["image"], "spark:6")
        refused = run("patch", "pod", "p1", "-p", json.dumps({"spec": {"containers": [container("c")]}}), code=1)
        self.assertIn("spec: Forbidden: pod updates may not change fields other than", refused)
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s1"},
                   "spec": {"selector": {"app": "a"}, "ports": [{"name": "one", "port": 1}, {"name": "two", "port": 2}]}}
        run("apply", "-f", "-", stdin=json.dumps(service))
        run("patch", "service", "s1", "-p", json.dumps({"spec": {"ports": [{"port": 2, "targetPort": 22},
                                                                          {"port": 1, "$patch": "delete"},
                                                                          {"name": "three", "port": 3}]}}))
        ports = {port["port"]: (port["name"], port["targetPort"]) for port in self.get("service", "s1")["spec"]["ports"]}
        self.assertEqual(ports, {2: ("two", 22), 3: ("three", 3)})
        run("patch", "service", "s1", "-p", json.dumps({"spec": {"selector": {"$patch": "replace", "b": "c"}}}))
        self.assertEqual(self.get("service", "s1")["spec"]["selector"], {"b": "c"})
        # Client-side apply of a built-in kind is a strategic patch: what it no longer names goes, the rest stays.
        service["spec"]["ports"] = [{"name": "two", "port": 2}]
        run("apply", "-f", "-", stdin=json.dumps(service))
        self.assertEqual([port["name"] for port in self.get("service", "s1")["spec"]["ports"]], ["two", "three"])

    def test_custom_resources_know_no_strategic_patch(self):
        self.run_kubectl("apply", "-f", "-", stdin=widget("w1"))
        self.assertIn("application/merge-patch+json",
                      self.run_kubectl("patch", "widget", "w1", "--type=strategic", "-p", '{"spec":{"size":2}}', code=1))
        self.assertEqual(self.get("widget", "w1")["spec"]["size"], 1)

    def test_lists_of_objects(self):
        items = [json.loads(widget("w1")), json.loads(widget("w2"))]
        many = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self.assertEqual(self.run_kubectl("apply", "-f", "-", stdin=many).split("\n")[:2],
                         [f"widget.demo.example.com/{name} created" for name in ("w1", "w2")])
        self.assertIn("w2 unchanged", self.run_kubectl("apply", "-f", "-", stdin=many))
        self.run_kubectl("delete", "-f", "-", stdin=many)

    def test_json_patches_test_before_they_write(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("w1", tags=["a", "b"]))
        patch = [{"op": "test", "path": "/spec/tags/0", "value": "a"}, {"op": "remove", "path": "/spec/tags/0"},
                 {"op": "add", "path": "/spec/tags/-", "value": "c"}]
        run("patch", "widget", "w1", "--type", "json", "-p", json.dumps(patch))
        self.assertEqual(self.get("widget", "w1")["spec"]["tags"], ["b", "c"])
        self.assertIn('our request: testing path "/spec/tags/0" failed',
                      run("patch", "widget", "w1", "--type", "json", "-p", json.dumps(patch), code=1))
        copy = [{"op": "copy", "from": "/spec/size", "path": "/spec/parts"}]
        self.assertIn("spec.parts", run("patch", "widget", "w1", "--type", "json", "-p", json.dumps(copy), code=1))
        self.assertEqual(self.get("widget", "w1")["spec"]["tags"], ["b", "c"])

    def test_apply_conflicts_name_field_and_manager(self):
        run = self.run_kubectl
        run("apply", "--server-side", "--field-manager=one", "-f", "-", stdin=widget("w1", size=1, parts=[{"name": "a", "weight": 1}]))
        refused = run("apply", "--server-side", "--field-manager=two", "-f", "-",
                      stdin=widget("w1", size=1, parts=[{"name": "a", "weight": 2}]), code=1)
        self.assertIn('conflict with "one": .spec.parts[name="a"].weight', refused)
        self.assertNotIn(".spec.size", refused)  # the same value is no conflict: now both own it
        run("patch", "widget", "w1", "--type", "merge", "--field-manager=three", "-p", '{"spec":{"size":5}}')
        refused = run("apply", "--server-side", "--field-manager=one", "-f", "-", stdin=widget("w1", size=1), code=1)
        self.assertIn('conflict with "three" using demo.example.com/v1: .spec.size', refused)
        run("apply", "--server-side", "--field-manager=two", "--force-conflicts", "-f", "-", stdin=widget("w1", size=6, policy="Forbid"))
        managers = {entry["manager"]: entry for entry in json.loads(
            run("get", "widget", "w1", "-o", "json", "--show-managed-fields"))["metadata"]["managedFields"]}
        self.assertIn("f:size", managers["two"]["fieldsV1"]["f:spec"])
        self.assertEqual(managers["two"]["operation"], "Apply")
        self.assertNotIn("three", managers)
        # Unapplied and owned by nobody else: gone, and the default is back.
        run("apply", "--server-side", "--field-manager=two", "-f", "-", stdin=widget("w1", size=6))
        self.assertEqual(self.get("widget", "w1")["spec"]["policy"], "Allow")
        # A maps' keys are owned one by one.
        for manager, key in (("one", "a"), ("two", "b")):
            labelled = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": {key: manager}}
            run("apply", "--server-side", "--field-manager", manager, "-f", "-", stdin=json.dumps(labelled))
        self.assertEqual(self.get("configmap", "shared")["data"], {"a": "one", "b": "two"})
        run("delete", "configmap", "shared")

    def test_apply_of_built_ins_owns_list_items_by_their_keys(self):
        run = self.run_kubectl
        self.addCleanup(run, "delete", "service/s2", "--ignore-not-found")
        for manager, port in (("one", 1), ("two", 2)):
            service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s2"},
                       "spec": {"ports": [{"name": f"p{port}", "port": port, "protocol": "TCP"}]}}
            run("apply", "--server-side", "--field-manager", manager, "-f", "-", stdin=json.dumps(service))
        self.assertEqual([port["name"] for port in self.get("service", "s2")["spec"]["ports"]], ["p1", "p2"])
        service["spec"]["ports"] = [{"name": "other", "port": 1, "protocol": "TCP"}]
        refused = run("apply", "--server-side", "--field-manager=two", "-f", "-", stdin=json.dumps(service), code=1)
        self.assertIn('.spec.ports[port=1,protocol="TCP"].name', refused)
        self.assertIn('"one"', refused)

    def test_dry_runs_change_nothing(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("w1"))
        before = self.get("widget", "w1")
        self.assertIn("server dry run", run("create", "--dry-run=server", "-f", "-", stdin=widget("w2")))
        self.assertIn("patched", run("patch", "widget", "w1", "--dry-run=server", "--type", "merge", "-p", '{"spec":{"size":9}}'))
        self.assertIn("server dry run", run("delete", "widget", "w1", "--dry-run=server"))
        self.assertIn("server dry run", run("label", "widget", "w1", "a=b", "--dry-run=server"))
        self.assertIn("serverside-applied (server dry run)",
                      run("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", stdin=widget("w1", size=4)))
        self.assertIn("spec.size: Invalid value", run("create", "--dry-run=server", "-f", "-", stdin=widget("w2", size=0), code=1))
        status, answer = self.server.call("DELETE", WIDGETS + "?dryRun=All")
        self.assertEqual(status, 200, answer)
        status, answer = self.server.call("POST", WIDGETS + "?dryRun=Some", json.loads(widget("w2")))
        self.assertEqual(status, 422 if "code" not in answer else answer["code"], answer)
        self.assertEqual(self.get("widgets")["items"], [before])

    def test_edit(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("w1"))
        editor = pathlib.Path(self.server.folder.name) / "editor"

        def edit(expression, code=0):
            editor.write_text(f"#!/bin/sh\nexec sed -i '{expression}' \"$1\"\n")
            editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
            return self.kubectl.run("edit", "widget", "w1", code=code, environment={"KUBE_EDITOR": str(editor)})

        self.assertIn("widget.demo.example.com/w1 edited", edit("s/size: 1/size: 7/"))
        self.assertEqual(self.get("widget", "w1")["spec"]["size"], 7)
        self.assertIn("cancelled, no changes made", edit("s/never/there/"))
        # What the server refuses comes back to the editor, which changes nothing more.
        self.assertIn('widgets.demo.example.com "w1" is invalid', edit("s/^  size: 7/  size: 0/", code=1))
        self.assertEqual(self.get("widget", "w1")["spec"]["size"], 7)

    def test_labels_and_annotations(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("w1"))
        self.assertIn("labeled", run("label", "widget", "w1", "a=b", "c=d"))
        self.assertIn("--overwrite is false", run("label", "widget", "w1", "a=x", code=1))
        run("label", "widget", "w1", "a=x", "c-", "--overwrite")
        self.assertEqual(self.get("widget", "w1")["metadata"]["labels"], {"a": "x"})
        refused = run("patch", "widget", "w1", "--type", "merge", "-p", '{"metadata":{"labels":{"a":"not valid"}}}', code=1)
        self.assertIn('metadata.labels: Invalid value: "not valid"', refused)
        self.assertIn("annotated", run("annotate", "widget", "--all", "note=it is fine"))
        self.assertEqual(self.get("widget", "w1")["metadata"]["annotations"]["note"], "it is fine")

    def test_delete_preconditions_and_collections(self):
        run = self.run_kubectl
        for number in range(4):
            run("apply", "-f", "-", stdin=widget(f"w{number}"))
        run("label", "widgets", "w0", "w1", "color=red")
        uid = self.get("widget", "w0")["metadata"]["uid"]
        for precondition in ({"uid": "another"}, {"resourceVersion": "1"}):
            status, answer = self.server.call("DELETE", f"{WIDGETS}/w0", {"preconditions": precondition})
            self.assertEqual((status, answer["reason"]), (409, "Conflict"), answer)
            self.assertIn("in the precondition", answer["message"])
        status, answer = self.server.call("DELETE", f"{WIDGETS}/w0", {"preconditions": {"uid": uid}})
        self.assertEqual((status, answer["status"]), (200, "Success"), answer)
        status, answer = self.server.call("DELETE", WIDGETS + "?labelSelector=color%3Dred",
                                          {"kind": "DeleteOptions", "propagationPolicy": "Background"})
        self.assertEqual(status, 200, answer)
        self.assertEqual([item["metadata"]["name"] for item in self.get("widgets")["items"]], ["w2", "w3"])
        self.assertIn("deleted", run("delete", "widgets", "--field-selector", "metadata.name=w2"))
        self.assertEqual([item["metadata"]["name"] for item in self.get("widgets")["items"]], ["w3"])

    def test_a_namespace_waits_for_what_is_in_it(self):
        run = self.run_kubectl
        run("create", "namespace", "busy")
        held = json.loads(widget("held"))
        held["metadata"]["finalizers"] = ["demo.example.com/hold"]
        run("apply", "-n", "busy", "-f", "-", stdin=json.dumps(held))
        run("delete", "namespace", "busy", "--wait=false")
        run("wait", "widget/held", "-n", "busy", "--for=jsonpath={.metadata.deletionGracePeriodSeconds}=0", "--timeout=30s")
        self.assertRegex(run("get", "namespaces"), r"busy +Terminating")
        self.assertIn("because it is being terminated", run("create", "configmap", "c", "-n", "busy", code=1))
        run("patch", "widget", "held", "-n", "busy", "--type", "merge", "-p", '{"metadata":{"finalizers":[]}}')
        run("wait", "namespace/busy", "--for=delete", "--timeout=60s")
        self.assertIn("not found", run("get", "namespace", "busy", code=1))

    def test_the_status_subresource_keeps_to_the_status(self):
        run = self.run_kubectl
        run("apply", "-f", "-", stdin=widget("w1"))
        # The main resource leaves the status, the subresource all else.
        run("patch", "widget", "w1", "--type", "merge", "-p", '{"spec":{"size":2},"status":{"state":"X"}}')
        self.assertNotIn("status", self.get("widget", "w1"))
        run("patch", "widget", "w1", "--subresource=status", "--type", "merge", "-p",
            '{"spec":{"size":3},"status":{"state":"Y","conditions":[{"type":"Ready","status":"False"}]}}')
        found = self.get("widget", "w1")
        self.assertEqual((found["spec"]["size"], found["status"]["state"]), (2, "Y"))
        self.assertEqual(found["metadata"]["generation"], 2)
        waiting = self.start("wait", "widget/w1", "--for=condition=Ready", "--timeout=60s")
        run("patch", "widget", "w1", "--subresource=status", "--type", "merge", "-p",
            '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}')
        self.assertIn("condition met", waiting.communicate(timeout=60)[0])
        self.assertIn('"state":"Y"', run("get", "widget", "w1", "--subresource=status", "-o", "jsonpath={.status}"))

    def test_unknown_fields_by_how_strict_one_asks(self):
        run = self.run_kubectl
        misspelt = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p2"},
                    "spec": {"containers": [container("a", imagePullPolice="Never")]}}
        text = json.dumps(misspelt)
        self.assertIn('unknown field "spec.containers[0].imagePullPolice"', run("create", "-f", "-", stdin=text, code=1))
        warned = run("create", "--validate=warn", "--dry-run=server", "-f", "-", stdin=text)
        self.assertIn('Warning: unknown field "spec.containers[0].imagePullPolice"', warned)
        self.assertNotIn("Warning", run("create", "--validate=ignore", "--dry-run=server", "-f", "-", stdin=text))
        twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c2"},"data":{"a":"1"},"data":{"a":"2"}}'
        status, answer = self.server.call("POST", CONFIG_MAPS + "?fieldValidation=Strict", twice.encode())
        self.assertEqual(status, 400)
        self.assertIn('duplicate field "data"', answer["message"])
        self.assertIn(".spec.colour: field not declared in schema", run("apply", "--server-side", "-f", "-", stdin=widget("w1", colour="x"), code=1))
        self.assertIn('unknown field "spec.colour"', run("apply", "-f", "-", stdin=widget("w1", colour="x"), code=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)

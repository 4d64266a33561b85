"""How clients read: discovery in both forms, lists page by page, watches that resume, 410, WebSockets."""
import json
import unittest

from case import CONFIG_MAPS, WIDGETS, KubectlCase, widget
from websocket_client import WebSocket

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def config_map(name, **data):
    return {"metadata": {"name": name}, "data": data}


class Reading(KubectlCase):
    def tearDown(self):
        super().tearDown()
        self.server.call("DELETE", CONFIG_MAPS)

    def test_both_forms_of_discovery_say_the_same(self):
        served = {}
        for path in ("/api", "/apis"):
            status, answer = self.server.call("GET", path, headers={"Accept": AGGREGATED})
            self.assertEqual((status, answer["kind"]), (200, "APIGroupDiscoveryList"))
            for group in answer["items"]:
                for version in group["versions"]:
                    name = "/".join(filter(None, (group["metadata"].get("name", ""), version["version"])))
                    served[name] = {resource["resource"] for resource in version["resources"]}
                    served[name] |= {f"{resource['resource']}/{sub['subresource']}" for resource in version["resources"]
                                     for sub in resource.get("subresources", [])}
        old = {version: set() for version in self.server.call("GET", "/api")[1]["versions"]}
        for group in self.server.call("GET", "/apis")[1]["groups"]:
            old |= {version["groupVersion"]: set() for version in group["versions"]}
        for version, names in old.items():
            path = f"/apis/{version}" if "/" in version else f"/api/{version}"
            names |= {resource["name"] for resource in self.server.call("GET", path)[1]["resources"]}
        self.assertEqual(served, old)
        self.assertLessEqual({"pods", "pods/log", "pods/status", "configmaps"}, old["v1"])
        self.assertIn("widgets/status", old["demo.example.com/v1"])

    def test_lists_page_by_page_show_one_moment(self):
        for number in range(7):
            self.server.call("POST", CONFIG_MAPS, config_map(f"c{number}"))
        self.assertEqual(self.run_kubectl("get", "configmaps", "--chunk-size=2", "-o", "name").split(),
                         [f"configmap/c{number}" for number in range(7)])
        status, page = self.server.call("GET", CONFIG_MAPS + "?limit=3")
        self.assertEqual((status, page["metadata"]["remainingItemCount"]), (200, 4))
        self.server.call("DELETE", CONFIG_MAPS + "/c6")
        self.server.call("POST", CONFIG_MAPS, config_map("c9"))
        names, version = [item["metadata"]["name"] for item in page["items"]], page["metadata"]["resourceVersion"]
        while page["metadata"].get("continue"):
            status, page = self.server.call("GET", f"{CONFIG_MAPS}?limit=3&continue={page['metadata']['continue']}")
            self.assertEqual((status, page["metadata"]["resourceVersion"]), (200, version))
            names += [item["metadata"]["name"] for item in page["items"]]
        self.assertEqual(names, [f"c{number}" for number in range(7)])

    def test_a_watch_goes_on_where_another_ended(self):
        self.run_kubectl("apply", "-f", "-", stdin=widget("w1"))
        version = self.server.call("GET", WIDGETS)[1]["metadata"]["resourceVersion"]
        for size in (2, 3):
            self.run_kubectl("patch", "widget", "w1", "--type", "merge", "-p", json.dumps({"spec": {"size": size}}))
        watch = self.start("get", "--raw", f"{WIDGETS}?watch=true&resourceVersion={version}&timeoutSeconds=60")
        events = [json.loads(watch.stdout.readline()) for _ in range(2)]
        self.assertEqual([(event["type"], event["object"]["spec"]["size"]) for event in events], [("MODIFIED", 2), ("MODIFIED", 3)])

    def test_what_was_compacted_is_gone(self):
        for number in range(5):
            self.server.call("POST", CONFIG_MAPS, config_map(f"c{number}"))
        status, page = self.server.call("GET", CONFIG_MAPS + "?limit=2")
        version, token = page["metadata"]["resourceVersion"], page["metadata"]["continue"]
        # More text than the history holds.
        for number in range(10, 35):
            status, _ = self.server.call("PATCH", CONFIG_MAPS + "/c0", {"data": {"much": str(number) * 250_000}},
                                         "application/merge-patch+json")
            self.assertEqual(status, 200)
        status, answer = self.server.call("GET", f"{CONFIG_MAPS}?watch=true&resourceVersion={version}&timeoutSeconds=5")
        self.assertEqual((answer["type"], answer["object"]["code"], answer["object"]["reason"]), ("ERROR", 410, "Expired"))
        status, answer = self.server.call("GET", f"{CONFIG_MAPS}?limit=2&continue={token}")
        self.assertEqual((status, answer["reason"]), (410, "Expired"), answer)
        status, answer = self.server.call("GET", f"{CONFIG_MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")
        self.assertEqual((status, answer["reason"]), (410, "Expired"), answer)
        # The token that comes along goes on from the present.
        fresh = self.server.call("GET", f"{CONFIG_MAPS}?limit=2&continue={token}")[1]["metadata"]["continue"]
        status, page = self.server.call("GET", f"{CONFIG_MAPS}?continue={fresh}")
        self.assertEqual((status, [item["metadata"]["name"] for item in page["items"]]), (200, ["c2", "c3", "c4"]))

    def test_watches_over_websockets(self):
        self.run_kubectl("apply", "-f", "-", stdin=widget("w1"))
        with WebSocket(self.server, f"{WIDGETS}?allowWatchBookmarks=true&watch=true") as watch:
            event = json.loads(watch.read())
            self.assertEqual((event["type"], event["object"]["metadata"]["name"]), ("ADDED", "w1"))
            self.assertEqual(json.loads(watch.read())["type"], "BOOKMARK")  # the end of what was there
            self.run_kubectl("delete", "widget", "w1")
            self.assertEqual(json.loads(watch.read())["type"], "DELETED")
        with WebSocket(self.server, f"{WIDGETS}?watch=true&timeoutSeconds=1") as watch:
            self.assertIsNone(watch.read())
            self.assertEqual(watch.close_code, 1000)

    def test_selectors(self):
        for name, labels in (("c1", {"a": "1"}), ("c2", {"a": "2"}), ("c3", {})):
            self.server.call("POST", CONFIG_MAPS, {"metadata": {"name": name, "labels": labels}})
        for selector, expected in (("a=1", ["c1"]), ("a!=1", ["c2", "c3"]), ("a in (1,2)", ["c1", "c2"]),
                                   ("a notin (1)", ["c2", "c3"]), ("a", ["c1", "c2"]), ("!a", ["c3"]), ("a,a!=2", ["c1"])):
            found = self.run_kubectl("get", "configmaps", "-l", selector, "-o", "name").split()
            self.assertEqual(found, [f"configmap/{name}" for name in expected], selector)
        self.assertEqual(self.run_kubectl("get", "configmaps", "--field-selector", "metadata.name!=c1", "-o", "name").split(),
                         ["configmap/c2", "configmap/c3"])
        self.assertIn("is not a known field selector", self.run_kubectl("get", "configmaps", "--field-selector", "data.a=b", code=1))
        self.assertIn("unable to parse requirement", self.run_kubectl("get", "configmaps", "-l", "a in 1", code=1))

    def test_forms_of_output(self):
        run = self.run_kubectl
        for name, size in (("w1", 5), ("w2", 3)):
            run("apply", "-f", "-", stdin=widget(name, size))
        self.assertEqual(run("get", "widgets", "--sort-by=.spec.size", "-o", "jsonpath={.items[*].metadata.name}"), "w2 w1")
        self.assertEqual(run("get", "widgets", "-o", "custom-columns=N:.metadata.name,S:.spec.size").split(),
                         ["N", "S", "w1", "5", "w2", "3"])
        self.assertRegex(run("get", "widgets,configmaps", "-A"), "widget.demo.example.com/w1")
        self.assertRegex(run("get", "widgets", "--show-labels"), r"NAME +SIZE +STATE +AGE +LABELS")
        self.assertRegex(run("get", "widgets", "--server-print=false"), r"NAME +AGE")
        self.assertIn("No resources found", run("get", "secrets"))

    def test_imperative_creates_of_other_kinds(self):
        run = self.run_kubectl
        self.addCleanup(run, "delete", "pod/r1", "service/r1", "service/r2", "--ignore-not-found", "--force")
        self.assertIn("pod/r1 created", run("run", "r1", "--image=spark:4", "--env=A=B", "--labels=app=r1", "--port=80"))
        self.assertEqual(self.get("pod", "r1")["spec"]["containers"][0]["env"], [{"name": "A", "value": "B"}])
        self.assertIn("service/r1 exposed", run("expose", "pod", "r1", "--port=80"))
        self.assertEqual(self.get("service", "r1")["spec"]["selector"], {"app": "r1"})
        self.assertIn("service/r2 created", run("create", "service", "clusterip", "r2", "--tcp=80:8080"))
        self.assertEqual(self.get("service", "r2")["spec"]["ports"][0]["targetPort"], 8080)
        self.assertRegex(run("auth", "can-i", "--list"), r"\*\.\* +\[\] +\[\] +\[\*\]")


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""PyPI's `kubernetes`, the client that Python programs use, against an API server.

Run with the Python that tools/bootstrap.d/kubernetes_client prints.
"""
import threading
import unittest

from kubernetes import client, config, watch

from service import Server

GROUP, VERSION, PLURAL = "sparkoperator.k8s.io", "v1beta2", "scheduledsparkapplications"


def schedule(name, cron="0 2 * * *"):
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "ScheduledSparkApplication", "metadata": {"name": name},
            "spec": {"schedule": cron, "template": {"type": "Python", "mode": "cluster", "sparkVersion": "4.0.1",
                                                    "mainApplicationFile": "local:///pi.py",
                                                    "driver": {"cores": 1}, "executor": {"instances": 1}}}}


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()
        cls.addClassCleanup(cls.server.close)
        cls.namespace = cls.server.new_namespace()
        cls.api = config.new_client_from_config(str(cls.server.data / "kubeconfig"))
        cls.addClassCleanup(cls.api.close)
        cls.core = client.CoreV1Api(cls.api)
        cls.custom = client.CustomObjectsApi(cls.api)

    def of_schedules(self, call, *arguments, **options):
        return call(GROUP, VERSION, self.namespace, PLURAL, *arguments, **options)

    def get(self, name):
        return self.of_schedules(self.custom.get_namespaced_custom_object, name)

    def patch(self, name, body, content_type, **options):
        """The generated client chooses a patch's type by itself; this is how programs say which one they mean."""
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{PLURAL}/{name}"
        return self.api.call_api(path, "PATCH", header_params={"Content-Type": content_type, "Accept": "application/json"},
                                 body=body, query_params=list(options.items()), response_type="object",
                                 auth_settings=["BearerToken"])[0]

    def test_custom_objects_from_creation_to_deletion(self):
        created = self.of_schedules(self.custom.create_namespaced_custom_object, schedule("etl"))
        self.assertEqual(created["metadata"]["generation"], 1)
        with self.assertRaises(client.ApiException) as refused:
            self.of_schedules(self.custom.create_namespaced_custom_object, schedule("etl"))
        self.assertEqual((refused.exception.status, refused.exception.reason), (409, "Conflict"))
        self.assertIn('"etl\\" already exists', refused.exception.body)

        merged = self.patch("etl", {"spec": {"suspend": True}}, "application/merge-patch+json")
        self.assertTrue(merged["spec"]["suspend"])
        replaced = self.patch("etl", [{"op": "replace", "path": "/spec/schedule", "value": "@hourly"}], "application/json-patch+json")
        self.assertEqual(replaced["spec"]["schedule"], "@hourly")
        applied = self.patch("etl", {**schedule("etl", "@daily"), "metadata": {"name": "etl", "labels": {"team": "a"}}},
                             "application/apply-patch+yaml", fieldManager="program", force="true")
        self.assertEqual((applied["spec"]["schedule"], applied["spec"]["suspend"]), ("@daily", True))
        self.assertIn("program", [entry["manager"] for entry in applied["metadata"]["managedFields"]])
        # Its own way to patch a custom object is a JSON patch or a merge patch, by what it is given.
        self.of_schedules(self.custom.patch_namespaced_custom_object, "etl", {"spec": {"suspend": False}})
        self.assertFalse(self.get("etl")["spec"]["suspend"])

        listed = self.of_schedules(self.custom.list_namespaced_custom_object, label_selector="team=a")
        self.assertEqual([item["metadata"]["name"] for item in listed["items"]], ["etl"])
        stale = self.get("etl")
        self.patch("etl", {"spec": {"schedule": "@weekly"}}, "application/merge-patch+json")
        with self.assertRaises(client.ApiException) as refused:
            self.of_schedules(self.custom.replace_namespaced_custom_object, "etl", stale)
        self.assertEqual(refused.exception.status, 409)
        self.of_schedules(self.custom.delete_namespaced_custom_object, "etl")
        with self.assertRaises(client.ApiException) as refused:
            self.get("etl")
        self.assertEqual(refused.exception.status, 404)

    def test_a_watch_tells_what_happens(self):
        seen, begun = [], threading.Event()

        def follow():
            for event in watch.Watch().stream(self.core.list_namespaced_config_map, self.namespace, label_selector="watched=yes",
                                              timeout_seconds=60):
                seen.append((event["type"], event["object"].data))
                begun.set()
                if event["type"] == "DELETED":
                    return

        body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="w", labels={"watched": "yes"}), data={"a": "1"})
        self.core.create_namespaced_config_map(self.namespace, body)
        follower = threading.Thread(target=follow)
        follower.start()
        self.addCleanup(follower.join)
        self.assertTrue(begun.wait(60))
        self.core.patch_namespaced_config_map("w", self.namespace, {"data": {"a": "2"}})
        self.core.delete_namespaced_config_map("w", self.namespace)
        follower.join(60)
        self.assertEqual(seen, [("ADDED", {"a": "1"}), ("MODIFIED", {"a": "2"}), ("DELETED", {"a": "2"})])

    def test_typed_objects_come_back_as_they_went(self):
        pod = client.V1Pod(
            metadata=client.V1ObjectMeta(generate_name="p-"),
            spec=client.V1PodSpec(scheduler_name="nobody", containers=[client.V1Container(
                name="c", image="i", env=[client.V1EnvVar(name="A", value="B")],
                resources=client.V1ResourceRequirements(limits={"memory": "1024Mi"}))]))
        created = self.core.create_namespaced_pod(self.namespace, pod)
        self.assertRegex(created.metadata.name, "^p-[a-z0-9]{5}$")
        self.assertEqual(created.spec.containers[0].resources.requests, {"memory": "1Gi"})
        self.assertEqual(self.core.read_namespaced_pod_status(created.metadata.name, self.namespace).status.phase, "Pending")
        secret = client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"user": "me"})
        self.assertEqual(self.core.create_namespaced_secret(self.namespace, secret).data, {"user": "bWU="})
        pages, token = [], None
        while token != "":
            page = self.core.list_namespaced_secret(self.namespace, limit=1, _continue=token)
            pages.append([item.metadata.name for item in page.items])
            token = page.metadata._continue or ""
        self.assertEqual(pages, [["s"]])
        self.core.delete_collection_namespaced_pod(self.namespace, grace_period_seconds=0)
        self.assertEqual(self.core.list_namespaced_pod(self.namespace).items, [])
        self.assertEqual(client.AppsV1Api(self.api).list_namespaced_deployment(self.namespace).items, [])
        self.assertEqual(client.VersionApi(self.api).get_code().major, "1")

    def test_a_token_of_a_service_account_is_a_login(self):
        self.core.create_namespaced_service_account(self.namespace, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="robot")))
        request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(
            audiences=["https://kubernetes.default.svc"], expiration_seconds=600))
        token = self.core.create_namespaced_service_account_token("robot", self.namespace, request).status.token
        settings = client.Configuration()
        settings.host, settings.ssl_ca_cert = self.server.url, str(self.server.data / "tls.crt")
        settings.api_key = {"authorization": "Bearer " + token}
        with client.ApiClient(settings) as api:
            review = client.AuthenticationV1Api(api).create_self_subject_review(client.V1SelfSubjectReview())
            self.assertEqual(review.status.user_info.username, f"system:serviceaccount:{self.namespace}:robot")


if __name__ == "__main__":
    unittest.main(verbosity=2)

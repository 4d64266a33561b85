"""A running application is edited on an API server: what reaches its driver without a new start, and what starts it anew."""
import json
import unittest

import harness
from harness import state_of, wait_for


class EditsTest(harness.E2ETest):
    def setUp(self):
        super().setUp()
        self.kubectl = self.start_api_and_node()
        self.start_controller()
        template = self.schedule("pi", seconds=600)["spec"]["template"]
        self.kubectl.apply({"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
                            "metadata": {"name": "pi", "namespace": "default"}, "spec": template})
        wait_for(lambda: state_of(self.application()) == "RUNNING", "it runs")
        wait_for(self.started, "its driver says so, too")

    def application(self):
        return self.kubectl.get("sparkapplication", "pi")

    def driver(self):
        return self.kubectl.get("pod", "pi-driver")["metadata"]["uid"]

    def executors_template(self):
        for item in self.kubectl.get("configmaps")["items"]:
            if text := item.get("data", {}).get("podspec-configmap-key"):
                return json.loads(text)["spec"]
        return {}

    def edit(self, executor):
        self.kubectl.patch("sparkapplication", "pi", {"spec": {"executor": executor}})

    def test_where_executors_may_be_placed_reaches_the_driver_that_runs(self):
        before = self.driver()
        placed = {"nodeSelector": {"pool": "spot"}, "tolerations": [{"key": "spot", "operator": "Exists"}]}
        self.edit(placed)
        wait_for(lambda: placed.items() <= self.executors_template().items(), "the executors' template has it")
        self.assertEqual((self.driver(), state_of(self.application()), len(self.started())), (before, "RUNNING", 1))
        # Anything else starts it anew, and the new run has both edits.
        self.edit({"memory": "256m"})
        wait_for(lambda: len(self.started()) == 2, "it runs anew")
        wait_for(lambda: state_of(self.application()) == "RUNNING", "the service knows")
        self.assertNotEqual(self.driver(), before)
        self.assertLessEqual(placed.items(), self.executors_template().items())


if __name__ == "__main__":
    unittest.main(verbosity=2)

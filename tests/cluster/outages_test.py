"""The cluster itself fails: API server, etcd, node. These stop what every other test needs: nothing runs beside them."""
import time
import unittest

import cluster
from cluster import FINAL, part, state_of, wait_for


class OutagesTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.one = self.controller().start()
        for name in ("kube-apiserver", "etcd", "kubelet"):
            self.addCleanup(self.make_sure_of, name)

    def make_sure_of(self, name):
        part("start", name)
        wait_for(self.node_is_ready, "the node is ready", every=0.5)

    def node_is_ready(self):
        done = self.kubectl.run("get", "node", "-o", 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}')
        return done.stdout == "True"

    def away_for(self, name, slots):
        """Stops a part until the clock has passed so many slots of a schedule of every 5 seconds."""
        part("stop", name)
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 5 * slots, "slots pass")
        part("start", name)

    def await_api(self):
        """The API server answers; a controller that lost its lease meanwhile has ended, and its Deployment starts it again."""
        wait_for(lambda: self.kubectl.run("get", "--raw", "/readyz").returncode == 0, "the API server answers")
        self.keep_running()

    def keep_running(self):
        if not self.one.runs():
            self.assertEqual(self.one.ended(), 1)
            self.one.start()
        return True

    def await_completed(self, name):
        """It may notice its lost lease a while after the API server is back."""
        wait_for(lambda: self.keep_running() and self.state(name) == "COMPLETED", f"{name} is COMPLETED", 300, 0.3)

    def assert_it_goes_on(self, name):
        """All of the slots that passed ran in the end, each once."""
        before = len(self.started())
        wait_for(lambda: len(self.started()) >= before + 2, "slots run again")
        self.assertTrue(self.one.runs(), self.one.output()[-2000:])
        self.kubectl.patch_spec(name, suspend=True)
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs(name)), "all ended")
        self.assert_each_slot_once(5)

    def steady(self):
        self.kubectl.apply(self.schedule("steady", successfulRunHistoryLimit=100, missedRunPolicy="All"),
                           self.application("long", seconds=20))
        wait_for(lambda: len(self.started()) >= 3, "drivers start")

    def test_api_server_away_for_a_minute(self):
        self.steady()
        self.away_for("kube-apiserver", 12)
        self.await_api()
        self.await_completed("long")
        self.assert_it_goes_on("steady")

    def test_etcd_restarted(self):
        self.steady()
        part("stop", "etcd")
        part("start", "etcd")
        self.await_api()
        self.await_completed("long")
        self.assert_it_goes_on("steady")

    def test_node_lost(self):
        """Its kubelet is gone and somebody removes the node: the drivers' pods go, and with a retry they run anew."""
        retries = {"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": 1}
        self.kubectl.apply(self.application("lost", seconds=600), self.application("again", seconds=600, restartPolicy=retries))
        self.await_state("lost", "RUNNING")
        self.await_state("again", "RUNNING")
        node = self.kubectl.get("nodes")["items"][0]["metadata"]["name"]
        part("stop", "kubelet")
        self.kubectl("delete", "node", node)
        self.await_state("lost", "FAILED", "UNKNOWN", seconds=300)
        part("start", "kubelet")
        wait_for(self.node_is_ready, "the node is back", every=0.5)
        self.await_state("lost", "FAILED")
        wait_for(lambda: len(self.started()) == 3, "the one with a retry runs again")
        self.await_state("again", "RUNNING")


if __name__ == "__main__":
    unittest.main(verbosity=2)

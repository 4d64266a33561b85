"""The history of a cluster: kept by each replica, read through the API server's proxy by who may, and by nobody else."""
import json
import re
import subprocess
import unittest

from cluster import BIN, FINAL, HERE, RUN, state_of, wait_for
from release import ReleaseTest


class HistoryTest(ReleaseTest):
    def person(self, name):
        """Somebody with a token of their own, who may look at runs in the job namespace; sparkctl as that person."""
        self.at_home("create", "serviceaccount", name)
        self.kubectl("create", "rolebinding", name, "--role=looks", f"--serviceaccount={self.home}:{name}")
        token = self.at_home("create", "token", name).strip()
        text = (RUN / "admin.kubeconfig").read_text()
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(re.sub(r"user: \{token: [^}]*\}", f"user: {{token: {token}}}", text))

        def sparkctl(*arguments):
            return subprocess.run([BIN / "sparkctl", "--kubeconfig", path, "-n", self.namespace, "--history-service",
                                   f"{self.home}/sparkcron-history", *arguments], capture_output=True, text=True, timeout=120)
        return token, sparkctl

    def looks(self):
        """What sparkctl asks the API itself."""
        self.kubectl("create", "role", "looks", "--verb=get,list",
                     "--resource=scheduledsparkapplications.sparkoperator.k8s.io,sparkapplications.sparkoperator.k8s.io,pods,pods/log,events")

    def let_read(self, name):
        self.at_home("create", "rolebinding", f"reader-{name}", "--role=sparkcron-history-reader",
                     f"--serviceaccount={self.home}:{name}")

    def pruned_run(self):
        """Runs of the schedule `every` until one of them is gone, whose name this gives; then none starts any more."""
        self.kubectl.apply(self.schedule("every", "*/5 * * * * *", self.of_the_chart(), successfulRunHistoryLimit=1))
        first = wait_for(lambda: self.started() and self.started()[0][1], "a run starts", 240, 0.5)
        wait_for(lambda: not self.kubectl.find("sparkapplication", first), "it is pruned", 240, 0.5)
        self.kubectl.patch_spec("every", suspend=True)
        wait_for(lambda: all(state_of(run) in FINAL for run in self.kubectl.runs("every")), "the others end", 240, 0.5)
        wait_for(lambda: not self.kubectl.find("pod", f"{first}-driver"), "its driver is gone", 240, 0.5)
        return first

    def directly(self, token):
        """The status that one of the pods answers to who does not come by way of the API server."""
        [pod] = self.at_home.get("pods", "-l", "app.kubernetes.io/component=controller")["items"]
        header = ["-H", f"Authorization: Bearer {token}"] if token else []
        return subprocess.run([HERE / "inside", "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", *header,
                               f"https://{pod['status']['podIP']}:8443/sparkcron/v1/history"],
                              capture_output=True, text=True, timeout=60).stdout

    def test_a_pruned_run_is_shown_to_readers_and_to_nobody_else(self):
        self.install()
        self.looks()
        run = self.pruned_run()
        token, sparkctl = self.person("ann")
        for arguments in (("history", "every"), ("logs", run)):
            done = sparkctl(*arguments)
            self.assertEqual(done.returncode, 4, done)
            self.assertIn("needs the role sparkcron-history-reader of namespace " + self.home, done.stderr)
        done = sparkctl("describe", run)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("the history could not be asked: reading the history", done.stderr)
        self.assertEqual(self.directly(None), "401")
        self.assertEqual(self.directly("forged"), "401")
        self.assertEqual(self.directly(token), "403")

        self.let_read("ann")
        done = wait_for(lambda: (done := sparkctl("history", "every", "-o", "json")).returncode == 0 and done, "ann may", 60, 1)
        self.assertIn((run, "COMPLETED"), [(one.get("name"), one.get("state")) for one in json.loads(done.stdout)])
        done = sparkctl("describe", run)
        self.assertIn("in the history only", done.stdout, done)
        done = sparkctl("logs", run)
        self.assertIn("fake driver done", done.stdout, done)
        self.assertRegex(sparkctl("logs", run, "--timestamps", "--tail", "1").stdout, r"^20\S+Z fake driver done\n$")
        wait_for(lambda: self.directly(token) == "200", "ann may come directly, too", 60, 1)
        # Others still may not.
        token, sparkctl = self.person("bob")
        self.assertEqual(sparkctl("history").returncode, 4)
        self.assertEqual(self.directly(token), "403")

    def known(self, sparkctl):
        done = sparkctl("history", "every", "-o", "json")
        return {(one.get("name"), one.get("state")) for one in json.loads(done.stdout)} if done.returncode == 0 else set()

    def test_a_take_over_keeps_the_history_and_a_lost_volume_is_seeded_from_status(self):
        self.install("install", "--set", "controller.replicas=2")
        self.looks()
        run = self.pruned_run()
        _, sparkctl = self.person("ann")
        self.let_read("ann")
        wait_for(lambda: (run, "COMPLETED") in self.known(sparkctl), "ann reads it", 60, 1)
        counts = self.counts("every")
        # One replica after the other goes, with its volume.
        for pod in self.at_home.get("pods", "-l", "app.kubernetes.io/component=controller")["items"]:
            self.at_home("delete", "pod", pod["metadata"]["name"], "--wait=true")
            self.at_home("rollout", "status", "deployment/sparkcron-controller", "--timeout=240s")
            wait_for(self.leader, "somebody leads", 120, 0.5)
            # Whichever of them answers.
            for _ in range(6):
                wait_for(lambda: (run, "COMPLETED") in self.known(sparkctl), "it is known", 60, 1)
        self.assertEqual(self.counts("every"), counts, "counted once")
        self.assertNotIn("fake driver done", sparkctl("logs", run).stdout, "logs go with their volume")


if __name__ == "__main__":
    unittest.main(verbosity=2)

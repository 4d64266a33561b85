"""What the walks share: one server, one kubectl, and a kind of their own to play with."""
import json
import os
import pathlib
import unittest

from server import Kubectl, Server

HERE = pathlib.Path(__file__).resolve().parent
VERSION = os.environ.get("KUBECTL_VERSION", "1.35")
WIDGETS = "/apis/demo.example.com/v1/namespaces/default/widgets"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def widget(name, size=1, **spec):
    return json.dumps({"apiVersion": "demo.example.com/v1", "kind": "Widget", "metadata": {"name": name},
                       "spec": {"size": size, **spec}})


class KubectlCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()
        cls.addClassCleanup(cls.server.close)
        cls.kubectl = Kubectl(cls.server, VERSION)
        cls.kubectl.run("apply", "-f", str(HERE / "widgets.yaml"))
        cls.kubectl.run("wait", "--for=condition=Established", "crd/widgets.demo.example.com", "--timeout=20s")

    def tearDown(self):
        self.run_kubectl("delete", "widgets", "--all", "--wait=true")

    def run_kubectl(self, *arguments, **options):
        return self.kubectl.run(*arguments, **options)

    def get(self, *arguments):
        return json.loads(self.run_kubectl("get", *arguments, "-o", "json"))

    def start(self, *arguments):
        """A kubectl that goes on by itself; ended with the test."""
        process = self.kubectl.start(*arguments)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

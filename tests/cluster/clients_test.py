"""The sessions of clients other than kubectl (tests/e2e/clients) on a real kube-apiserver: Helm 3 and 4 and PyPI's `kubernetes` see
there what they see in the embedded one.

Run with the Python that tools/bootstrap.d/kubernetes_client prints.
"""
import contextlib
import pathlib
import re
import shutil
import ssl
import sys
import tempfile
import unittest

from cluster import HERE, RUN, Kubectl, wait_for

sys.path.insert(0, str(HERE.parent / "e2e/clients"))
import service  # noqa: E402


class RealServer(service.Server):
    """In the shape of the embedded one. The namespaces of a session are its own, and go with it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sparkcron-real-")
        self.data = pathlib.Path(self.folder.name) / "data"
        self.kubectl = Kubectl("default")
        self.namespaces = []

    def start(self):
        self.data.mkdir()
        text = (RUN / "admin.kubeconfig").read_text()
        (self.data / "kubeconfig").write_text(text)
        shutil.copy(re.search(r"certificate-authority: ([^}]+)", text)[1].strip(), self.data / "tls.crt")
        self.url = re.search(r'server: "?([^",}]+)', text)[1]
        self.token = re.search(r"token: ([^}]+)", text)[1].strip()
        self.tls = ssl.create_default_context(cafile=str(self.data / "tls.crt"))
        return self

    def new_namespace(self):
        name = super().new_namespace()
        wait_for(lambda: self.kubectl.find("serviceaccount", "default", "--namespace", name), "pods may be made", 60)
        return name

    def new_name(self):
        self.namespaces.append(super().new_name())
        return self.namespaces[-1]

    def close(self):
        with contextlib.suppress(Exception):
            self.kubectl("delete", "namespace", *self.namespaces, "--ignore-not-found", "--wait=false")
        self.folder.cleanup()


service.Server = RealServer
from helm_test import Helm4Test, HelmTest  # noqa: E402, F401
from python_test import PythonClientTest  # noqa: E402, F401

if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The embedded API server for clients other than kubectl; tests/cluster/clients_test.py puts a real one in its place."""
import os
import pathlib
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e/kubectl"))
import server  # noqa: E402


class Server(server.Server):
    def new_name(self):
        """Of a namespace that somebody else makes."""
        return f"team-{uuid.uuid4().hex[:8]}"

    def new_namespace(self):
        name = self.new_name()
        status, answer = self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert status == 201, answer
        return name

    def environment(self):
        """A home of its own, so that no client meets another's cache or settings."""
        return {**os.environ, "KUBECONFIG": str(self.data / "kubeconfig"), "HOME": self.folder.name,
                **{f"HELM_{name}_HOME": f"{self.folder.name}/helm/{name}" for name in ("CACHE", "CONFIG", "DATA")}}

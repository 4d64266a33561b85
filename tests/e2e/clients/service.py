"""The embedded API server for clients other than kubectl."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e/kubectl"))
import server  # noqa: E402


class Server(server.Server):
    def environment(self):
        """A home of its own, so that no client meets another's cache or settings."""
        return {**os.environ, "KUBECONFIG": str(self.data / "kubeconfig"), "HOME": self.folder.name,
                **{f"HELM_{name}_HOME": f"{self.folder.name}/helm/{name}" for name in ("CACHE", "CONFIG", "DATA")}}

"""kill -9 at random moments while several clients write: what was acknowledged is there afterwards."""
import random
import threading
import time
import unittest

from server import Server

PATH = "/api/v1/namespaces/default/configmaps"
ROUNDS = 5
WRITERS = 4


class Writer(threading.Thread):
    """Creates objects and counts one up, remembering the last answer that it got."""

    def __init__(self, server, name):
        super().__init__()
        self.server = server
        self.name = name
        self.created = []
        self.count = 0
        self.stopping = threading.Event()

    def run(self):
        self.call("POST", PATH, {"metadata": {"name": self.name}})
        while not self.stopping.is_set():
            name = f"{self.name}-{len(self.created)}"
            if self.call("POST", PATH, {"metadata": {"name": name}}) in (201, 409):
                self.created.append(name)
            if self.call("PATCH", f"{PATH}/{self.name}", {"data": {"count": str(self.count + 1)}}) == 200:
                self.count += 1

    def call(self, method, path, body):
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            return self.server.call(method, path, body, kind)[0]
        except OSError:
            return 0  # killed while it answered: whether it was written is not known
        except Exception:  # half an answer
            return 0


class Crash(unittest.TestCase):
    def test_acknowledged_writes_survive(self):
        chance = random.Random()
        server = Server().start()
        self.addCleanup(server.close)
        for _ in range(ROUNDS):
            writers = [Writer(server, f"w{number}") for number in range(WRITERS)]
            for writer in writers:
                writer.created = [name for name in self.names(server) if name.startswith(writer.name + "-")]
                writer.start()
            enough = time.monotonic() + chance.uniform(0.5, 2)
            while time.monotonic() < enough or not all(writer.count > 0 for writer in writers):
                threading.Event().wait(0.01)
            server.kill()
            for writer in writers:
                writer.stopping.set()
            for writer in writers:
                writer.join()
            server.start()
            there = self.names(server)
            for writer in writers:
                self.assertEqual(set(writer.created) - there, set())
                found = int(server.call("GET", f"{PATH}/{writer.name}")[1]["data"]["count"])
                # One more may have been written without an answer.
                self.assertIn(found, (writer.count, writer.count + 1))
                server.call("PATCH", f"{PATH}/{writer.name}", {"data": {"count": "0"}}, "application/merge-patch+json")

    @staticmethod
    def names(server):
        return {item["metadata"]["name"] for item in server.call("GET", PATH)[1]["items"]}


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""When what was created came, as a watch tells it."""
import http.client
import socket
import sys
import threading
import time


class Watcher:
    """Notes when which bytes of the watch came; what they say is read afterwards."""

    def __init__(self, service, path):
        self.connection = service.connect()
        self.connection.timeout = None  # nothing comes until the slot
        self.connection.request("GET", f"{path}{'&' if '?' in path else '?'}watch=true&timeoutSeconds=3600", headers=service.headers)
        self.chunks = []
        self.added = 0
        self.failure = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        # Chunks are taken apart first: a server that is behind cuts them in the middle of an event.
        marker = b'{"type":"ADDED"'
        tail = b""
        try:
            response = self.connection.getresponse()
            while data := response.read1(1 << 18):
                now = time.time()
                seen = tail + data
                added = seen.count(marker)
                tail = seen[1 - len(marker):]
                if added:
                    self.chunks.append((now, added))
                    self.added += added
            self.failure = "the watch ended"
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.failure = f"the watch failed: {error!r}"

    def has(self, count):
        if self.added < count and self.failure:
            sys.exit(f"only {self.added} of {count} were seen: {self.failure}")
        return self.added >= count

    def lateness(self, due):
        return [at - due for at, added in self.chunks for _ in range(added)]

    def close(self):
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):  # closed already
            pass

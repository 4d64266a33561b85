"""When what was created came, as a watch tells it."""
import socket
import threading
import time


class Watcher:
    """Notes when which bytes of the watch came; what they say is read afterwards."""

    def __init__(self, service, path):
        connection = service.connect()
        connection.connect()
        self.socket = connection.sock
        head = "".join(f"{name}: {value}\r\n" for name, value in service.headers.items())
        self.socket.sendall((f"GET {path}{'&' if '?' in path else '?'}watch=true&timeoutSeconds=3600 HTTP/1.1\r\n"
                             f"Host: {service.host}\r\n{head}\r\n").encode())
        self.chunks = []
        self.added = 0
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        tail = b""
        while True:
            try:
                data = self.socket.recv(1 << 18)
            except (OSError, ValueError):
                return
            if not data:
                return
            now = time.time()
            seen = tail + data
            added = seen.count(b'{"type":"ADDED"')
            tail = seen[-14:]
            if added:
                self.chunks.append((now, added))
                self.added += added

    def lateness(self, due):
        return [at - due for at, added in self.chunks for _ in range(added)]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

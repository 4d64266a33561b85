"""Just enough of a WebSocket client to watch as Spark's does."""
import base64
import os
import socket
import struct


class WebSocket:
    def __init__(self, server, path):
        host, port = server.url.removeprefix("https://").split(":")
        self.socket = server.tls.wrap_socket(socket.create_connection((host, int(port)), timeout=60), server_hostname=host)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {server.token}\r\n"
                            f"Origin: {server.url}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        first = self.stream.readline()
        if b" 101 " not in first:
            raise AssertionError(f"the upgrade was answered with {first}")
        while self.stream.readline() != b"\r\n":
            pass
        self.close_code = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def read(self):
        """The next text frame; None once the server has closed, with close_code set."""
        while True:
            kind, length = self.stream.read(2)
            if length == 126:
                length = struct.unpack(">H", self.stream.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.stream.read(8))[0]
            data = self.stream.read(length)
            if kind == 0x81:
                return data.decode()
            if kind == 0x88:
                self.close_code = struct.unpack(">H", data[:2])[0]
                return None
            if kind & 0x0F not in (0x9, 0xA):  # pings are answered by nobody here
                raise AssertionError(f"a frame of kind {kind:#x}")

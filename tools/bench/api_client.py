"""Calls of one API server, as the measurements make them. Whoever is one has host, port, token and certificate."""
import http.client
import json
import ssl

NEXT_RUN = "sparkcron_schedule_next_run_timestamp_seconds"  # one series for each schedule that was decided on


class ApiClient:
    def connect(self, timeout=60):
        tls = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=tls)

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def call(self, connection, method, path, body=None):
        return self.send(connection, method, path, json.dumps(body) if body is not None else None, self.headers)

    def create_yaml(self, connection, path, text):
        return self.send(connection, "POST", path, text.encode(), {**self.headers, "Content-Type": "application/yaml"})

    def send(self, connection, method, path, text, headers):
        connection.request(method, path, text, {"Accept": "application/json", **headers})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {data.decode(errors='replace')[:2000]}")
        return json.loads(data)

"""A double of what `sparkcron apiserver` does not have: people with rights of their own.

It stands before that server, answers TokenReviews and (Local)SubjectAccessReviews from a table, and passes on as the
bearer of the server's token what the table allows the person. Whoever has the server's token goes through as they are.
Logs of pods, which `sparkcron node` does not serve to others, it makes up: two lines, the second once `ended` is set.
"""
import http.client
import http.server
import json
import re
import ssl
import threading
import urllib.parse

PATH = re.compile(r"/apis?/(?:(?P<group>[a-z0-9.-]+\.[a-z0-9.-]+)/)?v[a-z0-9]+/(?:namespaces/(?P<ns>[^/]+)/)?(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?$")


class ReviewingApi:
    """`people`: by token the name and the rights, {(namespace or "*", verb, resource)}; "pods/log" is a resource."""

    def __init__(self, api, people):
        self.people = people
        self.token = api.token()
        self.upstream = urllib.parse.urlsplit(api.address())
        self.trust = ssl.create_default_context(cafile=str(api.data / "tls.crt"))
        self.asked = []  # (person, verb, resource, namespace)
        self.ended = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(api.data / "tls.crt", api.data / "tls.key")
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.address = f"https://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def may(self, name, verb, resource, ns):
        rights = next(rights for known, rights in self.people.values() if known == name)
        return ("*", verb, resource) in rights or (ns, verb, resource) in rights

    def review(self, kind, spec):
        if kind == "tokenreviews":
            known = self.people.get(spec["token"])
            return {"authenticated": True, "user": {"username": known[0]}} if known else {"authenticated": False}
        wanted = spec["resourceAttributes"]
        resource = wanted["resource"] + ("/" + wanted["subresource"] if wanted.get("subresource") else "")
        return {"allowed": self.may(spec["user"], wanted["verb"], resource, wanted.get("namespace", "") or "*")}

    def handler(double):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def refuse(self, status, message):
                self.answer(status, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status,
                                     "reason": {401: "Unauthorized", 403: "Forbidden"}[status]})

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = urllib.parse.urlsplit(self.path).path
                found = PATH.match(path)
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                if token != double.token:
                    person = double.people.get(token)
                    if not person or not found:
                        return self.refuse(401, "Unauthorized")
                    verb = "patch" if self.command == "PATCH" else "get" if found["name"] else "list"
                    resource = found["resource"] + ("/" + found["sub"] if found["sub"] else "")
                    double.asked.append((person[0], verb, resource, found["ns"] or "*"))
                    if not double.may(person[0], verb, resource, found["ns"] or "*"):
                        return self.refuse(403, f"{person[0]} may not {verb} {resource} in {found['ns']}")
                elif self.command == "POST" and found and found["resource"] in ("tokenreviews", "subjectaccessreviews", "localsubjectaccessreviews"):
                    review = json.loads(body)
                    return self.answer(201, {**review, "status": double.review(found["resource"], review["spec"])})
                if found and found["sub"] == "log":
                    return self.give_log(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query))
                return self.pass_on(body)

            def give_log(self, query):
                stamp = "2026-01-01T00:00:00Z " if query.get("timestamps") == ["true"] else ""
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(f"{stamp}the driver began\n".encode())
                self.wfile.flush()
                if query.get("follow") != ["true"] or double.ended.wait(600):
                    self.wfile.write(f"{stamp}the driver ended\n".encode())

            def pass_on(self, body):
                upstream = http.client.HTTPSConnection(double.upstream.hostname, double.upstream.port, context=double.trust)
                headers = {name: value for name, value in self.headers.items() if name.lower() in ("accept", "content-type", "user-agent")}
                try:
                    upstream.request(self.command, self.path, body or None, {**headers, "Authorization": f"Bearer {double.token}"})
                    answered = upstream.getresponse()
                    self.send_response(answered.status)
                    for name in ("Content-Type", "Retry-After"):
                        if answered.getheader(name):
                            self.send_header(name, answered.getheader(name))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    while part := answered.read1(65536):
                        self.wfile.write(part)
                        self.wfile.flush()
                except OSError:
                    pass  # one of the two has gone
                finally:
                    upstream.close()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

        return Handler

"""A double of an HTTP service: it plays the answers that $DOUBLE says, and does nothing else.

Runs on the lab's hosts as ``python3 /opt/double/vllm serve tiny --host 0.0.0.0 --port 8000``, where the name is a
link to this file, so that its process looks like the real one. ``--host`` and ``--port`` (or HOST:PORT in
$DOUBLE_BIND) say where it listens. $DOUBLE is JSON: ``{"GET /v1/models": [200, "{}"], "*": [404, "{}"]}``; a third
item is the Location of a redirect. $DOUBLE_PREFIX_AUTH: paths that begin so are answered with 401 unless the key
in $DOUBLE_KEY comes along. $DOUBLE_LIMIT: requests after which all answers are 429.
"""

import json
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROUTES = json.loads(os.environ.get("DOUBLE", "{}"))
CLOSED = tuple(filter(None, os.environ.get("DOUBLE_PREFIX_AUTH", "").split(",")))
LIMIT = int(os.environ.get("DOUBLE_LIMIT", "0"))
seen = []


def option(name, default):
    for position, word in enumerate(sys.argv):
        if word == name:
            return sys.argv[position + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return default


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        seen.append(path)
        status, body, *more = ROUTES.get(
            f"{self.command} {path}", ROUTES.get("*", [404, '{"detail": "Not Found"}'])
        )
        key = os.environ.get("DOUBLE_KEY", "")
        if path.startswith(CLOSED) and self.headers.get("Authorization") != f"Bearer {key}":
            status, body, more = 401, '{"error": "Unauthorized"}', []
        if LIMIT and len(seen) > LIMIT:
            status, body, more = 429, '{"error": "Too Many Requests"}', []
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if body.startswith("<") else "application/json")
        self.send_header("Content-Length", str(len(data)))
        if more:
            self.send_header("Location", more[0])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_HEAD = do_OPTIONS = answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in option("--host", "") else socket.AF_INET


host, _, port = os.environ.get("DOUBLE_BIND", "").rpartition(":")
Server((host or option("--host", "0.0.0.0"), int(port or option("--port", "8000"))), Handler).serve_forever()

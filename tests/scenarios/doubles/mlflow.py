#!/usr/bin/python3
"""Plays how MLflow's basic-auth keeps its admin's password: as its database was made with, whatever the file says since.

The user is that of `$MLFLOW_AUTH_CONFIG_PATH`, the database `/var/lib/mlflow/basic_auth`.
"""

import base64
import configparser
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FILE, DATABASE = os.environ["MLFLOW_AUTH_CONFIG_PATH"], Path("/var/lib/mlflow/basic_auth")
settings = configparser.ConfigParser(interpolation=None)
settings.read(FILE)
if not DATABASE.exists():
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    DATABASE.write_text(f"admin:{settings['mlflow']['admin_password']}")
KEY = "Basic " + base64.b64encode(DATABASE.read_bytes()).decode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        is_known = self.headers.get("Authorization") == KEY
        body = b'{"experiments": []}' if is_known else b"You are not authenticated."
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Type", "application/json" if is_known else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


HTTPServer(("0.0.0.0", 8000), Handler).serve_forever()

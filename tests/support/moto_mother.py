"""Serve AWS on loopback as often as asked: each line on standard input starts a fresh moto server.

What is slow, importing moto, is done once; a server is a fork of this process, with a state of its own.
Answers each line with the new server's process id and port. Ends with its input, and ends its servers.
"""

import os
import signal
import sys
from contextlib import suppress

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

SERVICES = ("cloudtrail", "ec2", "iam", "kms", "logs", "s3", "s3control", "sts")


def serve(ready: int) -> None:
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    os.write(ready, f"{os.getpid()} {server.port}\n".encode())
    server.serve_forever()


def main() -> None:
    for service in SERVICES:
        __import__(f"moto.{service}.responses")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    answers = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    servers = []
    for _ in sys.stdin:
        server = os.fork()
        if server == 0:
            os.close(0)
            serve(answers)
        servers.append(server)
    for server in servers:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)


if __name__ == "__main__":
    main()

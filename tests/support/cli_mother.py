"""Run the `aws` CLI in forks of this process, which has imported it: a call costs a third of one that starts Python.

The program that stands in the search path as `aws` is `CLIENT`: it hands its arguments, environment, directory and
streams to this process over a socket, and ends as the fork does. When it is killed, so is the fork.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from functools import cache

SERVICES = ("account", "cloudtrail", "ec2", "iam", "kms", "logs", "s3", "s3api", "s3control", "sts")
"""Of which the descriptions are read once."""
CLIENT = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as mother:
    mother.connect({address!r})
    socket.send_fds(mother, [b"f"], [0, 1, 2, os.open(".", os.O_PATH)])
    mother.sendall(json.dumps({{"argv": sys.argv, "env": dict(os.environ)}}).encode())
    mother.shutdown(socket.SHUT_WR)
    status = mother.recv(8)
sys.exit(int(status or b"255"))
"""
"""To be formatted with the Python to run it and the address of this process's socket."""


def main() -> None:
    import awscli.clidriver
    import awscli.handlers

    read_once()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    calls: dict[int, tuple[socket.socket, int]] = {}
    while True:
        ended = wait([0, listener.fileno(), *calls], [call.fileno() for call, _ in calls.values()])
        if 0 in ended:
            break
        if listener.fileno() in ended:
            call, _ = listener.accept()
            _, streams, _, _ = socket.recv_fds(call, 1, 4)
            worker = os.fork()
            if worker == 0:
                os._exit(answer(call, streams, awscli.clidriver.main))
            for stream in streams:
                os.close(stream)
            calls[os.pidfd_open(worker)] = call, worker
        for handle in [handle for handle, (call, _) in calls.items() if {handle, call.fileno()} & ended]:
            end(handle, *calls.pop(handle))
    for handle, made in calls.items():
        end(handle, *made)


def read_once() -> None:
    """Read what describes the services; it is the same for every call."""
    from awscli.clidriver import create_clidriver
    from botocore import session

    session.create_loader = cache(session.create_loader)
    table = create_clidriver()._get_command_table()
    for service in SERVICES:
        if not hasattr(table.get(service), "service_model"):
            continue
        for operation in table[service]._get_command_table().values():
            with suppress(AttributeError):
                operation.arg_table  # noqa: B018 - it is made when it is asked for
    gc.collect()
    gc.freeze()


def wait(readable: list[int], hung_up: list[int]) -> set[int]:
    poll = select.poll()
    for number in readable:
        poll.register(number, select.POLLIN)
    for number in hung_up:
        poll.register(number, 0)
    return {number for number, _ in poll.poll()}


def end(handle: int, call: socket.socket, worker: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
    os.waitpid(worker, 0)
    with suppress(OSError):
        call.shutdown(socket.SHUT_RDWR)
    call.close()


def answer(call: socket.socket, streams: list[int], command) -> int:
    """Be the command that the client wants to be; tell it the exit status, and return it."""
    with call.makefile("rb") as stream:
        job = json.load(stream)
    for target, source in enumerate(streams[:3]):
        os.dup2(source, target)
    os.fchdir(streams[3])
    found_at_import = {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]}
    os.environ.clear()
    os.environ.update(found_at_import | job["env"])
    sys.argv[:] = job["argv"]
    try:
        status = command()
    except SystemExit as ended:
        status = ended.code
    except BaseException:  # noqa: BLE001 - a fork says how it failed, whatever it is
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    status = status if isinstance(status, int) else int(bool(status))
    with suppress(OSError):
        call.sendall(b"%d" % (status & 0xFF))
    return status & 0xFF


if __name__ == "__main__":
    main()

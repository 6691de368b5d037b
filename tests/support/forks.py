"""Run `python -m pytest` and `aisec` in forks of a process that has imported everything, not in new ones.

A run of the plugin lasts a second, of which most goes into imports. `run` and `start` take what
`subprocess.run` and `subprocess.Popen` take. A mother process, one for each process of the tests, imports
pytest with its plugins and the package, and becomes what is to be run: with its directory, environment,
arguments, streams, and a session of its own. It ends as any interpreter does, up to what is registered for
its exit; memory that the kernel takes back anyway is not cleared first, and that is a fifth of the whole. The
hash seed is the mother's: two runs that must not agree by chance belong into new processes.

A run that will start interpreters of its own, workers of xdist or a replay, gets a nurse: a fork of the fork,
made before the run begins, which forks for it as the mother does for the tests, within its process group.

One module, however long: the mother runs this file by its path, and can import nothing beside it.

What only a new interpreter can show gets one: options of Python, other variables that it reads when it
starts, anything but a module or the command. Tests of the start itself use `subprocess`.
"""

import atexit
import builtins
import ctypes
import gc
import importlib
import importlib.util
import io
import json
import os
import pkgutil
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from importlib.machinery import SourceFileLoader
from itertools import dropwhile
from pathlib import Path

AISEC = Path(sys.executable).with_name("aisec")
"""The command, as it was installed."""

READ_AT_START = ("COVERAGE_", "LANG", "LC_", "LD_", "PYTHON", "TZ")
SET_IN_A_FORK = "PYTHONDONTWRITEBYTECODE"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != SET_IN_A_FORK}
"""The mother's, whatever the test that needs her first has changed."""
NOT_LOADED = r"^pytest_aisec\.controls\b|\.labkit\.double$|\.__main__$|\.winrm$"
"""Controls by the names of a package, what is run (the double serves), and what needs an extra whose import changes the filters of warnings."""
STARTS_OTHERS = r"-n.*|--replay"
"""Arguments of runs that start interpreters."""
IGNORED_BY_A_NURSE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What the whole group is sent: she ends when the run has ended."""
NETWORK = Path("/proc/thread-self/ns/net")
PASSED_ON = {"cwd", "env", "stdin", "stdout", "stderr", "start_new_session"}
PASSED_ON |= {"text", "encoding", "errors", "universal_newlines", "bufsize"}


def run(command, *, input=None, capture_output=False, timeout=None, check=False, **options):  # noqa: A002 - as subprocess has it
    """Do as `subprocess.run` does; when time is up, nothing of the run's process group is left."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with start(command, start_new_session=True, **options) as started:
        try:
            out, err = started.communicate(input, timeout=timeout)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()
            raise
    done = subprocess.CompletedProcess(command, started.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def start(command, **options):
    """Do as `subprocess.Popen` does; what is started leads a session."""
    command = [os.fsdecode(item) for item in command]
    made = Forked if can_fork(command, options) else subprocess.Popen
    return made(command, **{**options, "start_new_session": True})


def can_fork(command, options):
    is_module = command[:2] == [sys.executable, "-m"]
    is_aisec = command[0] == str(AISEC)
    given = options.get("env")
    same = read_at_start(os.environ if given is None else given) == read_at_start(ENVIRONMENT)
    return (is_module or is_aisec) and options.keys() <= PASSED_ON and same


def read_at_start(env):
    return {
        name: value for name, value in env.items() if name.startswith(READ_AT_START) and name != SET_IN_A_FORK
    }


@cache
def mother():
    """Start the mother, and return the socket to her."""
    ours, hers = socket.socketpair()
    # Beside this file may lie what is named as a module that she imports.
    code = (
        "import sys; del sys.path[0]; import runpy; runpy.run_path(sys.argv[1])['serve'](int(sys.argv[2]))()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, __file__, str(hers.fileno())],
        cwd="/",
        env=ENVIRONMENT,
        pass_fds=[hers.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    hers.close()

    def end():
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


class Forked(subprocess.Popen):
    """A run in a fork of the mother, who waits for it and says how it ended."""

    def _execute_child(
        self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell,
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, *_
    ):  # fmt: skip
        env = os.environ if env is None else env
        job = {
            "argv": args,
            "cwd": os.path.abspath(os.fsdecode(cwd or ".")),  # noqa: PTH100 - what is no directory is the fork's matter
            "env": {os.fsdecode(name): os.fsdecode(value) for name, value in env.items()},
        }
        self._status, hers = socket.socketpair()
        streams = [own if own != -1 else default for default, own in enumerate((p2cread, c2pwrite, errwrite))]
        with hers, NETWORK.open("rb") as network:
            socket.send_fds(mother(), [b"f"], [*streams, hers.fileno(), network.fileno()])
        self._status.sendall(json.dumps(job).encode())
        self._status.shutdown(socket.SHUT_WR)
        self._answers = self._status.makefile()
        self.pid = self._answer()
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _answer(self):
        if not (answer := self._answers.readline()):
            raise EOFError("the process that forks is gone; standard error says why")
        return int(answer)

    def _try_wait(self, wait_flags):
        if wait_flags & os.WNOHANG and not select.select([self._status], [], [], 0)[0]:
            return 0, 0
        status = self._answer()
        self._answers.close()
        self._status.close()
        return self.pid, status

    def _internal_poll(self, _deadstate=None, **_):
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid:
                self._handle_exitstatus(status)
        return self.returncode


# From here on it is the mother who speaks.


def serve(number: int) -> Callable[[], None]:
    """Fork for each message; return, in a fork, what it has to do. Ends with the tests, and ends its runs."""
    atexit.register(leave)  # what is registered first is called last
    load()
    gc.collect()
    gc.freeze()
    return partial(noting_the_status, fork_for(socket.socket(fileno=number), os.setsid))


def fork_for(requests: socket.socket, at_first: Callable[[], None]) -> Callable[[], None]:
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    runs: dict[int, int] = {}
    while True:
        readable, _, _ = select.select([requests, woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
            for pid in [
                pid for pid in runs if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            ]:
                _, status = os.waitpid(pid, 0)
                tell(runs[pid], status)
                os.close(runs.pop(pid))
        if requests in readable:
            message, received, _, _ = socket.recv_fds(requests, 1, 5)
            if not message:
                break
            pid = os.fork()
            if pid == 0:
                requests.detach()
                at_first()
                tell(received[3], os.getpid())
                return become(received)
            for other in (*received[:3], received[4]):
                os.close(other)
            runs[pid] = received[3]
    for pid in runs:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return sys.exit


def nurse() -> Callable[[], None] | None:
    """Fork the nurse of this run; return None in the run, and in what she forks what that has to do."""
    ours, hers = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        os.close(nowhere)
        before = {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED_BY_A_NURSE}
        return fork_for(hers, lambda: [signal.signal(*each) for each in before.items()] and None)
    hers.close()
    globals()["mother"] = lambda: ours
    start_in_a_fork_what_is_ours()
    return None


def start_in_a_fork_what_is_ours() -> None:
    """Let `subprocess` start as a fork what imports what the mother has imported: a worker, a replay."""
    plain = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def execute(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *rest):
        ours = type(self) is subprocess.Popen and not (executable or preexec_fn or pass_fds)
        if ours and is_helper(args, env):
            self.__class__ = Forked
        how = Forked._execute_child if isinstance(self, Forked) else plain
        how(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *rest)

    subprocess.Popen._execute_child = execute  # type: ignore[attr-defined]


def is_helper(args: object, env: Mapping[str, str] | None) -> bool:
    if not isinstance(args, list) or args[:1] != [sys.executable]:
        return False
    code = without_options(args)[1:3]
    same = read_at_start(os.environ if env is None else env) == read_at_start(os.environ)
    return same and (code[:1] == ["-m"] or (code[:1] == ["-c"] and "sys.stdin.readline()" in code[1]))


def without_options(command: list[str]) -> list[str]:
    """Return a command line without those options of Python that only a helper may have."""
    return [command[0], *dropwhile({"-P", "-u"}.__contains__, command[1:])]


STATUS: list[int] = []
"""In a fork, the status with which it ends, as soon as that is known."""


def noting_the_status(run: Callable[[], None]) -> None:
    try:
        run()
    except SystemExit as end:
        if end.code is None or type(end.code) is int:
            STATUS.append((end.code or 0) & 0xFF)
        raise
    STATUS.append(0)


def leave() -> None:
    """End a fork at once; what has an end of another kind, or cannot write it, is left to the interpreter."""
    if STATUS:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(STATUS[0])


def tell(client: int, number: int) -> None:
    with suppress(OSError):
        os.write(client, b"%d\n" % number)


def load() -> None:
    """Import and make what every run does, under the hook by which pytest rewrites assertions.

    Of what the package keeps in a process, only what is made of the package alone is there when a run begins.
    """
    from _pytest.config import _prepareconfig

    for name in [name for name in os.environ if name.startswith(("PYTEST_", "GITHUB_"))]:
        del os.environ[name]
    config = _prepareconfig(["-s", "-c", os.devnull, "--rootdir=/", "--noconftest"], [])
    import pytest_aisec

    for module in pkgutil.walk_packages(pytest_aisec.__path__, "pytest_aisec."):
        if not re.search(NOT_LOADED, module.name):
            importlib.import_module(module.name)
    if importlib.util.find_spec("hypothesis"):
        importlib.import_module("hypothesis")
    from pytest_aisec.catalog import content, frameworks, load
    from pytest_aisec.evidence import bundle
    from pytest_aisec.observe.redaction import families
    from pytest_aisec.session.modules import Rewriter

    rewriter = Rewriter(config.pluginmanager.rewrite_hook.exec_module)
    catalog = load.load_catalog([content.content_root()], rewriter)
    assert [catalog.executed(control_id) for control_id in catalog]
    frameworks.known.cache_clear()  # other packages may register some
    for adapter in (bundle._runs, bundle._verdicts, bundle._items):
        adapter()
    assert all(family.pattern for family in families.FAMILIES)
    environment = sys.modules["pytest_aisec.report.html"]._environment()
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)
    config._ensure_unconfigure()
    if "coverage" in sys.modules:
        from coverage import Coverage, process_startup

        if measuring := Coverage.current():
            measuring.stop()
            measuring.save()
            del process_startup.coverage


def become(received: list[int]) -> Callable[[], None]:
    """Make of this fork what a new interpreter would be with the job that the client describes."""
    with socket.socket(fileno=received[3]) as client, client.makefile("rb") as stream:
        job = json.load(stream)
    enter(received[4])
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as an interpreter that starts where it is ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for target, source in enumerate(received[:3]):
        os.dup2(source, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    command = job["argv"]
    if any(re.fullmatch(STARTS_OTHERS, argument) for argument in command) and (other := nurse()):
        return other
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    sys.dont_write_bytecode = bool(os.environ.get(SET_IN_A_FORK))
    open_streams()
    if "coverage" in sys.modules:
        sys.modules["coverage"].process_startup()
    sys.orig_argv[:] = command if command[0] == sys.executable else [sys.executable, *command]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__builtins__ = builtins
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    if command[0] == sys.executable:
        safe, (_, option, what, *arguments) = "-P" in command[1:3], without_options(command)
        sys.path[:0] = [] if safe else [job["cwd"] if option == "-m" else ""]
        sys.argv[:] = [option, *arguments]
        if option == "-c":
            return lambda: exec(what, vars(main))
        return lambda: runpy._run_module_as_main(what)  # type: ignore[attr-defined] - as `python -m` does
    sys.path.insert(0, str(Path(command[0]).resolve().parent))
    sys.argv[:] = command
    main.__file__, main.__cached__ = command[0], None
    main.__loader__ = SourceFileLoader("__main__", command[0])
    return lambda: exec(main.__loader__.get_code("__main__"), vars(main))


def enter(network: int) -> None:
    """Move into the network of the thread that asked: it may be on another side of a lab than the mother."""
    if os.fstat(network).st_ino != NETWORK.stat().st_ino:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(network, 0):
            raise OSError(ctypes.get_errno(), "setns")


def open_streams() -> None:
    """Open the three streams as the interpreter does at its start; what they are has changed since."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        mode, unbuffered = "w" if number else "r", old.write_through
        buffer = open(number, f"{mode}b", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
        getattr(buffer, "raw", buffer).name = f"<{name}>"
        new = io.TextIOWrapper(
            buffer,
            encoding=old.encoding,
            errors=old.errors,
            newline="\n" if number else None,
            line_buffering=not unbuffered and (name == "stderr" or os.isatty(number)),
            write_through=unbuffered,
        )
        new.mode = mode
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)

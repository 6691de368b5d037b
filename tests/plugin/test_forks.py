"""What runs in a fork of tests/support/forks.py cannot tell that from a new interpreter."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_aisec.testing.labkit.kernel import inside_network
from tests.support import forks


@pytest.fixture(params=[forks.run, subprocess.run], ids=["fork", "new"])
def run(request, tmp_path):
    """Run a module: in a fork, and in a new interpreter, of which the same is expected."""

    def run(text, *args, **options):
        (tmp_path / "mine.py").write_text(text)
        command = [sys.executable, "-m", "mine", *args]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        given = {"cwd": tmp_path, "env": env, "text": True, "timeout": 60, **options}
        return request.param(command, **({"capture_output": "stdout" not in options} | given))

    return run


def start(tmp_path, text, *args):
    (tmp_path / "mine.py").write_text(text)
    started = forks.start([sys.executable, "-m", "mine", *args], cwd=tmp_path)
    assert isinstance(started, forks.Forked)
    return started


def wait_until(holds):
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 0),
        ("raise SystemExit(7)", 7),
        ("raise SystemExit('why')", 1),
        ("raise ValueError", 1),
        ("import os; os._exit(9)", 9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", -signal.SIGABRT),
        ("raise KeyboardInterrupt", -signal.SIGINT),
    ],
)
def test_the_exit_status_is_its_own(run, text, code) -> None:
    assert code == run(text).returncode


def test_streams_are_apart_and_whole(run) -> None:
    done = run("import sys; sys.stdout.write('o' * 300_000); sys.stderr.write('e' * 300_000)")
    assert ("o" * 300_000, "e" * 300_000) == (done.stdout, done.stderr)
    assert "typed" == run("print(input(), end='')", input="typed").stdout
    assert "" == run("import sys; print(sys.stdin.read(), end='')", stdin=subprocess.DEVNULL).stdout
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    assert "oe" == run("import os; os.write(1, b'o'); os.write(2, b'e')", **both).stdout


LOOKS = """
import json, locale, logging, os, signal, sys, tempfile, threading, warnings
streams = [sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__]
main = sys.modules["__main__"]
print(json.dumps({
    "argv": sys.argv,
    "original": sys.orig_argv,
    "path": sys.path,
    "flags": list(sys.flags),
    "cwd": os.getcwd(),
    "environment": sorted(os.environ.items()),
    "file": __file__,
    "main": [main.__dict__ is globals(), __name__, __package__, getattr(__spec__, "name", None), sorted(vars(main))],
    "streams": [
        (each.name, each.mode, each.encoding, each.errors, each.line_buffering, each.write_through, each.isatty(), each.seekable())
        for each in streams
    ],
    "signals": {
        number: str(getattr(signal.getsignal(number), "__name__", signal.getsignal(number)))
        for number in sorted(signal.valid_signals())
    },
    "blocked": list(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "leads": os.getsid(0) == os.getpid() == os.getpgid(0),
    "directory": tempfile.tempdir,
    "warnings": repr(warnings.filters),
    "logging": (repr(logging.getLogger().handlers), logging.getLogger().level),
    "bytecode": sys.dont_write_bytecode,
    "locale": locale.setlocale(locale.LC_ALL),
    "threads": threading.active_count(),
    "open": len(os.listdir("/dev/fd")),
    "hooks": [repr(sys.excepthook), repr(sys.unraisablehook), any("_pytest" in type(each).__module__ for each in sys.meta_path)],
    "limits": [sys.getrecursionlimit(), os.umask(0o22)],
    "too early": sorted({"pytest.__main__", "pytest_aisec.cli.__main__", "tests", "mine"} & {*sys.modules}),
}))
"""


def found(make, command, tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["MINE"] = "\udc80"
    options = {"cwd": tmp_path, "env": env, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    with make(command, **options, start_new_session=True) as started:
        return json.loads(started.stdout.read())


def test_it_finds_what_a_new_interpreter_finds(tmp_path) -> None:
    (tmp_path / "mine.py").write_text(LOOKS)
    command = [sys.executable, "-m", "mine", "a", "-b", "\udc80"]
    expected = found(subprocess.Popen, command, tmp_path)
    assert expected == found(forks.start, command, tmp_path)
    assert (True, "mine") == (expected["leads"], expected["main"][3])


def test_a_script_finds_what_it_finds_when_it_is_started(tmp_path, monkeypatch) -> None:
    script = tmp_path / "bin" / "aisec"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\n{LOOKS}")
    script.chmod(0o755)
    monkeypatch.setattr(forks, "AISEC", script)
    expected = found(subprocess.Popen, [script, "a"], tmp_path)
    assert expected == found(forks.start, [script, "a"], tmp_path)
    assert [str(script), "a"] == expected["argv"]


def test_nothing_of_one_run_is_found_by_the_next(run, monkeypatch) -> None:
    monkeypatch.setenv("MINE", "1")
    leaves = (
        "import os, sys, pytest; os.left = pytest.left = 1; os.environ['LEFT'] = '1'; sys.path.append('left')"
    )
    assert 0 == run(leaves).returncode
    monkeypatch.delenv("MINE")
    looks = "import os, sys, pytest; print({*vars(os), *vars(pytest), *os.environ, *sys.path} & {'left', 'LEFT', 'MINE'})"
    assert "set()\n" == run(looks).stdout


@pytest.mark.parametrize(("value", "written"), [("1", False), ("", True)])
def test_bytecode_is_written_unless_the_variable_says_otherwise(run, tmp_path, value, written) -> None:
    (tmp_path / "other.py").write_text("")
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": value}
    assert f"{not written}\n" == run("import other, sys; print(sys.dont_write_bytecode)", env=env).stdout
    assert written == (tmp_path / "__pycache__").exists()


def test_two_runs_draw_different_numbers(run) -> None:
    draws = "import random, tempfile, uuid; print(random.random(), uuid.uuid4(), next(tempfile._get_candidate_names()))"
    assert 6 == len({*run(draws).stdout.split(), *run(draws).stdout.split()})


def test_what_the_package_keeps_in_a_process_is_empty_at_first_but_for_what_is_made_of_it_alone(run) -> None:
    looks = """
import functools, gc, importlib, sys
gc.unfreeze()
for name in ("session.setup", "cli", "report.html", "advisories.index", "catalog.load", "observe.redaction.redact"):
    importlib.import_module(f"pytest_aisec.{name}")
kept = [item for item in gc.get_objects() if isinstance(item, functools._lru_cache_wrapper)]
kept = [item for item in kept if item.__module__.startswith("pytest_aisec")]
filled = {item.__qualname__ for item in kept if item.cache_info().currsize}
alone = {"_environment", "_runs", "_verdicts", "_items", "_cached_adapter", "framework"}
print(len(kept) > 5, filled - alone)
print([name for name in sys.modules if name.startswith("pytest_aisec.controls.")])
"""
    assert "True set()\n[]\n" == run(looks).stdout


def test_time_that_is_up_leaves_nothing_of_the_group(tmp_path) -> None:
    left = tmp_path / "left"
    (tmp_path / "mine.py").write_text(
        f"import subprocess, time\nsubprocess.Popen(['sh', '-c', 'while :; do date >> {left}; sleep 0.05; done'])\ntime.sleep(60)"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        forks.run([sys.executable, "-m", "mine"], cwd=tmp_path, capture_output=True, timeout=3)
    size = left.stat().st_size
    time.sleep(0.3)
    assert size == left.stat().st_size


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    reason="started in the background, where Ctrl-C is ignored",
)
def test_ctrl_c_reaches_the_group_as_a_keyboard_interrupt(tmp_path) -> None:
    text = """
import pathlib, time
try:
    pathlib.Path("began").touch()
    time.sleep(60)
except KeyboardInterrupt:
    raise SystemExit(33)
"""
    started = start(tmp_path, text)
    wait_until((tmp_path / "began").exists)
    assert None is started.poll()
    os.killpg(started.pid, signal.SIGINT)
    assert 33 == started.wait(timeout=30)


def test_runs_may_overlap(tmp_path) -> None:
    text = "import os, pathlib, sys, time\npathlib.Path(f'began-{os.getpid()}').touch()\nwhile not pathlib.Path('end').exists(): time.sleep(0.01)\nsys.exit(3)"
    first, second = (start(tmp_path, text) for _ in range(2))
    wait_until(lambda: len([*tmp_path.glob("began-*")]) == 2)
    short = start(tmp_path, "raise SystemExit(4)")
    assert 4 == short.wait(timeout=60)
    (tmp_path / "end").touch()
    assert (3, 3) == (first.wait(timeout=60), second.wait(timeout=60))


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (["-O"], {}),
        (["-P"], {}),
        ([], {"PYTHONHASHSEED": "1"}),
        ([], {"PYTHONPATH": "x"}),
        ([], {"LC_ALL": "C.UTF-8"}),
        ([], {"TZ": "Asia/Tokyo"}),
    ],
)
def test_what_only_a_new_interpreter_shows_gets_one(tmp_path, options, variables) -> None:
    (tmp_path / "mine.py").write_text("")
    command = [sys.executable, *options, "-m", "mine"]
    with forks.start(
        command, cwd=tmp_path, env={**os.environ, **variables}, stderr=subprocess.DEVNULL
    ) as made:
        assert not isinstance(made, forks.Forked)


def test_assertions_of_plugins_are_rewritten_and_pytest_complains_of_nothing(run, tmp_path) -> None:
    (tmp_path / "test_shown.py").write_text("def test_shown(host): host.check_output('exit 3')")
    shown = run("import pytest; pytest.main(['-q', '-p', 'no:cacheprovider', 'test_shown.py'])").stdout
    assert "assert 3 == 0" in shown
    assert "1 failed in " in shown


STARTS = """
import json, os, subprocess, sys
import execnet
gateway = execnet.makegateway(f"popen//python={sys.executable} -P")
looks = "import os, sys; channel.send([os.getpgid(0), sys.path[0], 'pytest_aisec.plugin' in sys.modules])"
group, first, loaded = gateway.remote_exec(looks).receive()
worker = gateway._io.popen
gateway.exit()
worker.wait(30)
dying = execnet.makegateway("popen")
try:
    dying.remote_exec("import os; os._exit(9)").receive()
except EOFError:
    dying._io.popen.wait(30)
replay = subprocess.run([sys.executable, "-m", "mine", "a"], capture_output=True, text=True)
print(json.dumps([
    worker.returncode, dying._io.popen.returncode, group == os.getpgid(0), first in ("", os.getcwd()),
    loaded, type(worker).__name__, replay.returncode, replay.stdout,
]))
"""


@pytest.mark.skipif(not importlib.util.find_spec("execnet"), reason="xdist is not installed")
def test_a_run_with_workers_starts_them_in_forks_and_finds_the_same(run, request) -> None:
    text = f"import sys\nif sys.argv[1:] == ['a']: print('again'); raise SystemExit(5)\n{STARTS}"
    done = run(text, "-n2")
    forked = "fork" in request.node.callspec.id
    expected = [0, 9, True, False, forked, "Forked" if forked else "Popen", 5, "again\n"]
    assert expected == json.loads(done.stdout), done.stderr
    assert "Popen" in run(text).stdout


def test_a_nurse_ends_with_her_run_whatever_it_is_sent(tmp_path) -> None:
    started = start(tmp_path, "import pathlib, time\npathlib.Path('began').touch()\ntime.sleep(60)", "-n2")
    wait_until((tmp_path / "began").exists)
    os.killpg(started.pid, signal.SIGTERM)
    assert -signal.SIGTERM == started.wait(timeout=30)

    def is_gone():
        try:
            os.killpg(started.pid, 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(is_gone)


def test_a_run_is_in_the_network_of_the_thread_that_starts_it(tmp_path) -> None:
    looks = "import os; print(os.readlink('/proc/self/ns/net'), end='')"
    (tmp_path / "mine.py").write_text(looks)
    command = [sys.executable, "-m", "mine"]
    here = forks.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    assert str(forks.NETWORK.readlink()) == here
    other = subprocess.Popen(["unshare", "--net", "sleep", "60"], stderr=subprocess.DEVNULL)
    try:
        place = Path(f"/proc/{other.pid}/ns/net")
        wait_until(lambda: other.poll() is not None or str(place.readlink()) != here)
        if other.poll() is not None:
            pytest.skip("a network of its own takes root")
        there = str(place.readlink())
        found = []

        def elsewhere() -> None:
            with inside_network(place):
                found.append(forks.run(command, cwd=tmp_path, capture_output=True, text=True).stdout)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert [there] == found
    finally:
        other.kill()
        other.wait()

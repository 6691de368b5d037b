"""The WinRM connection: real HTTP, TLS and NTLM, driven by pywinrm; PowerShell is played (see labkit.winrm)."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.observe.transport.process import Stop, Stopped
from tests.support import forks
from tests.support.winrm import PASSWORD, USER, Answer, Endpoint, Player

QUICK = Limits(timeout=3, connect_timeout=2, cap=4096)
ROOMY = Limits(timeout=3, connect_timeout=2)
"""For many answers together: those of one script may be three times as long as one."""


def echo(question: str) -> Answer:
    """Play a PowerShell that prints what it was asked."""
    return Answer(stdout=question + "\n")


class Lab:
    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory

    def player(self, look=echo, *, certificate: Path | None = None, **changes) -> Player:
        player = Player(look, **changes)
        self._stack.enter_context(Endpoint(player, self._directory, certificate))
        return player

    def target(self, player: Player, query: str = "no_ssl=true", **options):
        spec = f"winrm://{USER}@127.0.0.1:{player.port}" + (f"?{query}" if query else "")
        (target,) = resolve(HostOptions(hosts=spec, limits=QUICK, **options))
        self._stack.callback(target.disconnect)
        return target

    def host(self, player: Player, query: str = "no_ssl=true", limits: Limits = QUICK):
        return self.target(player, query).observed(Transcript(), limits)


@pytest.fixture
def winrm(tmp_path, monkeypatch):
    monkeypatch.setenv("AISEC_WINRM_PASSWORD", PASSWORD)
    with ExitStack() as stack:
        yield Lab(stack, tmp_path)


def fault(host, question: str = "Get-Date") -> Unobservable:
    with pytest.raises(Unobservable) as caught:
        host.run(question)
    return caught.value


def ask_all(host, *questions: str) -> int:
    return host.backend.ask_all({question: question for question in questions})


def test_an_answer_comes_whole(winrm) -> None:
    player = winrm.player(lambda _question: Answer(stdout="grün\n", stderr="oh\n", exit_status=3))
    answer = winrm.host(player).run("Get-Thing")
    assert (3, "grün\n", "oh\n") == (answer.rc, answer.stdout, answer.stderr)


def test_arguments_are_literals_of_powershell(winrm) -> None:
    player = winrm.player()
    host = winrm.host(player)
    host.run("Get-Item %s", 'it\'s $(calc) `n "x" \u2019; calc')
    assert player.questions == ["Get-Item 'it''s $(calc) `n \"x\" \u2019\u2019; calc'"]


@pytest.mark.parametrize(
    "question", ["'quoted' and ''", "two\nlines\n", "müßte 語 \u2018\u2019", "Ask 0 'x'", "$mark='a'+'b'"]
)
def test_any_question_arrives_as_it_was_asked(winrm, question) -> None:
    player = winrm.player()
    assert winrm.host(player).run(question).stdout == question + "\n"
    assert player.questions == [question]


def test_what_leaves_the_script_is_refused(winrm) -> None:
    player = winrm.player()
    winrm.host(player).run("if ($bad) { exit 3 }")
    assert player.questions[0].startswith("throw ")


def test_a_whole_audit_is_one_log_in_and_one_shell_and_leaves_none(winrm) -> None:
    player = winrm.player()
    target = winrm.target(player)
    host = target.observed(Transcript(), QUICK)
    for number in range(5):
        host.run(f"Get-Item {number}")
    assert (1, 1) == (player.log_ins, len(player.open_shells))
    assert [{}] == list(player.open_shells.values()), "a command was left open"
    target.disconnect()
    assert player.open_shells == {}


def test_a_wave_is_one_script_however_long(winrm) -> None:
    player = winrm.player()
    host = winrm.host(player, limits=ROOMY)
    questions = [f"Get-Item '{number:0300d}'" for number in range(150)]
    assert ask_all(host, *questions) == 1
    assert player.questions == questions
    assert len(player.scripts[0]) > 40_000
    assert max(map(len, player.lines)) < 1000


def test_more_than_a_script_holds_is_split(winrm) -> None:
    player = winrm.player()
    host = winrm.host(player, limits=ROOMY)
    assert ask_all(host, *(f"Get-Item '{number:02000d}'" for number in range(60))) > 1
    assert len(player.questions) == 60


def test_the_password_is_in_no_message(winrm) -> None:
    player = winrm.player()
    winrm.host(player).run("Get-Date")
    assert PASSWORD not in str(player.scripts + player.lines)


def test_output_may_come_late_and_in_pieces(winrm) -> None:
    player = winrm.player(piece=7, quiet=3)
    assert winrm.host(player).run("Get-Date").stdout == "Get-Date\n"


def test_a_question_that_hangs_is_a_timeout_and_the_others_are_answered(winrm) -> None:
    player = winrm.player(lambda question: Answer(hangs="slow" in question, stdout="x\n"))
    host = winrm.host(player)
    ask_all(host, "first", "slow", "last")
    assert ["x\n", "x\n"] == [host.run(name).stdout for name in ("first", "last")]
    assert fault(host, "slow").reason == "timeout"
    assert len(player.open_shells) == 1, "the shell in which it may still run was left open"


def test_a_broken_connection_loses_only_what_was_not_answered(winrm) -> None:
    broken = iter([True])
    player = winrm.player(
        lambda question: Answer(breaks="second" in question and next(broken, False), stdout="x\n")
    )
    host = winrm.host(player)
    ask_all(host, "first", "second", "third")
    assert ["x\n"] * 3 == [host.run(name).stdout for name in ("first", "second", "third")]
    assert player.questions.count("first") == 1


def test_a_connection_that_always_breaks_is_no_answer(winrm) -> None:
    player = winrm.player(lambda question: Answer(breaks=True))
    assert fault(winrm.host(player)).reason in {"unreachable", "internal"}


def test_a_long_answer_is_truncated_not_believed(winrm) -> None:
    player = winrm.player(lambda _question: Answer(stdout="x" * 5000))
    assert fault(winrm.host(player)).reason == "truncated"


def test_a_cmdlet_that_is_not_there_is_a_missing_tool(winrm) -> None:
    player = winrm.player(lambda _question: Answer(stderr="no such\n", exit_status=127))
    assert fault(winrm.host(player)).reason == "tool_missing"


def test_constrained_powershell_is_said(winrm) -> None:
    found = fault(winrm.host(winrm.player(mode="ConstrainedLanguage")))
    assert ("privilege", True) == (found.reason, "ConstrainedLanguage" in found.detail)


def test_a_host_without_powershell_is_said(winrm) -> None:
    found = fault(
        winrm.host(winrm.player(says="'powershell' is not recognized as an internal or external command"))
    )
    assert "tool_missing" == found.reason


def test_a_wrong_password_is_auth(winrm, monkeypatch) -> None:
    player = winrm.player()
    monkeypatch.setenv("AISEC_WINRM_PASSWORD", "another-one")
    found = fault(winrm.host(player))
    assert "auth" == found.reason
    assert "another-one" not in found.detail
    assert player.scripts == []


def test_a_log_in_that_may_not_use_winrm_is_auth(winrm) -> None:
    assert "auth" == fault(winrm.host(winrm.player(refuses_shells=True))).reason


def test_nobody_there_is_unreachable(winrm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "unreachable" == fault(winrm.host(Player(echo, port=port))).reason


def test_silence_is_unreachable_after_one_timeout(winrm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = winrm.host(
            Player(echo, port=server.getsockname()[1]),
            "no_ssl=true&read_timeout_sec=2&operation_timeout_sec=1",
        )
        started = time.monotonic()
        assert "unreachable" == fault(host).reason
        assert time.monotonic() - started < 8
        assert "unreachable" == fault(host, "Get-Item").reason


def test_something_else_on_the_port_is_unreachable(winrm) -> None:
    import http.server
    import threading

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = fault(winrm.host(Player(echo, port=server.server_address[1])))
        server.shutdown()
    assert "unreachable" == found.reason


def test_a_stopped_run_waits_for_nothing(winrm) -> None:
    player = winrm.player(quiet=1000)
    stop = Stop()
    host = winrm.target(player).observed(Transcript(), QUICK, stop)
    stop.set()
    with pytest.raises(Stopped):
        host.run("Get-Date")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    import ipaddress

    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def test_an_unknown_certificate_is_refused_before_anything_is_said(winrm, certificate) -> None:
    player = winrm.player(certificate=certificate)
    found = fault(winrm.host(player, ""))
    assert ("auth", 0) == (found.reason, player.log_ins)
    assert "certificate" in found.detail


def test_a_known_certificate_is_accepted(winrm, certificate, monkeypatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    player = winrm.player(certificate=certificate)
    assert winrm.host(player, "").run("Get-Date").stdout == "Get-Date\n"


def test_any_certificate_is_accepted_where_that_is_asked_for(winrm, certificate) -> None:
    player = winrm.player(certificate=certificate)
    assert winrm.host(player, "no_verify_ssl=true").run("Get-Date").stdout == "Get-Date\n"


def test_hosts_of_an_inventory(winrm, tmp_path, monkeypatch) -> None:
    if not any((Path(entry) / "ansible-inventory").exists() for entry in os.environ["PATH"].split(":")):
        pytest.skip("no Ansible")
    monkeypatch.delenv("AISEC_WINRM_PASSWORD")
    player = winrm.player()
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(
        f"all: {{hosts: {{ws-17: {{ansible_connection: winrm, ansible_host: 127.0.0.1, ansible_port: {player.port}, "
        f"ansible_winrm_scheme: http, ansible_user: {USER}, ansible_password: {PASSWORD}}}}}}}\n",
        encoding="utf-8",
    )
    (target,) = resolve(HostOptions(hosts="ansible://ws-17", ansible_inventory=str(inventory), limits=QUICK))
    assert ("ansible://ws-17", "winrm") == (target.name, target.connection)
    assert target.observed(Transcript(), QUICK).run("Get-Date").stdout == "Get-Date\n"
    target.disconnect()


def test_a_host_without_a_password_is_a_usage_error(monkeypatch) -> None:
    monkeypatch.delenv("AISEC_WINRM_PASSWORD", raising=False)
    with pytest.raises(UsageProblem, match="AISEC_WINRM_PASSWORD"):
        resolve(HostOptions(hosts="winrm://auditor@ws-17"))


PACK = '''
from pytest_aisec import Host, control


@control("EX-WIN-01", severity="high", remediation="x", platforms=("windows",))
def test_time(host: Host) -> None:
    """The service runs.

    Why.
    """
    state = host.run("(Get-Service %s).Status", "W32Time").stdout.strip()
    assert host.run("Get-Secret").stdout and state == "Running"


@control("EX-LIN-01", severity="high", remediation="x")
def test_linux(host: Host) -> None:
    """This is Linux.

    Why.
    """
    assert host.run("true").rc == 0
'''


SECRET = "hf_" + "a" * 36
LOOK = {"(Get-Service 'W32Time').Status": "Running\n", "Get-Secret": f"token {SECRET}\n"}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the pack's profile and returns the outcomes by host and control."""
    pack = tmp_path / "pack"
    (pack / "controls").mkdir(parents=True)
    (pack / "profiles").mkdir()
    (pack / "controls" / "test_win.py").write_text(PACK, encoding="utf-8")
    (pack / "profiles" / "ws.yaml").write_text(
        "id: ws\ntitle: W\nversion: 1.0.0\ncontrols: {EX-WIN-*: {}, EX-LIN-*: {}}\n", encoding="utf-8"
    )
    common = [sys.executable, "-m", "pytest", "--aisec-profile", "ws", "--aisec-path", str(pack)]

    def once(name: str, *more: str) -> dict[str, dict[str, str]]:
        done = forks.run(
            [*common, *more, "--aisec-evidence", name],
            cwd=tmp_path,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, dict[str, str]] = {}
        for item in json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8"))["results"]:
            found.setdefault(item["host"], {})[item["control"]] = item["outcome"]
        return found

    return once


def test_an_audit_and_its_replay(winrm, tmp_path, run) -> None:
    """From the command line, in waves; the bundle alone gives the same verdicts, and holds no credential."""
    player = winrm.player(lambda question: Answer(stdout=LOOK[question]))
    name = f"winrm://{USER}@127.0.0.1:{player.port}"
    expected = {name: {"EX-WIN-01": "passed", "EX-LIN-01": "not_applicable"}}
    assert expected == run("seen", f"--hosts={name}?no_ssl=true")
    assert (1, 2) == (player.log_ins, len(player.scripts))
    assert player.open_shells == {}
    asked = len(player.questions)
    assert expected == run("replayed", "--aisec-replay", "seen")
    assert asked == len(player.questions)
    kept = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "seen").rglob("*.json*"))
    assert "«redacted:huggingface:" in kept
    assert SECRET not in kept
    assert PASSWORD not in kept


def test_what_was_learned_is_asked_in_the_language_of_the_host(winrm, tmp_path, run) -> None:
    player = winrm.player(lambda question: Answer(stdout=LOOK[question]))
    name = f"winrm://{USER}@127.0.0.1:{player.port}"
    expected = {
        name: {"EX-WIN-01": "passed", "EX-LIN-01": "not_applicable"},
        "local://": {"EX-WIN-01": "not_applicable", "EX-LIN-01": "passed"},
    }
    assert expected == run("first", f"--hosts={name}?no_ssl=true,local://")
    scripts = len(player.scripts)
    assert expected == run("second", f"--hosts={name}?no_ssl=true,local://")
    assert (2, 1) == (scripts, len(player.scripts) - scripts)
    assert set(LOOK) == set(player.questions)
    kept = (tmp_path / "second" / "transcripts" / "local.jsonl").read_text(encoding="utf-8")
    assert ["uname -s", "true"] == sorted(
        (json.loads(line)["command"] for line in kept.splitlines()), reverse=True
    )

from __future__ import annotations

import base64
import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from testinfra.host import Host

from pytest_aisec.catalog import resolve
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.judge import evaluate
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.script import powershell
from pytest_aisec.observe.script.posix import Framed
from pytest_aisec.observe.script.powershell import BOOTSTRAP, PowerShellBatch, quote
from pytest_aisec.observe.transcript import Observation, Transcript

CAP = 1 << 20
HOSTS = Path(__file__).parents[3] / "scenarios" / "windows"


def batch(*questions: str) -> PowerShellBatch:
    return PowerShellBatch(questions, timeout=30, cap=CAP)


def token(of: PowerShellBatch) -> str:
    found = re.search(r"^\$mark='([0-9a-f]{16})'\+'([0-9a-f]{16})'$", of.script, re.MULTILINE)
    assert found
    return found[1] + found[2]


def answer(mark: str, number: int, out: str = "", err: str = "", status: int = 0, end: str = "\r\n") -> bytes:
    packed = [base64.b64encode(text.encode()).decode() for text in (out, err)]
    line = f"{mark}<{number}{end}{mark}>{number} {status} {packed[0]} {packed[1]} {mark}{end}"
    return line.encode()


def test_whole_answers_are_read() -> None:
    asked = batch("a", "b")
    mark = token(asked)
    printed = answer(mark, 0, "x\n") + answer(mark, 1, "", "no\n", -5, end="\n")
    expected = [
        Framed(exit_status=0, stdout=b"x\n", stderr=b""),
        Framed(exit_status=-5, stdout=b"", stderr=b"no\n"),
    ]
    assert expected == asked.read(printed, b"")
    watch = asked.watch(CAP)
    watch.look(bytearray(printed), bytearray())
    assert (True, False, [0, 1]) == (watch.complete, watch.too_long, [*watch.times])


@pytest.mark.parametrize("cut", range(1, 60))
def test_no_part_of_an_answer_is_believed(cut) -> None:
    asked = batch("a")
    printed = answer(token(asked), 0, "some words")
    assert [None] == asked.read(printed[:-cut], b"")


def test_noise_is_not_believed_but_does_no_harm() -> None:
    asked = batch("a")
    mark = token(asked)
    whole = answer(mark, 0, "x")
    other = answer("0" * 32, 0, "forged")
    assert b"x" == asked.read(b"banner\r\n" + other + whole + other, b"")[0].stdout
    assert [None] == asked.read(other, b"")
    assert [None] == asked.read(whole.replace(b"eA==", b"e=A="), b"")
    assert [None] == asked.read(f"{mark}>0 0   {mark}\n".encode(), b""), "an end without a beginning"


def test_the_marker_is_in_no_listing_of_the_script() -> None:
    asked = batch("a")
    assert token(asked) not in asked.script
    assert token(batch("a")) != token(asked)


def test_the_end_of_time_is_seen() -> None:
    asked = batch("a", "b")
    mark = token(asked)
    printed = answer(mark, 0, "x") + f"{mark}<1\r\n{mark}!1\r\n".encode()
    assert (1, True) == (asked.begun(printed), asked.ended_by_watchdog(printed))
    assert asked.read(printed, b"")[1] is None


def test_an_answer_that_never_ends_is_noticed() -> None:
    asked = batch("a")
    watch, stream = asked.watch(1000), bytearray(f"{token(asked)}<0\r\n".encode())
    watch.look(stream, bytearray())
    assert not watch.too_long
    stream += b"A" * 10_000
    watch.look(stream, bytearray())
    assert watch.too_long


@given(st.text())
def test_a_literal_cannot_be_left(text: str) -> None:
    quoted = quote("%s", text)
    assert quoted[0] == quoted[-1] == "'"
    inside = re.sub("['\u2018\u2019\u201a\u201b]{2}", "", quoted[1:-1])
    assert not re.search(
        "['\u2018\u2019\u201a\u201b]", re.sub(r"(['\u2018\u2019\u201a\u201b])\1", "", quoted[1:-1])
    )
    assert "'" not in inside


def test_without_arguments_nothing_is_formatted() -> None:
    assert quote("100 %s %d") == "100 %s %d"


@given(st.text(st.characters(codec="utf-8")))
def test_every_question_is_plain_ascii_and_one_call(text: str) -> None:
    script = batch(text).script
    assert script.isascii()
    assert "\r" not in script
    assert script.count("\nAsk 0 ") == 1


@pytest.mark.parametrize("question", ["exit", "if(1){exit 3}", "EXIT 1", "a;exit"])
def test_exit_is_refused(question) -> None:
    assert "\nAsk 0 'throw " in batch(question).script


@pytest.mark.parametrize("question", ["$exit", "Get-Exit", "exits", "x.exit", "'exit'", "-exit"])
def test_what_only_looks_like_it_is_not(question) -> None:
    assert "throw" not in batch(question).script.rpartition("\nAsk 0 ")[2]


def test_the_program_fits_a_command_line_and_cmd_sees_nothing_in_it() -> None:
    assert len(BOOTSTRAP) < 1000
    assert BOOTSTRAP.count('"') == 2
    assert not set("%!^\n") & set(BOOTSTRAP)


def syntax_errors(text: str) -> list[str]:
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    data = text.encode()
    nodes = [tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(data).root_node]
    wrong = []
    while nodes:
        node = nodes.pop()
        nodes += node.children
        if node.type == "ERROR" or (node.is_missing and node.type != " "):  # it wants `a, b`; `a,b` is right
            wrong.append(data[node.start_byte : node.end_byte].decode()[:200])
    return wrong


def test_a_grammar_of_powershell_reads_the_script() -> None:
    """No PowerShell runs here; that its text is PowerShell, at least, somebody else's grammar says."""
    assert syntax_errors("if ( {")
    assert [] == syntax_errors(batch("Get-Date", "it's", "gr\u00fcn", "two\nlines").script)
    assert [] == syntax_errors(BOOTSTRAP.partition(' -Command "')[2].removesuffix('"'))
    assert [] == syntax_errors(powershell._REFUSED)


def test_a_grammar_of_powershell_reads_every_question_of_the_controls() -> None:
    tables = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(HOSTS.glob("*.json"))]
    controls = [item for item in load_catalog([content_root()]).values() if "windows" in item.platforms]
    questions: set[str] = set()

    class Played(Transcript):
        def get(self, command: str) -> Observation:
            questions.add(command)
            (value,) = (value for part, value in table.items() if part in command)
            if isinstance(value, dict) and "registry" in value:
                value = [
                    dict(zip(("path", "name", "value"), (*item.split("|", 1), data), strict=True))
                    for item, data in value["registry"].items()
                ]
            said = value["error"] if isinstance(value, dict) and "error" in value else ""
            return Observation(
                command=command,
                exit_status=int(bool(said)),
                stdout=(value if isinstance(value, str) else json.dumps(value)).encode(),
                stderr=said.encode(),
                started_at="2026-11-25T08:00:00.000Z",
                duration_ms=1,
            )

    for each, control in itertools.product(tables, controls):
        table = each
        backend = ObservingBackend("winrm://u@h", None, Played(), "winrm")
        evaluate.judge(resolve.single(control, {}), Host(backend), Evaluation(now=datetime.now(UTC)))
    assert len(questions) >= len(tables[0]) - 1, "all but what only a virtual desktop is asked"
    assert {} == {question: wrong for question in questions if (wrong := syntax_errors(question))}

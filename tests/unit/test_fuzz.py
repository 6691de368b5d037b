"""What fuzzing began with, and what it found, given to its targets again; `python -m tests.fuzz` looks for more."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.faults import Unobservable
from tests.fuzz import readers, targets
from tests.unit.facts.test_any_answer import READERS

SEEDS = Path(targets.__file__).with_name("seeds")
FILES = sorted(path for path in SEEDS.rglob("*") if path.is_file())
LONGEST = 10.0
"""Seconds of this process for one input, on a slow machine."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_seed_ends_in_a_value_or_in_an_error_of_ours(path: Path) -> None:
    begun = time.process_time()
    targets.TARGETS[path.parent.name](path.read_bytes())
    assert time.process_time() - begun < LONGEST


def test_every_target_has_seeds() -> None:
    assert set(targets.TARGETS) == {path.parent.name for path in FILES}


def test_what_is_no_error_of_ours_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_: str) -> None:
        raise KeyError("x")

    monkeypatch.setitem(readers.FAMILIES, "aws", (breaks,))
    with pytest.raises(KeyError):
        readers.target("aws")(b"")


def test_what_a_reader_cannot_read_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: str) -> None:
        raise Unobservable("parse", "is no policy")

    monkeypatch.setitem(readers.FAMILIES, "aws", (refuses,))
    readers.target("aws")(b"")


def test_a_message_that_says_nothing_is_a_finding() -> None:
    with pytest.raises(AssertionError, match="says nothing"), targets.refusing():
        raise UsageProblem("")


def test_every_reader_of_answers_is_fuzzed() -> None:
    """But for those that are part of another one: their names begin with `_`."""
    tree = ast.parse(Path(readers.__file__).read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {name.rpartition(".")[2] for name in READERS}
    assert len(names) > 60
    assert set() == {name for name in names if not name.startswith("_")} - used

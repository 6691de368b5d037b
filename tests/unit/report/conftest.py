"""Finished runs to render."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import Run
from tests.support import runs


@pytest.fixture
def statements() -> Run:
    return runs.with_statements()


@pytest.fixture
def hostile() -> Run:
    return runs.all_strange()


@pytest.fixture
def make() -> SimpleNamespace:
    """The parts of a run, to put together one's own."""
    return SimpleNamespace(
        control=runs.control,
        observation=runs.observation,
        result=runs.result,
        run=runs.run_of,
        waiver=runs.waiver_info,
        attestation=runs.attestation_info,
    )


@pytest.fixture
def run() -> Run:
    return runs.every_outcome()


@pytest.fixture
def strange() -> str:
    return runs.STRANGE


@pytest.fixture
def rendered(run: Run) -> Callable[[Any], str]:
    def render(with_: Any) -> str:
        return with_.render(run, decide(run))

    return render

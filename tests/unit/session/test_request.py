"""What the options of a run become."""

from __future__ import annotations

import argparse
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_aisec import options
from pytest_aisec.errors import UsageProblem
from pytest_aisec.session.keys import ROOTS
from pytest_aisec.session.request import AuditRequest

HERE = Path("/where/pytest/was/started")


def request_of(
    config: pytest.Config, workerinput: dict[str, Any] | None = None, **given: Any
) -> AuditRequest:
    """Return the request of a run with these options."""
    option = argparse.Namespace(**{**vars(config.option), "aisec_profile": "baseline", **given})
    options.fill(option)
    stash = pytest.Stash()
    stash[ROOTS] = ()
    fake = SimpleNamespace(option=option, stash=stash, invocation_params=SimpleNamespace(dir=HERE))
    if workerinput is not None:
        fake.workerinput = workerinput
    return AuditRequest.from_config(cast("pytest.Config", fake))


def test_a_request_cannot_be_changed(pytestconfig: pytest.Config) -> None:
    with pytest.raises(FrozenInstanceError):
        request_of(pytestconfig).workers = 1  # type: ignore[misc]


def test_paths_are_joined_with_the_directory_of_the_start(pytestconfig: pytest.Config) -> None:
    found = request_of(pytestconfig, aisec_evidence="out", aisec_waivers=["a.yaml", "/b.yaml"])
    assert found.evidence == HERE / "out"
    assert found.waivers == (HERE / "a.yaml", Path("/b.yaml"))
    assert found.redact is None


def test_a_worker_has_what_the_controlling_process_shares(pytestconfig: pytest.Config) -> None:
    found = request_of(pytestconfig, {"aisec": {"private": "/p"}})
    assert (found.is_worker, found.shared) == (True, {"private": "/p"})
    assert not request_of(pytestconfig).is_worker


@pytest.mark.parametrize(("how", "codes"), [("full", [0, 1, 10, 12]), ("simple", [0, 1, 1, 1])])
def test_simple_exits_know_only_0_and_1(pytestconfig: pytest.Config, how: str, codes: list[int]) -> None:
    found = request_of(pytestconfig, aisec_exit=how)
    assert [found.exit_code(code) for code in (0, 1, 10, 12)] == codes


def test_a_refusal_is_a_usage_error_unless_exits_are_simple(pytestconfig: pytest.Config) -> None:
    with pytest.raises(pytest.UsageError, match=r"^no such host$"):
        request_of(pytestconfig).refuse("no such host")
    with pytest.raises(pytest.exit.Exception, match=r"^no such host$") as caught:
        request_of(pytestconfig, aisec_exit="simple").refuse("no such host")
    assert caught.value.returncode == 1


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_limits_that_bound_nothing_are_refused_when_hosts_are_asked_for(
    pytestconfig: pytest.Config, seconds: float
) -> None:
    found = request_of(pytestconfig, aisec_timeout=seconds)
    with pytest.raises(UsageProblem, match="seconds, more than 0"):
        found.host_options()

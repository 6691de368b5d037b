"""Transcripts of a bundle in the place of hosts."""

import re
from dataclasses import dataclass

import pytest

from pytest_aisec.evidence.bundle import Replayable
from pytest_aisec.judge.run import HostInfo
from pytest_aisec.observe.redaction import redact
from pytest_aisec.observe.redaction.given import Patterns
from pytest_aisec.observe.redaction.redact import Own
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.session.replay import Replayed

HOST = HostInfo(
    name="ssh://one", connection="ssh", transcript="transcripts/one.jsonl", observations=1, fault=""
)

SEEN = Observation(
    command="id",
    exit_status=0,
    stdout=b"badge-12",
    stderr=b"",
    started_at="2026-01-01T00:00:00.000Z",
    duration_ms=1,
)


@dataclass(frozen=True, kw_only=True)
class Recorded(Replayable):
    """A bundle whose transcript is there."""

    def load(self, host):
        assert HOST == host
        return [SEEN]


@pytest.fixture
def transcript(tmp_path):
    found = Recorded(started_at="2026-01-01T00:00:00Z", hosts=[HOST], directory=tmp_path)
    return Replayed(found, Patterns()).transcript(HOST.name)


def looked_at(transcript):
    transcript.release()
    return [item.stdout for item in transcript]


def test_what_was_recorded_redacted_is_redacted_once_and_not_at_each_look(transcript, monkeypatch):
    assert [b"badge-12"] == looked_at(transcript)
    monkeypatch.setattr(redact, "redact_bytes", lambda _: pytest.fail("redacted again"))
    assert [b"badge-12"] == looked_at(transcript)


def test_what_this_run_takes_for_a_credential_is_redacted_at_each_look(transcript):
    redact.use([Own("badge", re.compile(r"badge-\d+"))])
    try:
        first, second = looked_at(transcript), looked_at(transcript)
    finally:
        redact.clear_secrets()
    assert [redact.mark("badge", "badge-12").encode()] == first
    assert first == second

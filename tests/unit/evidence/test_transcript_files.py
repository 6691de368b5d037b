from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import transcript_files
from pytest_aisec.judge.run import HostInfo, Run
from pytest_aisec.observe.transcript import Observation, dump

HOST = HostInfo(name="ssh://a", connection="ssh", transcript="transcripts/a.jsonl", observations=2)


def observations(size: int) -> list[Observation]:
    return [
        Observation(
            command=f"cat {number}",
            exit_status=0,
            stdout=b"\xff" + b"x" * size,
            stderr="ä\u2028".encode(),
            started_at="2026-03-01T09:30:00.000Z",
            duration_ms=3,
        )
        for number in range(2)
    ]


def put(directory: Path, lines: list[Observation], host: HostInfo = HOST) -> HostInfo:
    path, content = transcript_files.encode(host, lines)
    (directory / path).parent.mkdir(exist_ok=True)
    (directory / path).write_bytes(content)
    return replace(host, transcript=path)


@pytest.mark.parametrize(("size", "path"), [(10, "transcripts/a.jsonl"), (400_000, "transcripts/a.jsonl.gz")])
def test_a_transcript_is_read_as_it_was(tmp_path: Path, size: int, path: str) -> None:
    host = put(tmp_path, observations(size))
    assert path == host.transcript
    assert observations(size) == transcript_files.read(tmp_path, host)


def test_a_large_transcript_is_compressed_the_same_each_time(tmp_path: Path) -> None:
    host = put(tmp_path, observations(400_000))
    data = (tmp_path / host.transcript).read_bytes()
    assert transcript_files.encode(host, observations(400_000)) == (host.transcript, data)
    assert len(data) < 10_000
    assert dump(observations(400_000), HOST.name).encode() == gzip.decompress(data)
    flags_and_time = data[3:8]
    assert bytes(5) == flags_and_time


def test_the_limit_is_about_the_lines_before_compression() -> None:
    lines = observations(10)
    short = len(dump(lines, HOST.name).encode())
    # Base64 of three more bytes is four more characters.
    lines[0] = replace(lines[0], stdout=b"\xff" + b"x" * (10 + (transcript_files.LARGE - short) // 4 * 3))
    text = dump(lines, HOST.name)
    assert transcript_files.LARGE - 4 < len(text.encode()) <= transcript_files.LARGE
    assert HOST.transcript == transcript_files.encode(HOST, lines)[0]
    lines[1] = replace(lines[1], stderr=b"    " + lines[1].stderr)
    assert HOST.transcript + ".gz" == transcript_files.encode(HOST, lines)[0]


@pytest.mark.parametrize("cut", [0, 1, 9, 20, -9, -1])
def test_a_compressed_transcript_that_is_cut_is_named(tmp_path: Path, cut: int) -> None:
    host = put(tmp_path, observations(400_000))
    at = tmp_path / host.transcript
    at.write_bytes(at.read_bytes()[:cut])
    if cut == 0:
        assert [] == transcript_files.read(tmp_path, host)  # an empty file: the number of lines tells
        return
    with pytest.raises(EvidenceError, match=r"transcripts/a\.jsonl\.gz: is not whole"):
        transcript_files.read(tmp_path, host)


def test_the_transcript_of_another_host_is_none(tmp_path: Path) -> None:
    host = put(tmp_path, observations(10))
    with pytest.raises(EvidenceError, match=r"a\.jsonl: line 1 does not begin the transcript of ssh://b"):
        transcript_files.read(tmp_path, replace(host, name="ssh://b"))


def test_a_line_in_another_spelling_is_named(tmp_path: Path) -> None:
    host = put(tmp_path, observations(10))
    at = tmp_path / host.transcript
    at.write_bytes(at.read_bytes().replace(b'"number":2', b'"number": 2'))
    with pytest.raises(EvidenceError, match=r"a\.jsonl: line 2 is not as it was written"):
        transcript_files.read(tmp_path, host)


def test_hosts_are_read_when_they_are_looked_at(written: Path, run: Run) -> None:
    first, second = run.hosts
    (written / second.transcript).unlink()
    found = transcript_files.Stored(written, run.hosts)
    assert [first.name, second.name] == list(found)
    assert list(run.transcripts[first.name]) == found[first.name]
    with pytest.raises(EvidenceError, match=r"ssh_two\.jsonl: cannot be read: No such file"):
        found[second.name]
    with pytest.raises(KeyError):
        found["ssh://three"]

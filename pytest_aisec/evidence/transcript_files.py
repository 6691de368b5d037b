"""Transcripts as files of a bundle."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import files
from pytest_aisec.judge.run import HostInfo
from pytest_aisec.observe import transcript
from pytest_aisec.observe.transcript import Observation

LARGE = 1_000_000
"""Bytes beyond which a transcript is compressed."""
COMPRESSED = ".gz"
_MOST_IN_LINE = 128 * 1024**2
"""Bytes of one line: both outputs of a command, 8 MiB each, and every character may need six."""
_MOST_IN_ALL = 2 * 1024**3
"""Bytes of a transcript before compression."""


def encode(host: HostInfo, observations: Iterable[Observation]) -> tuple[str, bytes]:
    """Return path in the bundle and content of a host's transcript; a large one is compressed."""
    data = transcript.dump(observations, host.name).encode()
    path = host.transcript.removesuffix(COMPRESSED)
    if len(data) <= LARGE:
        return path, data
    packed = io.BytesIO()
    # Neither name nor time: the same lines give the same file.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream:
        stream.write(data)
    return path + COMPRESSED, packed.getvalue()


def read(directory: Path, host: HostInfo) -> list[Observation]:
    """Return the observations of a host, in the order of its transcript.

    Raises:
        EvidenceError: when the file is not there or is no transcript of that host; it names file and line.

    """
    if ".." in host.transcript.split("/") or host.transcript.startswith("/"):
        raise EvidenceError(f"run.json: the transcript of {host.name} lies outside of the bundle")
    try:
        with files.opened(directory, host.transcript) as stream:
            if not host.transcript.endswith(COMPRESSED):
                return transcript.load(_lines(stream), host.name)
            with gzip.GzipFile(fileobj=stream) as unpacked:
                return transcript.load(_lines(unpacked), host.name)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise EvidenceError(f"{host.transcript}: is not whole: {error}") from None
    except OSError as error:
        raise EvidenceError(f"{host.transcript}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise EvidenceError(f"{host.transcript}: {error}") from None


def _lines(stream: io.BufferedReader | gzip.GzipFile) -> Iterator[bytes]:
    """Yield the lines of a transcript, of which a few bytes, compressed, may be many."""
    size = 0
    while line := stream.readline(_MOST_IN_LINE + 1):
        size += len(line)
        if len(line) > _MOST_IN_LINE or size > _MOST_IN_ALL:
            most = _MOST_IN_LINE if len(line) > _MOST_IN_LINE else _MOST_IN_ALL
            what = "a line" if len(line) > _MOST_IN_LINE else "it"
            raise ValueError(f"{what} has more than {most // 1024**2} MiB")
        yield line


class Stored(Mapping[str, Sequence[Observation]]):
    """Host name → the observations of its transcript, read when they are looked at; one host's are kept.

    Looking raises like `read`.
    """

    def __init__(self, directory: Path, hosts: Sequence[HostInfo]) -> None:
        self._directory = directory
        self._hosts = {host.name: host for host in hosts}
        self._last: tuple[str, Sequence[Observation]] | None = None

    def __getitem__(self, name: str) -> Sequence[Observation]:
        if self._last is None or self._last[0] != name:
            self._last = None
            self._last = name, read(self._directory, self._hosts[name])
        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

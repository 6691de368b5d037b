"""What is fuzzed: each target takes any bytes and ends; what it raises besides our own errors is a finding."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_aisec.advisories import index, sources
from pytest_aisec.catalog import settings
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import load_chain
from pytest_aisec.catalog.yamlfile import parse, read
from pytest_aisec.errors import AisecError
from pytest_aisec.evidence import bundle, verify
from pytest_aisec.evidence.signing import keys, sigstore
from pytest_aisec.judge.waivers import attestation, waiver
from pytest_aisec.observe import transcript
from pytest_aisec.observe.redaction import redact, user_patterns
from pytest_aisec.observe.script import offline
from tests.fuzz import readers

CONTROLS = ("AISEC-NET-01", "AISEC-HST-01")


@contextmanager
def written(data: bytes, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aisec-fuzz-") as directory:
        path = Path(directory) / name
        path.write_bytes(data)
        yield path


@contextmanager
def refusing(*declared: type[Exception]) -> Iterator[None]:
    """Let what is declared be raised, with a message that can be printed."""
    try:
        yield
    except (AisecError, *declared) as problem:
        if not str(problem).strip():
            raise AssertionError("a message that says nothing") from None
        str(problem).encode()


def profiles(data: bytes) -> None:
    with written(data, "some.yaml") as path, refusing():
        load_chain(str(path), [], cwd=path.parent)


def waivers(data: bytes) -> None:
    with written(data, "waivers.yaml") as path, refusing():
        waiver.load([path], CONTROLS)


def attestations(data: bytes) -> None:
    with written(data, "attestations.yaml") as path, refusing():
        attestation.load([path], CONTROLS)


def gates(data: bytes) -> None:
    with written(data, "gate.yaml") as path, refusing():
        parse(read(path), GatePolicy)


def toml(data: bytes) -> None:
    with written(data, settings.FILE) as path, refusing():
        settings.find(path.parent, None)


def patterns(data: bytes) -> None:
    with written(data, "redact.yaml") as path, refusing():
        user_patterns.read(path)


def _advisories(source: Path) -> None:
    with refusing():
        made = source.parent / "index.sqlite"
        sources.update(str(source), made, now=readers.NOW)
        for name in ("torch", "a"):
            index.open_index(made).findings(name, "1.0rc1")


def advisory_records(data: bytes) -> None:
    with written(data, "records.jsonl") as path:
        source = path.parent / "source"
        source.mkdir()
        path.rename(source / path.name)
        (source / "one.json").write_bytes(data)
        _advisories(source)


def advisory_zips(data: bytes) -> None:
    """Read it as a zip file, and as the record in one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.json", data)
    for content in (data, packed.getvalue()):
        with written(content, "all.zip") as path:
            _advisories(path)


def imports(data: bytes) -> None:
    with refusing(ValueError):
        offline.read(data.decode("utf-8", "surrogateescape"))


def bundles(data: bytes) -> None:
    """Verify a directory all of whose files are these bytes, and read each kind of file in it."""
    with written(data, "run.json") as path:
        for name in ("manifest.json", "attestation.intoto.json", "audit.sigstore.json"):
            (path.parent / name).write_bytes(data)
        found = verify.verify(path.parent)
        assert found.problems, "a bundle of equal files holds"
        "\n".join(found.problems).encode()
        with refusing():
            bundle.parse(data, path)
    for reading in (keys.read_envelope, sigstore.read_statement):
        with refusing(ValueError):
            reading(data)


def transcripts(data: bytes) -> None:
    with refusing(ValueError):
        transcript.load(io.BytesIO(data), "local://")


def redaction(data: bytes) -> None:
    """Redact twice: the second time changes nothing, and what is no text becomes no error."""
    text = data.decode("utf-8", "surrogateescape")
    once = redact.redact(text)
    assert once == redact.redact(once), "redacting twice is not redacting once"
    redact.redact_bytes(data)
    with suppress(UnicodeDecodeError):
        assert redact.redact_bytes(data) == redact.redact(data.decode()).encode(), "text and bytes differ"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "advisory-records": advisory_records,
    "advisory-zips": advisory_zips,
    "attestations": attestations,
    "bundles": bundles,
    "gates": gates,
    "imports": imports,
    "patterns": patterns,
    "profiles": profiles,
    "redaction": redaction,
    "settings": toml,
    "transcripts": transcripts,
    "waivers": waivers,
} | {f"readers-{family}": readers.target(family) for family in readers.FAMILIES}

"""The signatures of a bundle: who signs, and whether what is signed is this bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import files, manifest
from pytest_aisec.evidence.bundle import Bundle
from pytest_aisec.evidence.signing import intoto, keys, sigstore
from pytest_aisec.judge.run import Run, Verdict

_ALIKE = ("1.0", "1.1")
"""Versions of the manifest whose statements are worded as those of today. Whoever words them anew raises the
version: those of earlier ones are then about this manifest, of their kind, and not compared any further."""


def sign(signer: keys.Signer, run: Run, verdict: Verdict, listing: bytes) -> Mapping[str, bytes]:
    """Return the files that sign a bundle, by name; raise `EvidenceError` when it cannot be signed.

    Args:
        signer: who signs.
        run: the run.
        verdict: the verdict on it.
        listing: the content of `manifest.json`.

    """
    made = intoto.statements(run, verdict, listing, intoto.code_digest())
    return {f"{what}.{signer.kind}.json": signer.sign(statement) for what, statement in made.items()}


def kind(run: Run) -> str:
    """Return how the bundle of `run` is signed, as a part of file names; empty where it is not."""
    if not run.run.signed_by:
        return ""
    return sigstore.KIND if run.run.signed_by.startswith(sigstore.PREFIX) else keys.KIND


def check(
    directory: Path, bundle: Bundle, key: Any = None, key_name: str = "", *, version: str = _ALIKE[-1]
) -> Iterator[str]:
    """Yield one sentence for each problem of the signatures.

    Args:
        directory: the bundle.
        bundle: what its `run.json` holds.
        key: the public key that must have signed it, as `signing.load_public_key` gives it.
        key_name: its file.
        version: of the manifest.

    """
    how = kind(bundle.run)
    expected = [name for name in manifest.SIGNATURES if how and name.endswith(f".{how}.json")]
    yield from _unexpected(directory, bundle.run, expected)
    if key is not None and how != keys.KIND:
        yield f"{directory}: is not signed by a key, and the one in {key_name} is asked for"
    try:
        listing = files.read(directory, manifest.NAME)
        contents = {name: files.read(directory, name) for name in expected}
    except EvidenceError as error:
        yield str(error)
        return
    read: dict[str, tuple[bytes, str]] = {}
    for name, content in contents.items():
        try:
            read[name] = _read(content, how)
        except ValueError as error:
            yield f"{name}: {error}"
            continue
        if key is not None and how == keys.KIND and not keys.is_signed_by(content, key):
            yield f"{name}: is not signed by the key in {key_name}, or was changed afterwards"
    yield from _statements(bundle, listing, read, is_alike=version in _ALIKE)


def of_others(directory: Path) -> Iterator[str]:
    """Yield which signature files are about another manifest than the one that is there."""
    try:
        digest = hashlib.sha256(files.read(directory, manifest.NAME)).hexdigest()
    except EvidenceError:
        return
    for name in manifest.SIGNATURES:
        try:
            content = files.read(directory, name)
            statement, _ = _read(content, name.split(".")[1])
            subjects = files.load_json(statement)["subject"]
            signed = [item["digest"]["sha256"] for item in subjects if item["name"] == manifest.NAME]
        except (EvidenceError, ValueError, KeyError, TypeError):
            # Not there, or of a form that a later version may have.
            continue
        if signed and digest not in signed:
            yield f"{manifest.NAME}: is not the one that {name} signs"


def _unexpected(directory: Path, run: Run, expected: Sequence[str]) -> Iterator[str]:
    by = run.run.signed_by
    for name in manifest.SIGNATURES:
        if name not in expected and (directory / name).is_file():
            yield f"{name}: does not belong to a run that is {f'signed by {by}' if by else 'not signed'}"


def _read(content: bytes, how: str) -> tuple[bytes, str]:
    """Return statement and signer; the signer is empty where only Sigstore can tell."""
    if how == sigstore.KIND:
        return sigstore.read_statement(content), ""
    return keys.read_envelope(content)


def _statements(
    bundle: Bundle, listing: bytes, read: Mapping[str, tuple[bytes, str]], *, is_alike: bool
) -> Iterator[str]:
    """Yield what the statements say that the bundle does not."""
    by = bundle.run.run.signed_by
    codes = {intoto.code_in(statement) for statement, _ in read.values()} - {""}
    made = intoto.statements(bundle.run, bundle.verdict, listing, next(iter(codes), ""))
    for name, (statement, said) in read.items():
        should = made[name.partition(".")[0]]
        if said and said != by:
            yield f"{name}: is signed by {said}, and run.json says by {by}"
        if _part(statement, "subject") != _part(should, "subject"):
            yield f"{manifest.NAME}: is not the one that {name} signs"
        elif statement != should and (is_alike or _kind(statement) != _kind(should)):
            yield f"{name}: says something else than run.json"


def _kind(statement: bytes) -> tuple[Any, Any]:
    return _part(statement, "_type"), _part(statement, "predicateType")


def _part(statement: bytes, name: str) -> Any:
    try:
        return files.load_json(statement)[name]
    except (ValueError, KeyError, TypeError):
        return None

import math
import posixpath
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_declared, not_applicable, now
from pytest_aisec.facts.artifacts.datasets import Dataset, Listed, Stored, dataset, digests
from pytest_aisec.facts.system.elsewhere import elsewhere
from pytest_aisec.facts.system.files import Entry, leaves

MOST_HASHED = 500
"""Files whose digests are compared at most, however large the dataset."""


@control(
    "AISEC-DAT-02",
    severity="high",
    objectives=["model_integrity", "training_data"],
    atlas_techniques=["AML.T0010.002", "AML.T0019"],
    remediation=(
        'for d in {data_dirs}; do (cd "$d" && find . -type f ! -name MANIFEST.sha256 -exec sha256sum '
        "{} + > MANIFEST.sha256 && chown --reference=. MANIFEST.sha256 && chmod 0640 MANIFEST.sha256); "
        "done  # before that, find out where each file named came from, and restore what was changed"
    ),
)
def test_datasets_match_a_complete_manifest(
    host: Host,
    *,
    data_dirs: list[str] = ["/mnt/ai_training_data"],
    manifest_names: Annotated[list[str], Field(min_length=1)] = [
        "MANIFEST.sha256",
        "MANIFEST.json",
        "SHA256SUMS",
        "croissant.json",
    ],
    fraction: Annotated[float, Field(ge=0, le=1)] = 0.02,
    min_files: Annotated[int, Field(ge=1, le=MOST_HASHED)] = 50,
    max_bytes: Annotated[int, Field(ge=1)] = 2147483648,
) -> None:
    """Datasets match a complete manifest.

    A file that was slipped in or changed poisons every model that is trained on it. All names and sizes are
    compared, and the digests of a random sample that nobody can foresee (500 files at most).
    """
    if not data_dirs:
        not_applicable("no data directory is named", claims=["data_dirs"])
    held = [dataset(host, path, manifest_names) for path in data_dirs]
    differing = dict(_absent(data_dirs, held)) if is_declared("data_dirs") else {}
    samples = []
    for data in held:
        listed = _listed(data)
        for path, what in [*_unlike_manifest(data, listed), *_unlisted(data, listed)]:
            differing.setdefault(path, what)
        samples.append(_sample(data, listed, differing, fraction, min_files))
    for data, sample in zip(held, samples, strict=True):
        if sum(stored.size for stored, _ in sample) <= max_bytes:
            differing.update(_changed(host, sample))
        elif not differing:
            raise Unobservable("truncated", f"{data.top}: the sample is larger than max_bytes, {max_bytes}")
    if not differing and not any(data.stored for data in held):
        not_applicable(
            f"there is no file in {', '.join(data_dirs)}",
            claims=["data_dirs"],
            elsewhere=elsewhere(host, "data", "data_dirs", data_dirs),
        )
    assert _shortened(differing) == {}


def _absent(asked: Sequence[str], held: Sequence[Dataset]) -> Iterator[tuple[str, str]]:
    for path, data in zip(asked, held, strict=True):
        if not data.stored:
            yield path, "declared, but holds no file" if data.trail.end else "declared, but absent"


def _changed(host: Host, sample: Sequence[tuple[Stored, str]]) -> dict[str, str]:
    found = digests(host, [stored.path for stored, _ in sample])
    return {
        stored.path: "not the content that the manifest names"
        for stored, digest in sample
        if found[stored.path] != digest
    }


def _shortened(differing: dict[str, str]) -> dict[str, str]:
    """Keep what a person can read."""
    first = dict(sorted(differing.items())[:100])
    if len(differing) > len(first):
        first["and more"] = f"{len(differing) - len(first)} files"
    return first


def _listed(data: Dataset) -> dict[str, list[Listed]]:
    found: dict[str, list[Listed]] = defaultdict(list)
    for manifest in data.manifests:
        for entry in manifest.files:
            found[entry.path].append(entry)
    return found


def _unlike_manifest(data: Dataset, listed: dict[str, list[Listed]]) -> Iterator[tuple[str, str]]:
    """Yield what the manifests name and the dataset does not hold like that."""
    sizes = {item.path: item.size for item in data.stored}
    inside = data.top.rstrip("/") + "/"
    for path, entries in listed.items():
        if not path.startswith(inside):
            yield path, "a manifest names it, outside the dataset"
        elif path not in sizes:
            yield path, "in the manifest, but absent"
        elif len({entry.digest for entry in entries}) > 1:
            yield path, "manifests name different digests"
        elif any(entry.size not in {None, sizes[path]} for entry in entries):
            yield path, f"{sizes[path]} bytes, and the manifest says otherwise"
        elif all(entry.digest is None for entry in entries):
            yield path, "the manifest names no SHA-256"


def _unlisted(data: Dataset, listed: dict[str, list[Listed]]) -> Iterator[tuple[str, str]]:
    """Yield what the dataset holds and no manifest names, links out of it included."""
    if data.stored and not data.manifests:
        yield data.top, f"{len(data.stored)} files and no manifest"
        return
    manifests = {manifest.path for manifest in data.manifests}
    places = {item.path for item in data.stored} | {posixpath.dirname(item.path) for item in data.stored}
    for item in data.stored:
        if item.kind == "l":
            goal = posixpath.normpath(posixpath.join(posixpath.dirname(item.path), item.target))
            entry = Entry(path=item.path, kind="l", mode=0, owner="", group="", target=item.target)
            if leaves(entry, [data.top]) is not None:
                yield item.path, f"a link out of the dataset, to {item.target}"
            elif not any(place == goal or place.startswith(goal + "/") for place in places):
                yield item.path, f"a link to {item.target}, where no file is"
        elif item.kind != "f":
            yield item.path, "no regular file"
        elif item.path not in listed and item.path not in manifests:
            yield item.path, "not in the manifest"


def _sample(
    data: Dataset,
    listed: dict[str, list[Listed]],
    differing: dict[str, str],
    fraction: float,
    min_files: int,
) -> list[tuple[Stored, str]]:
    """Choose files by a seed that is in the evidence: the start of the run and the directory."""
    candidates = [
        (item, entry.digest)
        for item in data.stored
        if item.kind == "f" and item.path not in differing
        for entry in listed.get(item.path, ())[:1]
        if entry.digest is not None
    ]
    size = min(MOST_HASHED, max(min_files, math.ceil(fraction * len(candidates))))
    if size >= len(candidates):
        return candidates
    chosen = random.Random(f"{now().isoformat()} {data.top}").sample(candidates, size)  # noqa: S311 - recorded, not secret
    return sorted(chosen, key=lambda pair: pair[0].path)

"""Findings of trivy in images: stored reports, or its answer on the host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.formats import json_object, reads
from pytest_aisec.facts.system.rights import ROOT, given_text, with_rights
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Found", "Report", "Reports", "image_reports", "read_report", "read_version", "scan"]

_SEARCH = """\
d=%s
if test -d "$d"; then for f in "$d"/*.json; do
test -f "$f" || continue
grep -lF {patterns} -- "$f"; s=$?; test "$s" -lt 2 || exit "$s"
done; fi
v=$(command -v trivy) && echo "=trivy $v"
if test -e "$d/version.json"; then echo '=stored'
elif test "$v"; then echo '=version'; trivy --version --format json; fi
"""
_SCAN = (
    "TRIVY_CACHE_BACKEND=memory trivy image --quiet --format json --scanners vuln --skip-db-update "
    "--skip-java-db-update --offline-scan %s"
)
"""Fetches nothing, and keeps nothing in its cache of scans (from version 0.53 on)."""

_MOST_BYTES = 7 * 1024 * 1024
"""Of a report; an answer may have little more."""
_HOSTILE = frozenset({"0.69.4", "0.69.5", "0.69.6"})
"""Releases of trivy that somebody else had put there, in March 2026."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One vulnerability in one package."""

    id: str
    """Such as `CVE-2019-14697`."""
    package: str
    installed: str
    fixed: str
    """The version without it; empty where there is none."""
    severity: str
    """`CRITICAL`, `HIGH`, `MEDIUM`, `LOW` or `UNKNOWN`."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Report of trivy on one image."""

    image_id: str
    """64 hexadecimal digits."""
    created_at: datetime
    trivy: str
    """Its version; empty where the report does not say."""
    found: tuple[Found, ...]
    ended: str
    """Name and version of the image's distribution where that gets no more fixes; else empty."""


@dataclass(frozen=True, kw_only=True)
class Reports:
    """Reports on some images."""

    by_image: Mapping[str, Report]
    """Image id → the newest report."""
    database_at: datetime | None
    """When trivy's database of vulnerabilities was made; `None` where nobody says."""
    faults: tuple[Unobservable, ...]
    """Why images have no report, or another than the newest."""


def image_reports(
    host: Host, images: Mapping[str, str], directory: str, is_fresh: Callable[[datetime], bool]
) -> Reports:
    """Return the newest report on each image: from `directory`, or made by trivy on the host.

    Trivy is asked only where no stored report is fresh. `version.json` in the directory holds what
    `trivy --version --format json` printed when the reports were made; without it, the host's trivy is asked.

    Args:
        host: the host to ask.
        images: image id → the name that it runs under.
        directory: where reports lie, as `*.json`.
        is_fresh: tells whether a report of that time is young enough.

    Raises:
        Unobservable: when the directory cannot be searched, or the version is not what trivy prints.

    """
    paths, has_trivy, database_at = _search(host, directory, sorted(images))
    found: dict[str, Report] = {}
    faults: list[Unobservable] = []
    for path in paths:
        try:
            one = _stored(host, path)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if one.image_id not in found or found[one.image_id].created_at < one.created_at:
            found[one.image_id] = one
    for identity, name in images.items():
        stored = found.get(identity)
        if stored is not None and (is_fresh(stored.created_at) or not has_trivy):
            continue
        if not has_trivy:
            faults.append(Unobservable("tool_missing", f"no report on {name} in {directory}, and no trivy"))
            continue
        try:
            one = scan(host, name)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if one.image_id == identity:
            found[identity] = one
        else:
            faults.append(Unobservable("stale", f"{name} is another image now than the one that runs"))
    return Reports(
        by_image={identity: one for identity, one in found.items() if identity in images},
        database_at=database_at,
        faults=tuple(faults),
    )


def _search(host: Host, directory: str, image_ids: Sequence[str]) -> tuple[list[str], bool, datetime | None]:
    """Return the files that name an image, whether trivy is there, and the age of its database."""
    command = _SEARCH.format(patterns=" ".join(["-e %s"] * len(image_ids)))
    answer = host.run(command, directory, *image_ids)
    complaints = answer.stderr.strip()
    if "ermission denied" in complaints:
        raise Unobservable("privilege", complaints.splitlines()[-1])
    text, has_version, version = answer.stdout.partition("=version\n")
    if answer.rc > 1 or (complaints and not has_version):
        raise Unobservable("unreadable", complaints or f"exit status {answer.rc}")
    lines = text.splitlines()
    if not has_version and "=stored" in lines:
        has_version, version = "=stored", _file(host, f"{directory}/version.json")
    return (
        [line for line in lines if not line.startswith("=") and not line.endswith("/version.json")],
        any(line.startswith("=trivy ") for line in lines),
        read_version(version) if has_version else None,
    )


def scan(host: Host, reference: str) -> Report:
    """Let trivy on the host look at an image, with the database that it has.

    Raises:
        Unobservable: when it cannot.

    """
    answer = host.run(_SCAN, reference)
    if answer.rc != 0:
        raise Unobservable("unreadable", f"trivy image {reference}: {answer.stderr.strip()[-300:]}")
    return read_report(answer.stdout, where=f"trivy image {reference}")


def _stored(host: Host, path: str) -> Report:
    """Return the report in a file."""
    return read_report(_file(host, path), where=path)


def _file(host: Host, path: str) -> str:
    """Return the text of a file, read with the rights of whoever could have put it there."""
    text = given_text(host.run(*with_rights(ROOT, 'g "$1"', path, most=_MOST_BYTES)), path)
    if len(text.encode("utf-8", "surrogateescape")) > _MOST_BYTES:
        raise Unobservable("truncated", f"{path}: it is longer than {_MOST_BYTES} bytes")
    return text


@reads
def read_report(text: str, *, where: str) -> Report:
    """Read a report of trivy in JSON, of its schema 2.

    Raises:
        Unobservable: `parse`, when it is no whole report on an image; `unreadable`, when trivy saw no package
            there and so cannot have judged any, or is a release that nobody may trust.

    """
    data = json_object(text, where)
    metadata = data.get("Metadata")
    identity = metadata.get("ImageID") if isinstance(metadata, dict) else None
    if data.get("SchemaVersion") != 2 or data.get("ArtifactType") != "container_image":
        raise Unobservable("parse", f"{where}: not a report of trivy on an image, in schema 2")
    if not isinstance(metadata, dict) or not isinstance(identity, str):
        raise Unobservable("parse", f"{where}: does not say which image")
    trivy = data.get("Trivy")
    version = str(trivy.get("Version", "")) if isinstance(trivy, dict) else ""
    if version.removeprefix("v") in _HOSTILE:
        raise Unobservable("unreadable", f"{where}: made by trivy {version}, which was a hostile release")
    results = data.get("Results") or []
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise Unobservable("parse", f"{where}: Results")
    system = metadata.get("OS")
    classes = {str(item.get("Class")) for item in results}
    if not classes & ({"os-pkgs"} if system else {"os-pkgs", "lang-pkgs"}):
        raise Unobservable("unreadable", f"{where}: trivy saw no package there, or was not asked for them")
    ended = (
        f"{system.get('Family')} {system.get('Name')}"
        if isinstance(system, dict) and system.get("EOSL")
        else ""
    )
    return Report(
        image_id=identity.removeprefix("sha256:"),
        created_at=moment(data.get("CreatedAt"), where),
        trivy=version,
        found=tuple(_found(results, where)),
        ended=ended,
    )


_FIELDS = (
    ("VulnerabilityID", None),
    ("PkgName", None),
    ("InstalledVersion", ""),
    ("FixedVersion", ""),
    ("Severity", None),
)
"""Of a vulnerability, all texts, with what stands for one that is left out."""


@reads
def _found(results: Sequence[Mapping[str, Any]], where: str) -> Iterator[Found]:
    for result in results:
        for item in result.get("Vulnerabilities") or []:
            if not isinstance(item, dict) or not all(
                isinstance(item.get(name, default), str) for name, default in _FIELDS
            ):
                raise Unobservable("parse", f"{where}: not a vulnerability: {item!r:.80}")
            yield Found(
                id=item["VulnerabilityID"],
                package=item["PkgName"],
                installed=item.get("InstalledVersion", ""),
                fixed=item.get("FixedVersion", ""),
                severity=item["Severity"],
            )


@reads
def read_version(text: str) -> datetime | None:
    """Return when the database was made, of what `trivy --version --format json` printed.

    Raises:
        Unobservable: when it printed something else, or the release is hostile.

    """
    data = json_object(text, "the version of trivy")
    version = str(data.get("Version", ""))
    if version.removeprefix("v") in _HOSTILE:
        raise Unobservable("unreadable", f"trivy {version} was a hostile release")
    database = data.get("VulnerabilityDB")
    if not isinstance(database, dict):
        return None
    return moment(database.get("UpdatedAt"), "the database of trivy")


def moment(value: object, where: str) -> datetime:
    """Read a time as Go writes it, with up to nine digits after the second.

    Raises:
        Unobservable: `parse`.

    """
    text = re.sub(r"(\.\d{6})\d+", r"\1", str(value)).replace(" UTC", "")
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Unobservable("parse", f"{where}: no time when it was made: {value!r:.60}") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)

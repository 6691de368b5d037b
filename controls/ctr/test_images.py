import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, now
from pytest_aisec.facts.containers.containers import containers, raise_first
from pytest_aisec.facts.containers.image_reports import Report, Reports, image_reports
from pytest_aisec.facts.containers.inspection import Container

_NOTHING_RUNS = "no container of docker, podman or a CRI runs"
_CLOCKS_DIFFER = timedelta(hours=1)


def _is_young(when: datetime, days: float) -> bool:
    return -_CLOCKS_DIFFER <= now() - when <= timedelta(days=days)


def _weak(found: Report, severities: list[str], *, fixed_only: bool, waived: list[str]) -> Iterator[str]:
    if found.ended:
        yield f"{found.ended} gets no more fixes"
    for item in found.found:
        if item.severity in severities and item.id not in waived and (item.fixed or not fixed_only):
            mended = f"fixed in {item.fixed}" if item.fixed else "not fixed yet"
            yield f"{item.id} {item.severity}: {item.package} {item.installed}, {mended}"


@control(
    "AISEC-CTR-01",
    severity="critical",
    needs_running=True,
    objectives=["container_isolation", "known_vulnerabilities"],
    nist_800_53=["SR-3"],
    atlas_techniques=["AML.T0010.004"],
    remediation=(
        "Rebuild the image on a fixed base, pull it, start the container anew, and leave a report: "
        "trivy image --scanners vuln --format json --output {report_dir}/NAME.json IMAGE && trivy "
        "--version --format json > {report_dir}/version.json"
    ),
    remediation_is_words=(
        "an image is rebuilt where it is built, and the container is started anew by whatever starts "
        "it: a unit, a compose file, an orchestrator"
    ),
)
def test_running_images_have_no_fixable_vulnerability(
    host: Host,
    *,
    severities: list[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"]] = ["CRITICAL", "HIGH"],
    ignore_unfixed: bool = True,
    report_max_age_days: Annotated[float, Field(gt=0)] = 7,
    db_max_age_days: Annotated[float, Field(gt=0)] = 3,
    waived_vulnerabilities: list[str] = [],
    report_dir: str = "/var/lib/aisec/trivy",
) -> None:
    """Running images have no fixable critical or high vulnerability.

    A known hole with a fix is the cheapest way into a model server. Judged are reports of trivy on exactly
    the images that run, or what trivy on the host says with the database that it has; nothing is fetched.
    """
    found = containers(host)
    names = {item.image_id: item.image for item in found.running if item.image_id}
    empty = Reports(by_image={}, database_at=None, faults=())
    seen = (
        image_reports(host, names, report_dir, lambda when: _is_young(when, report_max_age_days))
        if names
        else empty
    )
    wrong = {
        names[identity]: weak
        for identity, one in seen.by_image.items()
        if (weak := list(_weak(one, [*severities], fixed_only=ignore_unfixed, waived=waived_vulnerabilities)))
    }
    if not wrong:
        raise_first(*found.faults, *seen.faults, *_too_old(seen, names, report_max_age_days, db_max_age_days))
        raise_first(
            *(
                Unobservable("unreadable", f"{item.label} {_no_image(item)}")
                for item in found.running
                if not item.image_id
            )
        )
    if not found.running:
        not_applicable(_NOTHING_RUNS)
    assert wrong == {}


def _no_image(item: Container) -> str:
    if item.rootfs or not item.image:
        return "has a directory of the host instead of an image"
    return f"runs {item.image}, and its engine does not say which image that was"


def _too_old(
    seen: Reports, names: dict[str, str], days: float, database_days: float
) -> Iterator[Unobservable]:
    for identity, one in seen.by_image.items():
        if not _is_young(one.created_at, days):
            yield Unobservable("stale", f"the report on {names[identity]} is of {one.created_at:%Y-%m-%d}")
    if names and seen.database_at is None:
        yield Unobservable("stale", "nobody says how old trivy's database was: there is no version.json")
    if seen.database_at is not None and not _is_young(seen.database_at, database_days):
        yield Unobservable("stale", f"trivy's database is of {seen.database_at:%Y-%m-%d}")


_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def _full(reference: str) -> str:
    """Return a reference with the registry that docker adds by itself."""
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"


def _loose(container: Container, approved: list[str], *, tags: bool) -> Iterator[str]:
    """Yield what leaves open which image runs, or whose it is."""
    if container.rootfs or not container.image:
        yield f"no image, but {container.rootfs or 'a root file system'} of the host"
        return
    if re.fullmatch(r"(sha256:)?[0-9a-f]{12,64}", container.image):
        yield f"{container.image}: started by id, so nobody says where it came from"
        return
    whole = _full(container.image)
    name = _DIGEST.sub("", whole)
    repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    if not any(repository == place or repository.startswith(place.rstrip("/") + "/") for place in approved):
        yield f"{whole}: not from an approved registry"
    if not _DIGEST.search(whole):
        if not tags:
            yield f"{whole}: not pinned by digest"
        elif tag in {"", "latest"}:
            yield f"{whole}: no tag but latest"


@control(
    "AISEC-CTR-09",
    severity="high",
    needs_running=True,
    objectives=["container_isolation", "software_supply_chain"],
    atlas_mitigations=["AML.M0014"],
    atlas_techniques=["AML.T0010.004"],
    remediation=(
        "Start the container from REGISTRY/NAME@sha256:DIGEST, which docker images --digests shows, "
        "with REGISTRY/NAME below one of {approved_registries}"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_images_are_pinned_and_from_approved_registries(
    host: Host,
    *,
    approved_registries: list[str] = ["nvcr.io/nvidia"],
    allow_tags: bool = False,
) -> None:
    """Images are pinned by digest from approved registries.

    A tag is whatever its registry says today: who takes over an account or a name there runs code here at
    the next pull.
    """
    found = containers(host)
    wrong = {
        item.label: what
        for item in found.running
        if (what := list(_loose(item, approved_registries, tags=allow_tags)))
    }
    if not wrong:
        raise_first(*found.faults)
    if not found.running:
        not_applicable(_NOTHING_RUNS)
    assert wrong == {}

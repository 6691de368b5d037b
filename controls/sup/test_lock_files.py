from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from pytest_aisec import (
    AbsolutePath,
    Host,
    Reason,
    Unobservable,
    control,
    is_declared,
    not_applicable,
    not_reviewed,
    raise_unless,
    together,
)
from pytest_aisec.facts.software.distributions import Distribution, distributions
from pytest_aisec.facts.software.locks import Locked, is_flat, locked
from pytest_aisec.facts.software.project_formats import ProjectFile, read_project_file
from pytest_aisec.facts.software.projects import CRITICAL_PACKAGES, Projects, projects
from pytest_aisec.facts.system.elsewhere import elsewhere
from pytest_aisec.facts.system.texts import read_files


@control(
    "AISEC-SUP-04",
    severity="medium",
    objectives=["model_integrity", "software_supply_chain"],
    nist_800_53=["CM-14"],
    remediation=(
        "Write the requirements files with hashes: pip-compile --generate-hashes, uv pip compile "
        "--generate-hashes or uv export; or commit a lock file of uv, poetry, pdm or Pipenv, which has "
        "them."
    ),
    remediation_is_words="which tool wrote the files is known to who works on the project",
)
def test_critical_packages_have_hashes(
    host: Host,
    *,
    project_roots: list[str] = ["/opt", "/srv", "/home"],
    critical_packages: list[str] = CRITICAL_PACKAGES,
    require_all: bool = False,
    exclude: dict[AbsolutePath, Reason] = {},
) -> None:
    """Dependency hashes are required for critical ML libraries.

    A version number does not keep whoever controls the index, a mirror or the way to it from serving another
    file under the same number. `exclude` names places that are left out, as patterns, each with the reason.
    """
    if not project_roots or not critical_packages:
        not_applicable("no directory or no package is named", claims=["project_roots", "critical_packages"])
    critical = {canonicalize_name(name) for name in critical_packages}
    seen = projects(host, project_roots, names=() if require_all else critical, exclude=exclude)
    faults = list(seen.faults)
    unhashed: dict[str, list[str]] = {
        root: ["declared, but absent"] for root in seen.absent if is_declared("project_roots")
    }
    pins_any = False
    for file in seen.files:
        if file.kind == "constraints":
            continue
        try:
            pinned = _of_lock(file) if file.kind == "lock" else _of_wishes(seen, file)
        except Unobservable as fault:
            faults.append(fault)
            continue
        for name, without in pinned:
            if require_all or name in critical:
                pins_any = True
                if without:
                    unhashed.setdefault(file.path, []).extend(without)
    raise_unless(unhashed, faults)
    if not unhashed and not pins_any:
        _nothing_pinned(host, project_roots, exclude)
    excluded = {path: [f"left out: {reason}"] for path, reason in exclude.items()}
    assert unhashed | excluded == excluded


def _nothing_pinned(host: Host, project_roots: list[str], exclude: dict[str, str]) -> None:
    left_out = f", but for {', '.join(exclude)}," if exclude else ""
    not_applicable(
        f"no project file below {', '.join(project_roots)}{left_out} pins one of these packages",
        elsewhere=elsewhere(host, "projects", "project_roots", [*project_roots, *exclude]),
    )


def _of_lock(file: ProjectFile) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.name, one.unhashed) for one in locked(file) if not one.is_own]


def _of_wishes(seen: Projects, file: ProjectFile) -> list[tuple[str, tuple[str, ...]]]:
    """Return each package that the file itself pins, with the text that has no hash."""
    _, bounds = seen.along(file)
    elsewhere = seen.resolved(file)
    if file.kind == "source" or file.path.endswith(".in"):
        elsewhere |= seen.compiled(file)
    hashed = {named.name for one in bounds for named in one.named if named.hashes}
    return [
        (named.name, () if named.hashes or named.name in hashed else (named.text,))
        for named in seen.wanted(file)
        if named.is_exact and (named.name not in elsewhere or _is_pip_list(file))
    ]


def _is_pip_list(file: ProjectFile) -> bool:
    return file.kind == "requirements" and file.path.endswith(".txt")


@with_config(ConfigDict(extra="forbid"))
class LockedEnvironment(TypedDict):
    """An environment, and the lock file or exact requirements file that it was made from."""

    path: AbsolutePath
    lock: AbsolutePath


@control(
    "AISEC-SUP-05",
    severity="medium",
    objectives=["software_supply_chain"],
    nist_800_53=["CM-3", "CM-6"],
    nist_csf=["PR.PS-01"],
    iso_27001=["A.8.32"],
    remediation=(
        "Make the environment anew from its lock file: uv sync --frozen, poetry sync, pip-sync or pip "
        "install --require-hashes -r FILE into a fresh environment. The pairs are {environments}."
    ),
    remediation_is_words="an environment is made anew by the tool that made it, while nothing uses it",
)
def test_installed_versions_match_the_lock_file(
    host: Host,
    *,
    environments: list[LockedEnvironment] = [],
    allowed_extra: list[str] = ["pip", "setuptools", "wheel"],
) -> None:
    """Installed versions match the lock file.

    What was installed by hand was reviewed by nobody, and is gone or different after the next rebuild.
    """
    if not environments:
        found, extent = elsewhere(host, "environments", "environments", [])
        if found:
            not_reviewed(f"{found}, each with its lock file")
        not_applicable(f"no environment is declared with its lock file{extent}", claims=["environments"])
    seen, texts = together(
        lambda: distributions(host, [one["path"] for one in environments]),
        lambda: read_files(host, dict.fromkeys((one["lock"] for one in environments), 0)),
    )
    allowed: set[str] = {canonicalize_name(name) for name in allowed_extra}
    different: dict[str, list[str]] = {root: ["declared, but absent"] for root in seen.absent}
    faults = list(seen.faults)
    for one in environments:
        text = texts[one["lock"]]
        if isinstance(text, Unobservable):
            if text.detail.endswith(("No such file or directory", "Not a directory")):
                different[one["lock"]] = ["declared, but absent"]
            else:
                faults.append(text)
            continue
        inside = [found for found in seen.found if found.path.startswith(one["path"].rstrip("/") + "/")]
        try:
            file = read_project_file(one["lock"], text)
            problems = _differences(inside, locked(file), allowed)
            if not seen.faults:
                problems += _missing(inside, locked(file), is_complete=is_flat(file))
        except Unobservable as fault:
            faults.append(fault)
            continue
        if problems and one["path"] not in seen.absent:
            different[one["path"]] = problems
    raise_unless(different, faults)
    assert different == {}


def _differences(installed: list[Distribution], wanted: tuple[Locked, ...], allowed: set[str]) -> list[str]:
    versions: dict[str, set[str]] = {}
    for one in wanted:
        versions.setdefault(one.name, set()).add("" if one.is_own else one.version)
    problems = []
    for found in installed:
        known = versions.get(found.name)
        if known is None and found.name not in allowed:
            problems.append(f"{found.text} is not in the lock file")
        elif known is not None and "" not in known and not _is_one_of(found.version, known):
            problems.append(f"{found.text}, locked is {' or '.join(sorted(known))}")
    return sorted(problems)


def _missing(installed: list[Distribution], wanted: tuple[Locked, ...], *, is_complete: bool) -> list[str]:
    """Return what is locked and not there; lock files for several platforms have more than one needs."""
    if not is_complete:
        return [] if installed else ["nothing is installed"]
    there = {found.name for found in installed}
    absent = {one.name: one.version for one in wanted if not one.is_conditional and one.name not in there}
    return [f"{name} {version} is not installed" for name, version in sorted(absent.items())]


def _is_one_of(version: str, known: set[str]) -> bool:
    if version in known:
        return True
    try:
        return Version(version) in {Version(one) for one in known}
    except InvalidVersion:
        return False

from datetime import date
from typing import Annotated, Literal, NotRequired

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from pytest_aisec import Host, control, is_declared, not_applicable, not_reviewed, now, raise_unless, together
from pytest_aisec.advisories import watchlist as watch
from pytest_aisec.advisories.index import Index
from pytest_aisec.advisories.versions import Match, read_version
from pytest_aisec.facts.software.components import Component, components
from pytest_aisec.facts.software.distributions import Distribution, Distributions, distributions
from pytest_aisec.facts.software.vulnerabilities import fresh_index
from pytest_aisec.facts.system.elsewhere import elsewhere


@with_config(ConfigDict(extra="forbid"))
class AcceptedAdvisory(TypedDict):
    """An advisory that does not count, for a reason and until a day (included, UTC)."""

    id: str
    reason: Annotated[str, Field(min_length=1)]
    expires: date
    package: NotRequired[str]


def _is_requirement(text: str) -> str:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"{text!r} is no name with versions such as name>=1,<2: {error}") from None
    if requirement.url or requirement.marker or requirement.extras:
        raise ValueError(f"{text!r} may have a name and versions, nothing else")
    return text


Release = Annotated[str, AfterValidator(_is_requirement)]


def _absent(seen: Distributions) -> dict[str, list[str]]:
    return {root: ["declared, but absent"] for root in seen.absent if is_declared("env_roots")}


@control(
    "AISEC-SUP-01",
    severity="critical",
    objectives=["known_vulnerabilities"],
    nist_800_53=["CM-8"],
    cis_v8_1=["2.1"],
    remediation=(
        "In the environment that is named, install a version outside the range that stands beside each "
        "advisory: ENVIRONMENT/bin/pip install --upgrade PACKAGE (and renew its lock file), or "
        "uninstall it."
    ),
    remediation_is_words="the version that fits is found by who can test the environment",
)
def test_no_vulnerable_package_is_installed(
    host: Host,
    *,
    env_roots: list[str] = ["/usr/lib", "/usr/lib64", "/usr/local", "/opt", "/srv", "/home", "/root"],
    fail_cvss: Annotated[float, Field(ge=0, le=10)] = 7.0,
    unscored: Literal["review", "fail", "ignore"] = "review",
    db_max_age_days: Annotated[float, Field(ge=0)] = 14,
    accepted: list[AcceptedAdvisory] = [],
) -> None:
    """Python environments contain no known vulnerable package at or above the threshold.

    Known holes in the ML stack are what attackers try first. Packages of the operating system do not count:
    their maintainers mend them under the old number.
    """
    seen = distributions(host, env_roots)
    vulnerable = _absent(seen)
    if not seen.own and not seen.faults and not vulnerable:
        kind = "other than those of the operating system's packages" if seen.found else "at all"
        not_applicable(
            f"no Python distribution {kind} below {', '.join(env_roots)}",
            elsewhere=elsewhere(host, "environments", "env_roots", env_roots),
        )
    index = fresh_index(db_max_age_days)
    waived = {
        (one["id"], canonicalize_name(one["package"]) if "package" in one else None)
        for one in accepted
        if one["expires"] >= now().date()
    }
    unclear: dict[str, list[str]] = {}
    for one in seen.own:
        for finding in index.findings(one.name, one.version):
            if any((name, package) in waived for name in finding.ids for package in (None, one.name)):
                continue
            has_no_score = finding.score is None and not finding.is_malicious
            if not has_no_score and not finding.is_malicious and (finding.score or 0) < fail_cvss:
                continue
            if has_no_score and unscored == "ignore":
                continue
            is_certain = finding.is_certain and not (has_no_score and unscored == "review")
            where = f"{one.text} in {one.where}"
            (vulnerable if is_certain else unclear).setdefault(where, []).append(finding.text)
    raise_unless(vulnerable, seen.faults)
    if not vulnerable and unclear:
        named = "; ".join(f"{where}: {', '.join(texts)}" for where, texts in unclear.items())
        not_reviewed(f"a person has to tell whether this is affected ({index.describe(now())}): {named}")
    compared = f"{len(seen.own)} distributions with {index.describe(now())}"
    observed = {"compared": compared, "vulnerable": vulnerable, "perhaps": unclear}
    assert observed == {"compared": compared, "vulnerable": {}, "perhaps": {}}


@with_config(ConfigDict(extra="forbid"))
class WatchedVersions(TypedDict):
    """Versions of a component to watch for: from `introduced` to `fixed` (without it) or `last_affected`."""

    component: str
    id: str
    introduced: NotRequired[str]
    fixed: NotRequired[str]
    last_affected: NotRequired[str]


@control(
    "AISEC-SUP-02",
    severity="critical",
    objectives=["known_vulnerabilities"],
    nist_csf=["ID.RA-05"],
    atlas_techniques=["AML.T0049"],
    remediation=(
        "Install a version outside the range that stands beside each entry, from the vendor's "
        "repository or with pip, and restart what runs the old one; until then cut its ports off."
    ),
    remediation_is_words="the version that fits is found by who can test the host, and it needs a restart",
)
def test_components_are_outside_the_watch_list(
    host: Host,
    *,
    env_roots: list[str] = ["/usr/lib", "/usr/lib64", "/usr/local", "/opt", "/srv", "/home", "/root"],
    watchlist: Literal["builtin", "none"] = "builtin",
    extra_entries: list[WatchedVersions] = [],
) -> None:
    """AI-infrastructure components are outside the watch-list of exploited or critical versions.

    These holes give code on the machine, often without a log-in. Judges what is installed: a server that has
    not been restarted since its upgrade may still be older, and images are judged where they are built.
    """
    seen, software = together(lambda: distributions(host, env_roots), lambda: components(host))
    listed = _absent(seen)
    unclear: list[str] = []
    entries = [*(watch.builtin().entries if watchlist == "builtin" else ()), *map(_entry, extra_entries)]
    there = [
        *(Component(name=one.name, version=one.version, where=one.where) for one in seen.own),
        *(one for one in software.found if not one.is_packaged),
    ]
    watched = {entry.component for entry in entries}
    for one in there:
        for entry in entries:
            if entry.component != one.name:
                continue
            match = entry.advisory.match(read_version(one.version, is_program=one.is_program))
            text = f"{', '.join(entry.advisory.names)}: {entry.advisory.bounds} ({entry.source})"
            if match is Match.YES:
                listed.setdefault(f"{one.name} {one.version}, {one.where}", []).append(text)
            elif match is Match.UNCLEAR:
                unclear.append(f"{one.name} {one.version or 'of unknown version'}, {one.where}: {text}")
    faults = [*seen.faults, *software.faults]
    raise_unless(listed, faults)
    if not listed and not any(one.name in watched for one in there):
        not_applicable(
            "none of the watched components is installed, other than by the operating system",
            elsewhere=elsewhere(host, "environments", "env_roots", env_roots),
        )
    if not listed and unclear:
        not_reviewed(f"a person has to tell whether this is affected: {'; '.join(unclear)}")
    assert listed == {}


def _entry(one: WatchedVersions) -> watch.Watched:
    events: list[tuple[str, str]] = [("introduced", one.get("introduced", "0"))]
    if "fixed" in one:
        events.append(("fixed", one["fixed"]))
    if "last_affected" in one:
        events.append(("last_affected", one["last_affected"]))
    component = canonicalize_name(one["component"]) if one["component"] != "llama.cpp" else "llama.cpp"
    return watch.watched(component, ids=(one["id"],), events=tuple(events), source="the profile")


@control(
    "AISEC-SUP-08",
    severity="critical",
    objectives=["software_supply_chain", "known_vulnerabilities"],
    nist_800_53=["IR-4", "SI-3"],
    cis_v8_1=["10.1"],
    atlas_techniques=["AML.T0011.001", "AML.T0104"],
    remediation=(
        "This is an incident: isolate the host, keep it for the investigation, and rotate every "
        "credential that could be reached from it. Build the environment anew elsewhere from known "
        "releases; remove the release from lock files, mirrors and caches."
    ),
    remediation_is_words="an incident is worked on by people",
)
def test_no_malicious_release_is_installed(
    host: Host,
    *,
    env_roots: list[str] = ["/usr/lib", "/usr/lib64", "/usr/local", "/opt", "/srv", "/home", "/root"],
    malicious_releases: list[Release] = [
        "litellm==1.82.7",
        "litellm==1.82.8",
        "pytorch-lightning==2.6.2",
        "pytorch-lightning==2.6.3",
        "ultralytics>=8.3.41,<8.3.47",
        "torchtriton",
    ],
    extra: list[Release] = [],
    index: bool = True,
    db_max_age_days: Annotated[float, Field(ge=0)] = 14,
) -> None:
    """No package release known to be malicious is installed.

    Such a release has already run its author's code here, with every credential of who installed it.
    """
    seen = distributions(host, env_roots)
    malicious = _absent(seen)
    unclear: list[str] = []
    for one in seen.found:
        for text in [*malicious_releases, *extra]:
            listed = _is_listed(one, Requirement(text))
            if listed:
                malicious.setdefault(f"{one.text} in {one.where}", []).append(f"listed: {text}")
            elif listed is None:
                unclear.append(f"{one.text} in {one.where} (listed: {text})")
    if not seen.found and not seen.faults and not malicious:
        not_applicable(
            f"no Python distribution below {', '.join(env_roots)}",
            elsewhere=elsewhere(host, "environments", "env_roots", env_roots),
        )
    if index and not malicious:
        malicious, more = _in_index(seen, fresh_index(db_max_age_days))
        unclear += more
    raise_unless(malicious, seen.faults)
    if not malicious and unclear:
        not_reviewed(f"a person has to tell whether this is malicious: {'; '.join(unclear)}")
    assert malicious == {}


def _in_index(seen: Distributions, index: Index) -> tuple[dict[str, list[str]], list[str]]:
    """Return what the index calls malicious, and what it may mean."""
    malicious: dict[str, list[str]] = {}
    unclear = []
    for one in seen.found:
        for finding in index.findings(one.name, one.version):
            if finding.is_malicious and finding.is_certain:
                malicious.setdefault(f"{one.text} in {one.where}", []).append(finding.text)
            elif finding.is_malicious:
                unclear.append(f"{one.text} in {one.where} ({finding.text})")
    return malicious, unclear


def _is_listed(one: Distribution, listed: Requirement) -> bool | None:
    """Tell whether `one` is a listed release; `None` where its version does not tell."""
    if one.name != canonicalize_name(listed.name):
        return False
    if not listed.specifier:
        return True
    try:
        return listed.specifier.contains(Version(one.version), prereleases=True)
    except InvalidVersion:
        return None

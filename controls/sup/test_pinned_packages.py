from packaging.utils import canonicalize_name

from pytest_aisec import AbsolutePath, Host, Reason, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.software.projects import CRITICAL_PACKAGES, projects
from pytest_aisec.facts.system.elsewhere import elsewhere


@control(
    "AISEC-SUP-03",
    severity="high",
    objectives=["software_supply_chain"],
    nist_800_53=["CM-2", "CM-3"],
    nist_csf=["PR.PS-01"],
    iso_27001=["A.8.9"],
    atlas_techniques=["AML.T0109"],
    remediation=(
        "Pin each of {critical_packages} with == in the requirements files below {project_roots}, or "
        "commit a lock file (uv lock, poetry lock, pip lock, pipenv lock, conda-lock)."
    ),
    remediation_is_words="which versions belong into the files is known to who works on the project",
)
def test_critical_packages_are_pinned(
    host: Host,
    *,
    project_roots: list[str] = ["/opt", "/srv", "/home"],
    critical_packages: list[str] = CRITICAL_PACKAGES,
    exclude: dict[AbsolutePath, Reason] = {},
) -> None:
    """Critical ML libraries are pinned to exact versions in every project.

    Whoever publishes a malicious release, or takes over a maintainer's account, reaches every machine that
    installs the newest version. `exclude` names places that are left out, as patterns, each with the reason.
    """
    if not project_roots or not critical_packages:
        not_applicable("no directory or no package is named", claims=["project_roots", "critical_packages"])
    critical = {canonicalize_name(name) for name in critical_packages}
    seen = projects(host, project_roots, names=critical, exclude=exclude)
    loose: dict[str, list[str]] = {
        root: ["declared, but absent"] for root in seen.absent if is_declared("project_roots")
    }
    names_any = False
    for file in seen.files:
        if file.kind not in {"requirements", "source"}:
            continue
        pinned_elsewhere = seen.resolved(file) | (
            seen.compiled(file) if file.kind == "source" else frozenset()
        )
        for named in seen.wanted(file):
            if named.name in critical:
                names_any = True
                if not named.is_exact and named.name not in pinned_elsewhere:
                    loose.setdefault(file.path, []).append(named.text)
    raise_unless(loose, seen.faults)
    if not loose and not names_any:
        left_out = f", but for {', '.join(exclude)}," if exclude else ""
        not_applicable(
            f"no project file below {', '.join(project_roots)}{left_out} names one of these packages",
            elsewhere=elsewhere(host, "projects", "project_roots", [*project_roots, *exclude]),
        )
    excluded = {path: [f"left out: {reason}"] for path, reason in exclude.items()}
    assert loose | excluded == excluded

from pytest_aisec import Host, Unobservable, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.software.index_settings import PackageSource
from pytest_aisec.facts.software.package_indexes import package_sources


@control(
    "AISEC-SUP-06",
    severity="high",
    objectives=["software_supply_chain"],
    nist_800_53=["SR-5"],
    atlas_techniques=["AML.T0011.001", "AML.T0060"],
    remediation=(
        "Use one index for each package: a single index-url at one of {allowed_hosts} over https, or a "
        "uv index with explicit = true; remove extra-index-url, trusted-host and index-strategy = "
        "unsafe-*."
    ),
    remediation_is_words="which index has the packages is known to who works with them",
)
def test_package_indexes_cannot_be_confused(
    host: Host,
    *,
    allowed_hosts: list[str] = [
        "pypi.org",
        "files.pythonhosted.org",
        "download.pytorch.org",
        "pypi.nvidia.com",
        "repo.anaconda.com",
        "conda.anaconda.org/conda-forge",
        "conda.anaconda.org/nvidia",
        "conda.anaconda.org/pytorch",
    ],
    allow_extra_index: bool = False,
    project_roots: list[str] = ["/opt", "/srv", "/home"],
) -> None:
    """Package indexes cannot be confused or downgraded.

    Where a second index is searched, whoever publishes the name of an internal package there with a higher
    version runs code on every machine that installs it.
    """
    seen = package_sources(host, project_roots)
    faults = list(seen.faults)
    unsafe: dict[str, list[str]] = {
        root: ["declared, but absent"] for root in seen.absent if is_declared("project_roots")
    }
    for source in seen.sources:
        if source.role not in {"unverified", "strategy", "extra"} and "$" in source.value:
            faults.append(Unobservable("parse", f"{source.where}: {source.value} depends on a variable"))
            continue
        problem = _problem(source, allowed_hosts, allow_extra_index=allow_extra_index)
        if problem:
            unsafe.setdefault(source.where, []).append(problem)
    raise_unless(unsafe, faults)
    if not unsafe and not seen.files:
        not_applicable("no configuration of pip, uv, poetry or conda, and no project file")
    assert unsafe == {}


def _problem(source: PackageSource, allowed_hosts: list[str], *, allow_extra_index: bool) -> str:
    if source.role == "unverified":
        return f"the certificate is not checked: {source.value}"
    if source.role == "strategy":
        return f"index-strategy {source.value}" if source.value.startswith("unsafe") else ""
    if source.role == "extra" and not allow_extra_index:
        return f"another index is searched besides: {source.value}"
    if source.is_local:
        return ""
    if source.scheme != "https":
        return f"not https: {source.value}"
    return "" if source.is_at(allowed_hosts) else f"not at an allowed host: {source.value}"

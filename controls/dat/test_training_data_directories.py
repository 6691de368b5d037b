from collections.abc import Iterator

from pytest_aisec import Host, Mode, Unobservable, control, is_declared, not_applicable
from pytest_aisec.facts.system.elsewhere import elsewhere
from pytest_aisec.facts.system.files import Entry, ResolvedPath
from pytest_aisec.facts.system.listings import Trees, other_names, trees
from pytest_aisec.facts.system.tree_access import granted, replaceable


@control(
    "AISEC-DAT-01",
    severity="critical",
    objectives=["training_data"],
    nist_800_53=["AC-3", "AC-6"],
    nist_csf=["PR.AA-05"],
    iso_27001=["A.5.15"],
    cis_v8_1=["3.3"],
    soc2=["C1.1", "CC6.1"],
    owasp_llm=["LLM02:2025"],
    atlas_mitigations=["AML.M0005"],
    atlas_techniques=["AML.T0035"],
    remediation=(
        'for d in {data_dirs}; do chown {owner}:{group} "$d" && setfacl -R -b "$d" && chmod '
        '{dir_mode_max} "$d" && chmod -R o= "$d"; done  # what lies below under other names, in other '
        "places too; and let nobody but root and {owner} write the directories above"
    ),
)
def test_training_data_directories_are_private(
    host: Host,
    *,
    data_dirs: list[str] = ["/mnt/ai_training_data"],
    dir_mode_max: Mode = "0700",
    owner: str = "ai_user",
    group: str = "ai_team",
) -> None:
    """Training data directories are mode 0700 and owned ai_user:ai_team.

    Whoever can write training data can poison every model trained on it; whoever can read it can take it.
    Files in a directory that nobody else may enter are not open, whatever their mode, unless they have
    another name outside or are mounted elsewhere.
    """
    if not data_dirs:
        not_applicable("no data directory is named", claims=["data_dirs"])
    limit = int(dir_mode_max, 8)
    others = 0o7 & ~limit
    test = f"-perm /{others:04o}" if others else "-false"
    seen = trees(host, data_dirs, test)
    asked = [trail for path, trail in seen.trails.items() if path in data_dirs]
    matching, fault = _reachable(host, seen, test, limit)
    fault = seen.fault or fault
    open_to: dict[str, list[str]] = {}
    for path, what in [
        *_tops(asked, dir_mode_max, owner, group),
        *replaceable(seen, owner, group, limit),
        *((entry.path, f"{entry.summary}, open to others") for entry in matching),
        *granted(seen, owner, group, limit),
    ]:
        open_to.setdefault(path, []).append(what)
    if not open_to and fault is not None:
        raise fault
    if not open_to and all(trail.end is None for trail in asked):
        not_applicable(
            f"there is no directory {', '.join(data_dirs)}",
            claims=["data_dirs"],
            elsewhere=elsewhere(host, "data", "data_dirs", data_dirs),
        )
    assert open_to == {}


def _reachable(host: Host, seen: Trees, test: str, limit: int) -> tuple[list[Entry], Unobservable | None]:
    """Return the entries that others can get to, and why there may be more."""
    tops = {
        trail.end.path
        for trail in seen.trails.values()
        if trail.end is not None and trail.end.kind == "d" and not trail.end.mode & 0o001
    }
    team = limit >> 3 & 0o7 if limit & 0o010 else 0o7
    closed = {
        entry.path: entry
        for entry in seen.matching
        if not entry.mode & 0o7 & ~team and any(entry.path.startswith(f"{top.rstrip('/')}/") for top in tops)
    }
    fault = None
    if closed:
        try:
            others = other_names(host, sorted(tops), test)
        except Unobservable as unknown:
            others, fault = (), unknown
        for name in others:
            shown = [path for path in closed if path == name or path.startswith(f"{name}/")]
            for path in shown:
                del closed[path]
    return [entry for entry in seen.matching if entry.path not in closed], fault


def _tops(asked: list[ResolvedPath], mode: str, owner: str, group: str) -> Iterator[tuple[str, str]]:
    for trail in asked:
        top = trail.end
        if top is None:
            if trail.fault is None and is_declared("data_dirs"):
                yield trail.path, "declared, but absent"
            continue
        if top.kind != "d":
            yield trail.path, "no directory"
        if top.exceeds(int(mode, 8)):
            yield trail.path, f"{top.summary}, more than {mode}"
        if (top.owner, top.group) != (owner, group):
            yield trail.path, f"{top.summary}, not owned {owner}:{group}"

from collections.abc import Iterator

from pytest_aisec import (
    Host,
    Mode,
    Unobservable,
    control,
    is_declared,
    not_applicable,
    raise_unless,
    together,
)
from pytest_aisec.facts.system.accounts import Cache, model_caches
from pytest_aisec.facts.system.elsewhere import elsewhere
from pytest_aisec.facts.system.files import Entry, ResolvedPath, quoted, trails
from pytest_aisec.facts.system.listings import Trees, trees
from pytest_aisec.facts.system.tree_access import granted, replaceable


@control(
    "AISEC-ART-03",
    severity="critical",
    objectives=["model_confidentiality"],
    remediation=(
        'for d in {model_dirs}; do chown -R {owner}:{group} "$d" && setfacl -R -b "$d" && find "$d" '
        "-type d -exec chmod {dir_mode_max} {} + -o -type f -exec chmod {file_mode_max} {} +; done; "
        'for c in /root/.cache /home/*/.cache; do test ! -d "$c" || chmod -R go-w "$c"; done  # and '
        "let nobody but root and {owner} write the directories above"
    ),
)
def test_model_directories_are_private(
    host: Host,
    *,
    model_dirs: list[str] = ["/srv/models"],
    dir_mode_max: Mode = "0750",
    file_mode_max: Mode = "0640",
    owner: str = "ai_user",
    group: str = "ai_team",
) -> None:
    """Model directories are private to the serving account.

    Whoever can read the weights can copy them; whoever can write them, or the caches that libraries load
    code from unchecked, runs code as the serving account.
    """
    if not model_dirs:
        not_applicable("no model directory is named", claims=["model_dirs"])
    directory_limit, file_limit = int(dir_mode_max, 8), int(file_mode_max, 8)
    (ways, seen), (caches, faults) = together(
        lambda: _directories(host, model_dirs, owner, group, limits=(directory_limit, file_limit)),
        lambda: _model_caches(host),
    )
    tops = [trail.end for trail in ways.values() if trail.end is not None]
    faults = [seen.fault, *faults] if seen.fault else faults
    open_to: dict[str, list[str]] = {}
    absent = [path for path, trail in ways.items() if trail.end is None and trail.fault is None]
    modes = {"d": dir_mode_max, "other": file_mode_max}
    for path, what in [
        *((path, "declared, but absent") for path in absent if is_declared("model_dirs")),
        *replaceable(seen, owner, group, directory_limit),
        *_entries(list(dict.fromkeys([*tops, *seen.matching])), modes, owner, group),
        *granted(seen, owner, group, directory_limit),
        *_caches(caches),
    ]:
        open_to.setdefault(path, []).append(what)
    raise_unless(open_to, faults)
    if not open_to and not tops and not caches:
        named = ", ".join(model_dirs)
        not_applicable(
            f"no model directory ({named}) and no cache of an ML library",
            claims=["model_dirs"],
            elsewhere=elsewhere(host, "weights", "model_dirs", model_dirs),
        )
    assert open_to == {}


def _directories(
    host: Host, model_dirs: list[str], owner: str, group: str, *, limits: tuple[int, int]
) -> tuple[dict[str, ResolvedPath], Trees]:
    """Return the ways to the directories, and what in them is more open than `limits`: directories, files."""
    directory_limit, file_limit = limits
    ways = trails(host, model_dirs)
    tops = [trail.end for trail in ways.values() if trail.end is not None]
    tests = [
        f"-type d -perm /{0o777 & ~directory_limit:04o}" if 0o777 & ~directory_limit else "-false",
        f"! -type d -perm /{0o777 & ~file_limit:04o}" if 0o777 & ~file_limit else "-false",
        # find refuses names that the host does not know; then the top itself is not owned as it should be
        f"! -user {quoted(owner)}" if any(top.owner == owner for top in tops) else "-false",
        f"! -group {quoted(group)}" if any(top.group == group for top in tops) else "-false",
    ]
    return ways, trees(host, model_dirs, " -o ".join(tests))


def _model_caches(host: Host) -> tuple[tuple[Cache, ...], list[Unobservable]]:
    try:
        found = model_caches(host)
    except Unobservable as fault:
        return (), [fault]
    return found.caches, found.faults


def _entries(
    entries: list[Entry], modes: dict[str, str], owner: str, group: str
) -> Iterator[tuple[str, str]]:
    for entry in entries:
        limit = modes["d" if entry.kind == "d" else "other"]
        if entry.exceeds(int(limit, 8)):
            yield entry.path, f"{entry.summary}, more than {limit}"
        if (entry.owner, entry.group) != (owner, group):
            yield entry.path, f"{entry.summary}, not owned {owner}:{group}"


def _caches(caches: tuple[Cache, ...]) -> Iterator[tuple[str, str]]:
    for cache in caches:
        for entry in cache.writable:
            yield entry.path, f"{entry.summary}, a cache that others than its owner may write"
        if cache.top.owner not in {*cache.accounts, "root"}:
            yield cache.top.path, f"{cache.top.summary}, a cache of {' or '.join(cache.accounts)}"

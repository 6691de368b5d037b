import posixpath
import re
from fnmatch import fnmatchcase

from pytest_aisec import Host, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.software.import_paths import Hook, ImportPath, import_paths
from pytest_aisec.facts.system.elsewhere import elsewhere

_NAME = r"[A-Za-z_][\w.]*"
_WRITTEN_BY_TOOLS = {
    "distutils-precedence.pth": (
        r"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; "
        r"enabled = os\.environ\.get\(var, '(local|stdlib)'\) == 'local'; "
        r"enabled and __import__\('_distutils_hack'\)(\.add_shim\(\))?;?"
    ),
    "_virtualenv.pth": r"import _virtualenv",
    "__editable__*": r"import (?P<finder>__editable___\w+_finder); (?P=finder)\.install\(\)",
    "*-nspkg.pth": (
        r"import sys, types, os;\s?has_mfs = sys\.version_info > \(3, 5\);\s?"
        r"p = os\.path\.join\(sys\._getframe\(1\)\.f_locals\['sitedir'\], \*\((?:'\w+',? ?)+\)\);\s?"
        r"importlib = has_mfs and __import__\('importlib\.util'\);\s?"
        r"has_mfs and __import__\('importlib\.machinery'\);\s?"
        rf"m = has_mfs and sys\.modules\.setdefault\('(?P<module>{_NAME})', "
        r"importlib\.util\.module_from_spec\(importlib\.machinery\.PathFinder\.find_spec\('(?P=module)', "
        r"\[os\.path\.dirname\(p\)\]\)\)\);\s?"
        r"m = m or sys\.modules\.setdefault\('(?P=module)', types\.ModuleType\('(?P=module)'\)\);\s?"
        r"mp = \(m or \[\]\) and m\.__dict__\.setdefault\('__path__', ?\[\]\);\s?"
        r"\(p not in mp\) and mp\.append\(p\)"
        rf"(;\s?m and setattr\(sys\.modules\['{_NAME}'\], '\w+', m\))?"
    ),
}
"""What stands in the .pth files that common tools write: under these names nothing else is allowed."""


@control(
    "AISEC-SUP-07",
    severity="high",
    objectives=["software_supply_chain"],
    nist_800_53=["AC-6", "CM-5"],
    iso_27001=["A.8.3"],
    cis_v8_1=["2.7"],
    soc2=["CC7.1"],
    atlas_techniques=["AML.T0011.001"],
    remediation=(
        "chmod -R o-w,g-w what is named, and the directories on the way to it; below {service_roots}: "
        "chown -R {service_owner}. Read each .pth or sitecustomize file that is named: remove it, and "
        "treat the host as compromised when nobody knows it, or add NAME@sha256:DIGEST to "
        "pth_allowlist."
    ),
    remediation_is_words="code that runs at every start is evidence, to be looked into before it goes",
)
def test_import_paths_are_closed(
    host: Host,
    *,
    env_roots: list[str] = ["/usr/lib", "/usr/lib64", "/usr/local", "/opt", "/srv", "/home", "/root"],
    service_roots: list[str] = ["/usr", "/opt", "/srv"],
    service_owner: str = "root",
    trusted_groups: list[str] = ["root", "staff"],
    pth_allowlist: list[str] = [
        "distutils-precedence.pth",
        "_virtualenv.pth",
        "__editable__*",
        "*-nspkg.pth",
    ],
) -> None:
    """Import paths are not writable by others and hold no executable .pth hooks.

    Whoever can put a file there runs code as everybody who starts that Python; a .pth or sitecustomize file
    runs even without an import. Access control lists are not looked at.
    """

    def owners(path: str, owner: str) -> list[str]:
        return [service_owner] if _is_below(path, service_roots) else [owner]

    seen = import_paths(host, env_roots, groups=trusted_groups, owners=owners)
    wrong: dict[str, list[str]] = {
        root: ["declared, but absent"] for root in seen.absent if is_declared("env_roots")
    }
    for one in seen.paths:
        allowed = {"root", *owners(one.entry.path, one.entry.owner)}
        problems = [*_ways(one, allowed, trusted_groups), *_entries(one, allowed, trusted_groups)]
        problems += [problem for hook in one.hooks if (problem := _hook(hook, pth_allowlist))]
        if problems:
            named_by = f" (added by {one.named_by})" if one.named_by else ""
            wrong[one.entry.path + named_by] = problems
    raise_unless(wrong, seen.faults)
    if not wrong and not seen.paths:
        not_applicable(
            f"no site-packages or dist-packages below {', '.join(env_roots)}",
            elsewhere=elsewhere(host, "environments", "env_roots", env_roots),
        )
    assert wrong == {}


def _is_below(path: str, roots: list[str]) -> bool:
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def _ways(one: ImportPath, allowed: set[str], groups: list[str]) -> list[str]:
    """Return who could put another directory in its place."""
    problems: list[str] = []
    if one.trail.end is None:
        return problems
    for directory, subjects in one.trail.replaceable_by().items():
        owner = subjects[0].removeprefix("user:")
        for subject in subjects[1:]:
            kind, _, name = subject.partition(":")
            if subject == "others" or (kind == "group" and name not in {*groups, owner}):
                problems.append(f"{directory} on the way may be written by {subject}")
        if owner not in allowed:
            problems.append(f"{directory} on the way belongs to {owner}")
    return problems


def _entries(one: ImportPath, allowed: set[str], groups: list[str]) -> list[str]:
    """Return what is wrong in the tree: each kind once, with its first place and the number of places."""
    places: dict[str, list[str]] = {}
    for entry in one.found:
        is_link = entry.kind == "l"
        if entry.mode & 0o002 and not is_link:
            places.setdefault("may be written by others", []).append(entry.path)
        elif entry.mode & 0o020 and not is_link and entry.group not in {*groups, entry.owner}:
            places.setdefault(f"may be written by group:{entry.group}", []).append(entry.path)
        if entry.owner not in allowed:
            places.setdefault(f"belongs to {entry.owner}", []).append(entry.path)
    more = "at least " if one.is_cut else ""
    return [
        f"{paths[0]} {what}" + (f", and {more}{len(paths) - 1} others" if len(paths) > 1 else "")
        for what, paths in places.items()
    ]


def _hook(hook: Hook, allowlist: list[str]) -> str:
    """Return what is wrong with a hook; nothing where it is allowed."""
    name = posixpath.basename(hook.path)
    for entry in allowlist:
        pattern, _, digest = entry.partition("@sha256:")
        if not fnmatchcase(name, pattern) or (digest and digest.lower() != hook.sha256):
            continue
        known = None if digest else _WRITTEN_BY_TOOLS.get(pattern)
        if known is None or all(re.fullmatch(known, line) for line in hook.statements):
            return ""
    if not hook.statements:
        return f"{name} runs at every start"
    return f"{name} runs at every start: {hook.statements[0][:200]} (sha256:{hook.sha256})"

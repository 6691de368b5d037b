"""Accounts that may read or replace what lies in directory trees, beyond what a mode gives them."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_aisec.facts.system.access_lists import permitted
from pytest_aisec.facts.system.listings import Trees

__all__ = ["granted", "replaceable"]


def replaceable(seen: Trees, owner: str, group: str, limit: int) -> Iterator[tuple[str, str]]:
    """Yield what others may put something else in the place of, and how; root, owner and their group may.

    Args:
        seen: the directories, with the ways to them.
        owner: the account that they belong to.
        group: its group, which may do so where `limit` lets it write.
        limit: the mode that they may have.

    """
    trusted = {"user:root", f"user:{owner}", "group:root"} | ({f"group:{group}"} if limit & 0o020 else set())
    for trail in seen.trails.values():
        if trail.end is not None:
            for place, subjects in trail.replaceable_by(seen.ways).items():
                for subject in sorted(set(subjects) - trusted):
                    yield trail.path, f"replaceable by {subject} through {place}"


def granted(seen: Trees, owner: str, group: str, limit: int) -> Iterator[tuple[str, str]]:
    """Yield what an access control list grants beyond the mode `limit` of `owner` and `group`."""
    for item in seen.access:
        if item.subject in {"user:", "group:"}:
            continue  # what these grant shows in the mode
        allowed = permitted(item.subject, owner=owner, group=group, mode=limit)
        if set(item.grants) - set(allowed) - {"-"}:
            yield item.path, f"ACL {item.text}"

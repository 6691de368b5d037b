"""Typed readings shared by controls: they observe, they never judge."""

from pytest_aisec.facts.files import (
    Account,
    AclEntry,
    Cache,
    Caches,
    Entry,
    Trail,
    Trees,
    accounts,
    model_caches,
    permitted,
    quoted,
    trails,
    trees,
)

__all__ = [
    "Account",
    "AclEntry",
    "Cache",
    "Caches",
    "Entry",
    "Trail",
    "Trees",
    "accounts",
    "model_caches",
    "permitted",
    "quoted",
    "trails",
    "trees",
]

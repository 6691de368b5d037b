"""Typed readings shared by controls: they observe, they never judge."""

from pytest_aisec.facts.software.package_indexes import PackageSource, PackageSources, package_sources
from pytest_aisec.facts.software.project_formats import Named, Option, ProjectFile
from pytest_aisec.facts.software.projects import Projects, projects
from pytest_aisec.facts.system.access_lists import AclEntry, permitted
from pytest_aisec.facts.system.accounts import Account, Cache, Caches, accounts, model_caches
from pytest_aisec.facts.system.credential_files import CredentialFile, CredentialFiles, credential_files
from pytest_aisec.facts.system.files import Entry, ResolvedPath, leaves, quoted, trails
from pytest_aisec.facts.system.listings import Trees, trees

__all__ = [
    "Account",
    "AclEntry",
    "Cache",
    "Caches",
    "CredentialFile",
    "CredentialFiles",
    "Entry",
    "Named",
    "Option",
    "PackageSource",
    "PackageSources",
    "ProjectFile",
    "Projects",
    "ResolvedPath",
    "Trees",
    "accounts",
    "credential_files",
    "leaves",
    "model_caches",
    "package_sources",
    "permitted",
    "projects",
    "quoted",
    "trails",
    "trees",
]

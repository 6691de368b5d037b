"""Make pytest collect the controls of the plan and nothing of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_aisec.catalog.content import ContentRoot, content_roots
from pytest_aisec.errors import UsageProblem
from pytest_aisec.session.keys import PATHS, ROOTS


def prepare(config: pytest.Config, parser: pytest.Parser) -> None:
    """Decide where controls come from, and keep pytest from loading the user's conftests.

    Paths that the user names on the command line win. Then, and only when one of them lies outside of the
    content roots, conftests are loaded as usual.
    """
    namespace = config.known_args_namespace
    dirs = [Path(item) for item in namespace.aisec_path]
    for found in config.pluginmanager.hook.pytest_aisec_content_dirs():
        dirs += [Path(item) for item in found]
    try:
        roots = content_roots(dirs)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    # What configuration files add to the arguments is no wish of the person who started this run.
    invoked = [str(item) for item in config.invocation_params.args]
    given = list(parser.parse_known_args(invoked).file_or_dir)
    for path in given:
        if not namespace.pyargs and not (config.invocation_params.dir / path.partition("::")[0]).exists():
            raise pytest.UsageError(f"file or directory not found: {path}")
    paths = given or [str(root.controls) for root in roots if root.controls.is_dir()]
    config.stash[ROOTS] = roots
    config.stash[PATHS] = paths
    namespace.file_or_dir[:] = paths
    if all(is_content(Path(path.partition("::")[0]).absolute(), roots) for path in paths):
        namespace.noconftest = True


def is_content(path: Path, roots: tuple[ContentRoot, ...]) -> bool:
    """Tell whether `path` lies in the `controls/` of one of the roots."""
    return any(path.is_relative_to(root.controls) for root in roots)


def settle(config: pytest.Config) -> None:
    """Settle what pytest collects and how, whatever configuration files say."""
    paths = config.stash[PATHS]
    config.args = list(paths)
    config.args_source = config.ArgsSource.ARGS
    config.option.importmode = "importlib"
    config.addinivalue_line("python_files", "test_*.py")
    config.addinivalue_line("python_functions", "test_*")
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "no"
    if config.option.reportchars in {"fE", ""}:
        config.option.reportchars = ""


def ignore(path: Path, roots: tuple[ContentRoot, ...], named: Sequence[Path]) -> bool | None:
    """Answer pytest's question whether to ignore `path`: never a control, always what nobody asked for.

    Args:
        path: a file or directory.
        roots: the content roots.
        named: what pytest was told to collect.

    """
    if is_content(path, roots):
        return "__pycache__" in path.parts
    if any(root.controls.is_relative_to(path) for root in roots):
        return None
    return None if any(path.is_relative_to(item) or item.is_relative_to(path) for item in named) else True


def named(wanted: Sequence[str]) -> list[Path]:
    """Return the files and directories that pytest was told to collect; `wanted` may name tests in them."""
    return [Path(item.partition("::")[0]).absolute() for item in wanted]

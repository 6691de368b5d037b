"""The commands that observe hosts and judge them."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from pytest_aisec.cli import completion
from pytest_aisec.cli.root import WithExamples, examples, main
from pytest_aisec.errors import UsageProblem, nearest

_PYTEST_STYLE = {
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": ["--help"],
}


class _Audit(WithExamples):
    """A command that takes the options of pytest as well."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the options of that beginning, also those that pytest takes."""
        return super().shell_complete(ctx, incomplete) + [
            CompletionItem(name, help=text)
            for name, text in completion.pytest_options().items()
            if incomplete and name.startswith(incomplete)
        ]


@main.command(
    cls=_Audit,
    context_settings=_PYTEST_STYLE,
    short_help="Audit hosts against a profile, or what aisec.toml says.",
    epilog=examples(
        "aisec run linux-base",
        "aisec run",
        "aisec run training-node --hosts=ssh://gpu-1,ssh://gpu-2 --sudo",
        "aisec run our-node.yaml --hosts=ssh://gpu-1 --aisec-waivers waivers.yaml -q",
        "aisec run training-node --aisec-replay observed --aisec-evidence judged",
    ),
)
@click.argument("profile", metavar="[NAME|FILE]", required=False, shell_complete=completion.profiles)
@click.argument("pytest_options", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.files)
def run(profile: str | None, pytest_options: tuple[str, ...]) -> int:
    """Audit hosts against a profile, or all that aisec.toml says.

    The same as `pytest --aisec-profile NAME`, independent of where you are: no configuration file of pytest,
    conftest or PYTEST_ADDOPTS is read. Without NAME it is the same as `pytest --aisec`: hosts, profiles and
    waivers come from aisec.toml, or [tool.pytest-aisec] of pyproject.toml, in the current directory. All
    options of pytest, testinfra and pytest-aisec may follow, such as --hosts=ssh://gpu-1 --sudo -v.
    """
    return _pytest(profile, pytest_options)


@main.command(
    cls=_Audit,
    context_settings=_PYTEST_STYLE,
    short_help="Show what `aisec run` would use, and from where.",
    epilog=examples("aisec config", "aisec config --aisec-config fleet.toml"),
)
@click.argument("pytest_options", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.files)
def config(pytest_options: tuple[str, ...]) -> int:
    """Show what `aisec run` would use, and where each value came from.

    Reads aisec.toml, or [tool.pytest-aisec] of pyproject.toml, in the current directory. The options of
    `aisec run` may follow; --aisec-config FILE reads another file.
    """
    return _pytest(None, [*pytest_options, "--aisec-show-config"])


class _Settled:
    """Takes what has been loaded by the beginning of a run out of the garbage collector's sight: it stays.

    Args:
        collects: whether what becomes garbage afterwards is collected.

    """

    def __init__(self, *, collects: bool) -> None:
        self._collects = collects

    def pytest_sessionstart(self) -> None:
        """Let the collector begin with what comes from here on."""
        gc.freeze()
        if self._collects:
            gc.enable()


@contextmanager
def _loading() -> Iterator[_Settled]:
    """Give a plugin of pytest; until that is told, no garbage is collected: loading makes none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield _Settled(collects=enabled)
    finally:
        if enabled:
            gc.enable()


def _pytest(profile: str | None, options: Sequence[str]) -> int:
    with _loading() as settled:
        return _run(profile, options, settled)


def _run(profile: str | None, options: Sequence[str], settled: _Settled) -> int:
    import pytest  # noqa: PLC0415 - only these commands need it

    from pytest_aisec.catalog.content import content_root  # noqa: PLC0415 - likewise

    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    ini = Path(__file__).parents[1] / "hermetic.ini"
    own = ["-c", str(ini), f"--rootdir={content_root().path}", "--noconftest", "-p", "no:cacheprovider"]
    if profile is None or profile.startswith("-"):
        options = [*([profile] if profile else []), *options]
        is_named = any(item.startswith(("--aisec-config", "--aisec-profile")) for item in options)
        own += [] if is_named else ["--aisec"]
    else:
        own.append(f"--aisec-profile={profile}")
    code = int(pytest.main([*own, *options], plugins=[settled]))
    if code == pytest.ExitCode.USAGE_ERROR:
        _suggest(options)
    return code


def _suggest(options: Sequence[str]) -> None:
    """Name what options that pytest has refused may have been meant for."""
    known = completion.pytest_options()
    for name in (option.partition("=")[0] for option in options):
        if name.startswith("--aisec-") and name not in known:
            click.echo(f"no such option: {name}. {nearest(name, known)}", err=True)


@main.command(
    cls=_Audit,
    context_settings=_PYTEST_STYLE,
    epilog=examples(
        "aisec collect training-node --hosts=ssh://gpu-1 --aisec-evidence observed",
        "aisec run training-node --aisec-replay observed",
    ),
)
@click.argument("profile", metavar="[NAME|FILE]", required=False, shell_complete=completion.profiles)
@click.argument("pytest_options", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.files)
def collect(profile: str | None, pytest_options: tuple[str, ...]) -> int:
    """Observe hosts without judging.

    Leaves a bundle of transcripts, to be judged later and elsewhere: `aisec run NAME --aisec-replay BUNDLE`.
    NAME and options are those of `aisec run`. Ends with 0 when every host could be asked, otherwise with 10.
    """
    return _pytest(profile, [*pytest_options, "--aisec-observe-only"])


@main.command(
    "import",
    cls=_Audit,
    context_settings=_PYTEST_STYLE,
    epilog=examples(
        "aisec import training-node gpu-9.txt",
        "aisec import training-node gpu-*.txt --aisec-waivers waivers.yaml",
    ),
)
@click.argument("profile", metavar="NAME|FILE", shell_complete=completion.profiles)
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.files)
def import_(profile: str, output: Path, more: tuple[str, ...]) -> int:
    """Judge what a script of `aisec collect-script` printed.

    Several OUTPUT files are several hosts. Options of `aisec run` may follow. What did not arrive whole is
    `error: no_observation`.
    """
    given = itertools.takewhile(lambda item: not item.startswith("-"), more)
    files = [str(output), *given]
    imported = [f"--aisec-import={path}" for path in files]
    return _pytest(profile, [*imported, *more[len(files) - 1 :]])


@main.command(
    "collect-script",
    short_help="Print a shell script that observes what you cannot reach.",
    epilog=examples(
        "aisec collect-script training-node > audit.sh",
        "sudo sh audit.sh > gpu-9.txt",
        "aisec import training-node gpu-9.txt",
    ),
)
@click.argument("profile", metavar="NAME|FILE", shell_complete=completion.profiles)
@click.option("--aisec-path", "paths", multiple=True, type=click.Path(path_type=Path), help="As for a run.")
@click.option("--aisec-param", "params", multiple=True, metavar="NAME=VALUE", help="As for a run.")
@click.option("--aisec-select", "select", multiple=True, metavar="WHAT", help="As for a run.")
@click.option("--aisec-cache", "cache", type=click.Path(path_type=Path), help="As for a run.")
@click.option("--aisec-timeout", "timeout", default=30.0, show_default=True, help="As for a run.")
def collect_script(
    profile: str,
    paths: tuple[Path, ...],
    params: tuple[str, ...],
    select: tuple[str, ...],
    cache: Path | None,
    timeout: float,
) -> int:
    """Print a shell script that observes a machine you cannot reach.

    It asks what earlier runs of the same profile and parameters asked of hosts: audit or `aisec collect` a
    similar host first. Run it there, by hand or with any tool, and judge its output with `aisec import`.
    """
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.load import load_catalog  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.profile import load_chain  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.resolve import make_plan  # noqa: PLC0415 - likewise
    from pytest_aisec.observe.question_cache import Learned, default_directory  # noqa: PLC0415 - likewise
    from pytest_aisec.observe.script.offline import script  # noqa: PLC0415 - likewise
    from pytest_aisec.session.collector import question_keys  # noqa: PLC0415 - likewise

    roots = content_roots(paths)
    chain = load_chain(profile, roots, cwd=Path.cwd())
    plan = make_plan(chain, load_catalog(roots), params=params, select=select)
    keys = question_keys(plan)
    windows = [planned.id for planned in plan.controls if "windows" in planned.control.platforms]
    learned = Learned(
        {control: key for control, key in keys.items() if control not in windows},
        cache or default_directory(),
    )
    unknown = learned.unknown()
    if len(windows) == len(keys):
        raise UsageProblem(
            f"profile {plan.profile!r} is for Windows, and a shell script cannot observe that; audit it over "
            "WinRM: --hosts=winrm://user@host"
        )
    if len(unknown) + len(windows) == len(plan.controls):
        raise UsageProblem(
            f"nothing is known of what profile {plan.profile!r} asks with these parameters; first run: "
            f"aisec collect {profile} --hosts=…"
        )
    if unknown:
        click.echo(f"not asked for, since no run has had them yet: {', '.join(unknown)}", err=True)
    click.echo(script(learned.everything(), profile=profile, timeout=timeout), nl=False)
    return 0

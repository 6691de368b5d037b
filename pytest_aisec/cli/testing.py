"""The command for those who prove controls of their own."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aisec.cli.root import examples, main

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_aisec.testing.packs import Pack
    from pytest_aisec.testing.running import Tried


@main.command(
    short_help="Prove controls of your own on throw-away hosts.",
    epilog=examples(
        "aisec test pack",
        "aisec test pack --on podman -k EX-CKP-01",
        "aisec test pack --recorded",
        "aisec test pack --on ssh://root@scratch-1 --expendable scratch-1",
    ),
)
@click.argument("pack", type=click.Path(path_type=Path))
@click.option(
    "--on",
    metavar="WHERE",
    help="lab, podman, docker or ssh://HOST; by default the first of the former three that works here.",
)
@click.option("--image", metavar="NAME", help="A Debian for containers [default: debian:bookworm-slim].")
@click.option("--expendable", metavar="HOST", help="HOST of ssh://HOST again: it may be broken.")
@click.option("--ssh-config", metavar="FILE", help="A configuration file of ssh, for ssh://HOST.")
@click.option("--recorded", is_flag=True, help="Judge from recordings alone, without any host.")
@click.option(
    "-k", "only", metavar="ID", multiple=True, help="Only this control, or ID/SCRIPT; with * and ?."
)
def test(
    pack: Path,
    on: str | None,
    image: str | None,
    expendable: str | None,
    ssh_config: str | None,
    *,
    recorded: bool,
    only: tuple[str, ...],
) -> int:
    """Prove the controls of a content pack on throw-away hosts.

    Each script PACK/tests/scenarios/CONTROL-ID/WHAT.OUTCOME.sh brings a fresh host into a state, and the
    audit must give the OUTCOME of its name: pass, fail, na, open or error. It must leave the host unchanged,
    and give the same again from its transcript. What fails must never pass with less seen: as another user,
    without a program, with an answer refused, missing, late, cut or empty. Every control needs a pass and a
    fail. What hosts answered is written to PACK/tests/recordings, which --recorded judges anywhere.

    On ssh://HOST the scripts run as root, one after the other, and nothing is cleaned up.

    Exit code 0 when all is proved, 1 when something is not, 4 when it cannot be tried as asked.
    """
    from pytest_aisec.errors import UsageProblem  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.testing import packs, running  # noqa: PLC0415 - likewise

    chosen = packs.read(pack).narrowed(only)
    if recorded:
        for option, value in (("--on", on), ("--image", image), ("--expendable", expendable)):
            if value is not None:
                raise UsageProblem(f"{option} {value}: --recorded asks no host")
        found = packs.recorded(chosen)
        click.echo(_beginning(chosen, "from recordings"))
        return _shown(chosen, running.recorded(chosen, found))
    return _live(chosen, on, image, expendable, ssh_config, whole=not only)


def _live(
    pack: Pack,
    on: str | None,
    image: str | None,
    expendable: str | None,
    ssh_config: str | None,
    *,
    whole: bool,
) -> int:
    from pytest_aisec.errors import UsageProblem  # noqa: PLC0415 - as above
    from pytest_aisec.testing import running, venues  # noqa: PLC0415 - as above

    for directory in (pack.given / "tests", pack.given / "controls"):
        if not os.access(directory, os.W_OK):
            raise UsageProblem(f"{directory}: cannot be written, and proofs are recorded there")
    done: list[Tried] = []

    def kept(tried: Iterable[Tried]) -> Iterable[Tried]:
        for item in tried:
            done.append(item)
            yield item

    with venues.opened(on, image=image, expendable=expendable, ssh_config=ssh_config) as venue:
        click.echo(_beginning(pack, f"on {venue.label}"))
        code = _shown(pack, kept(running.live(pack, venue)))
    changed = running.keep(pack, done, whole=whole)
    if changed:
        click.echo(f"recorded, to be committed: {', '.join(map(str, changed))}")
    return code


def _beginning(pack: Pack, how: str) -> str:
    controls = len({item.control for item in pack.scenarios})
    return f"{_count(len(pack.scenarios), 'scenario')} of {_count(controls, 'control')}, {how}"


def _shown(pack: Pack, tried: Iterable[Tried]) -> int:
    """Print a line for each scenario as it comes, and what it comes to; return the exit code."""
    started, wrong, number = time.monotonic(), 0, 0
    width = max((len(item.id) for item in pack.scenarios), default=0)
    for item in tried:
        number += 1
        wanted = f"{item.scenario.outcome} {item.scenario.reason}".strip().replace("_", " ")
        ended = wanted if item.is_proved else f"NOT PROVED to be {wanted}"
        click.echo(f"{item.scenario.id:<{width}}  {item.seconds:5.1f} s  {ended}")
        for problem in item.problems:
            click.echo("\n".join(f"    {line}" for line in problem.splitlines()))
        wrong += not item.is_proved
    for name, words in pack.missing.items():
        wrong += 1
        click.echo(f"{name}  NOT PROVED: it has no {' and no '.join(words)} scenario")
    for name in pack.not_provable:
        click.echo(f"{name}  left out: it is for {', '.join(pack.controls[name].platforms)} alone")
    seconds = time.monotonic() - started
    click.echo(
        f"{number} scenarios proved in {seconds:.1f} s"
        if not wrong
        else f"{wrong} not proved, of {_count(number, 'scenario')} in {seconds:.1f} s"
    )
    return 1 if wrong else 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

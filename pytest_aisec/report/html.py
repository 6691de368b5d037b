"""The document an auditor opens first: one HTML file that needs neither network nor script."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pytest_aisec.catalog import frameworks
from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.run import AttestationInfo, ControlInfo, HostInfo, Result, Run, Verdict, WaiverInfo
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report import coverage, grouping, policy
from pytest_aisec.report.coverage import Requirement
from pytest_aisec.report.document import whole
from pytest_aisec.report.grouping import STATUSES, Group, Status
from pytest_aisec.report.text import compact, flowing, is_plain, pieces, pretty, visible

LIMIT = 4096
"""How many characters of an answer are shown; a quarter of it where the control passed."""
COLUMNS = 20
"""Controls side by side in a matrix: what fits on a laptop's screen and on landscape paper."""
FEW = 4
"""How many hosts are named where all of them are named elsewhere."""
WHOLE = 20
"""How many groups of a control are shown with commands and answers; further ones are told in brief."""
STATES = {
    "active": "holds",
    "expiring": "holds, for at most 30 days more",
    "expired": "no longer holds",
    "stale": "what it excuses passes",
    "unused": "nothing in this run needs it",
}
"""Possible states of a waiver or an attestation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One control with all its results."""

    control: ControlInfo
    """As the first group of hosts has it."""
    variants: Sequence[ControlInfo]
    """As each group of hosts has it, those alike once, with all their names in `group`."""
    groups: Sequence[Group]
    references: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    """Framework title → its ids, each with its title where that may be shown."""

    @property
    def status(self) -> Status:
        """The worst of its groups."""
        return self.groups[0].status


def render(run: Run, verdict: Verdict) -> str:
    """Return the HTML report of `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document:
    """The HTML report of a run, written when all hosts are known."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        self._run = run
        self._verdict = verdict
        self._groups = grouping.Groups(LIMIT)
        self._tallies: dict[str, Counter[str]] = {}

    def begin(self) -> Iterable[str]:
        """Yield nothing: the verdict on all hosts comes first."""
        return ()

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterable[str]:
        """Take in the results of one host and what its transcript holds."""
        self._groups.add(host, results, transcript)
        self._tallies[host.name] = Counter(grouping.status(result).key for result in results)
        return ()

    def end(self) -> Iterator[str]:
        """Yield the document."""
        run, environment = self._run, _environment()
        cards = self._cards()
        described = {card.control.id: card.control for card in cards} | run.distinct()
        style, script = (_source(environment, name) for name in ("report.css", "report.js"))
        stream = environment.get_template("report.html.j2").stream(
            run=run,
            verdict=self._verdict,
            meaning=policy.verdict(run, self._verdict),
            rules=[*policy.rules(run.policy)],
            registers=_registers(run),
            waivers={item.id: item for item in run.waivers},
            attestations={item.id: item for item in run.attestations},
            coverages=coverage.by_framework(
                described.values(), {card.control.id: card.groups for card in cards}
            ),
            few=FEW,
            whole=WHOLE,
            used={card.control.severity for card in cards},
            statuses=STATUSES,
            severities=SEVERITIES,
            sections=[(status, [card for card in cards if card.status == status]) for status in STATUSES],
            matrices=_matrices(cards),
            cells=_cells(cards),
            planned=frozenset(run.planned()),
            profiles=[
                (group, [host.name for host in run.hosts if host.group == group.name]) for group in run.groups
            ],
            tallies=self._tallies,
            tally=sum(self._tallies.values(), Counter()),
            style=style,
            script=script,
            style_hash=_digest(style),
            script_hash=_digest(script),
        )
        stream.enable_buffering(1000)
        yield from stream

    def _cards(self) -> list[Card]:
        """Return the controls in the run's order; those that nothing came of are left to the ledger."""
        found = {name: self._groups.of(name) for name in self._groups.controls()}
        known = self._run.distinct()
        described = [*known.values()]
        described += [
            grouping.stand_in(groups[0].first) for name, groups in found.items() if name not in known
        ]
        return [
            Card(
                control=control,
                variants=_variants(control, self._run.controls),
                groups=found[control.id],
                references=[_reference(key, ids) for key, ids in sorted(control.frameworks.items())],
            )
            for control in described
            if control.id in found
        ]


def _variants(control: ControlInfo, described: Iterable[ControlInfo]) -> list[ControlInfo]:
    """Return the descriptions of a control that differ in what is shown of them."""
    found: dict[str, ControlInfo] = {}
    for item in described:
        if item.id == control.id:
            key = pretty([item.severity, item.remediation, item.params, item.declared])
            before = found.get(key)
            found[key] = replace(item, group=f"{before.group}, {item.group}") if before else item
    return [*found.values()] or [control]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pytest_aisec.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        finalize=_finalize,
    )
    environment.filters |= {
        "visible": visible,
        "pretty": pretty,
        "compact": compact,
        "flowing": flowing,
        "utc": _utc,
        "percent": _percent,
        "rows": _rows,
    }
    environment.tests["long"] = _is_long
    environment.globals |= {"cut": lambda text, where: grouping.cut(text, where, LIMIT)}
    return environment


def prepare() -> None:
    """Load and compile what `Document.end` needs: worth doing while something else is waited for."""
    _environment().get_template("report.html.j2")


def _matrices(cards: Sequence[Card]) -> list[Sequence[Card]]:
    """Return the controls of each matrix: as few matrices as there can be, and about equally wide."""
    number = -(-len(cards) // COLUMNS)
    width = -(-len(cards) // number) if number else 0
    return [cards[at * width : (at + 1) * width] for at in range(number)]


def _cells(cards: Iterable[Card]) -> dict[tuple[str, str], Group]:
    """Return the group of each host and control."""
    groups = (group for card in cards for group in card.groups)
    return {(result.host, result.control): group for group in groups for _, result in group.results}


def _registers(run: Run) -> list[tuple[str, list[tuple[str, str, list[WaiverInfo | AttestationInfo]]]]]:
    """Return waivers and attestations, each as a list of a state, its meaning and what is in that state."""
    given: dict[str, Sequence[WaiverInfo | AttestationInfo]] = {
        "waiver": run.waivers,
        "attestation": run.attestations,
    }
    return [
        (
            kind,
            [
                (state, meaning, held)
                for state, meaning in STATES.items()
                if (held := [item for item in items if item.state == state])
            ],
        )
        for kind, items in given.items()
    ]


def _is_long(text: str) -> bool:
    """Tell whether a text would fill a screen, so that it gets a bar of its own to scroll with."""
    return len(text) > 1200 or text.count("\n") > 16


def _reference(key: str, ids: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    try:
        framework = frameworks.framework(key)
    except UsageProblem:
        return key, [(name, "") for name in ids]
    return f"{framework.title} {framework.version}", [(name, framework.ids.get(name) or "") for name in ids]


def _finalize(value: Any) -> Any:
    """Show what an expression of the template gives: escaped, with hidden characters marked."""
    if value is None or hasattr(value, "__html__"):
        return value
    if not isinstance(value, str):
        return visible(value)
    if is_plain(value):
        return escape(value)
    # <i> has no attributes, so it could not even break out of one.
    return Markup("").join(
        Markup("<i>{}</i>").format(piece) if is_hidden else escape(piece)
        for piece, is_hidden in pieces(value)
    )


def _rows(requirements: Sequence[Requirement]) -> Markup:
    """Return list items for requirements, of which a framework has up to a thousand: escaped all at once."""
    fields = [field for item in requirements for field in (item.id, item.title and f" {item.title}")]
    text = "\n".join(fields)
    if not is_plain(text) or text.count("\n") != len(fields) - 1:
        escaped = [str(_finalize(field)) for field in fields]
    else:
        escaped = str(escape(text)).split("\n")
    pairs = zip(escaped[::2], escaped[1::2], strict=True)
    return Markup("\n".join(f"<li><b>{name}</b>{title}</li>" for name, title in pairs))  # noqa: S704 - both are escaped


def _utc(moment: str) -> str:
    """Return an ISO 8601 time in UTC as people read it."""
    return moment.replace("T", " ").removesuffix("Z").removesuffix("+00:00") + " UTC"


def _percent(score: float | None) -> str:
    return "no score: nothing counted" if score is None else f"{score:.2%}"


def _source(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None  # noqa: S101 - given above, and the type allows for none
    return Markup(environment.loader.get_source(environment, name)[0])  # noqa: S704 - a file of this package


def _digest(text: str) -> str:
    """Return the hash by which the document's own policy allows an inline style or script, and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")

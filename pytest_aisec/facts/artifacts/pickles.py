"""Pickles in files on a host: found by content, fetched in parts and never unpickled.

Every file is looked at, whatever its name: it is a pickle, or holds some, or is of a format that is known to
hold none. What is none of these could not be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts import tars, zips
from pytest_aisec.facts.artifacts.arrays import read_array
from pytest_aisec.facts.artifacts.beginnings import OLD_JOBLIB, REFUSED
from pytest_aisec.facts.artifacts.harmless import harmless
from pytest_aisec.facts.artifacts.model_listing import HEAD, ModelFile
from pytest_aisec.facts.artifacts.pickle_walk import OLD_TORCH, Walk, loads
from pytest_aisec.facts.artifacts.sources import InFile, Memory, Packed, Part, Source, is_packed
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Pickle", "Pickles", "pickles"]

_STEPS = (256 * 1024, 1024 * 1024)
_MOST_UNPACKED = 32 * 1024 * 1024
_MOST_MEMBERS = 400
_FOR_MEMBERS = 1_500_000
"""Bytes that are fetched of a file besides its pickles."""
_DEEPEST = 4
_TENSORS = re.compile(
    r"(data|tensors|constants)/\d+|version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/(serialization_id|version)"
)
"""Beside a `data.pkl`, what PyTorch reads as raw numbers and never unpickles."""


@dataclass(frozen=True, kw_only=True)
class Pickle:
    """One pickle, from its first opcode to STOP, or to where no reader goes on."""

    where: str
    """The file, and the member of the archive."""
    data: bytes = field(repr=False)
    walk: Walk = field(repr=False)
    """What happens when it is loaded."""


@dataclass(frozen=True, kw_only=True)
class Pickles:
    """The pickles in one file."""

    file: ModelFile
    what: str
    """The format in words; empty where there is no pickle in it."""
    found: tuple[Pickle, ...]
    faults: tuple[Unobservable, ...]
    """Why there may be more."""

    @property
    def is_pickle_based(self) -> bool:
        """Whether a loader of this format unpickles."""
        return self.what != ""


@dataclass
class _Found:
    what: str = ""
    pickles: list[Pickle] = field(default_factory=list)
    faults: list[Unobservable] = field(default_factory=list)

    def add(self, other: _Found | Unobservable, what: str) -> None:
        if isinstance(other, Unobservable):
            self.faults.append(other)
            return
        self.pickles += other.pickles
        self.faults += other.faults
        if other.what:
            self.what = what


def pickles(host: Host, files: Sequence[ModelFile], *, most: int, contents: bool = True) -> list[Pickles]:
    """Return the pickles in `files`; files that are known to hold none are left out.

    Args:
        host: the host to ask.
        files: any files.
        most: bytes that are fetched of one file; a pickle that goes on after them is `truncated`.
        contents: false when it is enough to know which files have pickles in them.

    """
    others = frozenset(file.path for file in files)
    looking = [_Look(most, contents, others, host, file) for file in files]
    answers = outcomes([look.at_file for look in looking])
    found: list[Pickles] = []
    for file, answer in zip(files, answers, strict=True):
        if isinstance(answer, Unobservable):
            answer = _Found(faults=[answer])  # noqa: PLW2901 - the same in another form
        if answer.what or answer.faults:
            found.append(
                Pickles(file=file, what=answer.what, found=tuple(answer.pickles), faults=tuple(answer.faults))
            )
    return found


class _Look:
    def __init__(
        self,
        most: int,
        contents: bool,  # noqa: FBT001 - handed through
        others: frozenset[str],
        host: Host,
        file: ModelFile,
    ) -> None:
        self.most, self.contents, self.others = most, contents, others
        self.host, self.file = host, file

    def at_file(self) -> _Found:
        """Look at the file that this is about."""
        if self.file.size == 0 or self.file.is_settled:
            return _Found()
        source = InFile(self.host, self.file, self.most + _FOR_MEMBERS)
        if not self.file.ends_as_zip:
            return self.at(source, 0)
        found = _Found()
        answers = outcomes([lambda: self.at(source, 0), lambda: self.at_end(source)])
        if isinstance(answers[0], _Found):
            found.what = answers[0].what
        for answer in answers:
            found.add(answer, found.what)
        return found

    def at_end(self, source: InFile) -> _Found:
        """Refuse an archive that stands behind something else: some loaders begin at the end."""
        head = source.upto(HEAD)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return _Found()
        # The members of a tar archive are looked into anyway; a zip archive among them says where it begins.
        if zips.appended(source, self.file.size, is_moved=not tars.is_tar(head)):
            why = "an archive at the end of something else, which readers see differently"
            raise Unobservable("parse", f"{source.where}: {why}")
        return _Found()

    def at(self, source: Source, depth: int) -> _Found:
        """Look at bytes that are loaded as a whole."""
        head = source.upto(HEAD)
        if not head:
            return _Found()
        found = self.as_pickle(source, head, depth)
        form = self.form(source, head)
        if form is not None and depth >= _DEEPEST:
            raise Unobservable("truncated", f"{source.where}: archives in archives in archives")
        if form is not None and found is None:
            return form(source, depth)
        if form is not None and found is not None:  # made to be read as both
            (also,) = outcomes([lambda: form(source, depth)])
            found.add(also, found.what)
        if found is not None:
            return found
        if not harmless(head, source.size, source.where, self.others):
            why = "no format that is known, so what it holds is not known either"
            raise Unobservable("unreadable", f"{source.where}: {why}")
        return _Found()

    def form(self, source: Source, head: bytes) -> Callable[[Source, int], _Found] | None:
        """Return what looks into an archive or a compressed file; `None` when it is none."""
        for name, beginning in REFUSED:
            if beginning.match(head):
                raise Unobservable("parse", f"{source.where}: {name} archives are not read")
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return self.in_zip
        if head.startswith(b"\x93NUMPY"):
            return self.in_array
        if tars.is_tar(head):
            return self.in_tar
        if OLD_JOBLIB.match(head):
            return self.in_old_joblib
        return self.in_packed if is_packed(head) and self.unpacks(source) else None

    def unpacks(self, source: Source) -> bool:
        """Tell whether something comes out; two letters of a text may look like a compression."""
        packed = self.packed(source)
        try:
            packed.upto(HEAD)
        except Unobservable:
            begun = packed.before_fault(HEAD)
            is_text = harmless(source.upto(HEAD), source.size, source.where) == "text"
            return not is_text or any(walk.runs for walk in loads(begun, size=len(begun)))
        return True

    def as_pickle(self, source: Source, head: bytes, depth: int) -> _Found | None:
        """Return the pickles of which bytes consist; `None` when no reader gets anywhere with them."""
        data, walks, fault = self.walked(source, head)
        last = walks[-1]
        runs = any(walk.runs for walk in walks)
        if not runs and last.state == "broken" and (len(walks) == 1 or not walks[0].is_marked):
            return None
        fault = fault or _incomplete(source.where, walks)
        if fault and not runs and last.state == "open" and not walks[0].is_marked:
            raise fault
        found = _Found(what="pickle", faults=[fault] if fault and self.contents else [])
        for number, walk in enumerate((walk for walk in walks if walk.state == "stop" or walk.runs), 1):
            where = source.where if number == 1 else f"{source.where} (pickle {number})"
            if self.contents:
                found.pickles.append(Pickle(where=where, data=data[walk.start : walk.end], walk=walk))
                for body in walk.nested:
                    found.add(self.inner(Memory(f"{where}: bytes in it", body), depth + 1), "pickle")
        return found

    def walked(self, source: Source, head: bytes) -> tuple[bytes, list[Walk], Unobservable | None]:
        """Return as many bytes as are needed, the pickles in them, and why more cannot be had."""
        data, walks = head, loads(head, size=source.size)
        # A member of an archive is fetched anew each time.
        steps = () if isinstance(source, zips.Stored) else _STEPS
        for end in [*(step for step in steps if step < self.most), self.most]:
            is_sure = walks[0].is_marked or any(walk.runs for walk in walks)
            if walks[-1].state != "open" or (is_sure and not self.contents):
                break
            try:
                data = source.upto(end)
            except Unobservable as fault:
                return data, walks, fault
            walks = loads(data, size=source.size)
        return data, walks, None

    def inner(self, source: Source, depth: int) -> _Found | Unobservable:
        """Look at a part; what is wrong with one part does not hide another."""
        (answer,) = outcomes([lambda: self.at(source, depth)])
        return answer

    def in_tar(self, source: Source, depth: int) -> _Found:
        """Look into each member of a tar archive."""
        if source.size is None:
            source = Memory(source.where, source.whole(_MOST_UNPACKED))
        found = _Found()
        parts: list[Part] = []
        try:
            for part in tars.members(source):
                parts.append(part)  # noqa: PERF402 - those before a fault count
        except Unobservable as fault:
            found.faults.append(fault)
        return self.each(parts, depth, "tar archive with a pickle", found)

    def each(self, parts: Sequence[Source], depth: int, what: str, found: _Found) -> _Found:
        """Add what is in each of `parts`, asked together."""
        for answer in outcomes([lambda part=part: self.at(part, depth + 1) for part in parts]):  # type: ignore[misc]
            found.add(answer, what)
        return found

    def in_zip(self, source: Source, depth: int) -> _Found:
        """Look into each member of a zip archive, but for PyTorch's tensors."""
        if source.size is None:
            source = Memory(source.where, source.whole(_MOST_UNPACKED))
        size = source.size or 0
        members = [member for member in zips.members_in(source, size) if not member.name.endswith("/")]
        tops = {m.name.removesuffix("data.pkl") for m in members if re.search(r"(^|/)data\.pkl$", m.name)}
        wanted = [member for member in members if member.size and not _is_tensor(member.name, tops)]
        if len(wanted) > _MOST_MEMBERS:
            raise Unobservable("truncated", f"{source.where}: more than {_MOST_MEMBERS} members to look into")
        parts = [zips.Stored(source, size, member, most=self.most) for member in wanted]
        return self.each(parts, depth, "zip archive with a pickle", _Found())

    def in_array(self, source: Source, depth: int) -> _Found:
        """Look at what is behind the header of a NumPy array of objects, or behind the array."""
        array = read_array(source)
        if not array.has_objects:
            if array.length is None or source.size is None or array.start + array.length >= source.size:
                return _Found()
            return self.at(Part(source.where, source, array.start + array.length, None), depth + 1)
        what = "NumPy array of objects"
        if not self.contents:
            return _Found(what=what)
        body = Part(source.where, source, array.start, None)
        found = self.as_pickle(body, body.upto(HEAD), depth)
        if found is None:
            found = _Found(
                faults=[Unobservable("parse", f"{source.where}: an array of objects without them")]
            )
        found.what = what
        return found

    def in_packed(self, source: Source, depth: int) -> _Found:
        """Look at what was compressed."""
        found = _Found()
        found.add(self.at(self.packed(source), depth + 1), "compressed pickle")
        return found

    def packed(self, source: Source) -> Packed:
        """Return what was compressed."""
        return Packed(f"{source.where}, decompressed", source, most=self.most, most_unpacked=_MOST_UNPACKED)

    def in_old_joblib(self, source: Source, depth: int) -> _Found:
        """Look at what joblib compressed before 0.10."""
        match = OLD_JOBLIB.match(source.upto(64))
        return self.in_packed(Part(source.where, source, match.end() if match else 0, None), depth)


def _incomplete(where: str, walks: list[Walk]) -> Unobservable | None:
    """Return why `walks` are not all that is in a file."""
    last = walks[-1]
    if last.state == "open":
        return Unobservable("truncated", f"{where}: {last.why}")
    if last.state == "broken":
        return Unobservable("parse", f"{where}: byte {last.start}: not a pickle ({last.why})")
    if walks[0].is_old_torch and len(walks) < OLD_TORCH:
        return Unobservable("parse", f"{where}: PyTorch's five pickles are not all there")
    return None


def _is_tensor(name: str, tops: set[str]) -> bool:
    """Tell whether PyTorch reads a member as raw numbers and never unpickles it."""
    return any(name.startswith(top) and _TENSORS.fullmatch(name[len(top) :]) for top in tops)

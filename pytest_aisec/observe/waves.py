"""Ask every host in a few waves: what the controls will ask is found out before they are evaluated.

Controls only observe, so calling them early is harmless. Each is called against what the host's transcript
holds; a question without an answer stops it. When all have stopped, their questions go to the host together,
and those that stopped are called again, until nothing is left to ask. Their verdicts are thrown away: pytest
evaluates them later, against the transcript.

Threads ask the hosts. Controls are called, and long answers redacted, in the main thread alone: it can be
interrupted while they read what a host has answered; see `quota`.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from testinfra.host import Host

from pytest_aisec.observe.backend import ObservingBackend, Pending
from pytest_aisec.observe.desk import Crew, Desk
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.redaction.redact import redact
from pytest_aisec.observe.transport.process import Stop, Stopped

DEEPEST = 200
"""Waves after which a control that always asks something new is left to its evaluation."""


class Suggestions:
    """Questions for the first wave of a host; none unless a subclass has learned them.

    Used by several threads.
    """

    def suggest(self, _suits: Callable[[str], bool] = lambda _control: True) -> Iterable[str]:
        """Return the commands that a host of this plan is likely to be asked by controls that suit it."""
        return ()

    def unknown(self) -> Collection[str]:
        """Return the controls, by id, of which nothing is known."""
        return ()

    def learn(self, needed: Mapping[str, Iterable[str]]) -> None:
        """Take in which commands each control, by id, asked of one host."""


@dataclass(kw_only=True)
class Collected:
    """Account of how one host was asked."""

    name: str
    waves: int = 0
    scripts: int = 0
    seconds: float = 0.0
    asked: int = 0
    """Questions with an answer in the transcript."""
    needed: dict[str, list[str]] = field(default_factory=dict)
    """Control id → the commands that it asked, as the transcript has them."""
    fault: Unobservable | None = None
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class Work:
    """One host and how to ask it."""

    name: str
    open: Callable[[], Host]
    """Gives the host that controls see."""
    close: Callable[[], None]
    """Ends its connection."""
    suits: Callable[[str], bool] = lambda _control: True
    """Tells whether a control, by id, is written in the language of the host's shell and no other."""
    is_planned: Callable[[str], bool] = lambda _control: True
    """Tells whether a control is to be judged on this host."""


Speculation = Callable[[Host], None]
"""Calls one control on a host; whatever it raises but `Pending` ends it."""


def collect_host(
    work: Work,
    controls: Mapping[str, Speculation],
    suggestions: Suggestions,
    note: Callable[[Collected], None] = lambda _found: None,
    desk: Desk[Collected | None] | None = None,
) -> Collected:
    """Ask one host, wave after wave, until no control has an open question.

    Args:
        work: the host.
        controls: by id.
        suggestions: for the first wave; learns what was needed when the host is done.
        note: called after each wave.
        desk: where controls are called; `None` for the thread that calls this.

    """
    desk = desk or Desk[Collected | None](None)
    found, started = Collected(name=work.name), time.monotonic()
    backend: ObservingBackend | None = None
    try:
        host = work.open()
        backend = host.backend
        open_questions = {key: call for key, call in controls.items() if work.is_planned(key)}
        likely = {text: text for text in suggestions.suggest(work.suits) if redact(text) == text}
        is_known = bool(likely) and not any(map(work.suits, suggestions.unknown()))
        while open_questions and found.waves < DEEPEST:
            pending: dict[str, str] = {}
            if found.waves or not is_known:
                open_questions, pending = desk.call(partial(_speculate, host, open_questions, found))
            if not found.waves:
                pending |= likely
            if not pending:
                break
            found.waves += 1
            found.scripts += backend.ask_all(pending, desk.call)
            found.asked = len(backend.transcript)
            found.seconds = time.monotonic() - started
            note(found)
        suggestions.learn({control: asked for control, asked in found.needed.items() if work.suits(control)})
    except Unobservable as fault:
        found.fault = fault
    except Stopped:
        found.stopped = True
    except Exception as error:  # noqa: BLE001 - whatever a host makes of us is that host's own error
        found.fault = _internal(error)
        if backend is not None:
            with suppress(Exception):
                backend.transcript.give_up(found.fault)
    finally:
        with suppress(Exception):
            work.close()
    found.seconds = time.monotonic() - started
    return found


def _internal(error: Exception) -> Unobservable:
    """Return the fault of a host in whose asking something of ours broke."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    text = redact(f"{type(error).__name__}: {error}")[:400]
    return Unobservable("internal", f"{text} at {Path(at.filename).name}:{at.lineno}", whole_host=True)


def _speculate(
    host: Host, controls: Mapping[str, Speculation], found: Collected
) -> tuple[dict[str, Speculation], dict[str, str]]:
    """Call each control; return those that stopped at a question, and all questions without an answer."""
    stopped: dict[str, Speculation] = {}
    pending: dict[str, str] = {}
    backend: ObservingBackend = host.backend
    for control, call in controls.items():
        questions = backend.begin(collecting=True)
        try:
            call(host)
        except Pending:
            stopped[control] = call
        except (Stopped, KeyboardInterrupt):
            raise
        except BaseException:  # noqa: BLE001, S110 - evaluation will see the same and judge it
            pass
        found.needed[control] = questions.all
        pending |= questions.open
    backend.begin()
    return stopped, pending


def collect(
    hosts: Sequence[Work],
    controls: Mapping[str, Speculation],
    *,
    workers: int,
    stop: Stop,
    suggestions: Suggestions | None = None,
    note: Callable[[Collected, bool], None] = lambda _found, _done: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> dict[str, Collected]:
    """Ask all hosts, many at once, and return, by name, what came of those that were begun.

    Args:
        hosts: each with a transcript of its own.
        controls: by id.
        workers: how many hosts are asked at the same time.
        stop: set by the caller, or here on Ctrl-C, to end everything that waits.
        suggestions: what to ask first.
        note: called with (host so far, whether it is done) after each wave, never in two threads at once.
        meanwhile: called once, while the first answers are waited for.

    Raises:
        KeyboardInterrupt: after all that was waiting has ended.

    """
    suggestions = suggestions or Suggestions()
    lock, desk, crew = threading.Lock(), Desk[Collected | None](stop), Crew()

    def noted(found: Collected) -> None:
        with lock:
            note(found, False)  # noqa: FBT003 - the callback's signature

    def one(work: Work) -> Collected | None:
        with crew.member():
            return None if stop.is_set else collect_host(work, controls, suggestions, noted, desk)

    done: dict[str, Collected] = {}
    pool = ThreadPoolExecutor(max_workers=max(1, min(workers, len(hosts))), thread_name_prefix="aisec")
    futures: list[Future[Collected | None]] = []
    try:
        for work in hosts:
            future = pool.submit(one, work)
            futures.append(future)
            future.add_done_callback(desk.note)
        for future in desk.serve(len(hosts), meanwhile):
            found = future.result()
            if found is not None:
                done[found.name] = found
                with lock:
                    note(found, True)  # noqa: FBT003 - the callback's signature
    except BaseException:
        stop.set()
        for future in futures:
            future.cancel()
        crew.leave(futures, desk)
        raise
    finally:
        pool.shutdown(wait=False)
    return done

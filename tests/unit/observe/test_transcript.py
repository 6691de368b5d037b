from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.observe.faults import REASONS, Unobservable
from pytest_aisec.observe.transcript import Observation, Transcript, dump, in_order, load


def observation(command: str = "true", stdout: bytes = b"", fault: str | None = None) -> Observation:
    return Observation(
        command=command,
        exit_status=None if fault else 0,
        stdout=stdout,
        stderr=b"",
        started_at="2026-03-01T09:30:00.000Z",
        duration_ms=3,
        fault=fault,  # type: ignore[arg-type]
        detail="why" if fault else "",
    )


OBSERVATIONS = st.lists(
    st.builds(
        Observation,
        command=st.binary(max_size=30).map(lambda data: data.decode("utf-8", "surrogateescape")),
        exit_status=st.none() | st.integers(0, 255),
        stdout=st.binary(max_size=60),
        stderr=st.binary(max_size=60) | st.text(max_size=30).map(str.encode),
        started_at=st.just("2026-03-01T09:30:00.000Z"),
        duration_ms=st.integers(0, 10**6),
        fault=st.none() | st.sampled_from(REASONS),
        detail=st.text(max_size=30),
    ),
    max_size=6,
)


@given(OBSERVATIONS)
def test_what_is_dumped_is_loaded(observations: list[Observation]) -> None:
    assert load(dump(observations).encode().decode()) == observations


@given(OBSERVATIONS)
def test_each_observation_is_one_line(observations: list[Observation]) -> None:
    assert dump(observations).count("\n") == len(observations)


LINES = [observation(f"echo {number}", b"%d\n" % number) for number in range(5)]


def refusal(text: str) -> str:
    with pytest.raises(ValueError, match=r"line") as caught:
        load(text)
    return str(caught.value)


@pytest.mark.parametrize("at", range(4))
def test_an_edited_answer_breaks_the_chain_after_it(at: int) -> None:
    lines = dump(LINES).splitlines(keepends=True)
    lines[at] = lines[at].replace(f'"stdout":"{at}', f'"stdout":"{at + 1}')
    assert refusal("".join(lines)) == f"line {at + 2} does not follow from the line before it"


@pytest.mark.parametrize("at", range(4))
def test_a_removed_line_breaks_the_chain(at: int) -> None:
    lines = dump(LINES).splitlines(keepends=True)
    del lines[at]
    assert refusal("".join(lines)) == f"line {at + 1} does not follow from the line before it"


@pytest.mark.parametrize("at", range(4))
def test_swapped_lines_break_the_chain(at: int) -> None:
    lines = dump(LINES).splitlines(keepends=True)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    assert refusal("".join(lines)) == f"line {at + 1} does not follow from the line before it"


@pytest.mark.parametrize("at", range(5))
def test_a_repeated_line_breaks_the_chain(at: int) -> None:
    lines = dump(LINES).splitlines(keepends=True)
    lines.insert(at, lines[at])
    assert "does not follow" in refusal("".join(lines))


def test_a_file_that_is_cut_in_a_line_is_refused() -> None:
    text = dump(LINES[:2])
    ends = {0, text.index("\n") + 1, len(text)}
    for cut in set(range(len(text))) - ends:
        assert refusal(text[:cut])


@pytest.mark.parametrize(
    "line",
    ["", "{}", "[]", "null", "3", "{", '{"command": "true"}', '"text"', '{"number": 1, "previous": null}'],
)
def test_a_line_that_is_no_observation_is_refused(line: str) -> None:
    assert refusal(line + "\n").startswith("line 1 is not an observation")


@pytest.mark.parametrize("field", ["command", "stdout", "stderr"])
@pytest.mark.parametrize("wrong", [None, 3, [], {}, {"base64": "???"}, {"base64": 3}, {"base32": ""}])
def test_a_field_of_another_type_is_refused(field: str, wrong: object) -> None:
    entry = json.loads(dump(LINES[:1]))
    entry[field] = wrong
    assert refusal(json.dumps(entry) + "\n").startswith("line 1 is not an observation")


def test_an_empty_transcript_is_an_empty_file() -> None:
    assert dump([]) == ""
    assert load("") == []


def test_characters_that_only_look_like_line_ends_stay_in_their_line() -> None:
    odd = [observation("true", "a\u2028b\x85c\x0bd\r\ne\n".encode())]
    assert load(dump(odd)) == odd


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "host.spool"


def test_two_processes_share_what_one_of_them_asked(spool: Path) -> None:
    one, two = Transcript(spool), Transcript(spool)
    with one.asking():
        one.add(observation("id", b"\xff\xfe"))
    with two.asking():
        assert two.get("id") == observation("id", b"\xff\xfe")
    assert [item.command for item in two] == ["id"]


def test_a_host_fault_is_known_to_all(spool: Path) -> None:
    one, two = Transcript(spool), Transcript(spool)
    with one.asking():
        one.give_up(Unobservable("unreachable", "no route", whole_host=True))
    two.refresh()
    assert two.host_fault is not None
    assert (two.host_fault.reason, two.host_fault.detail, two.host_fault.whole_host) == (
        "unreachable",
        "no route",
        True,
    )


@pytest.mark.parametrize("shared", [True, False])
def test_the_first_answer_and_the_first_fault_stay(spool: Path, *, shared: bool) -> None:
    transcript = Transcript(spool if shared else None)
    for stdout in (b"1", b"2"):
        transcript.add(observation("id", stdout))
        transcript.give_up(Unobservable("auth", stdout.decode(), whole_host=True))
    found = transcript.get("id")
    assert found
    assert (found.stdout, transcript.host_fault and transcript.host_fault.detail, len(transcript)) == (
        b"1",
        "1",
        1,
    )


def test_while_one_asks_the_other_waits(spool: Path) -> None:
    one, two = Transcript(spool), Transcript(spool)
    order: list[str] = []
    entered = threading.Event()

    def other() -> None:
        entered.set()
        with two.asking():
            order.append("two asks" if two.get("id") is None else "two knows")

    thread = threading.Thread(target=other)
    with one.asking():
        thread.start()
        assert entered.wait(10)
        thread.join(0.1)
        order.append("one answers")
        one.add(observation("id"))
    thread.join(10)
    assert order == ["one answers", "two knows"]


def test_a_line_that_is_still_being_written_is_not_read(spool: Path) -> None:
    one, two = Transcript(spool), Transcript(spool)
    one.add(observation("id"))
    whole = spool.read_bytes()
    spool.write_bytes(whole[:-10])
    two.refresh()
    assert len(two) == 0
    spool.write_bytes(whole)
    two.refresh()
    assert len(two) == 1


def test_what_hosts_answered_is_readable_by_its_owner_only(spool: Path) -> None:
    transcript = Transcript(spool)
    with transcript.asking():
        transcript.add(observation())
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600


def test_the_order_is_that_of_the_controls_and_then_of_the_commands() -> None:
    found = [observation(command) for command in ("d", "c", "b", "a")]
    assert [item.command for item in in_order(found, ["c", "x", "a", "c"])] == ["c", "a", "b", "d"]

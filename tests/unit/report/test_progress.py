"""What people see while hosts are being asked."""

from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.waves import Collected
from pytest_aisec.report.progress import EVERY, Progress


class Watched:
    """A progress with a clock of its own, and what it printed."""

    def __init__(self, hosts, *, terminal):
        self.now, self.lines, self.shown = 0.0, [], []
        self.progress = Progress(
            hosts, self.lines.append, self.shown.append if terminal else None, lambda: self.now
        )

    def note(self, name, *, waves=1, done=False, fault=None, at=0.0, asked=10):
        self.now = at
        found = Collected(name=name, waves=waves, seconds=at, asked=asked, fault=fault)
        self.progress.note(found, done)


def test_a_terminal_sees_how_many_hosts_are_done_the_wave_and_who_is_slow() -> None:
    seen = Watched(3, terminal=True)
    seen.note("ssh://a", at=1)
    seen.note("ssh://b", at=2, waves=2)
    assert seen.shown[-1] == "asking: 0 of 3 hosts done, wave 2, 2 s, waiting for ssh://b"
    seen.note("ssh://b", at=3, waves=2, done=True)
    seen.note("ssh://c", at=4, waves=0, done=True, fault=Unobservable("unreachable", "gone"), asked=0)
    assert seen.shown[-1] == "asking: 2 of 3 hosts done, wave 2, 1 error, 4 s, waiting for ssh://a"
    assert seen.lines == []
    seen.note("ssh://a", at=5, waves=1, done=True)
    seen.progress.finish()
    assert seen.shown[-1] == (
        "asked 3 hosts in 5.0 s: 20 questions, 2 waves at most; 1 host could not be asked"
    )


def test_a_terminal_is_not_written_to_for_each_of_many_waves() -> None:
    seen = Watched(2, terminal=True)
    for number in range(100):
        seen.note("ssh://a", at=number / 1000)
    assert seen.shown == []


def test_a_line_fits_the_terminal_whatever_the_host_is_called() -> None:
    seen = Watched(2, terminal=True)
    seen.note("ssh://" + "a" * 200, at=1)
    assert len(seen.shown[-1]) < 80


def test_elsewhere_there_is_a_line_now_and_then_and_one_at_the_end() -> None:
    seen = Watched(2, terminal=False)
    seen.note("ssh://a", at=1)
    assert seen.lines == []
    seen.note("ssh://a", at=EVERY, done=True)
    assert seen.lines == ["asking: 1 of 2 hosts done, wave 1"]
    seen.note("ssh://b", at=EVERY + 1, done=True)
    seen.progress.finish()
    assert seen.lines[1:] == [f"asked 2 hosts in {EVERY + 1:.1f} s: 20 questions, 1 wave at most"]


def test_a_run_that_was_stopped_says_how_many_hosts_were_asked() -> None:
    seen = Watched(2, terminal=False)
    seen.note("ssh://a", at=1, done=True)
    seen.progress.finish()
    assert seen.lines == ["asked 1 of 2 hosts in 1.0 s: 10 questions, 1 wave at most"]


def test_one_host_is_not_called_hosts() -> None:
    seen = Watched(1, terminal=False)
    seen.note("ssh://a", at=1, done=True, asked=1)
    seen.progress.finish()
    assert seen.lines == ["asked 1 host in 1.0 s: 1 question, 1 wave at most"]

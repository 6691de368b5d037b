import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aisec.facts.system.running_config import read_stale, stale
from pytest_aisec.observe.faults import Unobservable

NOW = 1_800_000_000.0
"""Of the host; its clock is read at this second, and again half a tick later."""


def stat(ago, parent=1):
    """Return the end of /proc/PID/stat of a process that started so many seconds ago."""
    return " ".join(["S", str(parent), *["1"] * 17, str(9_000_000 - round(ago * 100)), *["0"] * 10]) + "\n"


def shown(seconds):
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f000 +0000")


def answer(*changes, started=60.0, children=(), mark=""):
    """Return what the question prints about files that have changed so many seconds ago."""
    files = "".join(f"{shown(NOW - ago)}|{shown(NOW - ago)}|/etc/d/{ago}\n" for ago in changes)
    clock = f"{NOW:.9f}\n{stat(0)}{NOW + 0.005:.9f}\n"
    processes = f"7 {stat(started)}" + "".join(f"{pid} {stat(*one)}" for pid, one in enumerate(children, 8))
    return f"{clock}=processes\n{processes}=files\n{files}=mark\n{mark}\n=end\n"


def judged(stdout, stderr="", **named):
    found = read_stale(stdout, stderr, pid=7, what="d", **named)
    return found if found is None else (found.reason, found.detail)


def test_a_daemon_runs_what_is_older_than_its_start():
    assert judged(answer(61, 3600)) is None


@pytest.mark.parametrize("changes", [(59,), (3600, 59), (59, 3600), (59.9,)])
def test_a_daemon_may_run_something_else_than_a_file_that_is_younger(changes):
    reason, detail = judged(answer(*changes))
    assert ("stale", True) == (reason, f"/etc/d/{min(changes)} is of" in detail)


def test_either_time_of_a_file_counts():
    young, old = shown(NOW - 5), shown(NOW - 500)
    for times in (f"{young}|{old}", f"{old}|{young}"):
        whole = answer(500).replace(f"{old}|{old}", times)
        assert judged(whole)[0] == "stale"


def test_a_time_in_the_future_is_told_as_such():
    assert ("stale", True) == (
        (found := judged(answer(-60)))[0],
        "/etc/d/-60 has a time in the future" in found[1],
    )


def test_what_a_daemon_writes_at_each_reading_counts_instead_of_its_start():
    since = answer(30, mark=f"7|{shown(NOW - 20)}")
    assert judged(since) is None
    assert judged(answer(10, mark=f"7|{shown(NOW - 20)}"))[0] == "stale"
    assert judged(answer(59.98, mark=f"7|{shown(NOW - 59.99)}"))[0] == "stale"


@pytest.mark.parametrize("mark", ["", "8|{}", "|{}", "7 of them|{}"])
def test_a_mark_of_another_process_says_nothing(mark):
    assert judged(answer(30, mark=mark.format(shown(NOW - 20))))[0] == "stale"


def test_a_mark_that_is_older_than_the_process_says_nothing():
    assert judged(answer(70, mark=f"7|{shown(NOW - 90)}")) is None
    assert judged(answer(50, mark=f"7|{shown(NOW - 90)}"))[0] == "stale"


def test_where_seconds_have_no_fraction_the_later_change_is_assumed():
    def rough(text):
        return text.replace(".000000000", "").replace(".000000 ", " ").replace(".000000000", "")

    assert judged(rough(answer(62))) is None
    assert judged(rough(answer(60)))[0] == "stale"


@pytest.mark.parametrize(
    ("expected", "stderr"),
    [
        ("unreadable", "cat: /proc/7/stat: No such file or directory\n"),
        ("privilege", "stat: cannot statx '/etc/d/x': Permission denied\n"),
        ("tool_missing", "sh: 1: stat: not found\n"),
        ("unreadable", "stat: cannot statx '/etc/d/x': Input/output error\n"),
    ],
)
def test_what_could_not_be_looked_at_is_said(expected, stderr):
    with pytest.raises(Unobservable) as caught:
        judged(answer(61), stderr)
    assert expected == caught.value.reason


def test_an_answer_that_lacks_lines_is_none():
    whole = answer(61).splitlines(keepends=True)
    assert judged("".join(whole)) is None
    for number in set(range(len(whole))) - {len(whole) - 2}:
        for part in (whole[:number], whole[:number] + whole[number + 1 :]):
            with pytest.raises(Unobservable) as caught:
                judged("".join(part))
            assert caught.value.reason == "parse"


def test_children_count_that_were_started_after_the_reading():
    """The oldest of them: one that took the place of another may be much younger than the reading."""
    assert judged(answer(30, children=[(20, 7)])) is None
    assert judged(answer(30, children=[(20, 7), (40, 7)]))[0] == "stale"
    assert judged(answer(30, children=[(20, 1)]))[0] == "stale"
    assert judged(answer(50, children=[(40, 7)])) is None
    assert judged(answer(39.99, children=[(40, 7)]))[0] == "stale"
    assert judged(answer(59.99, children=[(59.95, 7)]))[0] == "stale"
    assert judged(answer(59.5, children=[(59.4, 7)])) is None


def test_what_the_daemon_itself_puts_into_a_directory_does_not_make_that_younger():
    def put(directory, own):
        text = answer(100, directory, own)
        return text.replace(f"|/etc/d/{directory}\n", "|/etc/d\n").replace(
            f"|/etc/d/{own}\n", "|/etc/d/own\n"
        )

    assert judged(put(59, 59.01), directories={"/etc/d": ["own", "other"]}) is None
    assert judged(put(59, 40), directories={"/etc/d": ["own", "other"]}) is None
    assert judged(put(58, 59), directories={"/etc/d": ["own", "other"]})[0] == "stale"
    assert judged(put(59, 59.01))[0] == "stale"
    assert judged(put(59, 59.01), directories={"/etc/d": []})[0] == "stale"


@pytest.fixture
def daemon(tmp_path):
    """A process that has just been started, and whose name may mislead."""
    program = tmp_path / ") S 1\n1 ("
    program.symlink_to(shutil.which("sleep"))
    process = subprocess.Popen([program, "60"])
    yield process.pid
    process.kill()
    process.wait()


def later(pid, path):
    """Wait until what is written now is younger than the process, by more than any clock here is coarse."""
    while path.stat().st_ctime - Path(f"/proc/{pid}").stat().st_ctime < 0.1:
        os.utime(path)


def test_a_real_process_runs_what_was_there_before_it(local, daemon):
    assert stale(local, daemon, ["/proc/version", "/usr"], what="sleep") is None


def test_a_real_process_does_not_run_what_was_put_there_later(local, daemon, tmp_path):
    file = tmp_path / "conf"
    file.write_text("")
    later(daemon, file)
    os.utime(file, (0, 0))
    assert stale(local, daemon, [str(file)], what="sleep").reason == "stale"


def test_of_what_is_absent_the_directory_above_counts(local, daemon, tmp_path):
    later(daemon, tmp_path)
    gone = str(tmp_path / "conf.d" / "x.conf")
    found = stale(local, daemon, [gone], what="sleep")
    assert ("stale", True) == (found.reason, f"{tmp_path} is of" in found.detail)
    assert stale(local, daemon, ["/usr/not/there"], what="sleep") is None


def test_a_directory_counts_where_it_is_there(local, daemon, tmp_path):
    later(daemon, tmp_path)
    absent = str(tmp_path / "conf.d")
    assert stale(local, daemon, [], what="sleep", directories={absent: ["own"]}) is None
    found = stale(local, daemon, [], what="sleep", directories={absent: [], str(tmp_path): ["own"]})
    assert ("stale", True) == (found.reason, f"{tmp_path} is of" in found.detail)
    (tmp_path / "own").write_text("")
    assert stale(local, daemon, [], what="sleep", directories={str(tmp_path): ["own"]}) is None


def test_a_link_counts_and_what_it_leads_to(local, daemon, tmp_path):
    """The mark says when the files were read, so that no start of a process counts, however slow that was."""
    link, target, mark = (tmp_path / name for name in ("link", "target", "pid"))
    target.write_text("")
    mark.write_text(f"{daemon}\n")

    def judge(read_at):
        os.utime(mark, ns=(read_at, read_at))
        return stale(local, daemon, [str(link)], what="sleep", mark=str(mark))

    link.symlink_to("/usr")
    first = link.lstat().st_ctime_ns
    assert judge(first) is None
    while link.lstat().st_ctime_ns == first:
        link.unlink()
        link.symlink_to(target)
    assert judge(first).reason == "stale"
    second = link.lstat().st_ctime_ns
    while target.stat().st_ctime_ns <= second:
        target.touch()
    assert judge(second).reason == "stale"
    assert judge(target.stat().st_ctime_ns) is None


def test_a_process_that_is_gone_has_read_nothing(local):
    assert stale(local, 2**22 + 1, ["/usr"], what="sleep").reason == "unreadable"


def test_a_relative_path_is_not_looked_at(local, daemon):
    assert stale(local, daemon, ["conf"], what="sleep").reason == "unreadable"

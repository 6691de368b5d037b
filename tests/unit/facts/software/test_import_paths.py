import pytest

from pytest_aisec.facts.software.import_paths import TREE_BYTES, read_answer, read_pth
from pytest_aisec.observe.faults import Unobservable

HOOK = "f 644 root root /s/site-packages/a.pth\t\n\0"
OPEN = "f 666 root root /s/site-packages/x.py\t\n\0"
END = "status 0\n\0"


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ((("import a",), ()), "import a\n"),
        ((("import\ta; b()",), ()), "import\ta; b()"),
        (((), ("/srv/x", "../y")), "# comment\n/srv/x\n\n../y\n"),
        ((("import a",), ()), "# c\rimport a\n"),
        ((("import a",), ()), "# c\x0cimport a\n"),
        ((("import a",), ()), "# c\u2028import a\n"),
        ((("import a",), ()), "\ufeffimport a\n"),
        (((), ("importlib",)), "importlib\n"),
        (((), (" import a",)), " import a\n"),
    ],
)
def test_pth(expected, text):
    assert expected == read_pth(text)


def test_hooks_and_trees():
    faults = []
    hooks, seen = read_answer(
        f"{HOOK}{END}tree\n\0{OPEN}{END}\n\0tree\n\0{END}\n\0", "", ["/s", "/t"], faults
    )
    assert (["/s/site-packages/a.pth"], []) == ([one.path for one in hooks], faults)
    assert (1, False) == (len(seen["/s"][0]), seen["/s"][1])
    assert ((), False) == seen["/t"]


def test_a_tree_with_too_much_is_cut_and_the_cut_record_is_left_out():
    listed = (OPEN * TREE_BYTES)[:TREE_BYTES]
    _, seen = read_answer(f"{END}tree\n\0{listed}\n\0", "find: 'standard output': Broken pipe", ["/s"], [])
    entries, is_cut = seen["/s"]
    assert is_cut
    assert {"/s/site-packages/x.py"} == {entry.path for entry in entries}


def test_a_link_that_ends_like_a_separator_changes_nothing():
    link = "l 777 bob bob /s/site-packages/l\t/tmp/tree\n\0"
    _, seen = read_answer(f"{END}tree\n\0{link}{END}\n\0", "", ["/s"], [])
    assert ["/tmp/tree"] == [entry.target for entry in seen["/s"][0]]


@pytest.mark.parametrize(
    ("reason", "stdout", "stderr"),
    [
        ("parse", END, ""),
        ("unreadable", f"{END}tree\n\0{OPEN}\n\0", ""),
        ("unreadable", "", ""),
        ("tool_missing", "status 127\n\0tree\n\0status 127\n\0", "sh: 1: find: not found"),
    ],
)
def test_an_answer_that_is_not_whole(reason, stdout, stderr):
    with pytest.raises(Unobservable) as caught:
        read_answer(stdout, stderr, ["/s"], [])
    assert reason == caught.value.reason


def test_what_may_not_be_seen_is_a_fault():
    faults = []
    read_answer(f"{END}tree\n\0{END}\n\0", "find: '/s/x': Permission denied", ["/s"], faults)
    assert ["privilege"] == [fault.reason for fault in faults]

import pytest

from pytest_aisec.facts.system.access_lists import AclEntry, permitted, read_access_lists
from pytest_aisec.facts.system.accounts import read_accounts
from pytest_aisec.facts.system.files import Entry, ResolvedPath, leaves, quoted, read_stat
from pytest_aisec.facts.system.files import _walk as walk
from pytest_aisec.facts.system.listings import read_entry, read_listing
from pytest_aisec.observe.faults import Unobservable


def entry(path, mode=0o755, owner="root", group="root", kind="d", target=""):
    return Entry(path=path, kind=kind, mode=mode, owner=owner, group=group, target=target)


def reason(function, *arguments):
    with pytest.raises(Unobservable) as caught:
        function(*arguments)
    return caught.value.reason


class TestStat:
    def test_directory(self):
        assert entry("/a", 0o2750, "ai_user", "ai_team") == read_stat(
            "/a", "2750:ai_user:ai_team:directory\n\n=0 "
        )

    def test_link(self):
        expected = entry("/a", 0o777, kind="l", target="../b c")
        assert expected == read_stat("/a", "777:root:root:symbolic link\n\n=0 ../b c\n")

    @pytest.mark.parametrize("why", ["No such file or directory", "Not a directory"])
    def test_proved_absence(self, why):
        assert read_stat("/a", f"stat: cannot statx '/a': {why}\n\n=1 ") is None

    @pytest.mark.parametrize(
        ("expected", "answer"),
        [
            ("privilege", "stat: cannot statx '/a': Permission denied\n\n=1 "),
            ("unreadable", "stat: cannot statx '/a': Input/output error\n\n=1 "),
            ("tool_missing", "/bin/sh: 1: stat: not found\n\n=127 "),
            ("tool_missing", "777:root:root:symbolic link\n\n=0 "),
            ("parse", "nonsense\n\n=0 "),
            ("unreadable", ""),
        ],
    )
    def test_no_answer_is_no_absence(self, expected, answer):
        assert expected == reason(read_stat, "/a", answer)


KNOWN = {
    "/": entry("/"),
    "/a": entry("/a"),
    "/a/l": entry("/a/l", 0o777, kind="l", target="../b/./c"),
    "/b": entry("/b"),
    "/b/c": entry("/b/c", 0o700),
    "/b/f": entry("/b/f", 0o600, kind="f"),
    "/loop": entry("/loop", kind="l", target="loop"),
    "/gone": None,
    "/deny": Unobservable("privilege", "no"),
}


class TestWalk:
    def test_follows_links(self):
        trail = walk("/a/l", KNOWN, [])
        assert "/b/c" == trail.end.path
        assert ["/", "/a", "/a/l", "/a", "/", "/b"] == [step.path for step in trail.passed]

    def test_a_file_has_nothing_below(self):
        assert walk("/b/f/x", KNOWN, []).end is None

    def test_absent(self):
        assert walk("/gone/x", KNOWN, []).end is None

    def test_root(self):
        assert "/" == walk("/", KNOWN, []).end.path

    def test_asks_for_what_it_does_not_know(self):
        wanted = []
        assert walk("/b/x/y", KNOWN, wanted) is None
        assert ["/b/x", "/b/x/y"] == wanted

    @pytest.mark.parametrize(
        ("expected", "path"), [("unreadable", "/loop"), ("privilege", "/deny/x"), ("parse", "a/b")]
    )
    def test_no_way(self, expected, path):
        assert expected == reason(walk, path, KNOWN, [])


class TestReplaceable:
    def trail(self, *passed, end=None):
        return ResolvedPath(path="/s/m", passed=passed, end=end or entry("/s/m", 0o700, "ai_user"))

    def test_only_owners(self):
        assert {"/": ("user:root",), "/s": ("user:bob",)} == self.trail(
            entry("/"), entry("/s", owner="bob")
        ).replaceable_by()

    def test_writable_by_all(self):
        assert {"/s": ("user:root", "group:root", "others")} == self.trail(
            entry("/s", 0o777)
        ).replaceable_by()

    def test_sticky(self):
        assert {"/s": ("user:root", "user:ai_user")} == self.trail(entry("/s", 0o1777)).replaceable_by()

    def test_access_list_instead_of_group_bits(self):
        acl = [
            AclEntry(path="/s", text="user::rwx", grants="rwx"),
            AclEntry(path="/s", text="user:eve:rwx", grants="rwx"),
            AclEntry(path="/s", text="group::r-x", grants="r-x"),
        ]
        trail = self.trail(entry("/s", 0o775))
        assert ("/s",) == trail.writable_by_group
        assert {"/s": ("user:root", "user:eve")} == trail.replaceable_by(acl)


class TestListing:
    def test_names_with_line_breaks(self):
        listing = read_listing("f 644 a b /x\ny\t\n\0status 0\n\0", "")
        assert ("f 644 a b /x\ny\t",) == listing.records
        assert "/x\ny" == read_entry(listing.records[0]).path
        assert [] == listing.faults

    def test_denied(self):
        listing = read_listing("status 1\n\0", "find: '/x': Permission denied\n")
        assert ["privilege"] == [fault.reason for fault in listing.faults]

    def test_vanished(self):
        assert [] == read_listing("status 1\n\0", "find: '/x': No such file or directory\n").faults

    def test_cut(self):
        assert ["truncated"] == [fault.reason for fault in read_listing("x" * 1_500_000, "").faults]

    @pytest.mark.parametrize(
        ("expected", "stdout", "stderr"),
        [
            ("unreadable", "", ""),
            ("unreadable", "status 1\n\0", ""),
            ("unreadable", "status 1\n\0", "find: '/x': Input/output error"),
            ("tool_missing", "status 127\n\0", "sh: find: not found"),
            ("tool_missing", "status 1\n\0", "find: unrecognized: -printf"),
            ("parse", "f 644 a b /«redacted:private-key:01234567»", ""),
            ("parse", "status 0\n\0more", ""),
        ],
    )
    def test_no_answer(self, expected, stdout, stderr):
        assert expected == reason(read_listing, stdout, stderr)

    def test_malformed_record(self):
        assert "parse" == reason(read_entry, "f 644 a /x")


class TestLeaves:
    TOPS = ("/srv/models",)

    @pytest.mark.parametrize(
        ("expected", "target"),
        [
            (None, "../blobs/1"),
            (None, "/srv/models/x"),
            ("/srv/models/a/../../x", "../../x"),
            ("/etc/passwd", "/etc/passwd"),
            ("/srv/models/a/b/../x", "b/../x"),
            ("/srv/modelsx", "/srv/modelsx"),
        ],
    )
    def test_leaves(self, expected, target):
        assert expected == leaves(entry("/srv/models/a/l", kind="l", target=target), self.TOPS)


class TestAccessLists:
    def test_mask_and_names(self):
        text = (
            "getfacl\n# file: /d\n# owner: root\n# group: root\nuser::rwx\nuser:eve:rwx\ngroup::r-x\nmask::r-x\nother::---\n"
            "default:other::r-x\n\nstatus 0\n"
        )
        found = {one.text: one.grants for one in read_access_lists(text, "")}
        assert {
            "user::rwx": "rwx",
            "user:eve:rwx": "r-x",
            "group::r-x": "r-x",
            "other::---": "---",
            "default:other::r-x": "r-x",
        } == found

    def test_none(self):
        assert () == read_access_lists("getfacl\nstatus 0\n", "")
        assert () == read_access_lists("ls\nstatus 0\n", "")

    @pytest.mark.parametrize(
        ("expected", "stdout", "stderr"),
        [
            ("tool_missing", "none\n", ""),
            ("tool_missing", "ls\ndrwxr-x---+ 2 a b 3 /d\nstatus 0\n", ""),
            ("privilege", "getfacl\nstatus 1\n", "getfacl: /d: Permission denied"),
            ("unreadable", "getfacl\nstatus 1\n", ""),
            ("unreadable", "getfacl\n", ""),
            ("parse", "getfacl\n# file: /d\nnonsense\nstatus 0\n", ""),
        ],
    )
    def test_no_answer(self, expected, stdout, stderr):
        assert expected == reason(read_access_lists, stdout, stderr)


@pytest.mark.parametrize(
    ("expected", "subject"),
    [
        ("rwx", "user:ai_user"),
        ("rx", "group:ai_team"),
        ("", "other:"),
        ("", "user:eve"),
        ("rwx", "user:root"),
    ],
)
def test_permitted(expected, subject):
    assert expected == permitted(subject, owner="ai_user", group="ai_team", mode=0o750)


def test_accounts():
    found = read_accounts("root:x:0:0:root:/root:/bin/sh\n+nis::::::\n\na:x:1000:1000::/home/a/:/bin/sh\n")
    assert [("root", 0, "/root"), ("a", 1000, "/home/a")] == [(one.name, one.uid, one.home) for one in found]


@pytest.mark.parametrize("text", ["", "root:x:0", "root:x:zero:0:r:/root:/bin/sh"])
def test_malformed_accounts(text):
    assert "parse" == reason(read_accounts, text)


def test_quoted():
    assert "'a b%%'" == quoted("a b%")

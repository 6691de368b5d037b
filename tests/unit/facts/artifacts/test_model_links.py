"""Links below model directories: named as `find -L` would, and followed as the account that placed them."""

import os
import shutil
import subprocess

import pytest

from pytest_aisec.facts.artifacts.model_files import model_files, read_range

ALICE = 61000
SECRET = b"\x80\x02cof_root_alone\nx\n."


def opened(path):
    """Let every account come as far as `path`."""
    while path.parent != path.parent.parent:
        path.chmod(path.stat().st_mode | 0o055)
        path = path.parent


def named(found, top):
    return [os.path.relpath(file.path, top) for file in found.files]


def test_files_have_the_names_that_find_gives_them(local, tmp_path):
    for place in ("hub/blobs", "hub/snapshots/a", "deep/er", "other", "far"):
        (tmp_path / "m" / place).mkdir(parents=True)
    m = tmp_path / "m"
    (m / "far").rename(tmp_path / "far")
    (m / "hub/blobs/0a").write_bytes(b"x")
    (m / "deep/er/f").write_bytes(b"y")
    (tmp_path / "far/one").write_bytes(b"z")
    (tmp_path / "far/two").symlink_to("one")
    (tmp_path / "far/back").symlink_to("../m/deep")
    for name, target in (
        ("hub/snapshots/a/w.bin", "../../blobs/0a"), ("latest", "hub/snapshots/a"), ("up", "."), ("deep/er/top", ".."),
        ("other/a", "../deep"), ("other/b", "a/er/f"), ("dangling", "nowhere/at/all"), ("round", "round"), ("x", "../far"),
        ("absolute", str(m / "deep")), ("thing", "../far/two"), ("into", "x/one"),
    ):  # fmt: skip
        (m / name).symlink_to(target)
    (tmp_path / "way").symlink_to("m")
    for top in (m, tmp_path / "way"):
        found = model_files(local, [str(top)])
        said = subprocess.run(["find", "-L", top, "-type", "f"], capture_output=True, text=True, check=False)
        assert sorted(said.stdout.splitlines()) == [file.path for file in found.files]
        assert () == found.faults


def test_links_that_multiply_end(local, tmp_path):
    for number in range(40):
        (tmp_path / f"d{number}").mkdir()
        for name in "ab":
            (tmp_path / f"d{number}" / name).symlink_to(f"../d{number + 1}")
    assert ["truncated"] == [fault.reason for fault in model_files(local, [str(tmp_path)]).faults]


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="root reads with the rights of others"
)
class TestOfOthers:
    @pytest.fixture
    def tree(self, tmp_path):
        """Return a model directory of an account's beside files of root's and of the account's."""
        opened(tmp_path)
        for name in ("m", "root", "open", "alice"):
            (tmp_path / name).mkdir()
        (tmp_path / "root").chmod(0o700)
        for name, owner in (("root/secret.pkl", 0), ("open/w.bin", 0), ("alice/own.pkl", ALICE)):
            (tmp_path / name).write_bytes(SECRET)
            os.chown(tmp_path / name, owner, owner)
        (tmp_path / "alice/own.pkl").chmod(0o600)
        (tmp_path / "open/to-root").symlink_to("../root/secret.pkl")
        for name in ("m", "alice"):
            os.chown(tmp_path / name, ALICE, ALICE)
        return tmp_path

    def look(self, host, tree, target, owner=ALICE):
        (tree / "m/x.pkl").symlink_to(target)
        os.lchown(tree / "m/x.pkl", owner, owner)
        found = model_files(host, [str(tree / "m")])
        heads = [read_range(host, file, 0, file.size) for file in found.files]
        return named(found, tree / "m"), heads, [fault.reason for fault in found.faults]

    @pytest.mark.parametrize("target", ["../root/secret.pkl", "../root"])
    def test_what_the_account_may_not_read_is_an_error_and_never_shown(self, local, tree, target):
        assert ([], [], ["privilege"]) == self.look(local, tree, target)
        answers = [local.run(question).stdout for question in [*local.asked]]
        assert not any("of_root_alone" in text or SECRET.hex(" ")[:20] in text for text in answers)

    def test_who_may_write_the_directory_is_who_placed_the_link(self, local, tree):
        assert ([], [], ["privilege"]) == self.look(local, tree, "../root/secret.pkl", owner=0)

    @pytest.mark.parametrize("target", ["../open/w.bin", "../alice/own.pkl"])
    def test_what_the_account_may_read_is_read(self, local, tree, target):
        assert (["x.pkl"], [SECRET], []) == self.look(local, tree, target)

    def test_links_of_root_are_followed_by_root(self, local, tree):
        os.chown(tree / "m", 0, 0)
        assert (["x.pkl"], [SECRET], []) == self.look(local, tree, "../root/secret.pkl", owner=0)

    def test_a_link_of_root_that_an_account_leads_to_is_followed_as_that_account(self, local, tree):
        names, heads, reasons = self.look(local, tree, "../open")
        assert (["x.pkl/w.bin"], [SECRET], ["privilege"]) == (names, heads, reasons)

    def test_a_directory_that_is_asked_for_is_not_left_by_a_link_of_an_account(self, local, tree):
        (tree / "alice/models").symlink_to("../root")
        found = model_files(local, [str(tree / "alice/models")])
        assert ((), ["privilege"]) == (found.files, [fault.reason for fault in found.faults])

    @pytest.mark.parametrize("target", ["/dev/zero", "fifo", "/proc/self/environ"])
    def test_what_is_no_plain_file_holds_nothing_up(self, local, tree, target):
        os.mkfifo(tree / "m/fifo")
        names, heads, reasons = self.look(local, tree, target)
        assert ([], []) == (names, heads), reasons

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog import load
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import control_files, load_catalog
from pytest_aisec.errors import UsageProblem
from pytest_aisec.session.modules import Rewriter


def refusal(content: Any) -> str:
    with pytest.raises(UsageProblem) as caught:
        load_catalog([content.root])
    return str(caught.value)


def test_controls_are_found_by_id_in_order(content: Any) -> None:
    content.control("ACME-ZZZ-01")
    content.control("ACME-AAA-02")
    content.control("ACME-AAA-01")
    assert ["ACME-AAA-01", "ACME-AAA-02", "ACME-ZZZ-01"] == list(load_catalog([content.root]))


def test_our_own_controls_load() -> None:
    assert load_catalog([content_root()])


def test_no_controls_directory_is_an_empty_catalog(content: Any) -> None:
    content.root.controls.rmdir()
    assert {} == dict(load_catalog([content.root]))


def test_two_controls_with_one_id_are_refused_naming_both_places(content: Any) -> None:
    first = content.control("ACME-AAA-01")
    second = content.file("zzz/test_again.py", first.read_text())
    text = refusal(content)
    assert text.startswith(f"{second}:4: control ACME-AAA-01 is already at {first}:")


def test_one_control_in_two_roots_is_refused(content: Any, tmp_path: Any) -> None:
    text = content.control("ACME-AAA-01").read_text()
    other = type(content)(tmp_path / "other")
    other.file("test_acme_aaa_01.py", text)
    with pytest.raises(UsageProblem, match="is already at"):
        load_catalog([content.root, other.root])


def test_two_names_for_one_control_are_one_control(content: Any) -> None:
    path = content.control("ACME-AAA-01")
    path.write_text(path.read_text() + "\ntest_again = test_acme_aaa_01\n")
    assert ["ACME-AAA-01"] == list(load_catalog([content.root]))


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("import os\n\ndef broken(:\n", 3, "SyntaxError"),
        ("\n\nimport no_such_package_anywhere\n", 3, "no_such_package_anywhere"),
        ("from pytest_aisec import no_such_name\n", 1, "no_such_name"),
        ("x = 1\ny = x / 0\n", 2, "ZeroDivisionError"),
        ("def f():\n    raise OSError('deep')\n\nf()\n", 2, "deep"),
        ("x = '\0'\n", 1, "null bytes"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_sentence_with_its_line(
    content: Any, text: str, line: int, cause: str
) -> None:
    path = content.file("test_broken.py", text)
    message = refusal(content)
    assert message.startswith(f"{path}:{line}: the control file cannot be loaded: ")
    assert cause in message


@pytest.mark.parametrize(
    "text",
    [
        "raise SystemExit(0)",
        "import sys\nsys.exit('bye')",
        "import pytest\npytest.skip('x', allow_module_level=True)",
    ],
)
def test_a_file_that_leaves_while_it_is_imported_is_refused(content: Any, text: str) -> None:
    path = content.file("test_leaves.py", text + "\n")
    assert refusal(content).startswith(f"{path}:")


def test_a_file_in_another_encoding_is_refused(content: Any) -> None:
    path = content.file("test_latin.py", "")
    path.write_bytes(b"x = '\xff'\n")
    assert refusal(content).startswith(f"{path}:")


def test_a_file_that_was_mended_after_a_refusal_loads(content: Any) -> None:
    path = content.file("test_acme_aaa_01.py", "import no_such_package_anywhere\n")
    assert refusal(content).startswith(f"{path}:1:")
    content.control("ACME-AAA-01")
    assert ["ACME-AAA-01"] == list(load_catalog([content.root]))


def test_a_malformed_control_is_refused_by_its_own_message(content: Any) -> None:
    path = content.control("ACME-AAA-01", severity="hihg")
    assert refusal(content).startswith(f"{path}:4: control ACME-AAA-01: unknown severity 'hihg'")


def test_a_control_that_is_imported_from_elsewhere_counts_where_it_is_defined(content: Any) -> None:
    path = content.control("ACME-AAA-01")
    load_catalog([content.root])
    name = next(name for name, module in sys.modules.items() if getattr(module, "__file__", "") == str(path))
    content.file("test_b.py", f"from {name} import test_acme_aaa_01\n")
    assert ["ACME-AAA-01"] == list(load_catalog([content.root]))


def test_a_file_is_executed_once_until_its_text_changes(content: Any) -> None:
    path = content.control("ACME-AAA-01")
    first = load_catalog([content.root])["ACME-AAA-01"].function
    assert first is load_catalog([content.root])["ACME-AAA-01"].function
    before = path.stat()
    path.write_text(path.read_text().replace("high", "lows"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert refusal(content).startswith(f"{path}:4: control ACME-AAA-01: unknown severity 'lows'")


def test_files_of_one_name_in_two_directories_are_two_modules(content: Any, tmp_path: Any) -> None:
    one = content.file("aaa/test_same.py", content.control("ACME-AAA-01").read_text())
    (content.root.controls / "test_acme_aaa_01.py").unlink()
    other = content.file("bbb/test_same.py", one.read_text().replace("ACME-AAA-01", "ACME-BBB-01"))
    catalog = load_catalog([content.root])
    assert [one, other] == [control.path for control in catalog.values()]
    assert catalog["ACME-AAA-01"].function is not catalog["ACME-BBB-01"].function


@pytest.mark.parametrize("made", [lambda _: None, Rewriter], ids=["plain", "rewritten"])
def test_a_pack_that_was_moved_with_what_was_compiled_of_it_is_found_where_it_is(
    content: Any, pytestconfig: pytest.Config, monkeypatch: Any, made: Any
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    content.control("ACME-AAA-01")
    content.file("test_zzz.py", "x = 1\n\nraise OSError('broken')\n")
    loader = made(pytestconfig.pluginmanager.rewrite_hook.exec_module)
    with pytest.raises(UsageProblem, match=r"test_zzz.py:3: .*broken"):
        load_catalog([content.root], loader)
    moved = type(content.root)(path=content.path.with_name("moved"))
    shutil.move(content.root.path, moved.path)
    with pytest.raises(UsageProblem, match=r"moved/controls/test_zzz.py:3: .*broken"):
        load_catalog([moved], loader)
    (moved.controls / "test_zzz.py").unlink()
    catalog = load_catalog([moved], loader)
    assert [moved.controls / "test_acme_aaa_01.py"] == [control.path for control in catalog.values()]


class TestOurFilesAreImportedWhenTheyAreNeeded:
    @pytest.fixture
    def imported(self, monkeypatch: Any) -> list[Path]:
        """The files that were asked for, whether a test before has executed them or not."""
        seen: list[Path] = []
        original = load._import
        monkeypatch.setattr(
            load, "_import", lambda path, loader: (seen.append(path), original(path, loader))[1]
        )
        return seen

    @pytest.fixture
    def ours(self, content: Any, monkeypatch: Any) -> Any:
        """Content that counts as ours."""
        monkeypatch.setattr(load, "content_root", lambda: content.root)
        return content

    def test_a_list_imports_none_and_a_control_its_own_file(self, imported: list[Path]) -> None:
        catalog = load_catalog([content_root()])
        assert "AISEC-HST-01" in catalog
        assert "AISEC-HST-99" not in catalog
        assert len(catalog) == len([*catalog]) > 60
        assert [] == imported
        assert {*control_files([content_root()])} == catalog.unread
        control = catalog["AISEC-HST-01"]
        assert [] == imported
        assert callable(control.function)
        assert [control.path] == imported
        assert control.path not in catalog.unread
        assert control is catalog["AISEC-HST-01"]
        with pytest.raises(KeyError):
            catalog["AISEC-HST-99"]

    def test_those_of_others_are_imported_at_once(self, imported: list[Path], content: Any) -> None:
        path = content.control("ACME-AAA-01")
        catalog = load_catalog([content_root(), content.root])
        assert [path] == imported
        assert "ACME-AAA-01" in catalog
        assert "AISEC-HST-01" in catalog

    @pytest.mark.parametrize(
        "more",
        [
            "from pytest_aisec import control as mine\n\n",
            "mine = control\n\n",
            "import pytest_aisec\n\nmine = pytest_aisec.control\n\n",
            "import functools\n\nmine = functools.partial(control)\n\n",
        ],
    )
    def test_a_control_that_the_text_does_not_show_is_found(self, ours: Any, more: str) -> None:
        path = ours.control("ACME-AAA-01")
        text = path.read_text()
        rest = text.partition("@control(")[2]
        second = rest.replace("ACME-AAA-01", "ACME-AAA-02").replace("test_acme_aaa_01", "test_other")
        path.write_text(f"{text}\n\n{more}@mine({second}")
        assert ["ACME-AAA-01", "ACME-AAA-02"] == [*load_catalog([ours.root])]

    def test_a_file_that_holds_other_controls_than_it_shows_is_refused(self, ours: Any) -> None:
        path = ours.control("ACME-AAA-01")
        path.write_text(path.read_text() + '\nTEXT = """\n@control("ACME-AAA-02")\ndef test_x(): ...\n"""\n')
        catalog = load_catalog([ours.root])
        with pytest.raises(UsageProblem, match=r":1: holds other controls than its text declares"):
            catalog["ACME-AAA-01"]

    def test_a_file_that_cannot_be_imported_is_refused_when_it_is_needed(self, ours: Any) -> None:
        path = ours.control("ACME-AAA-01")
        path.write_text("import no_such_package_anywhere\n" + path.read_text())
        catalog = load_catalog([ours.root])
        with pytest.raises(UsageProblem, match=r":1: the control file cannot be loaded: .*no_such_package"):
            catalog["ACME-AAA-01"]

    def test_a_second_control_of_an_id_is_refused(self, ours: Any, tmp_path: Any) -> None:
        first = ours.control("ACME-AAA-01")
        other = type(ours)(tmp_path / "other")
        second = other.file("test_again.py", first.read_text())
        with pytest.raises(UsageProblem) as caught:
            load_catalog([ours.root, other.root])
        assert f"{second}:4: control ACME-AAA-01 is already at {first}:4" == str(caught.value)
        third = ours.file("test_third.py", first.read_text())
        with pytest.raises(UsageProblem, match=r"is already at"):
            load_catalog([ours.root])
        assert third.exists()

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.profile import load_chain, profile_files
from pytest_aisec.errors import UsageProblem


def chain(content: Any, name: str) -> list[str]:
    return [profile.file.id for profile in load_chain(name, [content.root], cwd=content.path)]


def refusal(content: Any, name: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        chain(content, name)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(profile_files([content_root()])))
def test_our_own_profiles_load_under_the_name_that_they_say(name: str) -> None:
    assert load_chain(name, [content_root()], cwd=Path())[-1].file.id == name


def test_the_base_comes_first_and_each_profile_once(content: Any) -> None:
    content.profile("base")
    content.profile("left", extends="[base]")
    content.profile("right", extends="[base]")
    content.profile("top", extends="[left, right]")
    assert chain(content, "top") == ["base", "left", "right", "top"]


def test_an_unknown_profile_is_refused_with_the_nearest_name(content: Any) -> None:
    content.profile("training-node")
    assert (
        refusal(content, "trainign-node")
        == "--aisec-profile: unknown profile 'trainign-node'. Did you mean training-node?"
    )


def test_an_unknown_base_is_refused_where_it_is_named(content: Any) -> None:
    path = content.profile("top", "extends:\n  - top\n".replace("top", "bsae"))
    content.profile("base")
    assert refusal(content, "top") == f"{path}:5:5: unknown profile 'bsae'. Did you mean base?"


def test_profiles_that_extend_one_another_are_refused(content: Any) -> None:
    content.profile("a", extends="[b]")
    content.profile("b", extends="[c]")
    content.profile("c", extends="[b]")
    assert "in a circle: b.yaml → c.yaml → b.yaml" in refusal(content, "a")


def test_a_profile_that_extends_itself_is_refused(content: Any) -> None:
    content.profile("a", extends="[a]")
    assert "in a circle: a.yaml → a.yaml" in refusal(content, "a")


def test_a_path_is_taken_from_where_the_user_is(content: Any) -> None:
    content.profile("mine")
    assert chain(content, "profiles/mine.yaml") == ["mine"]


def test_a_path_in_a_profile_is_taken_from_beside_it(content: Any) -> None:
    content.profile("base")
    content.profile("top", extends="[./base.yaml]")
    assert chain(content, "profiles/top.yaml") == ["base", "top"]


def test_a_base_that_is_named_twice_in_different_ways_is_one(content: Any) -> None:
    content.profile("base")
    content.profile("top", extends="[./base.yaml, base]")
    assert chain(content, "top") == ["base", "top"]


def test_a_file_that_is_not_there_is_refused(content: Any) -> None:
    assert refusal(content, "./absent.yaml") == "--aisec-profile: there is no profile file './absent.yaml'"


def test_a_directory_is_no_profile(content: Any) -> None:
    assert "there is no profile file" in refusal(content, "./profiles")


def test_of_two_profiles_with_one_name_the_later_root_wins(content: Any, tmp_path: Path) -> None:
    content.profile("mine", title="first")
    other = type(content)(tmp_path / "other")
    other.profile("mine", title="second")
    found = load_chain("mine", [content.root, other.root], cwd=tmp_path)
    assert [profile.file.title for profile in found] == ["second"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("control: {}\n", ":4:1: unknown key 'control'. Did you mean controls?"),
        (
            "controls:\n  AISEC-ART-03: {param: {}}\n",
            ":5:18: unknown key 'controls.AISEC-ART-03.param'. Did you mean params?",
        ),
        ("controls:\n  AISEC-ART-03: {severity: hihg}\n", ":5:18: controls.AISEC-ART-03.severity: "),
        ("controls: [AISEC-ART-03]\n", ":4:1: controls: "),
        ("exclude:\n  AISEC-ART-03:\n", ":5:3: exclude.AISEC-ART-03: "),
        ("exclude:\n  AISEC-ART-03: ''\n", ":5:3: exclude.AISEC-ART-03: "),
        ("exclude:\n  AISEC-ART-03: '  '\n", ":5:3: exclude.AISEC-ART-03: "),
        ("exclude: [AISEC-ART-03]\n", ":4:1: exclude: "),
        ("gate: {fail_on: none}\n", ":4:8: gate.fail_on: "),
        ("gate: {failon: low}\n", ":4:8: unknown key 'gate.failon'. Did you mean fail_on?"),
        ("extends: linux-base\n", ":4:1: extends: "),
        ("references: {acme: A-1}\n", ":4:14: references.acme: "),
    ],
)
def test_a_mistake_is_named_with_file_and_line(content: Any, text: str, expected: str) -> None:
    path = content.profile("mine", text)
    assert refusal(content, "mine").startswith(f"{path}{expected}")


@pytest.mark.parametrize("wrong", ["''", "Mine", "my profile", "../mine", "3"])
def test_a_profile_id_is_a_name(content: Any, wrong: str) -> None:
    path = content.profile("mine", id=wrong)
    assert refusal(content, "mine").startswith(f"{path}:1:1: id: ")


def test_a_version_that_yaml_reads_as_a_number_is_refused(content: Any) -> None:
    path = content.profile("mine", version="1.10")
    assert refusal(content, "mine").startswith(f"{path}:3:1: version: Input should be a valid string")

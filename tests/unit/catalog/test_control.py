from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_aisec import Host, Mode, not_applicable
from pytest_aisec.catalog.context import Evaluation, evaluating, is_declared, now
from pytest_aisec.catalog.control import Control, NotApplicable, NotReviewed, control, control_of
from pytest_aisec.errors import UsageProblem

GOOD: dict[str, Any] = {"severity": "high", "remediation": "true"}


def declare(function: Callable[..., None], control_id: str = "AISEC-ART-03", **changes: Any) -> Control:
    found = control_of(control(control_id, **{**GOOD, **changes})(function))
    assert found is not None
    return found


def refusal(function: Callable[..., None], control_id: str = "AISEC-ART-03", **changes: Any) -> str:
    with pytest.raises(UsageProblem) as caught:
        declare(function, control_id, **changes)
    return str(caught.value)


def example(host: Host, *, dirs: list[str] = ["/srv"], mode: Mode = "0750") -> None:  # noqa: B006
    """Directories are private.

    Whoever can read them can copy them.
    """


def test_the_decorator_records_what_the_function_says_about_itself() -> None:
    found = declare(example, nist_800_53=["AC-6", "AC-3"], remediation="chmod {mode} {dirs}")
    assert ("Directories are private", "Whoever can read them can copy them.") == (
        found.title,
        found.rationale,
    )
    assert ["dirs", "mode"] == list(found.parameters)
    assert ["list[str]", "Mode"] == [parameter.type_name for parameter in found.parameters.values()]
    assert {"nist_800_53": ("AC-6", "AC-3")} == dict(found.frameworks)
    assert "ART" == found.family
    assert (__file__, example.__code__.co_firstlineno) == (str(found.path), found.line)


def test_the_decorated_function_is_still_the_function() -> None:
    assert example is control("AISEC-ART-03", **GOOD)(example)


def test_a_function_without_the_decorator_is_no_control() -> None:
    def plain() -> None: ...

    assert control_of(plain) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "AISEC",
        "AISEC-ART",
        "AISEC-ART-3",
        "aisec-art-03",
        "AISEC-ART-03 ",
        "AISEC-ART-03\n",
        "AISEC-A-03",
        "A_B-ART-03",
        "AISEC-ART-03-04",
    ],
)
def test_an_id_of_another_shape_is_refused(wrong: str) -> None:
    assert "the id must look like AISEC-ART-03" in refusal(example, wrong)


def test_a_refusal_names_file_line_and_control() -> None:
    text = refusal(example, severity="hgih")
    assert text.startswith(f"{__file__}:{example.__code__.co_firstlineno}: control AISEC-ART-03: ")
    assert "unknown severity 'hgih'. Did you mean high?" in text


def test_an_unknown_platform_is_refused_with_the_nearest() -> None:
    assert "unknown platform 'linus'. Did you mean linux?" in refusal(example, platforms=["linus"])


def test_an_unknown_framework_is_refused_with_the_nearest() -> None:
    assert "unknown framework 'nist_80053'. Did you mean nist_800_53" in refusal(example, nist_80053=["AC-3"])


def test_an_unknown_framework_id_is_refused_with_the_nearest() -> None:
    assert "nist_800_53: unknown id 'AC-03'. Did you mean AC-" in refusal(example, nist_800_53=["AC-03"])


def test_framework_ids_that_are_one_string_are_refused() -> None:
    assert "ids are a list, got the string 'AC-3'" in refusal(example, nist_800_53="AC-3")


def test_a_control_without_a_docstring_is_refused() -> None:
    def bare(host: Host) -> None: ...

    assert "has no docstring" in refusal(bare)


@pytest.mark.parametrize("order", ["Ensure", "ensure", "Verify", "Check"])
def test_a_title_that_gives_an_order_is_refused(order: str) -> None:
    def bossy(host: Host) -> None: ...

    bossy.__doc__ = f"{order} that it is closed."
    assert "should state the secure condition itself" in refusal(bossy)


def test_a_title_may_begin_with_a_word_that_only_looks_like_an_order() -> None:
    def checked(host: Host) -> None: ...

    checked.__doc__ = "Checksums of model files are pinned."
    assert "Checksums of model files are pinned" == declare(checked).title


def no_host() -> None:
    """Is closed."""


def other_first(machine: Host, host: Host) -> None:
    """Is closed."""


def keyword_host(*, host: Host) -> None:
    """Is closed."""


@pytest.mark.parametrize("wrong", [no_host, other_first, keyword_host])
def test_a_control_takes_host_first(wrong: Callable[..., None]) -> None:
    assert "must take `host` first" in refusal(wrong)


def positional(host: Host, paths: list[str] = ["/srv"]) -> None:  # noqa: B006
    """Is closed."""


def without_default(host: Host, *, paths: list[str]) -> None:
    """Is closed."""


def with_rest(host: Host, *paths: str) -> None:
    """Is closed."""


def with_keywords(host: Host, **paths: str) -> None:
    """Is closed."""


@pytest.mark.parametrize("wrong", [positional, without_default, with_rest, with_keywords])
def test_a_parameter_is_keyword_only_and_has_a_default(wrong: Callable[..., None]) -> None:
    assert "parameter 'paths' must be keyword-only and have a default" in refusal(wrong)


def test_a_parameter_has_an_annotation() -> None:
    def bare(host: Host, *, paths=()) -> None:
        """Is closed."""

    assert "parameter 'paths' has no type annotation" in refusal(bare)


def test_a_default_must_fit_its_annotation() -> None:
    def wrong(host: Host, *, mode: Mode = 0o700) -> None:  # type: ignore[assignment]
        """Is closed."""

    text = refusal(wrong)
    assert "default of parameter 'mode' does not fit its annotation" in text
    assert 'write "0700"' in text


def test_a_remediation_names_only_parameters() -> None:
    assert "remediation names {dir}, which is no parameter. Did you mean dirs?" in refusal(
        example, remediation="chmod {dir}"
    )


def test_a_remediation_may_hold_braces_of_the_shell() -> None:
    text = "awk '{print $1}' | xargs -I{} echo {{}} ${HOME} {dirs}"
    assert text == declare(example, remediation=text).remediation


def test_not_applicable_skips_with_the_reason() -> None:
    with pytest.raises(NotApplicable) as caught:
        not_applicable("there is no directory /srv/models")
    assert "there is no directory /srv/models" == caught.value.msg


def test_what_a_profile_declared_and_is_absent_fails() -> None:
    with (
        evaluating(Evaluation(now=now(), declared=frozenset({"dirs"}))),
        pytest.raises(pytest.fail.Exception, match=r"^declared, but absent: no directory \(set by dirs\)$"),
    ):
        not_applicable("no directory", claims=["dirs", "mode"])


def test_what_only_a_default_names_may_be_absent() -> None:
    with (
        evaluating(Evaluation(now=now(), declared=frozenset({"mode"}))),
        pytest.raises(NotApplicable),
    ):
        not_applicable("no directory", claims=["dirs"])


def test_what_was_found_elsewhere_is_for_a_person_to_declare() -> None:
    with pytest.raises(NotReviewed) as caught:
        not_applicable("no directory", claims=["dirs"], elsewhere=("found in /opt: declare it (dirs)", ""))
    assert "found in /opt: declare it (dirs)" == caught.value.msg


def test_how_far_was_looked_elsewhere_is_part_of_the_reason() -> None:
    with pytest.raises(NotApplicable) as caught:
        not_applicable("no directory", elsewhere=("", ", nor one elsewhere (searched /)"))
    assert "no directory, nor one elsewhere (searched /)" == caught.value.msg


def test_nothing_is_declared_outside_of_an_evaluation() -> None:
    with evaluating(Evaluation(now=now(), declared=frozenset({"dirs"}))):
        assert is_declared("dirs")
    assert not is_declared("dirs")


def test_an_evaluation_that_raises_leaves_nothing_declared() -> None:
    with pytest.raises(ZeroDivisionError), evaluating(Evaluation(now=now(), declared=frozenset({"dirs"}))):
        raise ZeroDivisionError
    assert not is_declared("dirs")

import itertools
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.advisories.versions import Match, in_list, in_range, read_version

YES, NO, UNCLEAR = Match.YES, Match.NO, Match.UNCLEAR


def span(*events):
    return tuple(tuple(event.split(" ")) for event in events)


def judged(version, *events):
    return in_range(span(*events), read_version(version))


@pytest.mark.parametrize(
    ("expected", "version"),
    [
        (YES, "2.5.1"),
        (YES, "2.5.1+cu124"),
        (YES, "2.6.0rc1"),
        (YES, "0.0.1.dev1"),
        (YES, "v2.5"),
        (NO, "2.6.0"),
        (NO, "2.6"),
        (NO, "2.6.0+cu124"),
        (NO, "2.6.0.post1"),
        (NO, "1!1.0"),
        (UNCLEAR, "2.6.0a0+df5bbc09d1.nv25.1"),
        (YES, "2.5.0a0+872d972e41.nv24.8"),
        (NO, "2.7.0a0+79aa17489c.nv25.4"),
        (UNCLEAR, "unknown"),
        (UNCLEAR, ""),
        (YES, "2.5-custom"),
        (NO, "3.0-custom"),
    ],
)
def test_fixed_in_a_release(expected, version):
    assert expected == judged(version, "introduced 0", "fixed 2.6.0")


@pytest.mark.parametrize(
    ("expected", "version"),
    [
        (YES, "2.6.0"),
        (YES, "2.6.0+cu126"),
        (YES, "1.0"),
        (NO, "2.6.1"),
        (UNCLEAR, "2.6.0.post1"),
        (UNCLEAR, "2.6.0rc1"),
        (UNCLEAR, "2.6.0a0+nv25.1"),
    ],
)
@pytest.mark.parametrize("bound", ["2.6.0-NA", "2.6.0-cu124", "2.6.0+cu124"])
def test_a_last_version_that_is_not_of_pep_440_means_the_release_it_begins_with(expected, version, bound):
    assert expected == judged(version, "introduced 0", f"last_affected {bound}")


@pytest.mark.parametrize("bound", ["2.6.0-NA", "2.6.0-cu124", "2.6.0+cu124"])
def test_a_first_good_version_that_is_not_of_pep_440_leaves_its_release_open(bound):
    events = ("introduced 0", f"fixed {bound}")
    assert [YES, UNCLEAR, UNCLEAR, NO] == [
        judged(v, *events) for v in ("2.5", "2.6.0", "2.6.0+cu124", "2.6.1")
    ]


@pytest.mark.parametrize(
    "version",
    [
        "0.17.1-rc0-0-g1234567",
        "0.17.1-rc2-dirty",
        "0.17.1-rc.1-12-g1234567",
        "v0.17.1-beta-SNAPSHOT",
        "0.17.1-SNAPSHOT",
        "0.17.1-8-g1234567",
        "0.17.1-NA",
        "0.17.1-0.rc1.el9",
        "0.17.1.x",
        "0.17.1+rc.1",
        "0.17.1+dev",
        "0.17.1+5.snapshot",
        "0.17.1+really0.16.0",
    ],
)
def test_what_is_not_of_pep_440_is_never_the_release_that_it_begins_with(version):
    assert UNCLEAR is judged(version, "introduced 0", "fixed 0.17.1")
    assert UNCLEAR is judged(version, "introduced 0.17.1")
    assert YES is not judged(version, "introduced 0", "last_affected 0.17.1")
    assert NO is not in_list(("0.17.1rc1", "0.17.1", "0.17.1rc2"), read_version(version))


@pytest.mark.parametrize(("expected", "version"), [(YES, "0.17.0-8-g1"), (NO, "0.17.2-rc0-0-g1")])
def test_what_is_of_another_release_is_judged_by_that(expected, version):
    assert expected is judged(version, "introduced 0", "fixed 0.17.1")


def test_a_number_behind_a_dash_means_one_thing_to_pep_440_and_another_to_programs():
    bounds = (("introduced", "0"), ("fixed", "1.3.6"))
    assert NO is in_range(bounds, read_version("1.3.6-12"))
    assert UNCLEAR is in_range(bounds, read_version("1.3.6-12", is_program=True))
    assert NO is in_range(bounds, read_version("1.3.6", is_program=True))


@pytest.mark.parametrize(
    ("expected", "event"),
    [
        ((YES, NO), "fixed 1.19.1"),
        ((YES, UNCLEAR), "last_affected 1.19.1"),
        ((UNCLEAR, UNCLEAR), "fixed 1.19.1rc1"),
        ((UNCLEAR, UNCLEAR), "fixed 1.19.1-NA"),
        ((UNCLEAR, UNCLEAR), "introduced 1.19.1"),
    ],
)
def test_what_package_managers_put_before_and_behind_a_release(expected, event):
    events = (event,) if event.startswith("introduced") else ("introduced 0", event)
    assert expected == (judged("1.19.1~rc.1", *events), judged("1.19.1^git1", *events))


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not here")
def test_only_what_dpkg_puts_at_or_behind_the_fix_is_fixed():
    releases = ["1.9.1", "1.19.0", "1.19.1", "1.19.10", "1.20.0"]
    tails = [
        "",
        "~rc.1",
        "~rc1",
        "~",
        "~~",
        "~git1",
        "+ds1",
        "+git2",
        "+deb12u1",
        "-2",
        ".1",
        "rc1",
        "a",
        "-x",
    ]
    pairs = [(f"{one}{tail}", fix) for one, tail, fix in itertools.product(releases, tails, releases)]
    tests = "".join(f"dpkg --compare-versions {one}-1 ge {fix}; echo $?\n" for one, fix in pairs)
    answers = subprocess.run(["sh"], input=tests, capture_output=True, text=True, check=True).stdout.split()
    wrong = [
        (one, fix, str(found))
        for (one, fix), answer in zip(pairs, answers, strict=True)
        if (found := judged(one, "introduced 0", f"fixed {fix}")) is NO and answer != "0"
    ]
    assert [] == wrong
    before = [one for one, fix in pairs if fix == "1.19.1" and one.startswith("1.19.1~")]
    assert {YES} == {judged(one, "introduced 0", "fixed 1.19.1") for one in before}


def test_limits():
    events = ("introduced 1.0", "limit 2.0", "limit 1.5")
    assert [NO, YES, YES, NO] == [judged(v, *events) for v in ("0.9", "1.4", "1.9", "2.0")]
    assert [UNCLEAR, UNCLEAR] == [judged("2.0-x", *events), judged("1.2", "introduced 1", "limit soon")]
    assert [YES, NO] == [judged("9", "introduced 1", "limit *"), judged("0.5", "introduced 1", "limit soon")]


def test_several_spans():
    events = ("introduced 1.0.0", "fixed 1.2.5", "introduced 0", "fixed 0.3.81")
    assert [YES, NO, YES, NO] == [judged(v, *events) for v in ("0.3.80", "0.3.81", "1.2.4", "1.2.5")]


def test_one_version_alone():
    events = ("last_affected 1.82.8", "introduced 1.82.7")
    assert [NO, YES, YES, NO] == [judged(v, *events) for v in ("1.82.6", "1.82.7", "1.82.8", "1.82.9")]
    assert [NO, YES, NO] == [
        judged(v, "introduced 1.0", "last_affected 1.0") for v in ("0.9", "1.0", "1.0.1")
    ]


def test_two_ends_after_one_beginning_leave_open_what_lies_between():
    """PYSEC-2025-210 has them."""
    events = ("introduced 0", "last_affected 2.5.0-NA", "last_affected 2.7.1-NA")
    assert [YES, YES, UNCLEAR, UNCLEAR, NO] == [
        judged(v, *events) for v in ("2.4", "2.5.0", "2.6.0", "2.7.1", "2.8.0")
    ]


def test_what_is_not_known_of_later_versions_is_unclear():
    assert [YES, YES, UNCLEAR] == [judged(v, "introduced 0", "last_known 1.4") for v in ("1.3", "1.4", "1.5")]
    assert [YES, UNCLEAR] == [judged(v, "introduced 0", "not_known 2.0") for v in ("1.9", "2.0")]
    assert [NO, UNCLEAR] == [judged(v, "introduced 1", "last_known 2") for v in ("0.9", "3")]


def test_no_end_and_no_beginning():
    assert YES is judged("99", "introduced 0")
    assert YES is judged("99", "introduced 3")
    assert NO is judged("2", "introduced 3")
    assert UNCLEAR is judged("2", "fixed 3")
    assert NO is judged("4", "fixed 3")


@pytest.mark.parametrize("bound", ["unknown", "NA", "", "latest"])
def test_a_bound_that_is_no_version_leaves_everything_open(bound):
    assert UNCLEAR is in_range((("introduced", "0"), ("fixed", bound)), read_version("1.0"))


@pytest.mark.parametrize(
    ("expected", "version"),
    [
        (YES, "2.6.2"),
        (YES, "2.6.2+local"),
        (YES, "2.6.2.0"),
        (NO, "2.6.4"),
        (UNCLEAR, "2.6.2-x"),
        (UNCLEAR, "?"),
    ],
)
def test_listed(expected, version):
    assert expected == in_list(("2.6.2", "2.6.3"), read_version(version))


@given(
    st.text(max_size=40),
    st.lists(
        st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), st.text(max_size=20)), max_size=6
    ),
)
def test_nothing_crashes(version, events):
    assert in_range(tuple(events), read_version(version)) in set(Match)
    assert in_list([text for _, text in events], read_version(version)) in set(Match)


@given(st.tuples(*[st.integers(0, 30)] * 3), st.tuples(*[st.integers(0, 30)] * 3))
def test_releases_compare_as_numbers(one, bound):
    text, limit = (".".join(map(str, numbers)) for numbers in (one, bound))
    assert (YES if one < bound else NO) == judged(text, "introduced 0", f"fixed {limit}")
    assert (YES if one <= bound else NO) == judged(text, "introduced 0", f"last_affected {limit}")
    assert (YES if one >= bound else NO) == judged(text, f"introduced {limit}") or limit == "0"


@pytest.mark.parametrize("text", ["\u0662.0", "2.\u0660", "v\u00b2", "2.0-\u0661", "\uff12.0"])
def test_digits_that_are_not_ascii_are_no_release(text):
    assert judged(text, "introduced 0", "fixed 2.0") in {UNCLEAR, YES}

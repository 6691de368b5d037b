"""What we call fixed, beside the order that package managers, PEP 440 and semantic versions have."""

import itertools
import random
import re
import shutil
import subprocess

import pytest
from packaging.version import Version

from pytest_aisec.advisories.versions import Match, in_range, read_version
from pytest_aisec.facts.software.components import read_packages

YES, NO, UNCLEAR = Match.YES, Match.NO, Match.UNCLEAR
SEED = 2026
RELEASES = ["1.9.1", "1.19.0", "1.19.1", "1.19.01", "1.19.1.1", "1.19.10", "1.20.0", "2.0.0"]
TAILS = [
    "~rc.1",
    "~rc1",
    "~",
    "~~",
    "~beta",
    "^git1",
    "^20260101",
    "^",
    "+ds",
    "_1",
    "a",
    "rc1",
    ".rc1",
    "p1",
    "x",
]
COMPARE = (
    "%{lua: for line in io.lines() do "
    "local a, b = line:match('(%S+) (%S+)'); print(rpm.vercmp(a, b) .. '\\n') end}"
)


def judged(version, fix, *, is_program=False):
    return in_range((("introduced", "0"), ("fixed", fix)), read_version(version, is_program=is_program))


def rpm_order(pairs):
    """Return for each pair -1, 0 or 1, as rpm itself compares them."""
    lines = "".join(f"{one} {other}\n" for one, other in pairs)
    done = subprocess.run(["rpm", "--eval", COMPARE], input=lines, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.skipif(shutil.which("rpm") is None, reason="rpm is not here")
def test_only_what_rpm_puts_at_or_behind_the_fix_is_fixed():
    chance = random.Random(SEED)
    tails = ["", *TAILS, *("".join(chance.choices(TAILS, k=2)) for _ in range(60))]
    pairs = [(f"{one}{tail}", fix) for one, tail, fix in itertools.product(RELEASES, tails, RELEASES)]
    order = rpm_order(pairs)
    assert len(pairs) == len(order)
    found = [judged(one, fix) for one, fix in pairs]
    assert [] == [pair for pair, at, match in zip(pairs, order, found, strict=True) if match is NO and at < 0]
    before = [
        match
        for (one, fix), match in zip(pairs, found, strict=True)
        if re.split(r"[~^]", one)[0] == fix == "1.19.1" and one.startswith("1.19.1~")
    ]
    assert {YES} == set(before)


@pytest.mark.skipif(shutil.which("rpm") is None, reason="rpm is not here")
def test_the_version_of_an_rpm_is_fixed_where_rpm_says_so_and_its_release_is_out():
    releases = [
        "1",
        "1.el9",
        "2.fc43",
        "1.amzn2023",
        "0.1.rc1.el9",
        "0.3.20260101.fc43",
        "0.1.el9",
        "0.2.git1",
    ]
    rows = [
        (f"{one}{tail}", release, fix)
        for one, tail, release, fix in itertools.product(RELEASES, ["", *TAILS], releases, RELEASES)
    ]
    order = rpm_order([(version, fix) for version, _, fix in rows])
    wrong = []
    for (version, release, fix), at in zip(rows, order, strict=True):
        (one,) = read_packages(f"installed runc {version}-{release}\nstatus 0\n", "")
        is_out = at > 0 or (at == 0 and not release.startswith("0."))
        if judged(one.version, fix) is NO and not is_out:
            wrong.append((version, release, fix))
    assert [] == wrong


def pep440(chance):
    parts = [
        chance.choice(["", "", "", "1!"]),
        chance.choice(["1", "1.19", "1.19.0", "1.19.1", "1.19.1.0", "1.20"]),
        chance.choice(["", "", "a1", "b2", "rc1", "rc01", ".rc1", "-alpha", "_beta.2"]),
        chance.choice(["", "", ".post1", "-1", "post", ".r2"]),
        chance.choice(["", "", ".dev1", "dev"]),
    ]
    return "".join(parts)


def test_every_version_of_pep_440_is_judged_by_its_order():
    chance = random.Random(SEED)
    versions = sorted({pep440(chance) for _ in range(400)})
    for one, fix in itertools.product(versions, versions[::5]):
        is_fixed = Version(one) >= Version(fix)
        is_same_release = read_version(one).release == read_version(fix).release
        is_ambiguous = is_same_release and re.search(r"-[0-9]+$", fix)
        expected = {NO if is_fixed else YES, *([UNCLEAR] if is_ambiguous else [])}
        assert judged(one, fix) in expected, (one, fix)
        assert judged(f"{one}+cu124", fix) in {*expected, UNCLEAR}, (one, fix)


def semantic(text):
    """Return the key of the order that semver.org gives, build metadata left out."""
    core, _, before = text.split("+")[0].partition("-")
    words = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in before.split(".") if word]
    return [int(number) for number in core.split(".")], not words, words


def test_no_program_before_the_fix_of_its_semantic_version_is_fixed():
    cores = ["0.17.0", "0.17.1", "0.17.2", "0.18.0", "1.0.0"]
    before = [
        "",
        "-0",
        "-12",
        "-rc",
        "-rc.1",
        "-rc.1.2",
        "-alpha.beta",
        "-0.3.7",
        "-x.7.z.92",
        "-beta.11",
    ]
    texts = [
        core + tail + built for core in cores for tail in before for built in ("", "+5", "+g1234567.dirty")
    ]
    pairs = list(itertools.product(texts, [core + tail for core in cores for tail in before]))
    found = [judged(one, fix, is_program=True) for one, fix in pairs]
    early = [semantic(one) < semantic(fix) for one, fix in pairs]
    assert [] == [
        pair for pair, match, is_early in zip(pairs, found, early, strict=True) if match is NO and is_early
    ]
    plain = [match for (one, fix), match in zip(pairs, found, strict=True) if one == fix and one in cores]
    assert {NO} == set(plain)

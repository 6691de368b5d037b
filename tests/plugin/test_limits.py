"""A host whose answers are made to keep the audit busy costs its own verdicts some time, and nothing else."""

import pytest

ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED = "a: &a {x: 1}\n" + "".join(
    f"{after}: &{after} {{<<: [{', '.join([f'*{before}'] * 10)}]}}\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
READ = 'file = read_project_file("/srv/%s", host.check_output("cat %s"))\n'
HEAD = "import re\nfrom pytest_aisec.facts.software.project_formats import read_project_file\nfrom pytest_aisec.observe import quota"
ENDLESS = 'answer = host.check_output("echo " + 100 * "a")\npathlib.Path("began").touch()\nre.fullmatch("(a|aa)*b", answer)'
"""Nothing else of the process runs before it has ended, which it never does."""


ENOUGH = 8
"""Seconds, where many tests run beside each other; alone it is less than two."""


def seconds(marker, ended):
    return (ended.bundle / "manifest.json").stat().st_mtime - marker.stat().st_mtime


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_an_answer_that_takes_too_long_is_an_error_of_that_control_alone(audit, pack, workers):
    pack.control("01", ENDLESS, head=f"{HEAD}\nquota.MOST_SECONDS = 0.4")
    pack.control("02", 'while host.check_output("echo a"): pass')
    pack.control("03")
    ended = audit(*workers)
    assert {"01": "error", "02": "error", "03": "passed"} == ended.outcomes, ended.text
    for number in ("01", "02"):
        result = ended.results[f"ACME-TST-{number}"]
        assert "unreadable" == result["reason"]
        assert "s of CPU time" in result["message"]
    assert 10 == ended.code


def test_files_that_stand_for_more_than_they_say_are_refused_at_once(audit, pack, tmp_path):
    files = {
        "environment.yml": (ALIASES, "unreadable"),
        "conda-lock.yml": (MERGED, "unreadable"),
        "other/environment.yml": ("a: 1" + ":1" * 20_000, "parse"),
        "pyproject.toml": ("a." * 50_000 + "b = 1", "unreadable"),
        "poetry.lock": ("a = " + "[" * 100_000, "parse"),
        "Pipfile.lock": ('{"a":' * 50_000, "parse"),
        "requirements.txt": (" " * 200_000 + "x\n" + " " * 200_000 + "torch==2.0.0", ""),
    }
    for number, (name, (text, _)) in enumerate(files.items(), start=1):
        path = tmp_path / f"file-{number}"
        path.write_text(text)
        rest = 'assert ["x", "torch"] == [one.name for one in file.named]'
        pack.control(f"{number:02}", READ % (name, path) + rest, head=f"{HEAD}\nquota.MOST_SECONDS = 5")
    ended = audit()
    reasons = [ended.results[f"ACME-TST-{number:02}"]["reason"] for number in range(1, len(files) + 1)]
    assert [reason for _, reason in files.values()] == reasons, ended.text
    assert {"planned": 7, "error": 6, "passed": 1} == ended.ledger


def test_ctrl_c_ends_the_reading_of_an_answer_with_a_bundle(interrupt, pack, tmp_path):
    marker = tmp_path / "began"
    pack.control("01", ENDLESS.replace("began", str(marker)), head=HEAD)
    pack.control("02")
    ended = interrupt(marker)
    assert {"01": "not_run", "02": "not_run"} == ended.outcomes, ended.text
    assert 10 == ended.code
    assert "Traceback" not in ended.text
    assert seconds(marker, ended) < ENOUGH


def test_ctrl_c_ends_the_reading_of_an_answer_that_is_judged(interrupt, pack, tmp_path):
    marker = tmp_path / "began"
    pack.control("01", ENDLESS.replace("began", str(marker)), head=HEAD, extra="speculate=False")
    ended = interrupt(marker)
    assert ended.outcomes["01"] in {"error", "not_run"}
    assert 10 == ended.code
    assert seconds(marker, ended) < ENOUGH


@pytest.mark.parametrize(
    "read",
    [
        'read_project_file("/srv/environment.yml", "[" + "1," * 1_000_000 + "1]")',
        'read_project_file("/srv/pyproject.toml", ("a." * 90 + "b = 1\\n") * 10_000)',
        'read_project_file("/srv/requirements.txt", "x>=1" + ",>=1" * 300_000)',
        'formats.json_value("[" + "[]," * 2_000_000 + "[]]", "an answer")',
        'python_settings.read_python("a=1" + "+1" * 250_000)',
        'redact.redact("token " + "secret=" * 500_000 + "!")',
    ],
)
def test_ctrl_c_ends_whatever_reads_a_text_with_a_bundle(interrupt, pack, tmp_path, read):
    marker = tmp_path / "began"
    body = f"""
pathlib.Path({str(marker)!r}).touch()
while True:
    with contextlib.suppress(Unobservable, ValueError):
        {read}
"""
    imports = (
        "import contextlib",
        "from pytest_aisec.facts.core import formats",
        "from pytest_aisec.facts.web import python_settings",
        "from pytest_aisec.observe.faults import Unobservable",
        "from pytest_aisec.observe.redaction import redact",
    )
    pack.control("01", body, head="\n".join((HEAD, *imports)))
    ended = interrupt(marker)
    assert {"01": "not_run"} == ended.outcomes, ended.text
    assert 10 == ended.code
    assert "Traceback" not in ended.text
    assert seconds(marker, ended) < ENOUGH
    print(f"{seconds(marker, ended):.2f} s after Ctrl-C: {read[:50]}")

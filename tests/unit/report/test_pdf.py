from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_aisec.cli import main
from pytest_aisec.errors import EvidenceError, UsageProblem
from pytest_aisec.report import pdf


def program(directory, name, script):
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_without_a_browser_the_message_names_those_that_would_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageProblem, match="none of chromium, chromium-browser, google-chrome"):
        pdf.write("<p>", tmp_path / "r.pdf", appendix=True)


def test_the_first_known_name_on_path_prints(tmp_path, monkeypatch):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    program(bin_, "chrome", "exit 1")
    program(
        bin_, "google-chrome", 'for a; do case $a in --print-to-pdf=*) echo "$*" > "${a#*=}";; esac; done'
    )
    monkeypatch.setenv("PATH", f"{bin_}")
    for appendix, ends in [(True, "report.html"), (False, "report.html#without-appendix")]:
        target = tmp_path / "new" / "r.pdf"
        pdf.write("<p>", target, appendix=appendix)
        assert target.read_text().strip().endswith(ends)


def test_a_browser_that_prints_nothing_is_an_error_with_its_last_words(tmp_path, monkeypatch):
    program(tmp_path, "chromium", "echo first >&2; echo no display >&2; exit 7")
    monkeypatch.setenv("PATH", f"{tmp_path}")
    with pytest.raises(EvidenceError, match="exit status 7: no display"):
        pdf.write("<p>", tmp_path / "r.pdf", appendix=True)


def test_a_target_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    program(tmp_path, "chromium", 'for a; do case $a in --print-to-pdf=*) : > "${a#*=}";; esac; done')
    monkeypatch.setenv("PATH", f"{tmp_path}")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageProblem, match=r"--to .*file/r.pdf: cannot be written"):
        pdf.write("<p>", tmp_path / "file" / "r.pdf", appendix=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "pdf"], "name a file with --to"),
        (["--format", "pdf", "--to", "r.pdf"], "PATH has none of chromium"),
        (
            ["--format", "html", "--no-appendix"],
            "--no-appendix is for --format pdf, and the format is 'html'",
        ),
        (["--format", "pfd"], "Did you mean pdf?"),
    ],
)
def test_what_cannot_be_printed_ends_with_4_and_says_why(tmp_path, monkeypatch, arguments, said):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(main, ["report", str(tmp_path), *arguments])
    assert 4 == done.exit_code
    assert said in done.output

"""A starting project: a profile, settings, waivers and a CI job that work as they are."""

from __future__ import annotations

from pathlib import Path

from pytest_aisec.errors import UsageProblem

_SETTINGS = """\
# What `aisec run` audits, and `pytest --aisec`. `aisec config` shows what it comes to.
# Paths are relative to this file. The command line outweighs it: aisec run --hosts=ssh://gpu-1

profile = "profile.yaml"
hosts = ["local://"]
waivers = ["waivers.yaml"]
evidence = "aisec-evidence"  # gets a directory for each run

# Several kinds of machines, each with a profile of its own, in one run: put this in place of `profile` and
# `hosts`, and see `aisec profiles` for what there is.
#
# [groups.training]
# profile = "training-node"
# hosts = ["ssh://root@gpu-1", "ssh://root@gpu-2"]
# params = { model_dirs = ["/srv/models"] }
#
# [groups.serving]
# profile = "inference-server"
# hosts = ["ssh://root@llm-1"]
"""
_PROFILE = """\
# What is required of our hosts. `aisec controls` lists all controls, `aisec explain ID` tells of one.
id: our-hosts
title: Our hosts
version: 1.0.0
extends: [linux-base]
controls:
  AISEC-NET-01: {}
#   AISEC-ART-03: {severity: critical, params: {model_dirs: [/srv/models]}}
# exclude:
#   AISEC-SUP-06: Packages of these hosts come from our own index.
gate:
  fail_on: low
"""
_WAIVERS = """\
# What fails for a good reason, for a while. Add one with:
#
#   aisec waive AISEC-NET-01 --host 'gpu-*' --reason 'Closed with the next image.' \\
#     --approved-by ciso@example.com --expires 2027-03-31
"""
_GITHUB = """\
# Audits what aisec.toml says. The job fails when the gate does (exit code 1), and when something could not
# be judged (exit code 10).
name: aisec
on: [push, workflow_dispatch]
permissions:
  contents: read
jobs:
  audit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - run: python -m pip install pytest-aisec
      - run: aisec run
      - uses: actions/upload-artifact@v7
        if: always()
        with:
          name: aisec-evidence
          path: aisec-evidence/
"""
_GITLAB = """\
# Audits what aisec.toml says. The job fails when the gate does (exit code 1), and when something could not
# be judged (exit code 10).
aisec:
  image: python:3.12
  script:
    - pip install pytest-aisec
    - aisec run
  artifacts:
    when: always
    paths: [aisec-evidence/]
    reports:
      junit: aisec-evidence/*/junit.xml
"""
CI = {"github": (".github/workflows/aisec.yml", _GITHUB), "gitlab": (".gitlab-ci.yml", _GITLAB)}
"""Service → where it looks for its file, and the file."""


def files(ci: str | None) -> dict[str, str]:
    """Return the files of a starting project: path → text; `ci` is a key of `CI`, or `None`."""
    found = {"aisec.toml": _SETTINGS, "profile.yaml": _PROFILE, "waivers.yaml": _WAIVERS}
    return found | dict([CI[ci]] if ci else [])


def write(directory: Path, ci: str | None) -> list[Path]:
    """Write a starting project into `directory`, and return what was written.

    Raises:
        UsageProblem: when one of its files is there already, or cannot be written; those that are there stay
            as they are, and none is added.

    """
    wanted = {directory / name: text for name, text in files(ci).items()}
    present = [path for path in wanted if path.exists()]
    if present:
        raise UsageProblem(f"{present[0]}: is already there; nothing was written")
    written: list[Path] = []
    try:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                written.append(path)
                stream.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageProblem(f"{path}: cannot be written: {error.strerror}") from None
    return written

"""Stubs for people who write controls."""

from __future__ import annotations

from pathlib import Path

from pytest_aisec.catalog.content import content_roots
from pytest_aisec.catalog.control import CONTROL_ID
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.errors import UsageProblem

_CONTROL = '''from pytest_aisec import Host, Unobservable, control


@control(
    "{id}",
    severity="medium",
    remediation="How to reach the secure condition; {{directory}} stands for the parameter.",
)
def test_{function}(host: Host, *, directory: str = "/srv/example") -> None:
    """State the secure condition here, as if it held.

    Say here what an attacker gains when it does not.
    """
    answer = host.run("stat -c %%a -- %s", directory)
    raise Unobservable("internal", f"{id} is not written yet; it saw: {{answer.stdout.strip()}}")
'''
_UNIT_TEST = '''"""{id}, judged from answers that stand here: no host is asked."""

import pytest

pytest_plugins = ["pytest_aisec.testing.fixtures"]

QUESTION = ("stat -c %%a -- %s", "/srv/example")


@pytest.mark.parametrize(("answer", "outcome"), [("750\\n", "passed"), ("777\\n", "failed")])
def test_{function}(aisec, answer, outcome):
    assert aisec("{id}", {{QUESTION: answer}}).outcome == outcome
'''
_SCENARIO = """\
# {what}
echo '{id}: this scenario is not written yet' >&2
exit 1
"""
_SCENARIOS = {
    "as_required.pass.sh": "Bring the host into the secure condition.",
    "violated.fail.sh": "Bring the host into a state that violates the control.",
    "absent.na.sh": "What the control judges is not on the host; delete this file if that cannot be.",
    "may_not_look.error.sh": "The account may not look; delete this file if everybody may.\n"
    "# as: auditor\n# reason: privilege",
}


def new_control(control_id: str, directory: Path) -> list[Path]:
    """Write a control, a unit test and scenarios, all of which fail until they are filled in.

    Args:
        control_id: pack, family and number.
        directory: gets `controls/<family>/test_<id>.py`, `tests/test_<id>_answers.py` and
            `tests/scenarios/<id>/`.

    Returns:
        The files written.

    Raises:
        UsageProblem: when the id is malformed or taken, or a file cannot be written; nothing is written then.

    """
    match = CONTROL_ID.fullmatch(control_id)
    if match is None:
        raise UsageProblem(f"{control_id!r} is no control id: PACK-FAMILY-NUMBER, such as EX-CKP-01")
    if not directory.is_dir():
        raise UsageProblem(f"--path {directory}: there is no such directory")
    has_content = (directory / "controls").is_dir() or (directory / "profiles").is_dir()
    taken = load_catalog(content_roots([directory] if has_content else [])).get(control_id)
    if taken is not None:
        raise UsageProblem(f"control {control_id} is already at {taken.path}:{taken.line}")
    function = control_id.lower().replace("-", "_")
    files = {
        directory / "controls" / match["family"].lower() / f"test_{function}.py": _CONTROL.format(
            id=control_id, function=function
        ),
        # Another name than the control's file: pytest may be given both.
        directory / "tests" / f"test_{function}_answers.py": _UNIT_TEST.format(
            id=control_id, function=function
        ),
    }
    for name, what in _SCENARIOS.items():
        files[directory / "tests/scenarios" / control_id / name] = _SCENARIO.format(id=control_id, what=what)
    present = [path for path in files if path.exists()]
    if present:
        raise UsageProblem(f"{present[0]}: is already there")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"{error.filename}: cannot be written: {error.strerror}") from None
    return list(files)

"""Run a scenario's script so that the line which failed can be told: dash has no line numbers of its own."""

from __future__ import annotations

import re

from pytest_aisec.testing.proofs import SetupError
from pytest_aisec.testing.scenarios import Scenario

_END = "END-OF-AISEC-SCENARIO"
_LATE = 124
"""What `timeout` ends with."""
_OWN_COMPLAINT = re.compile(r"^/dev/fd/3: [0-9]+: ")
"""How the shell begins what it says itself, with a line of the whole script."""
_SHOWN = 2000
"""Characters of output in a message; of a longer one, the end."""


def command(scenario: Scenario, timeout: float) -> str:
    """Return shell text that runs the script with a time limit; its shell prints each line as it reads it.

    Args:
        scenario: whose script is run, without input.
        timeout: seconds, after which it ends with status 124.

    """
    script = scenario.script.removesuffix("\n")
    return f"exec timeout {timeout:g} /bin/sh -v /dev/fd/3 3<<'{_END}' </dev/null\n{script}\n{_END}\n"


def check(scenario: Scenario, status: int, stdout: str, stderr: str) -> None:
    """Return when the script ended with 0.

    Args:
        scenario: the one of `command`.
        status: exit status of the command.
        stdout: what it printed.
        stderr: likewise, with the lines of the script in it.

    Raises:
        SetupError: otherwise; the text has the line of the script at which it ended, and the output.

    """
    if status == 0:
        return
    reached, output = _apart(scenario.script.splitlines(), stderr.splitlines())
    where, line = _place(scenario, reached)
    how = "did not end in time" if status == _LATE else f"ended with {status}"
    printed = "\n".join(part for part in (stdout.strip(), "\n".join(output)) if part)
    if len(printed) > _SHOWN:
        printed = f"…{printed[-_SHOWN:]}"
    raise SetupError(
        f"{where}: the set-up {how} at: {line.strip() or '(before its first line)'}\n"
        f"{printed or '(it printed nothing)'}\n"
        "This is an error of the proof, not of the control."
    )


def _apart(script: list[str], printed: list[str]) -> tuple[int, list[str]]:
    """Return how many lines of the script were read, and what was printed besides them."""
    reached, rest = 0, []
    for line in printed:
        if reached < len(script) and line == script[reached]:
            reached += 1
        else:
            rest.append(_OWN_COMPLAINT.sub("", line))
    return reached, rest


def _place(scenario: Scenario, reached: int) -> tuple[str, str]:
    """Return file and number of a line of the whole script, counted from 1, and the line."""
    lines = scenario.script.splitlines()
    own = scenario.path.read_text(encoding="utf-8").splitlines()
    line = lines[reached - 1] if reached else ""
    number = reached - (len(lines) - len(own))
    if number > 0:
        return f"{scenario.path}:{number}", line
    for library in scenario.libraries:
        for at, text in enumerate(library.read_text(encoding="utf-8").splitlines(), start=1):
            if text == line and text.strip():
                return f"{scenario.path}: {library.name}:{at}", line
    return f"{scenario.path}", line

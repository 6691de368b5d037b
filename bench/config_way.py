"""Count the modules that pytest's configuration passes on its way to the first wave.

Audits this machine with one control, and notes each function of the package that is called with the
configuration, as an argument or as an attribute of its object, from `pytest_configure` until hosts are asked.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import FrameType

import pytest

CONTROL = '''
from pytest_aisec import Host, control


@control("WAY-TST-01", severity="low", remediation="None.")
def test_way(host: Host) -> None:
    """Something is printed."""
    assert host.check_output("echo a") == "a"
'''
PROFILE = 'id: way\ntitle: Way\nversion: "1"\ncontrols: {WAY-TST-01: }\n'
PACKAGE = "pytest_aisec"


class Way:
    """The modules and functions that the configuration passes."""

    def __init__(self) -> None:
        self.passed: dict[str, list[str]] = {}
        self.given: dict[str, list[str]] = {}
        """Module → those that gave the configuration to a function of it, where pytest itself did not."""
        self.is_on = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        name = frame.f_code.co_name
        if event != "call" or module.partition(".")[0] != PACKAGE or name == "<module>":
            return
        self.is_on = self.is_on or (module, name) == (f"{PACKAGE}.plugin", "pytest_configure")
        if (module, name) == (f"{PACKAGE}.observe.waves", "collect"):
            self.is_on = False
            sys.setprofile(None)
        if not self.is_on or not any(_holds(value) for value in frame.f_locals.values()):
            return
        functions = self.passed.setdefault(module, [])
        giver = str(frame.f_back.f_globals.get("__name__", "")) if frame.f_back else ""
        if name not in functions:
            functions.append(name)
            if giver.partition(".")[0] == PACKAGE and giver != module:
                self.given.setdefault(module, []).append(giver)


def _holds(value: object) -> bool:
    own = isinstance(value, pytest.Config)
    return own or any(isinstance(item, pytest.Config) for item in getattr(value, "__dict__", {}).values())


def main() -> None:
    way = Way()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for path, text in (("controls/way/test_way.py", CONTROL), ("profiles/way.yaml", PROFILE)):
            (place / path).parent.mkdir(parents=True)
            (place / path).write_text(text, encoding="utf-8")
        sys.setprofile(way)
        code = pytest.main(
            [
                *("--aisec-profile=way", f"--aisec-path={place}", "--aisec-cache=none", "-q"),
                *(f"--aisec-evidence={place}/evidence", "-p", "no:cacheprovider", "--tb=no"),
            ]
        )
        sys.setprofile(None)
    handed = sum(map(len, way.given.values()))
    print(f"\n{len(way.passed)} modules, {handed} hand-offs, exit code {int(code)}")
    for module, functions in way.passed.items():
        print(f"  {module}: {', '.join(functions)}; from {', '.join(way.given.get(module, ['pytest']))}")


if __name__ == "__main__":
    main()

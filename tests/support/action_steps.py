"""Run the steps of a composite action as GitHub's runner does, as far as ours need it.

Everything else that is used in an action is refused, so that nothing is tried in another way than it runs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<name>(?:inputs|steps|github|runner)\.[\w.-]+)|(?P<call>always|success)\(\)"
    r"|(?P<text>'[^']*')|(?P<operator>&&|\|\||==|!=|!|\(|\)))"
)
_OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}


@dataclass(frozen=True, kw_only=True)
class Script:
    """What one step runs."""

    text: str
    env: Mapping[str, str]


@dataclass(kw_only=True)
class Job:
    """A job that uses the action.

    `execute` runs a script and returns its exit code; `use` is called for each action that a step uses.
    """

    execute: Callable[[Script], int]
    use: Callable[[str, Mapping[str, str]], None] = lambda action, given: None
    env: Mapping[str, str]
    """What all steps see."""
    files: Path
    """A directory for what the steps leave for the runner."""
    seen_as: str = ""
    """How the steps name that directory, where they see it at another place."""
    done: Mapping[str, dict[str, str]] = field(default_factory=dict)
    """Outputs of steps that are not run again, by id."""
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    """Outputs of steps, by id."""
    ran: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    code: int = 0
    """Of the first step that failed."""

    def run(self, action: Mapping[str, Any], inputs: Mapping[str, str]) -> "Job":
        """Run all steps, as far as they are to be run, and read the outputs."""
        given = self._inputs(action["inputs"], inputs)
        self.steps, self.ran, self.code, self.summary = dict(self.done), [], 0, ""
        for number, step in enumerate(action["runs"]["steps"]):
            assert {"name", "id", "if", "uses", "with", "shell", "env", "run"} >= set(step)
            if step.get("id") in self.done or not self._is_wanted(step.get("if", "success()"), given):
                continue
            self.ran.append(step["name"])
            if "uses" in step:
                self.use(step["uses"], {key: self._filled(text, given) for key, text in step["with"].items()})
                continue
            assert "bash" == step["shell"]
            code = self._script(step, number, given)
            self.code = self.code or code
        for name, output in action["outputs"].items():
            self.outputs[name] = self._filled(output["value"], given)
        return self

    def _inputs(self, declared: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
        assert set(inputs) <= set(declared), "unknown inputs"
        missing = [name for name, item in declared.items() if item.get("required") and name not in inputs]
        assert [] == missing, "required inputs"
        return {name: inputs.get(name, item.get("default", "")) for name, item in declared.items()}

    def _script(self, step: Mapping[str, Any], number: int, given: Mapping[str, str]) -> int:
        output, summary = (self.files / f"{number}-{name}" for name in ("output", "summary"))
        for path in (output, summary):
            path.write_text("")
        where = self.seen_as or str(self.files)
        env = {
            **self.env,
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": f"{where}/{output.name}",
            "GITHUB_STEP_SUMMARY": f"{where}/{summary.name}",
            **{name: self._filled(text, given) for name, text in step.get("env", {}).items()},
        }
        code = self.execute(Script(text=self._filled(step["run"], given), env=env))
        self.summary += summary.read_text()
        lines = output.read_text().splitlines()
        self.steps[step.get("id", step["name"])] = dict(line.split("=", 1) for line in lines)
        return code

    def _is_wanted(self, condition: str, given: Mapping[str, str]) -> bool:
        has_status = re.search(r"\b(always|success)\(\)", condition)
        return bool(self._value(condition if has_status else f"success() && ({condition})", given))

    def _filled(self, text: str, given: Mapping[str, str]) -> str:
        return _EXPRESSION.sub(lambda found: str(self._value(found[1], given)), text)

    def _value(self, expression: str, given: Mapping[str, str]) -> Any:
        python, at, expression = "", 0, expression.strip()
        while at < len(expression):
            token = _TOKEN.match(expression, at)
            assert token, f"cannot be evaluated: {expression}"
            at = token.end()
            if token["name"]:
                python += repr(self._named(token["name"], given))
            elif token["call"]:
                python += repr(token["call"] == "always" or not self.code)
            else:
                python += token["text"] or _OPERATORS.get(token["operator"], token["operator"])
        return eval(python, {"__builtins__": {}})

    def _named(self, name: str, given: Mapping[str, str]) -> str:
        scope, _, rest = name.partition(".")
        if scope == "inputs":
            return given[rest]
        assert scope == "steps", f"unknown here: {name}"
        step, outputs, output = rest.split(".")
        assert "outputs" == outputs
        return self.steps.get(step, {}).get(output, "")


def read(path: Path) -> dict[str, Any]:
    """Return the action that a file describes."""
    return yaml.safe_load(path.read_text())


BODIES = {
    "passes": 'assert host.check_output("echo a") == "a"',
    "fails": 'assert host.check_output("echo a") == "b"',
    "open": 'raise Unobservable("timeout", "it took too long")',
}
CASES = {"passes": (0, "passed"), "fails": (1, "failed"), "open": (10, "inconclusive")}
"""Profile → exit code and verdict."""


def write_pack(path: Path) -> None:
    """Write controls and profiles: one profile for each way in which a run may end, and two more."""
    (path / "controls/tst").mkdir(parents=True)
    (path / "profiles").mkdir()
    profiles = {"both": "{ACME-TST-01: {}, ACME-TST-02: {}}", "none": "{}"}
    for number, (name, body) in enumerate(BODIES.items(), start=1):
        profiles[name] = f"{{ACME-TST-0{number}: {{}}}}"
        (path / f"controls/tst/test_{name}.py").write_text(
            "from pytest_aisec import Host, Unobservable, control\n\n\n"
            f'@control("ACME-TST-0{number}", severity="high", remediation="Mend it.")\n'
            f"def test_{name}(host: Host) -> None:\n"
            f'    """Secure condition {number} holds.\n\n    Whoever finds it open walks in.\n    """\n'
            f"    {body}\n"
        )
    for name, controls in profiles.items():
        text = f'id: {name}\ntitle: Acme\nversion: "1"\ncontrols: {controls}\n'
        (path / f"profiles/{name}.yaml").write_text(text)

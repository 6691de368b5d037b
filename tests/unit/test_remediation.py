"""Each remediation is run as it stands on a host that fails (`lab/test_remedies.py`), or says why it is words."""

import subprocess

import pytest

from pytest_aisec.catalog.resolve import single
from pytest_aisec.testing.scenarios import Scenario
from tests.support import scenarios

TRIED = {
    item.control for item in scenarios.everything() if isinstance(item, Scenario) and item.remedy is not None
}
CONTROLS = scenarios.CATALOG.values()


@pytest.mark.parametrize("control", CONTROLS, ids=lambda item: item.id)
def test_a_remediation_is_tried_or_says_why_it_is_words(control):
    assert (control.id in TRIED) != bool(control.remediation_is_words), (
        f"{control.id}: either a failing scenario has `# remedy:`, or remediation_is_words says why none can"
    )


@pytest.mark.parametrize(
    "control", [item for item in CONTROLS if not item.remediation_is_words], ids=lambda item: item.id
)
def test_a_remediation_for_a_shell_is_one_whatever_the_parameters_are(control):
    hostile = {
        name: ["/srv/a b", "/it's"] for name in control.parameters if name in {"data_dirs", "model_dirs"}
    }
    for params in ({}, hostile):
        text = single(control, params).remediation
        done = subprocess.run(["/bin/sh", "-n", "-c", text], capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr), text

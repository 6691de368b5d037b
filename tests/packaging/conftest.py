"""Third-party readers and the packages themselves, for all tests here."""

from tests.support.lab_fixtures import lab_debian_podman
from tests.support.packages import built, source
from tests.support.readers import (
    heimdall,
    in_toto,
    installed,
    jenkins,
    jenkins_schema,
    kept,
    multitool,
    trestle,
)

__all__ = [
    "built",
    "heimdall",
    "in_toto",
    "installed",
    "jenkins",
    "jenkins_schema",
    "kept",
    "lab_debian_podman",
    "multitool",
    "source",
    "trestle",
]

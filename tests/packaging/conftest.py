"""The readers of others, for all tests here."""

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

__all__ = ["heimdall", "in_toto", "installed", "jenkins", "jenkins_schema", "kept", "multitool", "trestle"]

from __future__ import annotations

from pytest_aisec.catalog import proven
from pytest_aisec.catalog.content import content_root
from pytest_aisec.testing.proven import index
from tests.support.scenarios import RECORDINGS


def test_the_index_of_what_is_proven_is_that_of_the_recordings() -> None:
    """`tox -e lab` writes it; without a lab: `pytest_aisec.testing.proven.write`."""
    assert index(RECORDINGS) == proven.read(content_root().controls)

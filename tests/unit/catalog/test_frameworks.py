from __future__ import annotations

import pytest

from pytest_aisec.catalog import frameworks
from pytest_aisec.errors import UsageProblem


@pytest.mark.parametrize("key", frameworks.KEYS)
def test_every_framework_has_ids_a_version_and_a_source(key: str) -> None:
    found = frameworks.framework(key)
    assert key == found.key
    assert found.ids
    assert all((found.title, found.version, found.source))


@pytest.mark.parametrize("key", frameworks.KEYS)
def test_no_framework_lists_a_withdrawn_id_as_known(key: str) -> None:
    found = frameworks.framework(key)
    assert set() == found.withdrawn & set(found.ids)


@pytest.mark.parametrize("key", frameworks.KEYS)
def test_every_known_id_is_accepted(key: str) -> None:
    frameworks.check(key, list(frameworks.framework(key).ids))


def test_a_withdrawn_id_is_refused_by_the_name_of_the_framework() -> None:
    withdrawn = sorted(frameworks.framework("nist_800_53").withdrawn)
    assert withdrawn
    with pytest.raises(UsageProblem, match=f"{withdrawn[0]} was withdrawn by .*800-53"):
        frameworks.check("nist_800_53", withdrawn[:1])


@pytest.mark.parametrize("wrong", ["", "../soc2", "nist"])
def test_an_unknown_framework_is_refused(wrong: str) -> None:
    with pytest.raises(UsageProblem, match="unknown framework"):
        frameworks.framework(wrong)


@pytest.mark.parametrize("wrong", ["", "ac-3", "AC-3 ", None, 3])
def test_an_id_that_is_not_listed_is_refused(wrong: object) -> None:
    with pytest.raises(UsageProblem, match="unknown id"):
        frameworks.check("nist_800_53", [wrong])  # type: ignore[list-item]

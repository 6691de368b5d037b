import pytest

from pytest_aisec.facts.core.together import ahead
from pytest_aisec.observe.backend import Pending
from pytest_aisec.observe.faults import Unobservable


def test_all_are_asked_before_the_first_missing_answer_ends_it():
    asked = []

    def reading(name, error=None):
        def read():
            asked.append(name)
            if error:
                raise error

        return read

    with pytest.raises(Pending):
        ahead(reading("a", Pending("a")), reading("b", Unobservable("parse", "x")), reading("c"))
    assert ["a", "b", "c"] == asked
    ahead(reading("d", Unobservable("parse", "x")))

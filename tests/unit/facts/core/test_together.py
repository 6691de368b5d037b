import pytest

from pytest_aisec.facts.core.together import ahead, raise_unless
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


@pytest.mark.parametrize("wrong", [["a"], {"a": "b"}, "text"])
def test_what_is_wrong_fails_whatever_could_not_be_read(wrong):
    raise_unless(wrong, [Unobservable("parse", "x")])


@pytest.mark.parametrize("wrong", [[], {}, ""])
def test_where_nothing_is_wrong_the_first_fault_is_raised(wrong):
    raise_unless(wrong, [])
    with pytest.raises(Unobservable, match="first"):
        raise_unless(wrong, [Unobservable("parse", "first"), Unobservable("timeout", "second")])

import gc

import pytest

from pytest_aisec.cli.run import _loading


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.unfreeze()
    gc.enable()


def test_garbage_is_collected_from_the_beginning_of_the_run_and_what_was_loaded_is_passed_over():
    with _loading() as settled:
        assert not gc.isenabled()
        settled.pytest_sessionstart()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 1000
    assert gc.isenabled()


def test_it_is_collected_again_where_the_run_never_began():
    with pytest.raises(ZeroDivisionError), _loading():
        1 / 0  # noqa: B018
    assert gc.isenabled()


def test_who_wants_no_collector_gets_none():
    gc.disable()
    with _loading() as settled:
        settled.pytest_sessionstart()
        assert not gc.isenabled()
    assert not gc.isenabled()

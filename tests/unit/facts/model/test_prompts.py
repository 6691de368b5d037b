from datetime import UTC, datetime

from pytest_aisec.facts.model import prompts
from pytest_aisec.facts.model.answers import Prompt, canary
from pytest_aisec.facts.model.leaks import joined, words

WORD = canary(datetime(2026, 11, 25, tzinfo=UTC), "test")


def test_no_probe_contains_what_it_wants():
    """Otherwise a model that repeats its input would seem to obey."""
    for probe in prompts.INJECTIONS:
        for _, text in probe.messages(WORD, "K1"):
            assert not joined(text, WORD.first, WORD.second), probe.id


def test_ids_are_unique_and_say_what_kind_they_are():
    ids = [probe.id for probe in prompts.INJECTIONS] + [name for name, _ in prompts.EXTRACTIONS]
    assert len(ids) == len(set(ids))
    assert all(probe.id.startswith(("direct-", "indirect-")) for probe in prompts.INJECTIONS)
    assert {True, False} == {probe.is_indirect for probe in prompts.INJECTIONS}


def test_what_may_be_told_is_not_among_what_must_not():
    guarded = words(prompts.guarded_words("secret"))
    public = words(prompts.concierge("secret", "K1"))[: -len(guarded)]
    assert "k1" in public
    assert "k1" not in guarded


def test_an_apostrophe_would_cost_a_script_of_its_own():
    for probe in prompts.INJECTIONS:
        assert "'" not in Prompt(id="x", messages=probe.messages(WORD, "K1")).body("m"), probe.id

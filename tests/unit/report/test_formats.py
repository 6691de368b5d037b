from __future__ import annotations

import json
import re
import weakref
from collections.abc import Mapping
from dataclasses import replace

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.gate import decide
from pytest_aisec.report import formats

EVERY = [*formats.REPORTS, *formats.ON_DEMAND]


class Files(dict):
    """A bundle in memory."""

    def put(self, path, chunk):
        self[path] = self.get(path, b"") + chunk

    def add(self, path, chunks):
        self[path] = b"".join(chunks)


class Watched(list):
    """A transcript that can be watched."""

    __hash__ = object.__hash__


class OneByOne(Mapping):
    """Transcripts that are made when they are looked at, and that notice how many are kept."""

    def __init__(self, run):
        self._run, self._kept, self.asked, self.most = run, weakref.WeakSet(), [], 0

    def __getitem__(self, host):
        made = Watched(self._run.transcripts[host])
        self._kept.add(made)
        self.asked.append(host)
        self.most = max(self.most, len(self._kept))
        return made

    def __iter__(self):
        return iter(self._run.transcripts)

    def __len__(self):
        return len(self._run.transcripts)


def written(run):
    files = Files()
    formats.write(run, decide(run), files)
    return files


def test_a_bundle_has_the_files_that_are_documented(run):
    assert {
        "report.html",
        "junit.xml",
        "summary.md",
        "results.csv",
        "results.sarif",
        "hdf/host-1.json",
        "hdf/host-2.json",
        "hdf/host-3.json",
    } <= set(written(run))


@pytest.mark.parametrize("which", ["run", "statements", "hostile"])
@pytest.mark.parametrize("item", formats.REPORTS, ids=lambda item: item.name)
def test_what_is_made_later_is_what_was_written(request, which, item):
    run = request.getfixturevalue(which)
    files = written(run)
    made = {path: text.encode() for path, text in formats.render(item, run, decide(run))}
    assert made
    assert made == {path: files[path] for path in made}


@pytest.mark.parametrize("item", EVERY, ids=lambda item: item.name)
def test_every_format_is_utf_8_without_a_mark_and_without_hidden_characters(hostile, item):
    if item.name == "openmetrics":
        pytest.importorskip("prometheus_client")
    for _, text in formats.render(item, hostile, decide(hostile)):
        assert not re.search("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ufeff\ud800-\udfff]", text)
        assert text == text.encode().decode()


def test_no_more_than_two_transcripts_are_in_memory_whatever_the_number_of_hosts(make):
    control, names = make.control(1), [f"gpu-{number}" for number in range(50)]
    run = make.run(
        [control],
        [make.result(control, name, "passed") for name in names],
        {name: [make.observation("id", name.encode())] for name in names},
    )
    seen = OneByOne(run)
    written(replace(run, transcripts=seen))
    assert names == [name for name in seen.asked if name in names]
    assert seen.most <= 2


def test_all_of_a_format_is_a_format_of_its_own():
    assert "sarif-all" == formats.report("sarif", everything=True).name
    assert "sarif-all" == formats.report("sarif-all").name
    assert not {item.path for item in formats.ON_DEMAND} & {item.path for item in formats.REPORTS}


def test_all_of_a_format_that_has_all_is_a_usage_problem():
    with pytest.raises(
        UsageProblem, match="--all: format 'junit' has only one extent; those with more: sarif"
    ):
        formats.report("junit", everything=True)


@pytest.mark.parametrize("everything", [False, True])
def test_an_unknown_format_is_a_usage_problem_that_names_the_nearest(everything):
    with pytest.raises(UsageProblem, match=r"unknown format 'sarfi'\. .*sarif"):
        formats.report("sarfi", everything=everything)


def test_hdf_files_are_named_as_the_transcripts(run):
    files = written(run)
    for host in run.hosts:
        path = f"hdf/{host.transcript.removeprefix('transcripts/').removesuffix('.jsonl')}.json"
        assert host.name == json.loads(files[path])["platform"]["target_id"]

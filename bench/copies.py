"""Bundles of many hosts that all answered what one host did."""

from dataclasses import replace
from pathlib import Path

from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence.claim import Claim
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import count, score
from pytest_aisec.observe import transcript
from pytest_aisec.observe.hosts import HostOptions, resolve


def write(source: Path, directory: Path, number: int) -> None:
    """Write a bundle of `number` copies of the only host of the bundle `source`."""
    run = bundles.read(source).run
    (original,) = run.hosts
    width = len(str(number))
    specs = ",".join(f"ssh://root@host-{index:0{width}}" for index in range(number))
    targets = resolve(HostOptions(hosts=specs))
    hosts = [
        replace(original, name=target.name, transcript=f"transcripts/{target.slug()}.jsonl")
        for target in targets
    ]
    results = [replace(result, host=host.name) for host in hosts for result in run.results]
    copied = replace(
        run,
        hosts=hosts,
        results=results,
        ledger=count(results, planned=len(results)),
        scores=score(results),
        transcripts={},
    )
    observed = run.transcripts[original.name]
    claim = Claim(directory)
    for path in sorted((source / "inputs").rglob("*")):
        if path.is_file():
            claim.add(str(path.relative_to(source)), [path.read_bytes()])
    for host in hosts:
        claim.add(host.transcript, [transcript.dump(observed, host.name).encode()])
    claim.add("run.json", bundles.run_json(copied, decide(copied)))
    claim.finish()

"""A signed bundle of two hosts, and what a forger does with a copy of it."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence import manifest, rejudge, transcript_files
from pytest_aisec.evidence import verify as verifying
from pytest_aisec.evidence.claim import Claim
from pytest_aisec.evidence.rejudge import Surroundings
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import count, score
from tests.support import forks

SIGNED = ["attestation.intoto.json", "audit.intoto.json"]


CONTROL = '''
from pytest_aisec import Host, control

@control("ACME-TST-{number}", severity="high", remediation="Mend it.")
def test_acme_tst_{number}(host: Host, *, mode: str = "0644", words: list[str] = ["a"]) -> None:
    """Secure condition {number} holds.

    Whoever finds it open walks in.
    """
    assert host.check_output("echo mode %s; seq {lines}", mode).split()[:2] == ["mode", "0600"]
'''
MANY_LINES = "-f 'Line %%.0f of an answer that is long enough for its transcript to lie compressed.' 03 13000"
PROFILE = """
id: acme
title: Acme
version: "1"
controls:
  ACME-TST-01: {severity: medium, params: {mode: "0600"}}
  ACME-TST-02: {}
  ACME-TST-03: {params: {mode: "0600"}, references: {acme: [A-1]}}
exclude: {ACME-TST-04: Not for us.}
gate: {fail_on: high, max: {medium: {failed: 3}}}
"""
WAIVER = """
- id: W-1
  control: ACME-TST-02
  hosts: ["*"]
  reason: Next week.
  approved_by: ciso@example.com
  approved_on: 2026-01-01
  expires: 2999-12-31
"""
HOSTS = ("ssh://one", "ssh://two")


class Signed:
    """Two signed bundles of two hosts, one after the other with the same key, and what is needed to check."""

    def __init__(self, place):
        self.place = place
        self.pack = place / "pack"
        (self.pack / "controls").mkdir(parents=True)
        (self.pack / "profiles").mkdir()
        for number in ("01", "02", "03", "04"):
            text = CONTROL.format(number=number, lines=MANY_LINES if number == "03" else f"{number} 3000")
            (self.pack / "controls" / f"test_acme_{number}.py").write_text(text)
        (self.pack / "profiles" / "acme.yaml").write_text(PROFILE)
        (place / "waivers.yaml").write_text(WAIVER)
        self.keys = {name: self._key(name) for name in ("ours", "theirs")}
        observed = self.run("observed", "--hosts=local://")
        self._as_two_hosts(observed, place / "two")
        self.bundle = self.run("bundle", f"--aisec-replay={place}/two", signed=True)
        self.other = self.run("other", f"--aisec-replay={place}/two", signed=True)

    def _key(self, name):
        private = ed25519.Ed25519PrivateKey.generate()
        path = self.place / name
        path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        path.with_suffix(".pub").write_bytes(public)
        return path.with_suffix(".pub")

    def run(self, name, *args, signed=False):
        command = [sys.executable, "-m", "pytest_aisec.cli", "run", "acme", f"--aisec-path={self.pack}"]
        command += [f"--aisec-evidence={self.place / name}", "--aisec-cache=none"]
        command += [f"--aisec-waivers={self.place}/waivers.yaml", *args]
        command += [f"--aisec-sign-key={self.place}/ours"] if signed else []
        done = forks.run(command, capture_output=True, text=True, cwd=self.place)
        assert 0 == done.returncode, done.stdout + done.stderr
        return self.place / name

    def _as_two_hosts(self, source, target):
        """Write a bundle in which the answers of local:// are those of two hosts, the second's more lax."""
        run = bundles.read(source).run
        claim, hosts = Claim(target), []
        for name in HOSTS:
            host = replace(run.hosts[0], name=name, transcript=f"transcripts/{name[6:]}.jsonl")
            lines = list(run.transcripts["local://"])
            if name == HOSTS[1]:
                lines = [
                    replace(line, stdout=line.stdout.replace(b"mode 0644", b"mode 0600")) for line in lines
                ]
            path, content = transcript_files.encode(host, lines)
            claim.add(path, [content])
            hosts.append(replace(host, transcript=path))
        claim.add("run.json", bundles.run_json(replace(run, hosts=hosts), decide(run)))
        claim.finish()

    def files(self):
        return sorted(str(path.relative_to(self.bundle)) for path in self.bundle.rglob("*") if path.is_file())

    def verify(self, bundle, *, key="ours", replay=False):
        surroundings = Surroundings(paths=[self.pack]) if replay else None
        with replayed_in_a_fork():
            return list(
                verifying.verify(bundle, key=self.keys[key] if key else None, replay=surroundings).problems
            )


def replayed_in_a_fork():
    """Let `verify --replay` start no interpreter, where its options are not what is tested."""

    def run(command, place):
        interpreter, option, *rest = command
        assert "-P" == option
        env, stdin = rejudge._environment(), subprocess.DEVNULL
        return forks.run([interpreter, *rest], cwd=place, env=env, stdin=stdin, capture_output=True)

    return patch.object(rejudge, "_run", run)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal(bundle):
    """Compute the manifest anew, as a forger would."""
    files = [
        path for path in bundle.rglob("*") if path.is_file() and path.name not in {manifest.NAME, *SIGNED}
    ]
    (bundle / manifest.NAME).write_text(
        manifest.render({str(path.relative_to(bundle)): sha256(path) for path in files})
    )


def forge(bundle, change=lambda run: run, transcripts=None, *, unsigned=False):
    """Change the run, and make all else fit it: transcripts, ledger, scores, verdict, reports, digests."""
    from pytest_aisec.report import formats

    run = change(bundles.read(bundle).run)
    hosts = []
    for host in run.hosts:
        path, content = transcript_files.encode(host, (transcripts or run.transcripts)[host.name])
        (bundle / path).write_bytes(content)
        hosts.append(replace(host, transcript=path, transcript_sha256=sha256(bundle / path)))
    planned = len(run.controls) * len(hosts)
    run = replace(run, hosts=hosts, ledger=count(run.results, planned=planned), scores=score(run.results))
    if unsigned:
        run = replace(run, run=replace(run.run, signed_by=""))
        for name in SIGNED:
            (bundle / name).unlink()
    verdict = decide(run)
    (bundle / "run.json").write_bytes(b"".join(bundles.run_json(run, verdict)))
    for report in formats.REPORTS:
        for path, text in formats.render(report, run, verdict):
            (bundle / path).write_bytes(text.encode())
    seal(bundle)

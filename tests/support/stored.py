"""Stored bundles, one for each version of what a bundle holds: `python -m tests.support.stored`.

It writes tests/bundles/VERSIONS with what this program makes: one host, two controls, unsigned and signed, and
the public key. What is there stays as it is: a stored bundle is evidence of its time, and is never made again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_aisec.evidence import versions

BUNDLES = Path(__file__).parents[1] / "bundles"
KINDS = ("unsigned", "signed")
CONTROL = '''
from pytest_aisec import Host, control

@control("ACME-TST-{number}", severity="high", remediation="Mend it.")
def test_acme_tst_{number}(host: Host, *, mode: str = "0644") -> None:
    """Secure condition {number} holds.

    Whoever finds it open walks in.
    """
    assert host.check_output("echo mode %s", mode) == "mode 0600"
'''
PROFILE = """
id: acme
title: Acme
version: "1"
controls:
  ACME-TST-01: {severity: medium, params: {mode: "0600"}}
  ACME-TST-02: {}
exclude: {ACME-TST-03: Not for us.}
gate: {fail_on: high}
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


def current():
    """Return the place of the bundles that have the versions of this program."""
    shapes = {
        "manifest": versions.MANIFEST,
        "run": versions.RUN,
        "plan": versions.PLAN,
        "transcript": versions.TRANSCRIPT,
    }
    return BUNDLES / "-".join(f"{name}-{shape.current}" for name, shape in shapes.items())


def pack(place):
    """Write the controls, the profile and the waiver that the stored bundles are made with."""
    for name in ("controls", "profiles"):
        (place / name).mkdir(parents=True)
    for number in ("01", "02", "03"):
        (place / "controls" / f"test_acme_{number}.py").write_text(CONTROL.format(number=number))
    (place / "profiles" / "acme.yaml").write_text(PROFILE)
    (place / "waivers.yaml").write_text(WAIVER)
    return place


def audit(place, target, *args):
    """Return the command that audits this machine with the pack in `place`, into `target`."""
    options = [f"--aisec-path={place}", f"--aisec-waivers={place}/waivers.yaml", "--aisec-cache=none", *args]
    command = [sys.executable, "-m", "pytest_aisec.cli", "run", "acme", "--hosts=local://"]
    return [*command, *options, f"--aisec-evidence={target}"]


def make(target):
    """Write the bundles of one version.

    Raises:
        FileExistsError: when there are such bundles.

    """
    target.mkdir()
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (target / "key.pub").write_bytes(public)
    with tempfile.TemporaryDirectory(prefix="aisec-stored-") as directory:
        place = pack(Path(directory) / "pack")
        key = Path(directory) / "key"
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        for kind, args in zip(KINDS, ([], [f"--aisec-sign-key={key}"]), strict=True):
            subprocess.run(audit(place, target / kind, *args), cwd=place, check=True)


if __name__ == "__main__":
    make(current())

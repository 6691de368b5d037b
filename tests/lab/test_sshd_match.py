"""AISEC-HST-01 against `sshd -T -C`: whoever logs in from wherever, no weak setting is passed over."""

import io
import itertools
import random
import shlex
import subprocess
import tarfile
from types import SimpleNamespace

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.facts.system import sshd
from pytest_aisec.facts.system.rights import ROOT

REFUSED = "must appear alone in AuthenticationMethods"
USERS = ("ann", "bob", "root")
ADDRESSES = ("10.1.2.3", "192.0.2.7")
CONDITIONS = (
    "User ann",
    "User bob",
    "User ann,bob",
    "all",
    "Address 10.0.0.0/8",
    "User ann Address 10.0.0.0/8",
)
BASE = (
    "PasswordAuthentication no",
    "PermitRootLogin no",
    "MaxAuthTries 3",
    "X11Forwarding no",
    "AllowAgentForwarding no",
    "MACs hmac-sha2-256-etm@openssh.com",
)
SETTINGS = (
    *("PasswordAuthentication yes", "PasswordAuthentication no", 'passwordauthentication="no"'),
    *("PermitRootLogin yes", "PermitRootLogin no", "PermitRootLogin prohibit-password"),
    *("MaxAuthTries 2", "MaxAuthTries 9", "X11Forwarding yes", "X11Forwarding = no"),
    *("AllowAgentForwarding no", "AllowAgentForwarding yes"),
    *("PubkeyAcceptedAlgorithms +ssh-rsa", "PubkeyAcceptedAlgorithms ssh-ed25519"),
    *(
        "KbdInteractiveAuthentication yes",
        "KbdInteractiveAuthentication no",
        "ChallengeResponseAuthentication yes",
    ),
    *("AuthenticationMethods publickey", "AuthenticationMethods publickey,keyboard-interactive"),
    *("AuthenticationMethods any", "AuthenticationMethods publickey keyboard-interactive"),
    "Banner none",
)


def made(draw, included):
    """Return the text of a configuration, with settings in blocks, in included files and behind comments."""
    lines = [*BASE, draw.choice(["KbdInteractiveAuthentication no", "KbdInteractiveAuthentication yes"])]
    lines += draw.sample(["AuthenticationMethods publickey", "# Match all", ""], 2)
    blocks = [_block(draw) for _ in range(draw.choice([1, 1, 2, 3]))]
    if draw.random() < 0.4:
        included[0].append("\n".join(blocks.pop()))
        lines.insert(draw.randrange(len(lines)), f"Include {included[1]}")
    elif draw.random() < 0.3:
        included[0].append("\n".join(_settings(draw)))
        blocks[0].append(f"Include {included[1]} # more")
    return "\n".join([*lines, *itertools.chain(*blocks), ""])


def _settings(draw):
    comments = ["", "", " # never", " #yes", "\t# PasswordAuthentication yes"]
    return [f"  {draw.choice(SETTINGS)}{draw.choice(comments)}" for _ in range(draw.choice([1, 2, 3]))]


def _block(draw):
    return [f"Match {draw.choice(CONDITIONS)}{draw.choice(['', ' # some'])}", *_settings(draw)]


def asked(host, files):
    """Return what `sshd -T` prints for each file: for nobody, and for each user from each address."""
    for_whom = [
        "",
        *(f"-C user={u},host=h,addr={a},laddr=192.0.2.1,lport=22" for u in USERS for a in ADDRESSES),
    ]
    script = "\n".join(
        f"echo =====; /usr/sbin/sshd -T -f {shlex.quote(file)} {who} 2>&1"
        for file in files
        for who in for_whom
    )
    (host.root / "srv" / "ask").write_text(script)
    parts = host.sh("sh /srv/ask || true").stdout.split("=====\n")[1:]
    return list(zip(*[iter(parts)] * len(for_whom), strict=True))


def test_no_weak_setting_under_match_is_passed_over(lab_host, tmp_path):
    draw = random.Random(20261128)
    texts = {}
    for number in range(70):
        included = ([], str(tmp_path / f"{number}.d" / "*.conf"))
        texts[str(tmp_path / f"{number}.conf")] = made(draw, included)
        for text in included[0]:
            texts[str(tmp_path / f"{number}.d" / "a.conf")] = text + "\n"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in texts.items():
            item = tarfile.TarInfo(name)
            item.size = len(text.encode())
            archive.addfile(item, io.BytesIO(text.encode()))
    for where in (tmp_path, lab_host.root / "srv"):
        (where / "all.tar").write_bytes(packed.getvalue())
    subprocess.run(["tar", "-xf", tmp_path / "all.tar", "-C", "/"], check=True)
    lab_host.sh("useradd ann; useradd bob; tar -xf /srv/all.tar -C /; mkdir -p /run/sshd")
    mains = [name for name in texts if not name.endswith("/a.conf")]
    violations = load_catalog([content_root()])["AISEC-HST-01"].function.__globals__["_violations"]
    passed_over, raised, passed = [], [], 0
    for main, answers in zip(mains, asked(lab_host, mains), strict=True):
        if any(REFUSED in answer for answer in answers):
            continue  # sshd would not start
        first, *others = map(sshd.parse_settings, answers)
        written, _ = sshd._written(Local(), main, ROOT)
        conditionals = tuple(sshd.in_force(one for one in written if one.condition))
        limits = {"permit_root": "no", "max_auth_tries": 4}
        weak = [
            violations(sshd.Effective(settings=one, conditionals=()), **limits) for one in (first, *others)
        ]
        found = violations(sshd.Effective(settings=first, conditionals=conditionals), **limits)
        passed += not found
        if any(weak) and not found:
            passed_over.append((texts[main], weak))
        if found and not any(weak) and texts[main].count("Match ") == 1:
            raised.append((texts[main], found))
    assert [] == passed_over
    assert [] == raised
    assert passed > 5


class Local:
    """This machine, where the files have the same names."""

    def run(self, command, *arguments):
        done = subprocess.run(
            ["sh", "-c", command % tuple(map(shlex.quote, arguments))],
            capture_output=True,
            text=True,
            check=False,
        )
        return SimpleNamespace(rc=done.returncode, stdout=done.stdout, stderr=done.stderr)

"""No credential of a known shape survives, wherever it stands; nothing that only looks like one is touched."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aisec.observe.redaction.redact import redact, redact_bytes, redact_value
from tests.support.planted import SPECS, plant, search

AROUND = [
    "",
    " ",
    "\n",
    "\t",
    '"',
    "(",
    "密钥",
    "clé é",
    "\x1b[31m",
    "\\n",
    "x" * 5000 + " ",
    "%20",
    "=",
    ">",
    "\0",
]


@pytest.mark.parametrize("name", SPECS)
@given(data=st.data())
@settings(max_examples=min(25, settings.default.max_examples))
def test_a_planted_credential_does_not_survive(name: str, data: st.DataObject) -> None:
    planted = plant(data.draw(st.integers(0, 2**32)))
    (mine,) = [item for item in planted if item.name == name]
    before, after = (
        data.draw(st.sampled_from(AROUND)),
        data.draw(st.sampled_from(["", "\n", " ", "\0", "密"])),
    )
    if mine.text.startswith(
        ("requirepass", "machine", "docker", "mysql", "sshpass", "curl", "wandb", "redis-cli")
    ):
        before = before if before in {"", " ", "\n", "\t"} else "\n"
    text = before + mine.text + after
    assert [] == search(redact(text), [mine])
    raw = b"\xff\xfe" + text.encode() + b"\xc3"
    assert [] == search(redact_bytes(raw).decode("utf-8", "replace"), [mine])


def test_the_search_finds_what_is_planted() -> None:
    planted = plant(1)
    text = "\n".join(item.text for item in planted)
    assert list(SPECS) == search(text, planted)
    assert list(SPECS) == search(b64encode(b"\xff" + text.encode()).decode(), planted)
    assert [] == search(text, plant(2))


HASHES = st.binary(max_size=8).map(
    lambda data: (
        hashlib.md5(data).hexdigest(),
        hashlib.sha1(data).hexdigest(),
        hashlib.sha256(data).hexdigest(),
        hashlib.sha512(data).hexdigest(),
        b64encode(hashlib.sha256(data).digest()).decode(),
        b64encode(hashlib.sha512(data).digest()).decode(),
    )
)


@given(hashes=HASHES, uuid=st.uuids())
def test_digests_package_hashes_and_uuids_are_kept(hashes: tuple[str, ...], uuid: object) -> None:
    md5, sha1, sha256, sha512, base256, base512 = hashes
    text = "\n".join(
        [
            f"sha256:{sha256}",
            f"registry.example.com/team/model@sha256:{sha256}",
            f"torch==2.3.1 --hash=sha256:{sha256} --hash=sha512:{sha512}",
            f'"integrity": "sha512-{base512}"',
            f"sha256={base256}",
            f"SHA256:{base256.rstrip('=')}",
            f"torch/__init__.py,sha256={base256.rstrip('=').replace('+', '-').replace('/', '_')},123",
            f"commit {sha1}",
            f"git+https://github.com/acme/model@{sha1}",
            f"refs/pr/1 {sha1}",
            f'"revision": "{sha1}", "etag": "{md5}"',
            f"{md5}  model.safetensors",
            f"/home/user/.cache/huggingface/hub/models--acme--m/snapshots/{sha1}/config.json",
            f"UUID={uuid} /srv xfs defaults 0 2",
            f"GPU-{uuid}",
            f'"id": "{uuid}"',
            f"/dev/disk/by-uuid/{uuid}",
            f"machine-id {uuid}".replace("-", ""),
        ]
    )
    assert text == redact(text)


KEPT = [
    "ssh://sk-learn-training-node-0001.example.com",
    "/opt/sk-image-classification-pipeline/run.sh",
    '"eos_token": "<|endoftext|>", "pad_token": "endoftext_pad"',
    "password requisite pam_pwquality.so retry=3",
    "password [success=1 default=ignore] pam_unix.so",
    "password: ${DB_PASSWORD}",
    "PASSWORD=$DB_PASSWORD",
    "find /var/lib/mysql -xdev -perm /022",
    "PWD=/home/user",
    "mysql -u root -p db",
    "docker run -p 8080:8080 image",
    "ssh -p 2222 user@gpu-1.example.com",
    "https://pypi.example.com/simple/?page=2",
    "curl -u user https://example.com",
    "%wheel ALL=(ALL) NOPASSWD: ALL",
    "user@gpu-1.example.com:/srv/models",
    "max_tokens=4096",
    "-rw-r--r-- 1 root root 1679 /etc/ssl/private/server.key",
    "ssl_certificate_key /etc/ssl/private/server.key;",
]


@pytest.mark.parametrize("kept", KEPT)
def test_hosts_users_paths_and_settings_are_kept(kept: str) -> None:
    assert kept == redact(kept)


def test_the_name_of_a_setting_makes_its_value_a_credential() -> None:
    assert "horse" not in redact_value("db_password", "correct horse")
    assert "horse" not in redact_value("clientSecret", "correct horse")
    assert "correct horse" == redact_value("note", "correct horse")
    assert 90000000 == redact_value("password", 90000000)
    assert "required" == redact_value("password", "required")

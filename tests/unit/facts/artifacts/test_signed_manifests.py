import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.signed_manifests import NoManifest, read_manifest, trusted_keys

DIGEST = "0" * 64


def envelope(statement=None, *, kind="application/vnd.in-toto+json", signature=b"s"):
    payload = base64.b64encode(json.dumps(statement or of_files(a=DIGEST)).encode()).decode()
    signatures = [{"sig": base64.b64encode(signature).decode(), "keyid": ""}]
    return {"payload": payload, "payloadType": kind, "signatures": signatures}


def of_files(**files):
    subject = [{"name": name, "digest": {"sha256": digest}} for name, digest in files.items()]
    return {"_type": "https://in-toto.io/Statement/v1", "subject": subject}


def of_model(method="files", algorithm="sha256"):
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "m", "digest": {"sha256": "1" * 64}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": method},
            "resources": [{"name": "b/c", "algorithm": algorithm, "digest": DIGEST}],
        },
    }


def read(content, keys=None):
    return read_manifest(json.dumps(content).encode(), keys)


def test_layouts():
    assert {"a": DIGEST} == read(envelope()).digests
    assert {"b/c": DIGEST} == read({"dsseEnvelope": envelope(of_model())}).digests


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        envelope(kind="text/plain"),
        envelope({"_type": "other"}),
        envelope(of_model(method="shards")),
        envelope(of_model(algorithm="blake2b")),
        envelope(of_files(**{"../a": DIGEST})),
        envelope(of_files(**{"/a": DIGEST})),
        envelope(of_files(**{"a": DIGEST, "./a": "1" * 64})),
        envelope(of_files(a="short")),
        envelope(of_files()),
        {**envelope(), "payload": "not base64!"},
        {**envelope(), "signatures": None},
    ],
)
def test_no_manifest(content):
    with pytest.raises(NoManifest):
        read(content)


@given(st.binary(max_size=50))
def test_any_bytes(data):
    with pytest.raises(NoManifest):
        read_manifest(data, None)


class TestSignatures:
    @pytest.fixture(autouse=True)
    def _libraries(self):
        pytest.importorskip("securesystemslib")
        pytest.importorskip("cryptography")

    @pytest.fixture
    def make(self, tmp_path):
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

        def of(kind):
            key = {
                "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
                "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
                "ed25519": ed25519.Ed25519PrivateKey.generate,
                "rsa": lambda: rsa.generate_private_key(65537, 2048),
            }[kind]()
            path = tmp_path / f"{kind}.pub"
            path.write_bytes(
                key.public_key().public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
            )
            how = {
                "p256": lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())),
                "p384": lambda data: key.sign(data, ec.ECDSA(hashes.SHA384())),
                "ed25519": key.sign if kind == "ed25519" else None,
                "rsa": lambda data: key.sign(
                    data, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH), hashes.SHA256()
                ),
            }[kind]
            return str(path), how

        return of

    def signed(self, sign):
        made = envelope()
        payload, kind = base64.b64decode(made["payload"]), made["payloadType"].encode()
        message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        return envelope(signature=sign(message))

    @pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa"])
    def test_trusted(self, make, kind):
        path, sign = make(kind)
        other, _ = make("p256" if kind != "p256" else "ed25519")
        content = self.signed(sign)
        assert read(content, trusted_keys([other, path])).is_trusted
        assert not read(content, trusted_keys([other])).is_trusted
        assert not read(content, None).is_trusted
        content["payload"] = envelope(of_files(a="1" * 64))["payload"]
        assert not read(content, trusted_keys([path])).is_trusted

    def test_bad_keys(self, reason, tmp_path):
        (tmp_path / "key").write_text("no key")
        assert "parse" == reason(trusted_keys, [str(tmp_path / "key")])
        assert "unreadable" == reason(trusted_keys, [str(tmp_path / "gone")])
        assert trusted_keys([]) is None

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.openpgp import read_message


def noise(length):
    return hashlib.shake_128(b"noise").digest(length)


def passphrase(cipher, *, extra=b""):
    body = bytes([4, cipher, 3, 8]) + b"saltsalt" + b"\xff" + extra
    return bytes([0x8C, len(body)]) + body


def encrypted(length=2000, *, tag=18, version=b"\x01"):
    body = version + noise(length)
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def partial(tag=18, version=b"\x01"):
    body = (version + noise(2000))[:1024]
    return bytes([0xC0 | tag, 224 + 10]) + body + bytes([100]) + noise(100)


def read(data, size=None):
    found = read_message(data[:1024], len(data) if size is None else size)
    return found.cipher or found.problem


RECIPIENT = bytes([0x84, 12, 3]) + b"keyidkey" + b"\x01\x00\x00"
ARMOURED = b"-----BEGIN PGP MESSAGE-----\nVersion: 1\n\n%b=abcd\n-----END PGP MESSAGE-----\n"


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("AES256", passphrase(9) + encrypted()),
        ("AES256", passphrase(9) + partial()),
        ("AES256", b"\xca\x03PGP" + passphrase(9) + encrypted()),
        ("AES256", b"\xa8\x03PGP" + passphrase(9) + encrypted(40)),
        ("CAST5", passphrase(3) + encrypted()),
        ("AES128", passphrase(7) + encrypted()),
        ("cipher 99", passphrase(99) + encrypted()),
        ("AES256", RECIPIENT + encrypted(tag=20, version=b"\x01\x09\x02\x10")),
        ("AES192", passphrase(9) + encrypted(tag=20, version=b"\x01\x08\x02\x10")),
        ("AES128", passphrase(9) + partial(version=b"\x02\x07\x02\x06")),
    ],
)
def test_cipher(expected, data):
    assert expected == read(data)


@pytest.mark.parametrize(
    "data",
    [
        RECIPIENT + encrypted(),
        RECIPIENT + passphrase(9) + encrypted(),
        passphrase(9, extra=noise(33)) + encrypted(),
        passphrase(9) + passphrase(7) + encrypted(),
        bytes([0xC3, 14, 5, 9, 2, 3, 8]) + b"saltsalt" + b"\xff" + encrypted(),
    ],
)
def test_cipher_that_is_only_inside(data):
    found = read_message(data[:1024], len(data))
    assert (None, "") == (found.cipher, found.problem)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        b"PK\x03\x04",
        bytes(4000),
        b"\x80\x02}q\x00.",
        passphrase(9),
        passphrase(9)[:7],
        encrypted(),
        passphrase(9) + encrypted() + b"plain weights",
        passphrase(9) + encrypted()[:-10],
        passphrase(9) + bytes([0xD2, 0xFF]) + (2001).to_bytes(4, "big") + b"\x01" + b"0.125 " * 333 + b"..",
        passphrase(9) + bytes([0xD2, 224 + 10, 1]) + b"0.125 " * 400,
        passphrase(9) + bytes([0xD2, 224 + 2, 1]) + noise(900),
        passphrase(9) + encrypted(tag=9, version=b""),
        passphrase(9) + bytes([0xCB, 5]) + b"b\x00abc",
        bytes([0xCB, 5]) + b"b\x00abc",
        bytes([0xA3, 1]) + noise(500),
        bytes([0xC3, 224 + 10]) + noise(1500),
        passphrase(9) + encrypted(version=b"\x03"),
        ARMOURED % base64.encodebytes(b"plain text that is no message"),
        b"-----BEGIN PGP MESSAGE-----\nno blank line",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n",
    ],
)
def test_no_encrypted_message(data):
    assert read_message(data[:1024], len(data)).problem


def test_armoured():
    data = ARMOURED % base64.encodebytes(passphrase(9) + encrypted(500))
    assert "AES256" == read(data)
    assert "AES256" == read(data.replace(b"\n", b"\r\n"))
    assert "the file is longer or shorter than the encrypted data in it" == read(data, len(data) * 3)


# gpg 2.2.40 --symmetric --cipher-algo AES256 of 100 000 random bytes, the beginning
GNUPG = (
    "8c0d040903025e4ffe2712d6129effd2ed013bad8f7d789972a181ce3124e31a28b1a360884fa5df6622ae71867da20de1e4"
    "d32d392406e113dbe1f4eecd3bff280c05685ff30e7b7a3ebedbd8524a0aad260790f34a93195c6d14829f2c220446a99a53"
    "ed5942c16d0d269468c7e42464088c2450379c9752afe3300278937134f8c531421364c3e4ab1028632f051eca75a08f5f1f"
    "5a3b44ae73c52183c6e4c29ef5bd3f8b0555a5c6f3dcc9bb57c7c3f23288723e4e9f8e88eee8349f0fd6d0a28adb4a482937"
    "357ef5962f65e24c321ab6cd084a514576d85c1924641f8c407ea03e749f30307218a484a0d53fc5363502f03a20f89edba1"
    "acc21879e2d3ad9a8a58348e59311ddf59ed9292405f5e80407397321d70f7f47db365dbad7286092faa71a6606e008bb903"
    "c462ce880e9487c51176f3369248f5e610caf55f215e65b9022b1f0f37cbacbd88def163e66f92b811de2b6ec7350b15086d"
    "292103ff480a9083a700e126edd6a4a39fec98b50f70a815412218f277a1a6a91c348b925cdea9ac6033ea5c69f29cec1c71"
    "5a3252a4d0dd3de0c0777254760a36d699a5d0fe54920ca5dff39ae097a44914dd0f181a98c09b02016eb6d10e32cd40c11d"
    "8bc36dd53fccde6be02e7670442bf865e72b7db8c1a360e113256ffb7643dfa721a85e5313798ff4c7d5c804bc979366a84a"
    "fcc3a0e5bde81aabc85e36dea8831cfe391b86c5855aed325161312535098669c03dcb624f6c2900d0ff7357047f6e234370"
    "bf32f05abe59e4f16152a8f4334182c8f2c0d729edf9ca709c370dca8d9495351257296b9616ea4211b869e1900afa7ce991"
    "63023dee4f016887c974c673bf9711b66b28fb6a4c0e26084266127b5bfc2465efb31b631d4464db"
)
GNUPG_SIZE = 100308


def test_written_by_gnupg():
    head = bytes.fromhex(GNUPG)
    assert "AES256" == read(head, GNUPG_SIZE)


@given(st.binary(max_size=200), st.integers(0, 4000))
def test_any_bytes(data, size):
    read_message(data, size)
    read_message(passphrase(9) + data, size)

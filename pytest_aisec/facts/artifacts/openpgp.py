"""OpenPGP messages (RFC 4880, RFC 9580): with which cipher they are encrypted, as far as that is in clear."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_aisec.facts.core.formats import reads

__all__ = ["Message", "read_message"]

CIPHERS = {
    1: "IDEA", 2: "3DES", 3: "CAST5", 4: "Blowfish", 7: "AES128", 8: "AES192", 9: "AES256", 10: "Twofish",
    11: "Camellia128", 12: "Camellia192", 13: "Camellia256",
}  # fmt: skip
_PKESK, _SIGNATURE, _SKESK, _SED, _MARKER, _SEIPD, _AEAD, _PADDING = 1, 2, 3, 9, 10, 18, 20, 21
_ARMOUR = re.compile(
    rb"-----BEGIN PGP MESSAGE-----[ \t]*\r?\n(?:[!-~]+: [^\n]*\n)*[ \t]*\r?\n(?P<data>[A-Za-z0-9+/=\r\n]+)"
)
_LONGEST_ESK = 8192
_WINDOW = 512
_VARIETY = 190
"""Different bytes among 512: random ones have about 221 and never so few, text and most weights fewer."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """The beginning of an OpenPGP message."""

    cipher: str | None
    """Of the data, such as `AES256`; `None` where that is only inside what is encrypted."""
    key_ciphers: tuple[str, ...]
    """Of the packets that protect the key with a passphrase."""
    problem: str
    """Why this is no encrypted message, or one that protects nothing; empty where it is."""


class _Wrong(Exception):
    """The bytes are no encrypted OpenPGP message."""


class _Short(Exception):
    """The bytes end before it is decided."""


@dataclass(frozen=True, kw_only=True)
class _Packet:
    tag: int
    start: int
    """Of the body."""
    length: int | None
    """Of the body; `None` up to the end of the file."""
    is_partial: bool


@reads
def read_message(head: bytes, size: int) -> Message:
    """Return what the beginning of a file of `size` bytes says, binary or ASCII-armoured."""
    armoured = head.lstrip().startswith(b"-----BEGIN PGP")
    try:
        return _message(_unarmoured(head) if armoured else head, None if armoured else size, size)
    except _Wrong as why:
        return Message(cipher=None, key_ciphers=(), problem=str(why))
    except (_Short, IndexError):
        return Message(
            cipher=None, key_ciphers=(), problem="the packets before the data are too long or cut off"
        )


def _unarmoured(head: bytes) -> bytes:
    match = _ARMOUR.match(head.lstrip())
    if match is None:
        raise _Wrong("ASCII armour that holds no message")
    text = b"".join(line.strip() for line in match["data"].split(b"\n") if not line.startswith(b"="))
    text = text.rstrip(b"=") if text.endswith(b"=") else text
    try:
        return base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except binascii.Error:
        raise _Wrong("ASCII armour that holds no base64") from None


def _message(data: bytes, size: int | None, on_disk: int) -> Message:
    key_ciphers: list[int] = []
    is_derived = False
    recipients = 0
    for packet in _packets(data):
        body = data[packet.start :]
        if packet.tag in {_PKESK, _SKESK} and (packet.is_partial or packet.length is None):
            raise _Wrong("a packet for the key without a length")
        if packet.tag == _PKESK:
            recipients += 1
        elif packet.tag == _SKESK:
            cipher, is_derived = _passphrase(body[: packet.length])
            key_ciphers.append(cipher)
        elif packet.tag in {_SED, _SEIPD, _AEAD}:
            if not key_ciphers and not recipients:
                raise _Wrong("encrypted data without a key for anybody")
            _check_data(packet, body, size, on_disk)
            shown = _data_cipher(packet.tag, body)
            if shown is None and is_derived and len(key_ciphers) == 1 and not recipients:
                shown = key_ciphers[0]
            return Message(
                cipher=None if shown is None else _name(shown),
                key_ciphers=tuple(map(_name, key_ciphers)),
                problem="",
            )
        elif packet.tag not in {_MARKER, _PADDING}:
            raise _Wrong(f"an OpenPGP packet of type {packet.tag}, which is not encrypted")
    raise _Short


def _check_data(packet: _Packet, body: bytes, size: int | None, on_disk: int) -> None:
    if packet.tag == _SED:
        raise _Wrong("encrypted without protection of its integrity (packet 9)")
    _check_end(packet, size, on_disk)
    if not _looks_random(body[1:] if packet.length is None else body[1 : packet.length]):
        raise _Wrong("what stands where encrypted data should stand is not encrypted")


def _name(cipher: int) -> str:
    return CIPHERS.get(cipher, f"cipher {cipher}")


def _packets(data: bytes) -> Iterator[_Packet]:
    at = 0
    while True:
        if at >= len(data):
            raise _Short
        first = data[at]
        if not first & 0x80:
            raise _Wrong("no OpenPGP packet")
        packet = _new(data, at) if first & 0x40 else _old(data, at)
        yield packet
        if packet.length is None or packet.is_partial:
            raise _Wrong("a packet without a length before the data")
        if packet.length > _LONGEST_ESK:
            raise _Wrong("a packet before the data that is too long for a key")
        at = packet.start + packet.length


def _old(data: bytes, at: int) -> _Packet:
    tag, kind = data[at] >> 2 & 15, data[at] & 3
    if kind == 3:
        return _Packet(tag=tag, start=at + 1, length=None, is_partial=False)
    width = 1 << kind
    field = data[at + 1 : at + 1 + width]
    if len(field) < width:
        raise _Short
    return _Packet(tag=tag, start=at + 1 + width, length=int.from_bytes(field, "big"), is_partial=False)


def _new(data: bytes, at: int) -> _Packet:
    tag, first = data[at] & 63, data[at + 1]
    if first < 192:
        return _Packet(tag=tag, start=at + 2, length=first, is_partial=False)
    if first < 224:
        length = (first - 192 << 8) + data[at + 2] + 192
        return _Packet(tag=tag, start=at + 3, length=length, is_partial=False)
    if first == 255:
        field = data[at + 2 : at + 6]
        if len(field) < 4:
            raise _Short
        return _Packet(tag=tag, start=at + 6, length=int.from_bytes(field, "big"), is_partial=False)
    return _Packet(tag=tag, start=at + 2, length=1 << (first & 31), is_partial=True)


def _passphrase(body: bytes) -> tuple[int, bool]:
    """Return the cipher of a packet 3, and whether the key of the data comes from the passphrase itself."""
    version = body[0]
    if version == 4:
        specifier = body[2]
        lengths = {0: 2, 1: 10, 3: 11, 4: 20}
        if specifier not in lengths:
            raise _Wrong(f"a way to derive the key that is not known ({specifier})")
        return body[1], len(body) == 2 + lengths[specifier]
    if version == 5:
        return body[1], False
    if version == 6:
        return body[2], False
    raise _Wrong(f"a passphrase packet of version {version}")


def _data_cipher(tag: int, body: bytes) -> int | None:
    version = body[0]
    if tag == _AEAD:
        if version != 1:
            raise _Wrong(f"an AEAD packet of version {version}")
        return body[1]
    if version not in {1, 2}:
        raise _Wrong(f"an encrypted packet of version {version}")
    return body[1] if version == 2 else None


def _check_end(packet: _Packet, size: int | None, on_disk: int) -> None:
    """Compare the length that the packet states with the file's; `size` is `None` for armoured ones."""
    if packet.length is None:
        return
    end = packet.start + packet.length
    if packet.is_partial:
        if packet.length < 512 or end >= on_disk:
            raise _Wrong("the first part of the encrypted data is too short, or longer than the file")
    elif size is None and not end <= on_disk <= end * 3 // 2 + 1024:
        raise _Wrong("the file is longer or shorter than the encrypted data in it")
    elif size is not None and end != size:
        raise _Wrong(f"the encrypted data ends at byte {end}, the file at {size}")


def _looks_random(body: bytes) -> bool:
    window = body[32 : 32 + _WINDOW]
    return len(window) < _WINDOW or len(set(window)) >= _VARIETY

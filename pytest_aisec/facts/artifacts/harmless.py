"""Formats without code in them that a loader of Python would run, told by their first bytes."""

from __future__ import annotations

import re

__all__ = ["MEDIA", "harmless"]

_MAGIC: tuple[tuple[str, bytes], ...] = (
    ("GGUF", b"GGUF"),
    ("GGML", b"lmgg"),
    ("GGML", b"fmgg"),
    ("GGML", b"tjgg"),
    ("GGML", b"algg"),
    ("HDF5", b"\x89HDF\r\n\x1a\n"),
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("JPEG", b"\xff\xd8\xff"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
    ("TIFF", b"II*\0"),
    ("TIFF", b"MM\0*"),
    ("BMP", b"BM"),
    ("icon", b"\0\0\1\0"),
    ("PDF", b"%PDF-"),
    ("Ogg", b"OggS"),
    ("FLAC", b"fLaC"),
    ("MP3", b"ID3"),
    ("MP3", b"\xff\xfb"),
    ("Matroska", b"\x1a\x45\xdf\xa3"),
    ("WOFF", b"wOFF"),
    ("WOFF", b"wOF2"),
    ("TrueType", b"\0\1\0\0"),
    ("OpenType", b"OTTO"),
    ("SQLite", b"SQLite format 3\0"),
    ("Parquet", b"PAR1"),
    ("Arrow", b"ARROW1"),
    ("Feather", b"FEA1"),
    ("Avro", b"Obj\x01"),
    ("Arrow stream", b"\xff\xff\xff\xff"),
    ("ELF", b"\x7fELF"),
    ("TensorRT", b"ptrt"),
    ("TensorRT", b"ftrt"),
    ("CatBoost", b"CBM1"),
    ("XGBoost", b"binf"),
    ("UBJSON", b"{L"),
    ("UBJSON", b"{U"),
    ("fastText", b"\xba\x16\x4f\x2f"),
    ("MXNet", b"\x12\x01\0\0\0\0\0\0"),
    ("FAISS", b"IxF"),
    ("FAISS", b"IxM"),
    ("FAISS", b"IHN"),
    ("FAISS", b"Iw"),
    ("git pack", b"PACK\0\0\0"),
    ("git index", b"DIRC\0\0\0"),
    ("git pack index", b"\xfftOc"),
    ("LevelDB log", b"\x57\xfb\x80\x8b"),
    ("MMDB", b"\xab\xcd\xefMaxMind.com"),
    ("LLVM", b"BC\xc0\xde"),
    ("MATLAB", b"MATLAB 5.0 MAT-file"),
    ("UTF-16 text", b"\xff\xfe"),
    ("UTF-16 text", b"\xfe\xff"),
    ("NetCDF", b"CDF\x01"),
    ("NetCDF", b"CDF\x02"),
    ("OGG", b"OggS"),
    ("PMTiles", b"PMTiles"),
    ("FITS", b"SIMPLE  ="),
    ("WebAssembly", b"\0asm\1\0\0\0"),
    ("Java class", b"\xca\xfe\xba\xbe\0\0\0"),
    ("Mach-O", b"\xcf\xfa\xed\xfe"),
    ("Windows program", b"MZ\x90\0"),
    ("Finder", b"\0\0\0\1Bud1"),
    ("property list", b"bplist00"),
    ("gettext", b"\xde\x12\x04\x95"),
    ("gettext", b"\x95\x04\x12\xde"),
    ("Photoshop", b"8BPS\0"),
    ("MIDI", b"MThd\0\0\0\6"),
    ("AAC", b"\xff\xf1"),
    ("BigTIFF", b"II+\0\x08\0"),
    ("BigTIFF", b"MM\0+\0\x08"),
    ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
    ("ORC", b"ORC\x08"),
    ("OpenEXR", b"v/1\1"),
    ("cursor", b"\0\0\2\0"),
    ("swap file of vim", b"b0VIM "),
)
_MEDIA = frozenset(
    {"PNG", "JPEG", "GIF", "TIFF", "BMP", "PDF", "Ogg", "FLAC", "MP3", "Matroska", "Parquet", "Arrow"}
)
MEDIA = tuple(magic for name, magic in _MAGIC if name in _MEDIA)
"""What pictures, sound, films and tables begin with: what trees of very many files are made of."""
_AT: tuple[tuple[str, int, bytes], ...] = (
    ("TFLite", 4, b"TFL3"),
    ("ExecuTorch", 4, b"ET12"),
    ("ONNX Runtime", 4, b"ORTM"),
    ("MP4", 4, b"ftyp"),
    ("WAV", 8, b"WAVE"),
    ("AVI", 8, b"AVI "),
    ("WebP", 8, b"WEBP"),
    ("git object", 0, b"blob "),
    ("git object", 0, b"tree "),
    ("git object", 0, b"commit "),
    ("git object", 0, b"tag "),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_COMPILED = re.compile(rb"..\r\n\x00{3}|..\r\n[\x01-\x03]\x00{3}", re.DOTALL)
_VECTORS = re.compile(rb"\d{1,9} \d{1,5}\n")
_EVENTS = re.compile(rb".{4}\x00{4}.{4}\x09.{8}", re.DOTALL)
"""TensorBoard: the length of a record, its checksum, and the time with which each event begins."""
_SPECIFIED = re.compile(rb"[\x01-\x08]\x00{3}[\x02-\x40]\x00[A-Za-z]{1,63}\x00", re.DOTALL)
"""CTranslate2: a version, and the name of what the model specifies."""
_ALL = (*((name, 0, magic) for name, magic in _MAGIC), *_AT)
_FORMS = (
    ("compiled Python", _COMPILED),
    ("word2vec", _VECTORS),
    ("CTranslate2", _SPECIFIED),
    ("TensorBoard", _EVENTS),
)


def harmless(head: bytes, size: int | None, path: str, others: frozenset[str] = frozenset()) -> str:
    """Return the name of the format, or an empty text where it is not known.

    Whether the same bytes are also a pickle or an archive is looked at before, and elsewhere.

    Args:
        head: the first bytes.
        size: bytes of all of it, where that is known.
        path: its name.
        others: the names of the files beside it.

    """
    if not _CONTROL.search(head):
        return "text"
    found = next((name for name, at, magic in _ALL if head[at : at + len(magic)] == magic), "")
    found = found or next((name for name, form in _FORMS if form.match(head)), "")
    if found:
        return found
    if _is_safetensors(head, size):
        return "safetensors"
    if size is not None and is_protobuf(head, size):
        return "protobuf"
    if is_msgpack(head):
        return "MessagePack"
    return _beside(path, others)


def _is_safetensors(head: bytes, size: int | None) -> bool:
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and length < 1 << 40 and (size is None or length + 8 <= size)


def _beside(path: str, others: frozenset[str]) -> str:
    """Return what the file beside it says that raw numbers are: they have no form of their own."""
    shard = re.fullmatch(r"(.*)\.data-\d{5}-of-\d{5}", path)
    if shard and f"{shard[1]}.index" in others:
        return "TensorFlow checkpoint"
    if path.endswith(".index") and any(other.startswith(path[:-5] + "data-") for other in others):
        return "TensorFlow checkpoint"
    if path.endswith(".bin") and f"{path[:-4]}.xml" in others:
        return "OpenVINO"
    if f"{path}.onnx" in others or (re.search(r"\.(data|onnx_data)$", path) and _has_graph(path, others)):
        return "external data of ONNX"
    return ""


def _has_graph(path: str, others: frozenset[str]) -> bool:
    folder = path.rpartition("/")[0]
    return any(other.endswith(".onnx") and other.rpartition("/")[0] == folder for other in others)


def _varint(data: bytes, at: int) -> tuple[int, int] | None:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return None
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    return None


def is_protobuf(head: bytes, size: int) -> bool:
    """Tell whether a message of ONNX, TensorFlow or SentencePiece begins here: fields that fit into it."""
    at, fields = 0, 0
    while at < min(len(head), size):
        key = _varint(head, at)
        if key is None:
            break
        number, kind = key[0] >> 3, key[0] & 7
        at = key[1]
        if not 0 < number < 64 or kind not in {0, 1, 2, 5}:
            return False
        if kind == 0:
            value = _varint(head, at)
            if value is None:
                break
            at = value[1]
        elif kind == 2:
            value = _varint(head, at)
            if value is None:
                break
            at = value[1] + value[0]
        else:
            at += 8 if kind == 1 else 4
        if at > size:
            return False
        fields += 1
    return at == size or fields >= 2 or (fields == 1 and at > len(head))


def is_msgpack(head: bytes) -> bool:
    """Tell whether a map with a text as its first key begins here."""
    at = {0xDE: 3, 0xDF: 5}.get(head[0], 1 if 0x81 <= head[0] <= 0x8F else 0)
    if at == 0 or at >= len(head):
        return False
    kind = head[at]
    width = kind & 0x1F if 0xA1 <= kind <= 0xBF else 0
    start = at + 1
    if kind == 0xD9:
        width, start = head[at + 1], at + 2
    key = head[start : start + width]
    return len(key) == width > 0 and not _CONTROL.search(key)

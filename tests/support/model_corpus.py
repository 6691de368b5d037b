"""Model files for tests: each format with each way to run code when it is loaded, and benign counterparts.

The payload is `posix.getcwd`. `python -m tests.support.model_corpus DIRECTORY` writes them as files.
"""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import sys
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

EVIL0 = b"cposix\ngetcwd\n(tR."
EVIL2 = b"\x80\x02cposix\ngetcwd\nq\x00)R."
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40)
TOKEN = b"ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"


@dataclass(frozen=True)
class Sample:
    name: str
    data: bytes
    is_dangerous: bool = False


def zipped(members, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, method)
    return buffer.getvalue()


def tarred(members, form=tarfile.GNU_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return buffer.getvalue()


def without_magic(archive):
    """Return a tar archive as Unix V7 wrote it."""
    data, at = bytearray(archive), 0
    while data[at]:
        data[at + 257 : at + 265] = bytes(8)
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
        at += 512 + (int(data[at + 124 : at + 135].rstrip(b"\0 "), 8) + 511) // 512 * 512
    return bytes(data)


def array(kind, body, version=1):
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': (1,), }}".encode()
    header += b" " * (-(11 + len(header)) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + body


def framed(body=b"\x00X0cposix\ngetcwd\n)R."):
    """Return a pickle whose frame ends within an argument."""
    return b"\x80\x04\x95" + struct.pack("<Q", 2) + b"B" + b"\x07\x01\0\0" + body.ljust(0x107, b"N") + b"0N."


def checkpoint(data, top="archive", method=zipfile.ZIP_STORED, **more):
    return zipped(
        {f"{top}/data.pkl": data, f"{top}/byteorder": b"little", f"{top}/data/0": bytes(64), **more}
        | {f"{top}/version": b"3\n"},
        method,
    )


def legacy(data):
    head = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    return (
        b"".join(pickle.dumps(part, 2) for part in head) + data + pickle.dumps(["0"], 2) + bytes(range(256))
    )


def old_tar(data):
    return {"storages": pickle.dumps(0, 2), "tensors": pickle.dumps(0, 2), "pickle": data}


def nested(data):
    """Return the pickle of a tensor's storage, which loads bytes in turn."""
    return b"\x80\x02ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(data)) + data + b"\x85R."


def in_joblib(data):
    """Return what joblib writes of an array of numbers and then something else."""
    wrapper = (
        b"\x80\x04]cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(\x8c\x08subclasscnumpy\nndarray\n"
        b"\x8c\x05shapeK\x02\x85\x8c\x05order\x8c\x01C\x8c\x05dtypecnumpy\ndtype\n\x8c\x02f4\x89\x88\x87R"
        b"(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x8c\x0aallow_mmap\x88"
        b"\x8c\x1bnumpy_array_alignment_bytesK\x10ub"
    )
    return wrapper + b"\x02\xff\xff" + b"\xff" * 8 + b"a" + data[2:-1] + b"a."


def evil():
    """Yield pickles that run something, each in another way."""
    yield "protocol0", EVIL0
    yield "protocol2", EVIL2
    yield "protocol4", b"\x80\x04\x8c\x05posix\x8c\x06getcwd\x93)R."
    yield "memo", b"\x80\x04\x8c\x05posix\x94\x8c\x06getcwd\x9400h\0h\1\x93)R."
    yield "inst", b"(iposix\ngetcwd\n."
    yield "obj", b"(cposix\ngetcwd\no."
    yield "newobj", b"\x80\x02cposix\ngetcwd\n)\x81."
    yield "newobj_ex", b"\x80\x04cposix\ngetcwd\n)}\x92."
    yield "frame", framed()
    yield "hex", b"I0x10\n0" + EVIL0
    yield "binary", b"I0b1\n0" + EVIL0
    yield "octal", b"I010\n0" + EVIL0
    yield "nul", b"F1.0\0x\n0" + EVIL0
    yield "utf8", b"S'\xc3\xa9'\n0" + EVIL0
    yield "token", b"S'" + TOKEN + b"'\n0" + EVIL0
    yield "long_line", b"V" + b"a" * 1200 + b"\n0" + EVIL0
    yield "second", pickle.dumps({"a": 1}, 2) + EVIL2
    yield "broken_after", EVIL2[:-1] + b"\xff"
    yield "extension", b"\x80\x02\x82\x01)R."
    yield "two_protocols", b"\x80\x02" + EVIL2
    yield "in_dictionary", b"\x80\x02}X\1\0\0\0acposix\ngetcwd\n)Rs."
    yield "nested", nested(EVIL2)
    yield "escaped", b"Vposi\\u0078\nVgetcwd\n\x93)R."


def benign():
    """Yield pickles that run nothing."""
    things = {"epoch": 3, "loss": [0.5, -1e-7, float("inf")], "name": "é", "raw": b"\xff\0", "big": 1 << 70}
    for protocol in range(6):
        yield f"plain{protocol}", pickle.dumps(things, protocol)
    for kind in ("FloatStorage", "BFloat16Storage", "ByteStorage"):
        yield (
            f"tensor_{kind}",
            b"\x80\x02}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\n"
            + kind.encode()
            + b"\nX\1\0\0\0"
            + b"0X\3\0\0\0cpuK\4tQK\0K\4\x85K\1\x85\x89ccollections\nOrderedDict\n)RtRs.",
        )
    for kind in ("float8_e4m3fn", "uint16"):
        yield (
            f"tensor_{kind}",
            b"\x80\x02}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v3\n((X\7\0\0\0storagectorch.storage\n"
            b"UntypedStorage\nX\1\0\0\0"
            b"0X\3\0\0\0cpuK\4tQK\0K\4\x85K\1\x85\x89ccollections\nOrderedDict\n"
            b")Rctorch\n" + kind.encode() + b"\nNtRs.",
        )
    yield (
        "sparse",
        (
            b"\x80\x02ctorch._utils\n_rebuild_sparse_tensor\nctorch.serialization\n_get_layout\n"
            b"X\x10\0\0\0torch.sparse_coo\x85R]N]\x87\x86R."
        ),
    )
    yield (
        "script",
        b"\x80\x02c__torch__.model\nNet\n)\x81}X\1\0\0\0actorch.jit._pickle\nbuild_intlist\n]K\1a\x85Rsb.",
    )
    yield (
        "scalar",
        b"\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\2\0\0\0f4K\0K\1\x87RU\4\0\0\0\0\x86R.",
    )
    yield "storage", nested(legacy(pickle.dumps({}, 2)))


def holding(data):
    """Yield files that hold a pickle, one for each format and name under which loaders find it."""
    for name in ("model.pkl", "pytorch_model.bin", "weights", "logo.png", "README.md", "model.safetensors"):
        yield name, data
    yield "model.joblib", zlib.compress(data)
    yield "model.sav", gzip.compress(data, mtime=0)
    yield "clf.pklz", bz2.compress(data)
    yield "model.xz", lzma.compress(data)
    yield "model.compressed", lzma.compress(data, format=lzma.FORMAT_ALONE)
    yield "old.sav", b"ZF" + hex(len(data)).encode().ljust(19) + zlib.compress(data)
    yield "two.gz", gzip.compress(data[:3], mtime=0) + gzip.compress(data[3:], mtime=0)
    yield "twice.bin", gzip.compress(bz2.compress(data), mtime=0)
    yield "model.pt", checkpoint(data)
    yield "deflated.bin", checkpoint(data, method=zipfile.ZIP_DEFLATED)
    yield "extra.pt", checkpoint(pickle.dumps({}, 2), **{"archive/extra.dat": data})
    yield "model.pt2", zipped({"data/weights.pt": checkpoint(data)})
    yield "model.keras", zipped({"config.json": b"{}", "assets/x": data})
    for name, form in (
        ("a.pth.tar", tarfile.USTAR_FORMAT),
        ("b.bin", tarfile.GNU_FORMAT),
        ("c.nemo", tarfile.PAX_FORMAT),
    ):
        yield name, tarred(old_tar(data), form)
    yield "v7.bin", without_magic(tarred(old_tar(data), tarfile.USTAR_FORMAT))
    yield "model.tar.gz", gzip.compress(tarred({"code/inference.py": b"x = 1\n", "model.pkl": data}), mtime=0)
    yield "model.mar", zipped({"MAR-INF/MANIFEST.json": b"{}", "model.pt": checkpoint(data)})
    for number, kind in enumerate(("|O", "object", "O8", ("O", (1,)), [("x", "<f4"), ("y", "O")])):
        yield f"array{number}.npy", array(kind, data, 1 + number % 3)
    yield "arrays.npz", zipped({"x.npy": array("|O", data)}, zipfile.ZIP_DEFLATED)
    yield "behind.npy", array("<f4", bytes(4) + array("|O", data))
    yield "old.pth", legacy(data)
    yield "behind.png", PICTURE + checkpoint(data)


BEGINNINGS = (
    "Version 2",
    "continuous integration",
    "import os\nfrom x import y",
    "cats\ndogs",
    "Introduction",
    "Licence",
    "None of it",
    "(see below)",
    "]",
    "Very long line " * 300,
    "identity\nmatrix",
    "]}0",
    "Simple",
    "'quoted'",
    "x^2 + y^2",
    "BZh is no text",
    "N.B. this",
    "P.S.",
    "get it",
    "I am",
    "0.5 1.5",
)
"""First words of texts that a reader of pickles may take for opcodes."""


def formats():
    """Yield files without a pickle, as model directories have them."""
    text = b"# A model\n\nIt says much, and this is what `torch.load` is for.\n" * 40
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    graph = b"\x0a\x04test" + b"\x12\x02hi" * 3
    yield "README.md", text
    yield "config.json", b'{"model_type": "llama", "layers": 3}\n'
    yield "token.md", b"Set the token\n" + TOKEN + b"\n" + text
    for first in BEGINNINGS:
        yield f"{first[:9].strip().replace('/', '')}.txt", first.encode() + b"\n"
    yield "vocab.txt.gz", gzip.compress(text, mtime=0)
    yield "vocab.txt.bz2", bz2.compress(text)
    yield "vocab.xz", lzma.compress(text)
    yield "model.safetensors", struct.pack("<Q", len(header)) + header + bytes(4)
    yield "model.gguf", b"GGUF\3\0\0\0" + bytes(100)
    yield "model.h5", b"\x89HDF\r\n\x1a\n" + bytes(200)
    yield "model.onnx", b"\x08\x08\x12\x07pytorch\x3a" + bytes([len(graph)]) + graph
    yield "tokenizer.model", b"\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\2" * 20
    yield "spiece.msgpack", b"\x82\xa6params\x81\xa1w\xc4\x02\0\1\xa4step\x05"
    yield "model.tflite", b"\x1c\0\0\0TFL3" + bytes(60)
    yield "logo.png", PICTURE
    yield "archive.tar", tarred({"a.py": text, "b.zip": zipped({"c.txt": text})})
    yield "photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(40)
    yield "model.engine", b"ptrt" + bytes(40)
    yield "lib.so", b"\x7fELF\2\1\1" + bytes(60)
    yield "data.parquet", b"PAR1\x15\0" + bytes(60)
    yield "clip.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes(30)
    yield "empty.bin", b""
    for kind, width in (
        ("<f4", 4),
        ("|b1", 1),
        ("<M8[ns]", 8),
        ("<U3", 12),
        ([("a", "<f4"), ("b", "<i8", (2,))], 20),
    ):
        yield f"a{width}.npy", array(kind, bytes(width))
    yield "long.npy", array([(f"field{number}", "<f4") for number in range(200)], bytes(800))
    yield "arrays.npz", zipped({"a.npy": array("<f4", bytes(4)), "b.npy": array("<i8", bytes(8))})
    yield "packed.npz", zipped({"a.npy": array("<f4", bytes(4))}, zipfile.ZIP_DEFLATED)
    yield "model.keras", zipped({"config.json": b"{}", "model.weights.h5": b"\x89HDF\r\n\x1a\n" + bytes(99)})
    yield "docs.zip", zipped({"a/README.md": text, "b.json": b"{}"}, zipfile.ZIP_DEFLATED)
    yield "code.tar.gz", gzip.compress(tarred({"a.py": text, "b/c.json": b"{}", "d": b""}), mtime=0)
    yield "code.tar", tarred({"a.py": text}, tarfile.PAX_FORMAT)
    yield "git", zlib.compress(b"blob 5\0hello")
    yield "cache.pyc", b"\xa7\r\r\n\0\0\0\0" + bytes(30)
    yield "utf16.txt", "Text".encode("utf-16")
    yield "model.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def samples():
    """Return the whole corpus."""
    dangerous = [(f"{way}/{name}", data) for way, body in evil() for name, data in holding(body)]
    dangerous.append(("joblib/evil.joblib", in_joblib(EVIL2)))
    others = [(f"{way}/{name}", data) for way, body in benign() for name, data in holding(body)]
    others.append(("joblib/benign.joblib", in_joblib(b"\x80\x02N.")))
    others += [(f"formats/{name}", data) for name, data in formats()]
    return [Sample(*each, is_dangerous=True) for each in dangerous] + [Sample(*each) for each in others]


if __name__ == "__main__":
    for sample in samples():
        path = Path(sys.argv[1], "dangerous" if sample.is_dangerous else "benign", sample.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.data)

"""Our readers of files against those that load them, over mutated files.

What we do not refuse, the other reader sees in the same way: only so does a clean answer of ours count.
`AISEC_READER_CASES` says how many files each test tries.
"""

import bz2
import gzip
import io
import lzma
import operator
import os
import posixpath
import random
import struct
import tarfile
import warnings
import zipfile
import zlib
from contextlib import suppress

import pytest

from pytest_aisec import Unobservable
from pytest_aisec.facts.artifacts import arrays, gguf, hdf5, onnx, ranges, safetensors, tars, zips
from pytest_aisec.facts.artifacts.ranges import Malformed
from pytest_aisec.facts.artifacts.sources import Memory, Packed

CASES = int(os.environ.get("AISEC_READER_CASES", "1500"))
REFUSED = object()


def mutated(rng, data, pieces=(b"\0", b"\xff", b"/", b"..", b"0", b" ")):
    data = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif what == 1:
            del data[at : at + rng.choice((1, 2, 4, 512))]
        elif what == 2:
            data[at:at] = rng.choice(pieces)
        else:
            start = rng.randrange(len(data) + 1)
            data[at : at + 8] = data[start : start + 8]
    return bytes(data)


def ours(read, *arguments):
    try:
        return read(*arguments)
    except (Unobservable, Malformed):
        return REFUSED


def compared(seeds, read, other, pieces=(b"\0", b"\xff"), agree=operator.eq):
    """Return how many mutated files we read, each as the other does, where that reads it."""
    rng, agreed = random.Random(15), 0
    for _ in range(CASES):
        data = mutated(rng, rng.choice(seeds), pieces)
        found = ours(read, data)
        if found is REFUSED:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                expected = other(data)
            except Exception:  # noqa: BLE001 - what nobody loads harms nobody
                continue
        assert agree(expected, found), (expected, found, data)
        agreed += 1
    return agreed


def zipped(method, **members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("_", "/")), data, method)
    return buffer.getvalue()


def of_zip(data):
    source = Memory("a", data)
    members = [member for member in zips.members_in(source, len(data)) if not member.name.endswith("/")]
    found = zips.content_in(source, len(data), members, most=1 << 20)
    if any(isinstance(content, Unobservable) for content in found.values()):
        return REFUSED
    return found


def of_zipfile(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {item.filename: archive.read(item) for item in archive.infolist() if not item.is_dir()}


def test_zip_archives_as_zipfile_reads_them():
    seeds = [zipped(method, a=b"one" * 40, d_b=b"", d_c=b"two") for method in (0, 8)]
    assert CASES / 20 < compared(seeds, of_zip, of_zipfile, (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"\0", b"\xff"))


def tarred(form):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in (("a", b"one" * 300), ("d" * 90 + "/" + "b" * 90, b"two"), ("é", b"three")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def of_tar(data):
    source = Memory("a", data)
    return [part.whole(1 << 20) for part in tars.members(source)]


def of_tarfile(data):
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        files = [archive.extractfile(member) for member in archive.getmembers() if member.isreg()]
        return [content for file in files if file and (content := file.read())]


def test_tar_archives_as_tarfile_reads_them():
    seeds = [tarred(form) for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
    # Some versions of Python end where a header looks wrong to them; what they see before, we see.
    agree = lambda expected, found: expected == found[: len(expected)]  # noqa: E731
    assert CASES / 20 < compared(seeds, of_tar, of_tarfile, agree=agree)


def of_packed(data):
    return Packed("a", Memory("a", data), most=1 << 20, most_unpacked=1 << 20).whole(1 << 19)


@pytest.mark.parametrize(
    ("pack", "unpack"),
    [
        (lambda data: gzip.compress(data, mtime=0), gzip.decompress),
        (bz2.compress, bz2.decompress),
        (lzma.compress, lzma.decompress),
        (lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE), lzma.decompress),
        (zlib.compress, zlib.decompress),
    ],
    ids=["gzip", "bz2", "xz", "lzma", "zlib"],
)
def test_compressed_files_as_python_decompresses_them(pack, unpack):
    rng = random.Random(3)
    seeds = [pack(b""), pack(b"one" * 50), pack(rng.randbytes(300))]
    seeds += [seeds[1] + seeds[2]] if unpack not in {zlib.decompress, lzma.decompress} else []
    assert 50 < compared(seeds, of_packed, unpack)


def test_arrays_as_numpy_reads_them():
    numpy = pytest.importorskip("numpy")
    kinds = ("<i4", "O", "<U3", [("a", "<i4"), ("b", "O")], [("a", "<f8", (2,))], "<M8[ns]", "?")
    seeds = []
    for kind in kinds:
        buffer = io.BytesIO()
        numpy.save(buffer, numpy.zeros(2, dtype=numpy.dtype(kind)), allow_pickle=True)
        seeds.append(buffer.getvalue())

    def holds_objects(data):
        file = io.BytesIO(data)
        version = numpy.lib.format.read_magic(file)
        read = getattr(numpy.lib.format, f"read_array_header_{version[0]}_0")
        return bool(read(file)[2].hasobject)

    pieces = (b"O", b"|O", b"'", b"(", b"O4", b"i4", b",", b"object", b" ")
    read = lambda data: arrays.read_array(Memory("a", data)).has_objects  # noqa: E731 - one word for it
    assert CASES / 10 < compared(seeds, read, holds_objects, pieces)


def test_models_as_onnx_reads_them():
    library = pytest.importorskip("onnx")
    tensor = library.TensorProto(name="w", data_type=1, dims=[1])
    tensor.data_location = library.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../w.bin")
    inner = library.helper.make_graph([], "inner", [], [], [tensor])
    node = library.helper.make_node("If", ["x"], ["y"], then_branch=inner)
    seeds = [
        library.helper.make_model(library.helper.make_graph([], "g", [], [], [tensor])).SerializeToString(),
        library.helper.make_model(library.helper.make_graph([node], "g", [], [])).SerializeToString(),
    ]

    def escapes(graph):
        tensors = [*graph.initializer, *(at.t for node in graph.node for at in node.attribute)]
        inner = [at.g for node in graph.node for at in node.attribute]
        places = [item.value for one in tensors for item in one.external_data if item.key == "location"]
        ends = [posixpath.normpath(os.fsencode(place)) for place in places]
        return any(end.split(b"/")[0] == b".." for end in ends) or any(map(escapes, inner))

    rng, seen = random.Random(8), 0
    for _ in range(CASES):
        data = mutated(rng, rng.choice(seeds), (b"\0", b"\x12", b"location", b"../", b"\x80\0"))
        try:
            model = library.ModelProto.FromString(data)
        except Exception:  # noqa: BLE001 - what is not read loads nothing
            continue
        if model.HasField("graph") and escapes(model.graph):
            found = ours(lambda: [*onnx.onnx_defects(ranges.of_bytes(data), lambda _: True)])  # noqa: B023
            assert found is REFUSED or found, data
            seen += 1
    assert CASES / 10 < seen


def test_attributes_as_h5py_writes_them():
    """Files as they are: h5py does not survive all that are mutated."""
    h5py = pytest.importorskip("h5py")
    rng, seen = random.Random(4), 0
    for _ in range(CASES // 5):
        buffer, texts = io.BytesIO(), {}
        version = rng.choice(("earliest", "v108", "v110", "latest"))
        with h5py.File(buffer, "w", libver=version, track_order=rng.random() < 0.5) as file:
            for number in range(rng.choice((1, 2, 5, 12, 30))):
                text = rng.choice(("{}", "é", "L\n", "x" * 70)) * rng.choice((1, 9, 60))
                texts[f"a{number}" * rng.choice((1, 9))] = text
                fixed = numpy_text(text) if rng.random() < 0.3 else text
                file.attrs[[*texts][-1]] = fixed
            file.create_dataset("w", data=[1.0] * rng.choice((1, 200)))
        found = ours(lambda: dict(hdf5.root_attributes(ranges.of_bytes(buffer.getvalue()))))  # noqa: B023
        if found is not REFUSED:
            assert {name: text.encode() for name, text in texts.items()} == {
                name: found[name].rstrip(b"\0") for name in texts
            }
            seen += 1
    assert CASES / 10 < seen


def numpy_text(text):
    return pytest.importorskip("numpy").bytes_(text.encode())


def test_safetensors_as_the_library_reads_them():
    library = pytest.importorskip("safetensors")
    two = (
        b'{"__metadata__":{"format":"pt"},"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},'
        b'"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]}}  '
    )
    headers = (b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', two, b"{}")
    pieces = (
        b"F64",
        b"U8",
        b"0",
        b"-1",
        b",",
        b'"',
        b"[",
        b"null",
        b"1e1",
        b"\\u0061",
        b" ",
        b"\t",
        b"9" * 19,
    )
    rng, both = random.Random(6), set()
    for _ in range(CASES):
        header = mutated(rng, rng.choice(headers), pieces)
        data = b"" if header.startswith(b"{}") else bytes(8)
        try:
            library.deserialize(struct.pack("<Q", len(header)) + header + data)
            accepts = True
        except Exception:  # noqa: BLE001 - of several classes
            accepts = False
        defects = [*safetensors.safetensors(header, len(data))]
        is_stricter = not header.startswith(b"{") or "twice" in "".join(defects)  # as the format demands
        assert accepts == (not defects) or (accepts and is_stricter), (header, defects)
        both.add(accepts)
    assert {True, False} == both


def test_gguf_headers_without_a_defect_are_read_by_the_library(tmp_path):
    library = pytest.importorskip("gguf")
    numpy = pytest.importorskip("numpy")
    path = tmp_path / "a.gguf"
    writer = library.GGUFWriter(path, "llama")
    writer.add_uint32("llama.block_count", 1)
    writer.add_array("tokenizer.ggml.tokens", ["a", "bc"])
    writer.add_float32("llama.rope.freq_base", 1e4)
    writer.add_tensor("token_embd.weight", numpy.zeros((2, 32), numpy.float32))
    writer.add_tensor("output.weight", numpy.zeros((4,), numpy.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    seed = path.read_bytes()
    assert [] == [*gguf.gguf(ranges.of_bytes(seed))]
    rng, sound, broken = random.Random(9), 0, 0
    for _ in range(CASES // 3):
        data = mutated(rng, seed, (b"\0", b"\1", b"\4", b"\x08", b"\x09", b"\xff"))
        defects = ours(lambda: [*gguf.gguf(ranges.of_bytes(data))])  # noqa: B023
        if defects is REFUSED or defects:
            broken += 1
            continue
        path.write_bytes(data)
        with warnings.catch_warnings(), suppress(UnicodeDecodeError):  # llama.cpp takes names for bytes
            warnings.simplefilter("ignore")
            library.GGUFReader(path)  # it raises where a length or a type leads elsewhere
        sound += 1
    assert min(sound, broken) > CASES / 60

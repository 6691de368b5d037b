"""Small model files of the formats without code in them, built byte by byte."""

import base64
import io
import json
import struct
import zipfile
import zlib

TEXT, UINT32, ARRAY = 8, 4, 9


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(kind="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(offsets)}


def gguf_text(value):
    return struct.pack("<Q", len(value)) + value


def gguf_pair(key=b"general.architecture", kind=TEXT, value=b"\5\0\0\0\0\0\0\0llama"):
    return gguf_text(key) + struct.pack("<I", kind) + value


def gguf_array(kind, values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def gguf_tensor(name=b"w", shape=(4,), kind=0, offset=0):
    sides = struct.pack(f"<{len(shape)}Q", *shape)
    return gguf_text(name) + struct.pack("<I", len(shape)) + sides + struct.pack("<IQ", kind, offset)


def gguf(pairs=(), tensors=(), data=b"", *, version=3, counts=None, alignment=32):
    count, pair_count = counts or (len(tensors), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", version, count, pair_count) + b"".join([*pairs, *tensors])
    return head + bytes(-len(head) % alignment) + data


def varint(number, width=0):
    """Return a number in protobuf's encoding, made longer than needed up to `width` bytes."""
    found = []
    while number > 127 or len(found) + 1 < width:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def field(number, body, width=0):
    return varint(number << 3 | 2) + varint(len(body), width) + body


def entry(value, key=b"location"):
    return field(13, field(1, key) + field(2, value))


def onnx(*graph):
    """Return a model whose graph has these fields."""
    return b"\x08\x08" + field(7, b"".join(graph))


def keras(config, name="config.json", weights=b"", method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, config if isinstance(config, bytes | str) else json.dumps(config))
        if weights:
            archive.writestr("model.weights.h5", weights)
    return stream.getvalue()


def sequential(*layers):
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}


def layer(kind, module="keras.layers", **config):
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def hdf5(attributes, *, in_heap=True, count=None):
    """Return an HDF5 file as h5py writes it by default, with attributes of its root group only."""
    heap = 4096
    nowhere = b"\xff" * 8
    objects, messages = b"", struct.pack("<HHB3x", 0x11, 16, 0) + nowhere * 2
    for index, (name, value) in enumerate(attributes, 1):
        label = name.encode() + b"\0"
        kind = (
            b"\x19\x01\x00\x00" + struct.pack("<I", 16) + b"\x13\x00\x00\x00" + struct.pack("<I", 1)
            if in_heap
            else b"\x13\x00\x00\x00" + struct.pack("<I", len(value))
        )
        space = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        content = struct.pack("<IQI", len(value), heap, index) if in_heap else value
        objects += struct.pack("<HH4xQ", index, 1, len(value)) + value + bytes(-len(value) % 8)
        body = struct.pack("<BxHHH", 1, len(label), len(kind), len(space))
        body += b"".join(part + bytes(-len(part) % 8) for part in (label, kind, space)) + content
        body += bytes(-len(body) % 8)
        messages += struct.pack("<HHB3x", 0x0C, len(body), 0) + body
    free = 4096 - 16 - len(objects)
    if free >= 16:
        objects += struct.pack("<HH4xQ", 0, 0, free) + bytes(free - 16)
    objects = b"GCOL\x01\0\0\0" + struct.pack("<Q", 16 + len(objects)) + objects
    start = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
    start += bytes(8) + nowhere + struct.pack("<Q", heap + len(objects)) + nowhere
    start += struct.pack("<QQII16x", 0, 96, 0, 0)
    number = len(attributes) + 1 if count is None else count
    head = start + struct.pack("<BBHII4x", 1, 0, number, 1, len(messages)) + messages
    return head + bytes(heap - len(head)) + objects


def packed(text):
    return zlib.decompress(base64.b85decode(text))

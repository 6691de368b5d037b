#!/bin/sh
# Two tensors in the same bytes.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import json, struct
def write(path, header, data):
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
write("/srv/models/a.safetensors", {"a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}, "b": {"dtype": "U8", "shape": [8], "data_offsets": [4, 12]}}, bytes(12))
EOF

#!/bin/sh
# One of each kind, as their libraries write them.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import json, struct
def write(path, header, data):
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
write("/srv/models/a.safetensors", {"__metadata__": {"format": "pt"}, "w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "b": {"dtype": "BF16", "shape": [], "data_offsets": [16, 18]}}, bytes(18))
write("/srv/models/long.safetensors", {f"layer.{n}.weight": {"dtype": "I8", "shape": [1], "data_offsets": [n, n + 1]} for n in range(500)}, bytes(500))
key = b"general.architecture"
open("/srv/models/a.gguf", "wb").write(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", len(key)) + key + bytes(200))
def field(number, body):
    return bytes([number << 3 | 2, len(body)]) + body
entry = field(13, field(1, b"location") + field(2, b"weights.bin"))
open("/srv/models/a.onnx", "wb").write(b"\x08\x08" + field(7, field(5, entry)))
import zipfile
with zipfile.ZipFile("/srv/models/a.keras", "w") as archive:
    archive.writestr("config.json", json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": [{"module": "keras.layers", "class_name": "Dense"}]}}))
EOF

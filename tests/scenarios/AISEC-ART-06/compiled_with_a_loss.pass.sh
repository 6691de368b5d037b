#!/bin/sh
# A Keras model that names its loss as a function, as Keras saves it.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import json, zipfile
loss = {"module": "builtins", "class_name": "function", "config": "mean_squared_error", "registered_name": "function"}
with zipfile.ZipFile("/srv/models/a.keras", "w") as archive:
    archive.writestr("config.json", json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": []}, "compile_config": {"loss": loss}}))
EOF

#!/bin/sh
# Too large to be fetched, and no ONNX model.
mkdir -p /srv/models
head -c 5000000 /dev/zero >/srv/models/a.onnx

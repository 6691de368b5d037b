#!/bin/sh
# An ONNX model that is too large to be searched for references.
# reason: truncated
set -e
mkdir -p /srv/models
head -c 5000000 /dev/zero >/srv/models/a.onnx

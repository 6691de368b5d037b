#!/bin/sh
# An ONNX model that has another name leads out of its directory.
mkdir -p /srv/models
printf '\010\010\072\031\052\027\152\025\012\010location\022\011../../x/y' >/srv/models/pytorch_model.bin

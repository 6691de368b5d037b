#!/bin/sh
# The declared path is a link in a directory of somebody else.
# lib: private_models
# params: {model_dirs: [/opt/serving/models]}
private_models
install -d -o operator /opt/serving
ln -s /srv/models /opt/serving/models

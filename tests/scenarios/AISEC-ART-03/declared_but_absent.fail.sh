#!/bin/sh
# The declared directory is not there.
# lib: private_models
# params: {model_dirs: [/srv/modles]}
private_models

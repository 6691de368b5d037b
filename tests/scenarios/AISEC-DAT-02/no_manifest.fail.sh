#!/bin/sh
# There is no manifest.
# lib: dataset
# remedy: {}
dataset
rm MANIFEST.sha256

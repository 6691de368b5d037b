#!/bin/sh
# There is no manifest.
# lib: dataset
dataset
rm MANIFEST.sha256

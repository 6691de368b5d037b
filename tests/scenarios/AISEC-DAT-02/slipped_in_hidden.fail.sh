#!/bin/sh
# The file is hidden, in a directory of its own, with a line end in its name.
# lib: dataset
dataset
mkdir .cache; echo poison > ".cache/a
b"

#!/bin/sh
# sitecustomize runs at every start.
# lib: environment
environment
: >$d/sitecustomize.py

#!/bin/sh
# One module that anybody may write.
# lib: environment
environment
chmod 0666 $d/torch/__init__.py

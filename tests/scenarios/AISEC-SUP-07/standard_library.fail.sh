#!/bin/sh
# A module of the interpreter itself.
# lib: environment
environment
: >/opt/app/venv/lib/python3.11/os.py
chmod 0666 /opt/app/venv/lib/python3.11/os.py

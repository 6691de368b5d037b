#!/bin/sh
# Anybody can put another environment in the place of this one.
# lib: environment
environment
chmod 0777 /opt/app

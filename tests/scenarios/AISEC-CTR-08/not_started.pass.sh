#!/bin/sh
# Engines are installed, and nothing runs or listens.
# host: services
true

#!/bin/sh
# Runs as root.
# host: services
# lib: jupyter
jupyter root 8888 --allow-root

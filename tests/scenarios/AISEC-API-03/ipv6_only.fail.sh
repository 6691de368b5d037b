#!/bin/sh
# Reachable from elsewhere over IPv6 alone.
# host: services
# lib: jupyter
jupyter ai_user 8888 --ip=::

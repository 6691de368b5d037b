#!/bin/sh
# As installed: a token, on loopback, as an ordinary user.
# host: services
# lib: jupyter
jupyter ai_user 8888

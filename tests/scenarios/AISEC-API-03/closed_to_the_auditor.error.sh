#!/bin/sh
# Whoever cannot read the configuration knows nothing.
# host: services
# lib: jupyter
# as: auditor
# reason: privilege
jupyter ai_user 8888

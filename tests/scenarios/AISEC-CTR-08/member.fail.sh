#!/bin/sh
# Root without a password as soon as the engine starts.
# host: services
# remedy: {}
usermod -aG docker auditor

#!/bin/sh
# A container, in a network namespace of its own, talks to an address outside the allowlist.
# host: services
# lib: outbound
container_outbound

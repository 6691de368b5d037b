#!/bin/sh
# The open version does not lie in the place that is left out.
# params: {exclude: {"/srv/old": "switched off in May, kept for its records"}}
mkdir -p /srv/older
echo jax > /srv/older/requirements.txt

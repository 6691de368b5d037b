#!/bin/sh
# A running service was started with a second index.
PIP_EXTRA_INDEX_URL=https://pypi.example.com/simple setsid sleep 3600 >/dev/null 2>&1 </dev/null &
wait_for runs sleep

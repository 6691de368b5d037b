#!/bin/sh
# No site-packages.
true

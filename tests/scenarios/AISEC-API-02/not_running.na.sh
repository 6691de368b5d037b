#!/bin/sh
# No Ray.
true

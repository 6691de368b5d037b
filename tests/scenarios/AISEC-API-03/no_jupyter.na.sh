#!/bin/sh
# No Jupyter.
true

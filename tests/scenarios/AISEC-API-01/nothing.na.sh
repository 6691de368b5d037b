#!/bin/sh
# No model server, and nothing that could lead to one.
true

#!/bin/sh
# No model server.
true

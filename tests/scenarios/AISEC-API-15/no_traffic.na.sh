#!/bin/sh
# All that was refused was refused hours ago, and nothing has come since.
# lib: access_log
thirty 401 '3 hours ago'

#!/bin/sh
# Thirty refusals to one client.
# lib: access_log
thirty 401

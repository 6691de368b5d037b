#!/bin/sh
# Nothing but the audit's own connection, which came in.
true

#!/bin/sh
# No Python distribution.
# advisories: advisories
# params: {db_max_age_days: 36500}
true

#!/bin/sh
# A host without Python distributions.
# advisories: advisories
# params: {db_max_age_days: 36500}
true

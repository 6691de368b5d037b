#!/bin/sh
# Another device denies it, as the profile says.
# params: {external_firewall: "edge firewall fw-3, rule set AI-EGRESS"}
true

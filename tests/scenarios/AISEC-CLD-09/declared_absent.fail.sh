#!/bin/sh
# Said to have such instances.
# host: aws
# params: {instance_types: ["p5.*"]}
true

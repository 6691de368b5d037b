#!/bin/sh
# A declared service that does not run.
# params: {services: [tritonserver]}
true

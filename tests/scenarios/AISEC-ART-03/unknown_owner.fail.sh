#!/bin/sh
# The declared owner does not exist on the host.
# lib: private_models
# params: {owner: nobody_here}
private_models

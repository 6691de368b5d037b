#!/bin/sh
# The same model without the revision.
# lib: serving
# params: {allow: [{model: org/m, revision: 0123456789abcdef0123456789abcdef01234567}]}
serving /usr/local/bin/vllm serve org/m --trust-remote-code

#!/bin/sh
# A model whose code was reviewed, at the revision that was.
# lib: serving
# params: {allow: [{model: org/m, revision: 0123456789abcdef0123456789abcdef01234567}]}
serving /usr/local/bin/vllm serve org/m --trust-remote-code --revision 0123456789abcdef0123456789abcdef01234567

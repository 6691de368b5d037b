#!/bin/sh
# The profile watches for more.
# params: {watchlist: none, extra_entries: [{component: My_Server, id: OURS-1, fixed: "2.0"}]}
mkdir -p /opt/app/lib/python3.11/site-packages/my_server-1.9.dist-info

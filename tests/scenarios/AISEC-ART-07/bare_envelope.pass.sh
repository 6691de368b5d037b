#!/bin/sh
# An envelope without a bundle around it, whose statement lists the files themselves.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
model
cat >model.sig <<'EOF'
{"payload": "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoiY29uZmlnLmpzb24iLCJkaWdlc3QiOnsic2hhMjU2IjoiY2EzZDE2M2JhYjA1NTM4MTgyNzIyNjE0MDU2OGYzYmVmN2VhYWMxODdjZWJkNzY4NzhlMGI2M2U5ZTQ0MjM1NiJ9fSx7Im5hbWUiOiJtb2RlbC5zYWZldGVuc29ycyIsImRpZ2VzdCI6eyJzaGEyNTYiOiI0MTFhNDg1MjE2ZTQzMmVjZTZiOWFmOTRmYTMyMTU0Y2Y3OWEyYTU2ZDRmODEyNjZiYWE1MDA2M2Y0NTA5MmJkIn19LHsibmFtZSI6InRva2VuaXplci92b2NhYi50eHQiLCJkaWdlc3QiOnsic2hhMjU2IjoiOTExMTY5ZGRhYWYxNDZhZmY1MzlmNThjMjZjNDg5YWYzYjg5MmRmZjBmZTI4M2MxYzI2NGM2NWFlNWFhNTlhMiJ9fV0sInByZWRpY2F0ZVR5cGUiOiJodHRwczovL3Nsc2EuZGV2L3Byb3ZlbmFuY2UvdjEiLCJwcmVkaWNhdGUiOnt9fQ==", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "MEUCIEQY/k4paD7+ySjzJI/j6ZdFqsQckusFT/I5hvSX5Jv4AiEApu/naWduc9AP62gQimJUtpjG7jD5PcM+GQ8i+vh7iWU=", "keyid": ""}]}
EOF

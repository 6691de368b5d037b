#!/bin/sh
# Signed, but not with the trusted key.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
model
cat >model.sig <<'EOF'
{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": {"publicKey": {"hint": "0"}, "tlogEntries": []}, "dsseEnvelope": {"payload": "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoibSIsImRpZ2VzdCI6eyJzaGEyNTYiOiI4YmQ5YWUyYjdlYWE4NjBiM2JmMTdkNDUwYjkzZTRkMjcyZTllZmVmMWU0ODUwMzQxNDc4ZTczYmMzMThkMjAwIn19XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vbW9kZWxfc2lnbmluZy9zaWduYXR1cmUvdjEuMCIsInByZWRpY2F0ZSI6eyJzZXJpYWxpemF0aW9uIjp7Im1ldGhvZCI6ImZpbGVzIiwiaGFzaF90eXBlIjoic2hhMjU2IiwiYWxsb3dfc3ltbGlua3MiOmZhbHNlLCJpZ25vcmVfcGF0aHMiOlsibW9kZWwuc2lnIiwiLmdpdCJdfSwicmVzb3VyY2VzIjpbeyJuYW1lIjoiY29uZmlnLmpzb24iLCJhbGdvcml0aG0iOiJzaGEyNTYiLCJkaWdlc3QiOiJjYTNkMTYzYmFiMDU1MzgxODI3MjI2MTQwNTY4ZjNiZWY3ZWFhYzE4N2NlYmQ3Njg3OGUwYjYzZTllNDQyMzU2In0seyJuYW1lIjoibW9kZWwuc2FmZXRlbnNvcnMiLCJhbGdvcml0aG0iOiJzaGEyNTYiLCJkaWdlc3QiOiI0MTFhNDg1MjE2ZTQzMmVjZTZiOWFmOTRmYTMyMTU0Y2Y3OWEyYTU2ZDRmODEyNjZiYWE1MDA2M2Y0NTA5MmJkIn0seyJuYW1lIjoidG9rZW5pemVyL3ZvY2FiLnR4dCIsImFsZ29yaXRobSI6InNoYTI1NiIsImRpZ2VzdCI6IjkxMTE2OWRkYWFmMTQ2YWZmNTM5ZjU4YzI2YzQ4OWFmM2I4OTJkZmYwZmUyODNjMWMyNjRjNjVhZTVhYTU5YTIifV19fQ==", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "MEUCIFuQmZMIRMemqo4CGtHU+TIA/42pyKzwsfgVUb/H87IxAiEAx2btTuhzs/A24+sETr5/nvdyc0pRDOFkywL4PXnMB0A=", "keyid": ""}]}}
EOF

# A model in /srv/models/m, which is the working directory afterwards, with the manifest that model_signing 1.1.1 wrote.

model() {
    mkdir -p /srv/models/m/tokenizer
    cd /srv/models/m
    printf '\002\000\000\000\000\000\000\000{}' > model.safetensors
    echo '{}' > config.json
    printf 'a\nb\n' > tokenizer/vocab.txt
}

# signed_model: the same, signed with the key whose other half is AISEC-ART-07/key.pub.
signed_model() {
    model
    cat > model.sig <<'BUNDLE'
{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"07eab96894c57a6879e9650e8e7b8f67659822a968f0f8e96b253ab672d1164e"},"tlogEntries":[]},"dsseEnvelope":{"payload":"ewogICJfdHlwZSI6ICJodHRwczovL2luLXRvdG8uaW8vU3RhdGVtZW50L3YxIiwKICAic3ViamVjdCI6IFsKICAgIHsKICAgICAgIm5hbWUiOiAibWRsIiwKICAgICAgImRpZ2VzdCI6IHsKICAgICAgICAic2hhMjU2IjogIjhiZDlhZTJiN2VhYTg2MGIzYmYxN2Q0NTBiOTNlNGQyNzJlOWVmZWYxZTQ4NTAzNDE0NzhlNzNiYzMxOGQyMDAiCiAgICAgIH0KICAgIH0KICBdLAogICJwcmVkaWNhdGVUeXBlIjogImh0dHBzOi8vbW9kZWxfc2lnbmluZy9zaWduYXR1cmUvdjEuMCIsCiAgInByZWRpY2F0ZSI6IHsKICAgICJzZXJpYWxpemF0aW9uIjogewogICAgICAibWV0aG9kIjogImZpbGVzIiwKICAgICAgImFsbG93X3N5bWxpbmtzIjogZmFsc2UsCiAgICAgICJpZ25vcmVfcGF0aHMiOiBbCiAgICAgICAgIi5naXQiLAogICAgICAgICIuZ2l0aWdub3JlIiwKICAgICAgICAiLmdpdGh1YiIsCiAgICAgICAgIi5naXRhdHRyaWJ1dGVzIiwKICAgICAgICAibW9kZWwuc2lnIgogICAgICBdLAogICAgICAiaGFzaF90eXBlIjogInNoYTI1NiIKICAgIH0sCiAgICAicmVzb3VyY2VzIjogWwogICAgICB7CiAgICAgICAgImFsZ29yaXRobSI6ICJzaGEyNTYiLAogICAgICAgICJkaWdlc3QiOiAiY2EzZDE2M2JhYjA1NTM4MTgyNzIyNjE0MDU2OGYzYmVmN2VhYWMxODdjZWJkNzY4NzhlMGI2M2U5ZTQ0MjM1NiIsCiAgICAgICAgIm5hbWUiOiAiY29uZmlnLmpzb24iCiAgICAgIH0sCiAgICAgIHsKICAgICAgICAiYWxnb3JpdGhtIjogInNoYTI1NiIsCiAgICAgICAgImRpZ2VzdCI6ICI0MTFhNDg1MjE2ZTQzMmVjZTZiOWFmOTRmYTMyMTU0Y2Y3OWEyYTU2ZDRmODEyNjZiYWE1MDA2M2Y0NTA5MmJkIiwKICAgICAgICAibmFtZSI6ICJtb2RlbC5zYWZldGVuc29ycyIKICAgICAgfSwKICAgICAgewogICAgICAgICJhbGdvcml0aG0iOiAic2hhMjU2IiwKICAgICAgICAiZGlnZXN0IjogIjkxMTE2OWRkYWFmMTQ2YWZmNTM5ZjU4YzI2YzQ4OWFmM2I4OTJkZmYwZmUyODNjMWMyNjRjNjVhZTVhYTU5YTIiLAogICAgICAgICJuYW1lIjogInRva2VuaXplci92b2NhYi50eHQiCiAgICAgIH0KICAgIF0KICB9Cn0=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEUCIG9AdFTJYtsIqP+mW7072mH8RsPkfk7BBum/lK9tp4q+AiEAouLbdKorqQ5sp9dAH1JiNhrgvg5voimmQL2S+E5F5tA=","keyid":""}]}}
BUNDLE
}

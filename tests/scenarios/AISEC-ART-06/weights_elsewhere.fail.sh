#!/bin/sh
# The weights in a Keras archive have data in /etc/passwd.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import base64, zlib
data = zlib.decompress(base64.b85decode(
    'c-rgqaB<`1lHy_j0S*oZ76t(ZWbhvfP6(p%Ve$!3nh{EOK<O1sFmXn(oCH){5NbZUx{x4OSCH!eXaHu<16Byl!7vI&BJgl^3;@v)'
    'P(Cb`o?t>%my=kTT2zckj~*1-i!1$lFhlqmti+|?7o4N%cQpNCrr!=$RCOt6<te4<H`veL1(bqe=}v(e&3v?UJPJrF2Ljk3`~ptm'
    '%7G8OqvgP8Ie=LXOyERSSC$B>#b{R!Xt1M}1L)~^6p&U9L~uj+6}-fi0}TSB<-lk;fLRXA;6+tuK;!m+0XM4o=;?SA;3@~$AYsM`'
    '<3maWMn;GL3sfD9W(LMEBQ%~Fk#asOkOuLYn3%xA><k)UJ|ncO@xW0|z|7@<+RMxcD`8mBR3^|hJxida*9_F*1P1-ol4SjY#Ny)e'
    '6s+mdf`2q^kpln){f7Y'
))
import zipfile
with zipfile.ZipFile("/srv/models/model.keras", "w") as archive:
    archive.writestr("config.json", '{"class_name": "Sequential", "config": {"layers": []}}')
    archive.writestr("model.weights.h5", data)
EOF

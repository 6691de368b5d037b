#!/bin/sh
# A whole team may write.
# lib: environment
environment
chgrp -R ai_team $d
chmod -R g+w $d

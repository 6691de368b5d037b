#!/bin/sh
# Code under a name that is known, after a carriage return.
# lib: environment
environment
printf "# comment\rimport os; os.system(\"true\")\n" >$d/_virtualenv.pth

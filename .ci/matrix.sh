#!/bin/sh
# usage: matrix.sh FOLDER README
# Puts the lines that the tests of clients have left in FOLDER between the marks in README.
set -eu
lines=$(cat "$1"/* | LC_ALL=C sort -f)
[ -n "$lines" ] || exit 1
awk -v lines="$lines" '
    /<!-- matrix -->/ { print; print "| program | version | way in | link type | works |"
        print "| --- | --- | --- | --- | --- |"; print lines; inside = 1; next }
    /<!-- end of matrix -->/ { inside = 0 }
    !inside' "$2" >"$2.new"
cat "$2.new" >"$2"
rm "$2.new"

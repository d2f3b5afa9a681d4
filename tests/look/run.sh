#!/bin/sh
# Drives the real binary in a virtual screen and takes pictures: tests/look/run.sh PROGRAM SCRIPT [DIR] [SIZE]
#   tests/look/run.sh target/release/residue demo /tmp/pictures 1366x768
# LOOK names the driver (default ../shared/tools/look); scripts are the *.steps files beside this one. The first line of a script that begins
# with `#! ` holds the program's arguments. What the program exports into its home ends up beside the pictures.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$1 script=$2 pictures=${3:-/tmp/residue-look} size=${4:-1366x768}
look=${LOOK:-$here/../../../shared/tools/look}
steps=$here/$script.steps
arguments=$(sed -n '1s/^#! //p' "$steps" | sed "s|CORPUS|$here/../../../shared/corpus|g")
# A home of its own, so that nothing the user keeps is touched or seen.
home=$(mktemp -d); trap 'rm -rf "$home"' EXIT
# shellcheck disable=SC2086
env HOME="$home" XDG_CACHE_HOME="$home/cache" XDG_CONFIG_HOME="$home/config" "$look" -s "$size" -d "$pictures" -- "$program" $arguments < "$steps"
find "$home" -maxdepth 2 -type f \( -name '*.csv' -o -name '*.jsonl' -o -name '*.html' \) -exec cp {} "$pictures" \;

#!/bin/bash
# Drives the real binary for MINUTES (default 30) and watches its memory: tests/look/soak.sh PROGRAM [MINUTES] [DIR]
# Analyses the demo, then drags, clicks, searches, flags, notes, sorts, opens every dialog, changes theme and size, over and over. Ends with 0 when
# the program stood to the end, said no panic, and its memory in the last sixth of the time is not above that of the second sixth by more than 5 %
# and 16 MB. DIR gets memory.txt (seconds, MB) and pictures of the first and the last round.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$1 minutes=${2:-30} pictures=${3:-/tmp/residue-soak}
look=${LOOK:-$here/../../../shared/tools/look}
mkdir -p "$pictures"
home=$(mktemp -d); watch=
trap '[[ -n $watch ]] && kill "$watch" 2>/dev/null; rm -rf "$home"' EXIT
round() {
  cat <<'STEPS'
drag 487 130 420 130
drag 420 130 520 130
click 300 175
key Escape
click 500 372
key space
key Down Down space
key n
type odd parent 異常 🔥
key Escape
key ctrl+f
type whoami
wait 1
key Escape
key End
key Home
key Next Next Prior
key ctrl+2
key ctrl+3
key ctrl+1
key Left Left Right
key ctrl+z ctrl+z ctrl+y
key ctrl+k
type light
key Return
wait 1
key F1
key Escape
key F9
key Escape
key ctrl+e
key Escape
key ctrl+l
wait 1
key Escape
key ctrl+comma
key Escape
key ctrl+k
type theme: dark
key Return
key ctrl+plus
wait 1
key ctrl+0
key ctrl+b
key ctrl+b
scroll down 20
scroll up 20
wait 1
STEPS
}
# A round takes about 15 s.
rounds=$((minutes * 4))
{ echo 'wait 16'; round; echo 'shot soak-first'; for _ in $(seq 2 $rounds); do round; done
  echo 'key F9'; echo 'wait 1'; echo 'shot soak-last'; } > "$home/steps"
begin=$(date +%s)
( while sleep 5; do
    pid=$(pgrep -f "^$program demo" | head -1) || continue
    echo "$(($(date +%s) - begin)) $(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$pid/status")"
  done ) > "$pictures/memory.txt" 2>/dev/null & watch=$!
env HOME="$home" XDG_CACHE_HOME="$home/cache" XDG_CONFIG_HOME="$home/config" "$look" -s 1366x768 -d "$pictures" -- "$program" demo < "$home/steps"
! grep -i panic "$pictures/look.log"
awk '{ t[NR] = $1; m[NR] = $2 } END { last = t[NR]
  for (i = 1; i <= NR; i++) { if (t[i] > last / 6 && t[i] <= last / 3) { a += m[i]; n++ } if (t[i] > last * 5 / 6) { b += m[i]; k++ } }
  a /= n; b /= k; printf "%d s, MB: %.0f in the second sixth, %.0f in the last\n", last, a, b; exit b > a * 1.05 + 16 }' "$pictures/memory.txt"

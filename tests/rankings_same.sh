#!/bin/sh
# Holds two builds against each other: the same evidence has to give the same bytes.
#
#   tests/rankings_same.sh OLD NEW [CASE...]
#
# OLD and NEW are two `residue` binaries; each CASE is a folder of evidence (without any: the cases of the shared corpus, where it is there).
# A synthetic estate (seed 7, 20,000 events) is always among them. Compared byte for byte: every ranking (CSV and JSON lines), the ledger, the
# normalised events (CSV, JSON lines, Parquet), and what `export` writes of a kept case (JSON lines, Parquet). Exit status 1 when anything differs.
set -eu
old=$1 new=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpus=$(dirname "$0")/../../shared/corpus/cases
[ $# -gt 0 ] || { [ -d "$corpus" ] && set -- "$corpus"/*; } || echo "no corpus here: only the synthetic estate is compared"
"$old" synth --out "$work/synth" --events 20000 --seed 7 >/dev/null 2>&1
differs=0
for evidence in "$work/synth" "$@"; do
    name=$(basename "$evidence")
    for side in old new; do
        residue=$old
        [ $side = old ] || residue=$new
        to=$work/$side/$name
        mkdir -p "$to"
        # Status 1: some evidence could not be read whole, which is told in the ledger and compared there.
        "$residue" triage "$evidence" --out "$to/triage" --compute cpu --progress none >/dev/null 2>&1 || [ $? -le 1 ]
        "$residue" triage "$evidence" --out "$to/again" --save-case "$to/kept.residue" --detector fields,timeline --compute cpu --progress none >/dev/null 2>&1 || [ $? -le 1 ]
        for ending in csv jsonl parquet; do
            "$residue" convert "$evidence" --out "$to/events.$ending" --progress none >/dev/null 2>&1 || [ $? -le 1 ]
        done
        for detector in fields timeline; do
            [ -e "$to/again/ranking-$detector.jsonl" ] || continue
            for ending in jsonl parquet; do
                "$residue" export "$to/kept.residue" --detector $detector --which all --out "$to/$detector.$ending" >/dev/null 2>&1
            done
        done
        # Times and paths of the run are said to differ; the case is compared through what it exports.
        rm -rf "$to"/*/manifest.json "$to/kept.residue"
    done
    if diff -r -q "$work/old/$name" "$work/new/$name"; then
        echo "same: $name ($(find "$work/new/$name" -type f | wc -l) files)"
    else
        differs=1
    fi
    rm -rf "$work/old/$name" "$work/new/$name"
done
exit $differs

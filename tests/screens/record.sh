#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Renews the studies of a recording from the scripts that use it, live: tests/screens/record.sh NAME rewrites
# NAME.jsonl from NAME*.keys. The run itself is included from films.jsonl. Numbers are those of a run at step 0.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build} name=$1 work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '{"include":"films.jsonl"}' >"$work/all"
for keys in tests/screens/"$name"*.keys; do
    grep -q "recording $name.jsonl" "$keys" || continue
    read -r -a arguments < <(sed -n 's/^#: //p' "$keys" | sed 's/--recording [^ ]*//')
    session=$(sed -n 's/^#session: //p' "$keys")
    if [ "$session" ]; then
        mkdir -p "$work/sessions"
        cp -r "tests/screens/$session" "$work/sessions/${arguments[-1]}"
    fi
    PROMPTER_SESSIONS=$work/sessions LC_ALL=C.UTF-8 "$build/tests/screens" --dumps "$work/dumps" \
        --studies "$work/studies" --script "$keys" "${arguments[@]}"
    cat "$work/studies" >>"$work/all"
done
awk '!seen[$0]++' "$work/all" >"tests/screens/$name.jsonl"
wc -l "tests/screens/$name.jsonl"

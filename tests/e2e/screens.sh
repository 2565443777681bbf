#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Screens of recorded runs against the pictures in tests/screens. A .keys file names its arguments in a line "#: ...".
# A line "#runs: FILE" puts a file of runs among the sessions, "#session: FOLDER" a session that is there already.
# Times are UTC.
# REWRITE=1 puts the present screens in their place (make goldens); then read the difference before committing it.
set -u
cd "$(dirname "$0")/../.." || exit 1
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
build=${BUILD:-build} pictures=tests/screens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
fail() {
    echo "FAIL $1"
    failed=$((failed + 1))
}
for keys in "$pictures"/*.keys; do
    name=$(basename "$keys" .keys)
    read -r -a arguments < <(sed -n 's/^#: //p' "$keys")
    for i in "${!arguments[@]}"; do
        [ "${arguments[$i]}" = --recording ] && arguments[i + 1]=$pictures/${arguments[$((i + 1))]}
    done
    runs=$(sed -n 's/^#runs: //p' "$keys")
    if [ "$runs" ]; then
        mkdir -p "$work/sessions-$name"
        cp "$pictures/$runs" "$work/sessions-$name/runs.jsonl"
    fi
    session=$(sed -n 's/^#session: //p' "$keys")
    if [ "$session" ]; then
        mkdir -p "$work/sessions-$name"
        cp -r "$pictures/$session" "$work/sessions-$name/${arguments[-1]}"
    fi
    if ! PROMPTER_SESSIONS=$work/sessions-$name TZ=UTC LC_ALL=C.UTF-8 "$build/tests/screens" --styles --dumps "$work/now" \
        --script "$keys" "${arguments[@]}" >"$work/log" 2>&1; then
        fail "$keys: $(cat "$work/log")"
        continue
    fi
    passed=$((passed + 1))
    if [[ ! "$session" && " ${arguments[*]} " == *" --recording "* && -e "$work/sessions-$name" ]] && [ -n "$(find "$work/sessions-$name" -name '*.safetensors')" ]; then
        fail "$keys: a recording was saved as if it were a run"
    fi
done
if [ "${REWRITE:-}" ] && [ "$failed" -eq 0 ]; then
    rm -f "$pictures"/*.txt
    cp "$work"/now/*.txt "$pictures"/
fi
# Both ways: a picture that nothing draws any more is as wrong as a screen without one.
for screen in $(cd "$work/now" 2>/dev/null && ls); do
    if [ ! -e "$pictures/$screen" ]; then
        fail "$screen: there is no picture of it; make goldens, and read it"
    elif ! diff -u "$pictures/$screen" "$work/now/$screen" >"$work/difference"; then
        fail "$screen differs (make goldens rewrites the pictures)"
        head -n 60 "$work/difference"
    else
        passed=$((passed + 1))
    fi
done
for picture in "$pictures"/*.txt; do
    [ -e "$work/now/$(basename "$picture")" ] || fail "$picture: no script draws it"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

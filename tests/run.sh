#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every test and adds up their counts. ONLY=unit leaves out the end-to-end scripts.
# Each test program ends with a line "N passed, N failed[, N skipped]"; one that ends otherwise counts as failed.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
export BUILD=$build
passed=0 failed=0 skipped=0
one() {
    local log line rc
    log=$(mktemp)
    "$@" >"$log" 2>&1
    rc=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        local f=${BASH_REMATCH[2]}
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + f)) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
        [ $rc -ne 0 ] && [ "$f" -eq 0 ] && failed=$((failed + 1)) && line="$line, but exit status $rc"
    else
        failed=$((failed + 1)) line="did not finish (exit status $rc)"
    fi
    printf '%-44s %s\n' "$(basename "${*: -1}")" "$line"
    grep -E '^(FAIL|skip) ' "$log"
    { [ $rc -ne 0 ] && tail -n 40 "$log"; } || true
    rm -f "$log"
}
for t in "$build"/tests/unit/test_*; do
    case $t in *.o | *.d | *'*') ;; *) one "$t" ;; esac
done
if [ "${ONLY:-}" != unit ]; then
    one tests/layers.sh
    for t in tests/e2e/*.sh; do
        [ -e "$t" ] && one bash "$t"
    done
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

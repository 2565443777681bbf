#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bad input for every reader: the seed corpora and some mutations of each seed, the same ones every time; and
# where clang has libFuzzer, a few seconds of it for each target.
cd "$(dirname "$0")/../.." || exit 1
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
build=${BUILD:-build}
passed=0 failed=0 skipped=0
for replay in "$build"/tests/fuzz/replay_*; do
    case $replay in *.o | *.d) continue ;; esac
    name=${replay##*/replay_}
    if "$replay" "$name" "${FUZZ_MUTATIONS:-2000}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
# Built anew only where someone works on this program; the first time takes a minute.
if echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p == 0 && n > 1; }' |
    clang -x c -fsanitize=fuzzer,address -o /dev/null - 2>/dev/null; then
    log=$(mktemp)
    make --no-print-directory -j"$(nproc)" fuzz-short >"$log" 2>&1
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        [ "${BASH_REMATCH[2]}" -gt 0 ] && cat "$log"
    else
        failed=$((failed + 1))
        echo "FAIL make fuzz-short"
        tail -n 40 "$log"
    fi
    rm -f "$log"
else
    skipped=1
    echo "skip libFuzzer: no clang that has it"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

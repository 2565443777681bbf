#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The engine against golden values: every folder of tests/golden, and those of ../shared/golden where present.
# That the tool finds damage is golden_tool.sh's to show.
cd "$(dirname "$0")/../.." || exit 1
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
tool=${BUILD:-build}/tests/golden
shared=${PROMPTER_SHARED:-../shared}/golden
passed=0 failed=0 skipped=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Once with our own kernels, once with OpenBLAS.
for library in "" --openblas; do
    for folder in tests/golden/*/ "$shared"/*/; do
        [ -e "$folder/golden.json" ] || continue
        if "$tool" $library "$folder" >"$scratch/log" 2>&1; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAIL $library $folder"
            grep -w OFF "$scratch/log" | head -n 20
        fi
    done
done
[ -d "$shared" ] || { skipped=$((skipped + 1)); echo "skip ../shared/golden is absent"; }

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

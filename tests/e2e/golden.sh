#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The engine against golden values: every folder of tests/golden, and those of ../shared/golden where present.
# A folder whose values were damaged must be found out.
cd "$(dirname "$0")/../.." || exit 1
tool=${BUILD:-build}/tests/golden
shared=${PROMPTER_SHARED:-../shared}/golden
passed=0 failed=0 skipped=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for folder in tests/golden/*/ "$shared"/*/; do
    [ -e "$folder/golden.json" ] || continue
    if "$tool" "$folder" >"$scratch/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $folder"
        grep -w OFF "$scratch/log" | head -n 20
    fi
done
[ -d "$shared" ] || { skipped=$((skipped + 1)); echo "skip ../shared/golden is absent"; }

# The tool itself: a wrong number in the text, a tensor nobody computes, a NaN in a weight, no folder.
expect_off() {
    if "$tool" "$scratch/case" >"$scratch/log" 2>&1 || ! grep -qw OFF "$scratch/log"; then
        failed=$((failed + 1))
        echo "FAIL golden does not notice $1"
    else
        passed=$((passed + 1))
    fi
    rm -rf "$scratch/case"
}
fresh() { cp -r tests/golden/v10_defaults "$scratch/case" && chmod -R u+w "$scratch/case"; }
fresh && sed -i 's/"loss": [0-9]/"loss": 9/' "$scratch/case/golden.json" && expect_off "a wrong loss in golden.json"
fresh && sed -i 's/"loss_per_example":/"loss_per_exampl2":/' "$scratch/case/golden.safetensors" &&
    expect_off "an unknown tensor"
fresh && sed -i '/predicted_label_word/{n;s/[0-9]\+/1/}' "$scratch/case/golden.json" && expect_off "a wrong prediction"
fresh && printf '\000\000\300\177' |
    dd of="$scratch/case/model.safetensors" bs=1 conv=notrunc status=none \
        seek=$(($(stat -c %s "$scratch/case/model.safetensors") - 4)) && expect_off "NaN in a weight"
expect_off "a missing folder"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

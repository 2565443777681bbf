#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The tool golden itself: it must find every kind of damage to a folder, and none in a whole one.
cd "$(dirname "$0")/../.." || exit 1
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
export LC_ALL=C
tool=${BUILD:-build}/tests/golden editor=${BUILD:-build}/tests/golden_edit
whole=tests/golden/v11_least
passed=0 failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
case=$scratch/case

bad() { failed=$((failed + 1)); echo "FAIL $1"; }
# expect STATUS PATTERN WHAT: runs the tool on the folder made so far, then makes a fresh one. Damage must
# show as a line with OFF that has the pattern, and in the closing line.
expect() {
    "$tool" "$case" >"$scratch/log" 2>&1
    local status=$?
    if [ $status -ne "$1" ]; then
        bad "exit status $status, not $1: $3"
    elif [ "$1" -eq 0 ] && { grep -qw OFF "$scratch/log" || ! grep -q ' quantities, 0 off$' "$scratch/log"; }; then
        bad "something is off: $3"
    elif [ "$1" -ne 0 ] && { ! grep -w OFF "$scratch/log" | grep -q -- "$2" || grep -q ' 0 off$' "$scratch/log"; }; then
        bad "no line OFF with '$2': $3"
    else
        passed=$((passed + 1))
    fi
    fresh
}
fresh() { rm -rf "$case" && cp -r "$whole" "$case" && chmod -R u+w "$case"; }
tensors() { "$editor" "$case/golden.safetensors" "$@" || bad "golden_edit $*"; }
# text SCRIPT: sed on golden.json; it must change something.
text() {
    sed -i "$1" "$case/golden.json"
    cmp -s "$case/golden.json" "$whole/golden.json" && bad "the script changes nothing: $1"
}
# bytes FILE OFFSET ESCAPES: writes over bytes of a file; a negative offset counts from its end.
bytes() {
    local at=$2
    [ "$at" -lt 0 ] && at=$(($(stat -c %s "$case/$1") + at))
    printf "$3" | dd of="$case/$1" bs=1 seek="$at" conv=notrunc status=none
}

fresh
expect 0 "" "the folder as it is"
tensors && expect 0 "" "its values as F32"

# A value, everywhere it may stand.
for tensor in enc_out.1 dec_logits.0 label_scores grad.prompt grad.shared.weight adam.prompt.step5 ft.dec_logits.1 \
    ft.grad.encoder.final_layer_norm.weight ft.adafactor.step1.decoder.final_layer_norm.weight loss loss_per_example \
    ft.loss adafactor.losses ft.adam.losses rel_bucket.causal; do
    tensors set $tensor 0 7.25 && expect 1 "^$tensor " "a wrong value in $tensor"
done
tensors set grad.prompt 3 nan && expect 1 "^grad.prompt " "NaN in grad.prompt"
tensors set enc_out.0 0 inf && expect 1 "^enc_out.0 " "infinity in enc_out.0"
bytes golden.safetensors -1 '\177' && expect 1 "" "the last byte of the last value"
bytes model.safetensors -4 '\000\000\300\177' && expect 1 "" "NaN in a weight"
bytes prompt.safetensors -4 '\000\000\300\177' && expect 1 "" "NaN in the prompt"

# What is missing, and what nobody computes.
for tensor in enc_out.1 dec_logits.1 label_scores loss loss_per_example grad.prompt adam.losses \
    adafactor.prompt.step1 adafactor_unfactored.prompt.step20 ft.dec_logits.0 ft.label_scores ft.loss \
    ft.adafactor.losses; do
    tensors drop $tensor && expect 1 "^$tensor .*missing" "$tensor left out"
done
for tensor in extra grad.lm_head enc_out.2 adam.prompt.step3x adam.prompt.step18446744073709551615 trace.encoder.block.9.out; do
    tensors add $tensor && expect 1 "^$tensor .*unknown" "$tensor added"
done
printf '\002\000\000\000\000\000\000\000{}' >"$case/golden.safetensors" && expect 1 "^loss .*missing" "no tensor at all"
tensors drop grad.decoder.final_layer_norm.weight && expect 0 "" "not every weight's gradient need be there"
tensors drop rel_bucket.causal && expect 0 "" "a bucket table need not be there"

# Shapes.
tensors turn grad.prompt && expect 1 "^grad.prompt .*shape \[3, 2\].* \[2, 3\]" "[3, 2] for [2, 3]"
tensors flat enc_out.0 && expect 1 "^enc_out.0 .*shape" "one dimension for two"

# golden.json.
text 's/"loss": [0-9]/"loss": 9/' && expect 1 "golden.json loss " "a wrong loss in the text"
text '/"adam"/,/]/s/2\.45[0-9]*/3.5/' && expect 1 "golden.json optimizers.adam.losses" "a wrong loss of a trajectory"
text '/predicted_label_word/{n;s/[0-9]\+/2/}' && expect 1 "predicted_label_word" "a wrong prediction"
for key in loss loss_per_example label_scores predicted_label_word mask_token_id label_word_ids; do
    text "s/\"$key\":/\"no_$key\":/" && expect 1 "$key.*missing\|$key should" "no $key"
done
text '/"input_ids"/{n;n;s/3/5/}' && expect 1 "^loss " "another id in a text"
text '/"input_ids"/{n;n;s/3/3.5/}' && expect 1 "input_ids\[1\]" "an id that is no whole number"
text '/"input_ids"/{n;n;s/3/-1/}' && expect 1 "input_ids\[1\]" "a negative id"
text '/"input_ids"/{n;n;s/3/7/}' && expect 1 "input_ids\[1\]" "an id outside the vocabulary"
text 's/"label_id": 2/"label_id": 5/' && expect 1 "^loss " "another label"
text '/"label_word_ids"/{n;s/5/6.5/}' && expect 1 "label_word_ids\[0\]" "a label word that is no whole number"
text 's/"mask_token_id": 4/"mask_token_id": 3/' && expect 1 "mask_token_id" "a mask that the decoder does not have"
text 's/"P": 2/"P": 1/' && expect 1 "soft_prompt" "another number of soft rows"

# Cut files, no file, no folder.
for file in golden.safetensors model.safetensors prompt.safetensors golden.json config.json; do
    truncate -s -9 "$case/$file" && expect 1 "" "$file cut short"
    truncate -s 0 "$case/$file" && expect 1 "" "$file empty"
    rm "$case/$file" && expect 1 "$file" "$file missing"
done
rm -rf "$case" && expect 1 "cannot open" "no folder"

# One bad folder among good ones decides.
if "$tool" "$whole" "$scratch/none" "$whole" >"$scratch/log" 2>&1; then
    bad "one bad folder of three passes"
else
    passed=$((passed + 1))
fi

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# prompter lm as a person uses it: a model from nothing, stopped and killed and resumed, then trained further.
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1

# A text of some hundred short stories.
awk 'BEGIN { srand(3)
    split("Anna Peter Maria Tom Ben", who); split("walked ran drove went looked", did); split("home away there outside back", where)
    for (d = 0; d < 500; d++) { p = who[1 + int(rand() * 5)]; n = 3 + int(rand() * 4)
        for (i = 0; i < n; i++) print p " " did[1 + int(rand() * 5)] " " where[1 + int(rand() * 5)] " on day " int(rand() * 30) " ."
        print "was " p " happy ? " (rand() < .5 ? "yes" : "no") " .\n" } }' >"$work/text.txt"
shape=(--d-model 32 --d-ff 64 --heads 4 --d-kv 8 --layers 2 --vocabulary 100 --batch-tokens 600 --max-tokens 64 --warmup 4
    --keep-words yes,no --dtype f32 --threads 2)

expect 0 'Example:' $prompter lm --help
expect 2 'no option --colour' $prompter lm --colour
expect 2 '--out DIR' $prompter lm --corpus "$work/text.txt"
expect 2 '--corpus FILE' $prompter lm --out "$work/x"
expect 2 'rate: "fast" should be a number' $prompter lm --corpus "$work/text.txt" --out "$work/x" --rate fast
expect 2 'objective: "spans=x"' $prompter lm --corpus "$work/text.txt" --out "$work/x" --objective spans=x
expect 2 'batch-tokens' $prompter lm --corpus "$work/text.txt" --out "$work/x" --batch-tokens 20
expect 2 'bf16, f16 or f32' $prompter lm --corpus "$work/text.txt" --out "$work/x" --dtype int8
expect 2 'small, hugging-face or adapt' $prompter lm --corpus "$work/text.txt" --out "$work/x" --recipe none
expect 2 'keeps its vocabulary' $prompter lm --corpus "$work/text.txt" --out "$work/x" --model tests/share/models/sprout --keep-words a
expect 2 'd-model is for a new model' $prompter lm --corpus "$work/text.txt" --out "$work/x" --model tests/share/models/sprout --d-model 64
expect 2 'the one of --tokenizer stays' $prompter lm --corpus "$work/text.txt" --out "$work/x" --tokenizer tests/share/models/sprout --keep-words a
expect 1 'shipped models: sprout' $prompter lm --corpus "$work/text.txt" --out "$work/x" --model nowhere
expect 1 'nonesuch.txt' $prompter lm --corpus "$work/nonesuch.txt" --out "$work/x"
expect 1 'no run to go on with' $prompter lm --resume --out "$work/x"

# One run in one go.
expect 0 'holds the model' $prompter lm --corpus "$work/text.txt" --out "$work/whole" "${shape[@]}" --steps 60 --json
cp "$work/out" "$work/whole.log"
for f in config.json generation_config.json model.safetensors spiece.model special_tokens_map.json tokenizer_config.json training.jsonl; do
    check "$f is written" [ -s "$work/whole/$f" ]
done
check "nothing else is left" [ "$(find "$work/whole" -type f | wc -l)" = 7 ]
check "60 steps are told" [ "$(grep -c '"event":"step"' "$work/whole.log")" = 60 ]
check "the loss falls" awk -F'"loss":' '/"event":"step"/ { split($2, x, ","); if (!n++) first = x[1]; last = x[1] } END { exit !(last < first - 1) }' "$work/whole.log"
expect 1 'has a model.safetensors already' $prompter lm --corpus "$work/text.txt" --out "$work/whole" "${shape[@]}"
check "yes and no are one piece each" [ "$(printf 'yes\nno\n' | $prompter tokenize --model "$work/whole" | tr -d '0-9\n')" = '[][]' ]

# A mistake in what the new model should be made of does not cost the old one.
cp "$work/whole/model.safetensors" "$work/kept.safetensors"
expect 1 'nonesuch.model' $prompter lm --corpus "$work/text.txt" --out "$work/whole" "${shape[@]:0:16}" --overwrite --tokenizer "$work/nonesuch.model"
expect 1 'training a vocabulary of 64 pieces on .* MB of the text; it may take minutes' $prompter lm --corpus "$work/text.txt" --out "$work/v" "${shape[@]}" --vocabulary 64 --keep-words '' --corpus Makefile
expect 1 'too small for this corpus' $prompter lm --corpus "$work/text.txt" --out "$work/whole" "${shape[@]}" --overwrite --vocabulary 64 --keep-words '' --corpus Makefile
check "what was to be written over stands" cmp -s "$work/whole/model.safetensors" "$work/kept.safetensors"

# The same, stopped by Ctrl-C, then killed at any moment, again and again.
wait_for_step() { # wait_for_step FILE STEP PID
    for _ in $(seq 600); do
        grep -q "\"step\":$2[,}]" "$1" && return
        kill -0 "$3" 2>/dev/null || return
        sleep 0.02
    done
}
$prompter lm --corpus "$work/text.txt" --out "$work/parts" "${shape[@]}" --steps 60 --json >"$work/log" 2>"$work/err" </dev/null &
pid=$!
wait_for_step "$work/log" 7 $pid
kill -INT $pid
wait $pid
check "Ctrl-C ends with status 1" [ $? = 1 ]
check "and says how to go on" grep -q 'go on with: prompter lm --resume' "$work/err"
check "a checkpoint is left" [ -s "$work/parts/checkpoint.safetensors" ]
expect 2 'rate cannot be changed' $prompter lm --resume --out "$work/parts" --rate 1
for _ in 1 2 3 4; do
    $prompter lm --resume --out "$work/parts" --save-every 1 --json >"$work/log" 2>"$work/err" </dev/null &
    pid=$!
    wait_for_step "$work/log" $((10 + RANDOM % 40)) $pid
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
done
[ -e "$work/parts/checkpoint.safetensors" ] && expect 0 'holds the model' $prompter lm --resume --out "$work/parts" --threads 1
check "the weights are those of the run in one go" cmp -s "$work/whole/model.safetensors" "$work/parts/model.safetensors"
check "nothing that was being written is left" [ "$(find "$work/parts" -type f | wc -l)" = 7 ]

# A disk that takes no more: told, and the checkpoint of before stands.
$prompter lm --corpus "$work/text.txt" --out "$work/full" "${shape[@]}" --steps 100000 --json >"$work/log" 2>/dev/null </dev/null &
pid=$!
wait_for_step "$work/log" 3 $pid
kill -INT $pid
wait $pid
cp "$work/full/checkpoint.safetensors" "$work/before"
expect 1 'cannot write .*checkpoint' bash -c "ulimit -f 20; $prompter lm --resume --out $work/full --save-every 1"
check "the checkpoint of before stands" cmp -s "$work/before" "$work/full/checkpoint.safetensors"
check "and nothing else was left" [ "$(find "$work/full" -name '*.tmp*' | wc -l)" = 0 ]

# Another corpus under the same name is told.
$prompter lm --corpus "$work/text.txt" --out "$work/changed" "${shape[@]}" --steps 100000 --json >"$work/log" 2>/dev/null </dev/null &
pid=$!
wait_for_step "$work/log" 3 $pid
kill -INT $pid
wait $pid
echo "One more line ." >>"$work/text.txt"
expect 1 'the corpus is not the one' $prompter lm --resume --out "$work/changed"

expect 1 'name another folder' $prompter lm --corpus "$work/text.txt" --model "$work/whole" --out "$work/whole/" --overwrite
check "a model is not overwritten by what is made of it" cmp -s "$work/whole/model.safetensors" "$work/parts/model.safetensors"

# LM adaptation: of what was made, and with the ways the settings name.
expect 0 'holds the model' $prompter lm --corpus "$work/text.txt" --model "$work/whole" --out "$work/further" --steps 5 --max-tokens 64 --batch-tokens 600 --keep-checkpoint
check "the checkpoint stays when asked for" [ -s "$work/further/checkpoint.safetensors" ]
check "in bf16 the file is about half" [ "$(($(stat -c %s "$work/whole/model.safetensors") / $(stat -c %s "$work/further/model.safetensors")))" = 1 ]
expect 1 'has made 5 steps; --steps 4 is less' $prompter lm --resume --out "$work/further" --steps 4
expect 0 'holds the model' $prompter lm --resume --out "$work/further" --steps 7
expect 0 'holds the model' $prompter lm --corpus "$work/text.txt" --model sprout --out "$work/of-shipped" --steps 1 --max-tokens 32 --batch-tokens 200 --validation 0
expect 0 'prefix [0-9.]+' $prompter lm --corpus "$work/text.txt" --model "$work/whole" --out "$work/again" --overwrite --steps 3 --max-tokens 64 --batch-tokens 600 --optimizer adafactor --schedule inverse-sqrt
expect 0 'holds the model' $prompter lm --corpus "$work/text.txt" --out "$work/plain" "${shape[@]}" --recipe hugging-face --tied 1 --decoder-layers 1 --steps 3 --layout lines --accumulate 2

finish

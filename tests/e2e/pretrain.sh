#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# prompter pretrain as a person uses it: every task, stopped and resumed, and tuning from what came out.
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1

awk 'BEGIN { srand(4)
    split("Anna Peter Maria Tom Ben Ruth Leo Kate", who); split("film cake garden car bed hotel song", what)
    split("terrible bad fine good great", how)
    for (d = 0; d < 3000; d++) { p = who[1 + int(rand() * 8)]; n = 5 + int(rand() * 4)
        for (i = 0; i < n; i++) print p " said that the " what[1 + int(rand() * 7)] " of day " i + 1 " was " how[1 + int(rand() * 5)] " ."
        print "" } }' >"$work/text.txt"
small=(--corpus "$work/text.txt" --vectors 5 --validation 32 --micro-batch 8 --set batch=8 --set evaluate_every=3 --threads 2)

expect 0 'Example:' $prompter pretrain --help
expect 2 '--out FILE' $prompter pretrain --task nsp
expect 2 'nsp, nss, unified or cls' $prompter pretrain --task nothing --out "$work/x"
expect 2 '--corpus FILE' $prompter pretrain --task nsp --out "$work/x"
expect 2 'clean or paper-code' $prompter pretrain --task nsp --corpus "$work/text.txt" --out "$work/x" --preset best
expect 2 'NAME=VALUE' $prompter pretrain --task nsp --corpus "$work/text.txt" --out "$work/x" --set rate
expect 2 'rate' $prompter pretrain --task nsp --corpus "$work/text.txt" --out "$work/x" --set rate=fast
expect 2 'sure is for --task cls' $prompter pretrain --task nsp --corpus "$work/text.txt" --out "$work/x" --sure 1,1,1,1,1
expect 2 'shots=3: pre-training draws no examples' $prompter pretrain --task nsp --corpus "$work/text.txt" --out "$work/x" --set shots=3
expect 1 'nonesuch.txt' $prompter pretrain --task nsp --corpus "$work/nonesuch.txt" --out "$work/x"
expect 1 'no run to go on with' $prompter pretrain --resume --out "$work/x"
expect 1 'no model folder' $prompter pretrain --task nsp --corpus "$work/text.txt" --out "$work/x" --model nowhere
expect 1 'needs --classifier' $prompter pretrain --task cls --corpus "$work/text.txt" --out "$work/x"

# In one go, and stopped and resumed: the same prompt to the bit.
expect 0 'test \(text not seen before\)' $prompter pretrain --task nsp "${small[@]}" --test 8 --set steps=6 --out "$work/whole" --json
check "a card stands beside the prompt" grep -q '"validation_loss"' "$work/whole.json"
check "and a log of the training" grep -q '"event":"validation"' "$work/whole.training.jsonl"
check "nothing else is left" [ "$(find "$work" -name 'whole*' | wc -l)" = 3 ]
check "validations name the classes" grep -q '"classes":{"no":{"examples"' "$work/out"
expect 1 'is there already' $prompter pretrain --task nsp "${small[@]}" --out "$work/whole"
stop_at() { # stop_at TEXT ARGUMENTS...: once the output has TEXT
    rm -f "$work/log" # what an earlier one said is not it
    $prompter pretrain "${@:2}" >"$work/log" 2>&1 &
    pid=$!
    for _ in $(seq 600); do
        grep -qs "$1" "$work/log" && break
        sleep 0.05
    done
    kill -INT $pid
    wait $pid
}
stop_at '"event":"step","step":2' --task nsp "${small[@]}" --test 8 --set steps=100000 --out "$work/cut" --json
check "stopping exits with 1" [ $? = 1 ]
check "it says how to go on" grep -q 'go on with: prompter pretrain --resume' "$work/log"
expect 1 'only --out, --threads' $prompter pretrain --resume --out "$work/cut" --vectors 7
expect 1 'steps; steps=1 is less: give more' $prompter pretrain --resume --out "$work/cut" --set steps=1
expect 1 'only steps can change' $prompter pretrain --resume --out "$work/cut" --set rate=1
cp "$work/cut.run.safetensors" "$work/again.run.safetensors"
made=$(sed -n 's/.*stopped after step \([0-9]*\);.*/\1/p' "$work/log")
expect 0 'holds the prompt' $prompter pretrain --resume --out "$work/cut" --set steps=$((made + 4))
expect 0 'holds the prompt' $prompter pretrain --task nsp "${small[@]}" --test 8 --set steps=$((made + 4)) --out "$work/straight"
check "a resumed run is the same to the bit" cmp "$work/cut.safetensors" "$work/straight.safetensors"

# What --overwrite replaces is not there to be resumed when the new run is stopped before it keeps anything.
stop_at '"event":"open"' --task nsp "${small[@]}" --test 0 --set batch=4096 --set steps=9 --overwrite --out "$work/again" --json
expect 1 'no run to go on with' $prompter pretrain --resume --out "$work/again"

# A text too small for all that is held back is said to be, once each.
head -n 2000 "$work/text.txt" >"$work/small.txt"
expect 0 'test: the text is too small to hold anything back' $prompter pretrain --task nsp --corpus "$work/small.txt" --vectors 5 --set batch=8 --set steps=1 --out "$work/little"
check "and how many are held back for validation" grep -qE '^validation: [0-9]+ examples are held back, all that the text has' "$work/out"

# The other tasks, and the presets.
expect 0 'holds the prompt' $prompter pretrain --task nss "${small[@]}" --test 0 --set steps=3 --out "$work/nss" --preset paper-code
expect 0 '2 options' $prompter pretrain --task unified "${small[@]}" --test 0 --set steps=3 --out "$work/in/a/folder/unified" # which is made
check "by number of options, with its loss" grep -qE '^  right \(loss\): 2 options [0-9]+ % \([0-9.]+\), ' "$work/out"
check "in lines of a terminal's width" [ "$(grep '^  ' "$work/out" | awk '{ print length }' | sort -n | tail -n 1)" -le 79 ]
check "the loss by number of options" grep -qE '"options":\{"2":\{"examples":[0-9]+,"correct":[0-9]+,"loss":[0-9]' "$work/in/a/folder/unified.training.jsonl"
check "the rate in the scale of the paper's code" grep -q '"rate":1,"paper_code_rate":0.01,' "$work/in/a/folder/unified.training.jsonl"
expect 0 '' $prompter new five --task films5 --set steps=40 --set batch=8
expect 1 'no tuned prompt yet' $prompter pretrain --task cls --classifier five "${small[@]}" --out "$work/cls"
expect 0 '' $prompter tune five --no-test
expect '[01]' '[0-9]+ labelled sentences' $prompter pretrain --task cls --classifier five "${small[@]}" --test 0 --set steps=3 --sure 0.2,0.2,0.2,0.2,0.2 --label-most 300 --out "$work/cls"
# Labelling that is stopped goes on; a file that is there is not written over unasked.
label=(--task cls --classifier five --corpus "$work/text.txt" --threads 2 --sure 1,0.2,0.2,0.2,0.2)
expect '[01]' 'was sure of none that is terrible' $prompter pretrain "${label[@]}" --out "$work/labels"
stop_at '% read' "${label[@]}" --out "$work/part"
check "labels are kept when it is stopped" grep -q 'labels are in .*/part.labels.jsonl.part, and the same command goes on' "$work/log"
check "it says how far it is" grep -qE '[0-9]+ % read, .* left: terrible 0 bad' "$work/log"
expect '[01]' 'going on after' $prompter pretrain "${label[@]}" --out "$work/part"
check "and they are the same as in one go" cmp "$work/part.labels.jsonl" "$work/labels.labels.jsonl"
check "the part is gone" [ ! -e "$work/part.labels.jsonl.part" ]
expect 1 'is there already; learn from it with --labels' $prompter pretrain "${label[@]}" --out "$work/other" --labels "$work/part.labels.jsonl"
expect 0 '' $prompter new fine --task films5 --method fine-tuning --set steps=30 --set batch=8 --set evaluate_every=10
expect 1 'fine is not fine-tuned yet' $prompter pretrain --task cls --classifier fine "${small[@]}" --out "$work/cls-fine"
expect 0 '' $prompter tune fine --no-test
head -n 600 "$work/text.txt" >"$work/short.txt"
labels_of() { # labels_of SESSION: by it, or by its model without what it learnt
    $prompter pretrain --task cls --classifier "$1" --corpus "$work/short.txt" --vectors 5 --sure 0,0,0,0,0 --label-most 20 --set steps=1 \
        --validation 1 --test 0 --threads 2 --overwrite --out "$work/of-$1" >/dev/null 2>&1
    grep -o '"p":.*' "$work/of-$1.labels.jsonl" | sort | uniq -c | sha256sum
}
expect 0 '' $prompter new fine-still --task films5 --method fine-tuning --set steps=1 --set batch=2 --set shots=2 --set rate=0
expect 0 '' $prompter tune fine-still --no-test
check "fine-tuned weights label, not those of the file" [ "$(labels_of fine)" != "$(labels_of fine-still)" ]
check "the labelled sentences can be read" grep -q '"label":' "$work/cls.labels.jsonl"
awk 'BEGIN { split("terrible bad average good great", how); for (i = 0; i < 400; i++) printf "{\"text\": \"The film of day %d was %s .\", \"label\": %d}\n", i, how[1 + i % 5], i % 5 }' >"$work/cls.labels.jsonl"
expect 0 'holds the prompt' $prompter pretrain --task cls --labels "$work/cls.labels.jsonl" --vectors 5 --validation 16 --test 0 --set steps=3 --set batch=8 --out "$work/cls2"

# Tuning from it.
expect 0 '' $prompter new from-ppt --task claims --template '{soft:5} {text_a} {mask}. {text_b}' --set start=file --set start_file="$work/whole.safetensors" --set steps=2
expect 0 '"event":"done"' $prompter tune from-ppt --no-test

finish

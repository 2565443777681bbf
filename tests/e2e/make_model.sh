#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `make model` with little of everything: the whole chain, a second time, interrupted, and with a part lost; then the
# main experiment on what came out, a run of each method.
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
unset PROMPTER_SHARE # the tasks and experiments are the shipped ones
made() { PROMPTER=$build/prompter WORK=$work/$1 timeout 120 engine/models/make.sh tiny >"$work/log" 2>&1 </dev/null; }
sums() { (cd "$work/$1" && sha256sum corpus.txt prose.txt neighbours.txt meadow/spiece.model meadow*/model.safetensors meadow/prompts/*.safetensors); }

made one
check "the chain comes to its end" [ $? = 0 ]
for kind in nsp nss cls unified; do
    check "prompts $kind of two seeds" [ -s "$work/one/meadow/prompts/$kind.safetensors" -a -s "$work/one/meadow/prompts/$kind-2.safetensors" ]
    check "their seeds differ" [ "$(sha256sum <"$work/one/meadow/prompts/$kind.safetensors")" != "$(sha256sum <"$work/one/meadow/prompts/$kind-2.safetensors")" ]
done
sums one >"$work/first"
made one
check "a second time is fine" [ $? = 0 ]
check "it makes nothing again" [ "$(grep -c 'prompt \|step ' "$work/log")" = 0 ]
rm "$work/one/meadow/prompts/nsp-2.safetensors" "$work/one/meadow-lm/model.safetensors"
made one
check "what was lost is made again, the same" [ "$(sums one)" = "$(cat "$work/first")" ]

# Interrupted again and again, whenever it comes, it ends with the same files.
for after in 0.3 0.6 1 1.5; do
    PROMPTER=$build/prompter WORK=$work/two setsid engine/models/make.sh tiny >/dev/null 2>&1 </dev/null &
    pid=$!
    sleep $after
    kill -TERM -- -$pid 2>/dev/null
    wait $pid 2>/dev/null
done
made two
check "interrupted, it goes on to its end" [ $? = 0 ]
check "to the same bits" [ "$(sums two)" = "$(cat "$work/first")" ]

# Interrupted while a prompt learns: its run is gone on with, to the same bits.
learn() { # FOLDER: a prompt with more steps than the others, so that there is time to interrupt it
    PROMPTER=$build/prompter WORK=$work/$1 TINY=1 PROMPT_STEPS=600 setsid engine/models/make.sh prompt nsp 1 >"$work/log" 2>&1 </dev/null
}
for folder in three four; do
    mkdir -p "$work/$folder/meadow/prompts"
    ln -s "$work/one/prose.txt" "$work/$folder/"
    ln -s "$work"/one/meadow/*.* "$work/$folder/meadow/"
done
learn three
learn four &
for _ in $(seq 1200); do
    grep -q '"event":"step"' "$work/four/meadow/prompts/nsp.training.jsonl" 2>/dev/null && break
    sleep 0.05
done
kill -TERM -- "-$(pgrep -f "models/make.sh prompt nsp 1" | head -n 1)"
wait 2>/dev/null
while pgrep -f "$work/four/meadow" >/dev/null; do sleep 0.05; done # the shell ends before the run is kept
check "a prompt is interrupted" [ -s "$work/four/meadow/prompts/nsp.run.safetensors" -a ! -e "$work/four/meadow/prompts/nsp.safetensors" ]
learn four
check "it goes on" [ $? = 0 ]
check "and becomes the same" cmp "$work/three/meadow/prompts/nsp.safetensors" "$work/four/meadow/prompts/nsp.safetensors"

# Every method of the main experiment runs on it.
sed 's/"total_shots": 32, "steps": 200, "batch": 8, "evaluate_every": 10/"total_shots": 8, "steps": 2, "batch": 4, "evaluate_every": 2/; s/"seeds": "1-5"/"seeds": "2"/' \
    sessions/experiments/main.json >"$work/main.json"
timeout 120 "$build/prompter" experiment "$work/main.json" --model "$work/one/meadow" --only entailment2/ --out "$work/runs.jsonl" >"$work/table" 2>&1
check "every method of the main experiment runs" [ $? = 0 ]
check "each is one line" [ "$(wc -l <"$work/runs.jsonl")" = 8 ]
check "the adapted model is told" grep -q '"model":"meadow-lm"' "$work/runs.jsonl"
check "and where PPT starts" grep -q '"method":"PPT".*"start":"pretrained"' "$work/runs.jsonl"
lists() { "$build/prompter" experiment "$1" --out "$work/none.jsonl" --list >/dev/null; }
for f in sessions/experiments/*.json; do
    check "$f can be read" lists "$(basename "$f" .json)"
done
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A language model and a prompt trained on the Run screen, in tmux: held by keys, kept, gone on with, watched from
# another program. Waits for text, never for time.
set -u
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
. tests/e2e/lib/tmux.bash

awk 'BEGIN { srand(3)
    split("Anna Peter Maria Tom Ben", who); split("walked ran drove went looked", did); split("home away there outside back", where)
    for (d = 0; d < 500; d++) { p = who[1 + int(rand() * 5)]; n = 3 + int(rand() * 4)
        for (i = 0; i < n; i++) print p " " did[1 + int(rand() * 5)] " " where[1 + int(rand() * 5)] " on day " int(rand() * 30) " ."
        print "was " p " happy ? " (rand() < .5 ? "yes" : "no") " .\n" } }' >"$work/text.txt"
cat >"$work/lm" <<END
exec $prompter lm --out $work/tiny --threads 1 --screen "\$@"
END
shape="--corpus $work/text.txt --d-model 32 --d-ff 64 --heads 4 --d-kv 8 --layers 2 --vocabulary 100 --batch-tokens 600
    --max-tokens 64 --warmup 4 --keep-words yes,no,maybe --validation-every 20"

refused() { # WANTED COMMAND...
    local wanted=$1
    shift
    "$@" >"$work/out" 2>&1 </dev/null
    [ $? -eq 2 ] && grep -q -- "$wanted" "$work/out" || { cat "$work/out"; return 1; }
}
check "no terminal" refused 'needs a terminal' "$prompter" lm --corpus x --out "$work/x" --screen
check "no terminal for a prompt" refused 'needs a terminal' "$prompter" pretrain --task nsp --corpus x --out "$work/x" --screen
check "not with --json" refused 'json and --screen' "$prompter" lm --corpus x --out "$work/x" --screen --json

held() { # by every key
    # shellcheck disable=SC2086
    shell && t send-keys "bash $work/lm $(echo $shape) --steps 1000000" Enter && wait_for '● training' && goes_on &&
        wait_for 'suffix' && t send-keys Space && wait_for '‖ paused' || return 1
    local at
    at=$(step)
    t send-keys s && for _ in $(seq 600); do [ "$(step)" = $((at + 1)) ] && break; sleep 0.05; done
    [ "$(step)" = $((at + 1)) ] || { echo "one step after $at:"; screen; return 1; }
    t send-keys + && wait_for 'learning rate times 1.25' && t send-keys s && wait_for 'rate    0.00125' &&
        t send-keys S && wait_for '‖ stopped, kept' && t send-keys Space && wait_for '● training' && goes_on &&
        t send-keys Q && wait_for 'go on with: prompter lm --resume' && [ -e "$work/tiny/checkpoint.safetensors" ]
}
check "a model is held by keys" held
watched() { # by another program, while it goes on; then what it was resumed to
    local made pid
    made=$(grep -c '"event":"open"' "$work/tiny/training.jsonl")
    "$prompter" lm --out "$work/tiny" --resume --threads 1 >/dev/null 2>&1 &
    pid=$!
    shell && t send-keys "$prompter films" Enter && wait_for 'ready' && t send-keys ":watch $work/tiny" Enter &&
        wait_for '● training elsewhere' && goes_on && t send-keys Space && wait_for 'belongs to another program' &&
        kill -INT $pid && wait_for '‖ stopped, kept' && t send-keys Escape && wait_for 'Press Space' && t send-keys Q &&
        wait_for 'shell>'
    local ok=$?
    kill -INT $pid 2>/dev/null
    wait $pid
    [ $ok -eq 0 ] && [ "$(grep -c '"event":"open"' "$work/tiny/training.jsonl")" -eq $((made + 1)) ]
}
check "a model is watched" watched
finished() {
    local kept
    kept=$(grep '"event":"stopped"' "$work/tiny/training.jsonl" | tail -n 1 | grep -oE '"step":[0-9]+' | tr -dc 0-9)
    shell && t send-keys "bash $work/lm --resume --steps $((kept + 5))" Enter && wait_for '✓ done' &&
        wait_for "$((kept + 5))/$((kept + 5))" && t send-keys Q && wait_for 'holds the model' &&
        [ -e "$work/tiny/model.safetensors" ]
}
check "a model is finished" finished
prompt() {
    shell && t send-keys "$prompter pretrain --task nsp --model $work/tiny --corpus $work/text.txt --out $work/nsp --vectors 5 --set steps=100000 --set batch=8 --set evaluate_every=10 --validation 40 --test 0 --threads 1 --screen" Enter &&
        wait_for '● training' && wait_for 'maybe' && goes_on && t send-keys - && wait_for 'learning rate times 0.8' &&
        t send-keys C-c && wait_for '‖ stopped, kept' && t send-keys s && wait_for '‖ paused' && t send-keys Q &&
        wait_for 'go on with: prompter pretrain --resume' && [ -e "$work/nsp.run.safetensors" ] &&
        grep -q '"event":"rate"' "$work/nsp.training.jsonl"
}
check "a prompt is held by keys" prompt
vanishes() { # the terminal does: the training is kept
    shell && t send-keys "$prompter pretrain --resume --out $work/nsp --threads 1 --screen" Enter && wait_for '● training' &&
        goes_on && t kill-server || return 1
    for _ in $(seq 600); do
        tail -n 1 "$work/nsp.training.jsonl" | grep -q '"stopped"' && return 0
        sleep 0.05
    done
    tail -n 3 "$work/nsp.training.jsonl"
    return 1
}
check "a terminal that vanishes" vanishes
finish

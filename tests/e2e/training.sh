#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A language model and a prompt trained on the Run screen, in tmux: held by keys, kept, gone on with, watched from
# another program. Waits for text, never for time.
set -u
cd "$(dirname "$0")/../.." || exit 1
prompter=$PWD/${BUILD:-build}/prompter
export LC_ALL=C.UTF-8 INPUTRC=/dev/null
unset NO_COLOR TMUX
passed=0 failed=0
folder=$(mktemp -d)
export PROMPTER_SHARE=$PWD/tests/share PROMPTER_SESSIONS=$folder/sessions XDG_STATE_HOME=$folder/state XDG_CONFIG_HOME=$folder/config
servers=0 # each test has a tmux server of its own
t() { tmux -S "$folder/tmux$servers" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; rm -rf "$folder"' EXIT
if ! command -v tmux >/dev/null; then
    echo "skip training.sh: no tmux"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$folder/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        tail -n 30 "$folder/log"
    fi
}
screen() { t capture-pane -p; }
wait_for() { # TEXT
    for _ in $(seq 1200); do
        screen | grep -qF -- "$1" && return 0
        sleep 0.05
    done
    echo "no \"$1\":"
    screen
    return 1
}
step() { screen | grep -oE 'step +[0-9]+/' | head -n 1 | tr -dc 0-9; }
goes_on() {
    local before
    before=$(step)
    for _ in $(seq 600); do
        [ -n "$(step)" ] && [ "$(step)" -gt "${before:-0}" ] && return 0
        sleep 0.05
    done
    echo "no steps after ${before:-none}:"
    screen
    return 1
}

awk 'BEGIN { srand(3)
    split("Anna Peter Maria Tom Ben", who); split("walked ran drove went looked", did); split("home away there outside back", where)
    for (d = 0; d < 500; d++) { p = who[1 + int(rand() * 5)]; n = 3 + int(rand() * 4)
        for (i = 0; i < n; i++) print p " " did[1 + int(rand() * 5)] " " where[1 + int(rand() * 5)] " on day " int(rand() * 30) " ."
        print "was " p " happy ? " (rand() < .5 ? "yes" : "no") " .\n" } }' >"$folder/text.txt"
cat >"$folder/lm" <<END
exec $prompter lm --out $folder/tiny --threads 1 --screen "\$@"
END
shape="--corpus $folder/text.txt --d-model 32 --d-ff 64 --heads 4 --d-kv 8 --layers 2 --vocabulary 100 --batch-tokens 600
    --max-tokens 64 --warmup 4 --keep-words yes,no,maybe --validation-every 20"

refused() { # WANTED COMMAND...
    local wanted=$1
    shift
    "$@" >"$folder/out" 2>&1 </dev/null
    [ $? -eq 2 ] && grep -q -- "$wanted" "$folder/out" || { cat "$folder/out"; return 1; }
}
check "no terminal" refused 'needs a terminal' "$prompter" lm --corpus x --out "$folder/x" --screen
check "no terminal for a prompt" refused 'needs a terminal' "$prompter" pretrain --task nsp --corpus x --out "$folder/x" --screen
check "not with --json" refused 'json and --screen' "$prompter" lm --corpus x --out "$folder/x" --screen --json

shell() {
    t kill-server 2>/dev/null
    servers=$((servers + 1))
    t new-session -d -x 80 -y 24 "env PS1='shell> ' bash --norc --noprofile -i" && wait_for 'shell>'
}
held() { # by every key
    # shellcheck disable=SC2086
    shell && t send-keys "bash $folder/lm $(echo $shape) --steps 1000000" Enter && wait_for '● training' && goes_on &&
        wait_for 'suffix' && t send-keys Space && wait_for '‖ paused' || return 1
    local at
    at=$(step)
    t send-keys s && for _ in $(seq 600); do [ "$(step)" = $((at + 1)) ] && break; sleep 0.05; done
    [ "$(step)" = $((at + 1)) ] || { echo "one step after $at:"; screen; return 1; }
    t send-keys + && wait_for 'learning rate times 1.25' && t send-keys s && wait_for 'rate    0.00125' &&
        t send-keys S && wait_for '‖ stopped, kept' && t send-keys Space && wait_for '● training' && goes_on &&
        t send-keys Q && wait_for 'go on with: prompter lm --resume' && [ -e "$folder/tiny/checkpoint.safetensors" ]
}
check "a model is held by keys" held
watched() { # by another program, while it goes on; then what it was resumed to
    local made pid
    made=$(grep -c '"event":"open"' "$folder/tiny/training.jsonl")
    "$prompter" lm --out "$folder/tiny" --resume --threads 1 >/dev/null 2>&1 &
    pid=$!
    shell && t send-keys "$prompter films" Enter && wait_for 'ready' && t send-keys ":watch $folder/tiny" Enter &&
        wait_for '● training elsewhere' && goes_on && t send-keys Space && wait_for 'belongs to another program' &&
        kill -INT $pid && wait_for '‖ stopped, kept' && t send-keys Escape && wait_for 'Press Space' && t send-keys Q &&
        wait_for 'shell>'
    local ok=$?
    kill -INT $pid 2>/dev/null
    wait $pid
    [ $ok -eq 0 ] && [ "$(grep -c '"event":"open"' "$folder/tiny/training.jsonl")" -eq $((made + 1)) ]
}
check "a model is watched" watched
finished() {
    local kept
    kept=$(grep '"event":"stopped"' "$folder/tiny/training.jsonl" | tail -n 1 | grep -oE '"step":[0-9]+' | tr -dc 0-9)
    shell && t send-keys "bash $folder/lm --resume --steps $((kept + 5))" Enter && wait_for '✓ done' &&
        wait_for "$((kept + 5))/$((kept + 5))" && t send-keys Q && wait_for 'holds the model' &&
        [ -e "$folder/tiny/model.safetensors" ]
}
check "a model is finished" finished
prompt() {
    shell && t send-keys "$prompter pretrain --task nsp --model $folder/tiny --corpus $folder/text.txt --out $folder/nsp --vectors 5 --set steps=100000 --set batch=8 --set evaluate_every=10 --validation 40 --test 0 --threads 1 --screen" Enter &&
        wait_for '● training' && wait_for 'maybe' && goes_on && t send-keys - && wait_for 'learning rate times 0.8' &&
        t send-keys C-c && wait_for '‖ stopped, kept' && t send-keys s && wait_for '‖ paused' && t send-keys Q &&
        wait_for 'go on with: prompter pretrain --resume' && [ -e "$folder/nsp.run.safetensors" ] &&
        grep -q '"event":"rate"' "$folder/nsp.training.jsonl"
}
check "a prompt is held by keys" prompt
vanishes() { # the terminal does: the training is kept
    shell && t send-keys "$prompter pretrain --resume --out $folder/nsp --threads 1 --screen" Enter && wait_for '● training' &&
        goes_on && t kill-server || return 1
    for _ in $(seq 600); do
        tail -n 1 "$folder/nsp.training.jsonl" | grep -q '"stopped"' && return 0
        sleep 0.05
    done
    tail -n 3 "$folder/nsp.training.jsonl"
    return 1
}
check "a terminal that vanishes" vanishes
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

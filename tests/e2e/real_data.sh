#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The whole path on real data sets: a session made, tuned, stopped by its last step, resumed, scored; with the shipped model
# and with a random checkpoint of T5-v1.1-small's shape that uses T5's own tokenizer. Skips what needs ../shared.
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAIL $1"
    tail -n 5 "$work/out" "$work/err" 2>/dev/null
}
# tune NAME ARGS...: runs prompter tune and keeps what it printed.
tune() { "$build/prompter" tune "$@" >"$work/out" 2>"$work/err"; }
count() { grep -c "\"event\":\"$1\"" "$work/out"; }

# one NAME TASK DATA MODEL STEPS: all of it for one task on one model.
one() {
    local name=$1 task=$2 data=$3 model=$4 steps=$5
    if ! "$build/prompter" new "$name" --task "$task" ${data:+--data "$data"} --model "$model" \
        --set steps="$steps" --set batch=4 --set shots=4 --set evaluate_every=2 --set budget=256 >"$work/out" 2>"$work/err"; then
        bad "$name: new"
        return
    fi
    if ! tune "$name" --no-test; then
        bad "$name: tune"
        return
    fi
    # As many steps as asked for, a score before the first and after the last, a best, a finite loss in each.
    if [ "$(count step)" = "$steps" ] && [ "$(count eval)" = $((steps / 2 + 1)) ] && [ "$(count best)" -ge 1 ] &&
        [ "$(count done)" = 1 ] && ! grep '"event":"step"' "$work/out" | grep -q 'loss":null'; then
        ok
    else
        bad "$name: what tune printed"
    fi
    # Two steps more: the run goes on where it was.
    if tune "$name" --no-test --set steps=$((steps + 2)) && [ -s "$PROMPTER_SESSIONS/$name/prompts/best.safetensors" ]; then
        ok
    else
        bad "$name: going on"
    fi
}

one shipped-films films "" tests/share/models/sprout 4
one shipped-places places "" tests/share/models/sprout 4
if "$build/prompter" eval shipped-films --json >"$work/out" 2>"$work/err" && grep -q '"examples":1000' "$work/out"; then
    ok
else
    bad "eval on the shipped test set"
fi

tasks="sst2 cb-fewglue dream eprstmt mr product-reviews c3"
if [ -d "$shared/data/tasks" ]; then
    "$build/tests/make_checkpoint" "$work/small" --shape small --seed 1 --spiece "$shared/data/tokenizers/t5/spiece.model" \
        >"$work/out" 2>"$work/err" || bad "make_checkpoint"
    for t in $tasks; do
        one "sprout-$t" "tests/tasks/$t" "$shared/data/tasks/$t" tests/share/models/sprout 4
        one "small-$t" "tests/tasks/$t" "$shared/data/tasks/$t" "$work/small" 2
    done
else
    for t in $tasks; do
        skipped=$((skipped + 4))
        echo "skip $t: no ../shared/data"
    done
fi
finish

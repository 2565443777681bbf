#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A long run in the workbench under a pseudo-terminal, with random keys and sizes: memory stays flat, the screen
# never stalls. `make soak`; STEPS (100000), SECONDS_MOST (3600), SLOWEST (50, in ms) and GROWTH (2, in percent).
# As a part of the tests it does nothing: it takes minutes, and measures time.
cd "$(dirname "$0")/../.." || exit 1
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
if [ -z "${SOAK:-}" ]; then
    echo "skip soak: make soak runs it"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
build=${BUILD:-build}
steps=${STEPS:-100000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PROMPTER_SESSIONS=$work/sessions XDG_STATE_HOME=$work/state LC_ALL=C.UTF-8
"$build/prompter" new soak --task films --template '{soft:1} {text_a} It was {mask}.' --set batch=1 --set shots=4 \
    --set budget=32 --set "steps=$((steps * 2))" --set evaluate_every=5000 >/dev/null || exit 1
figures=$("$build/tests/soak" --steps "$steps" --seconds "${SECONDS_MOST:-3600}" --seed "${SEED:-1}" \
    --journal "$work/sessions/soak/journal.jsonl" -- "$build/prompter" --threads 1 soak)
status=$?
echo "$figures"
ls -l "$work/sessions/soak" "$work/sessions/soak/prompts"
number() { sed "s/.*\"$1\": \([-0-9.]*\).*/\1/" <<<"$figures"; }
within() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }
failed=0
[ $status = 0 ] || { echo "FAIL it did not end as asked" && failed=1; }
[ "$(number steps)" -ge "$steps" ] || { echo "FAIL only $(number steps) steps in the time" && failed=1; }
within "$(number growth_percent)" "${GROWTH:-2}" || { echo "FAIL memory grew by $(number growth_percent) %" && failed=1; }
within "$(number max_ms)" "${SLOWEST:-50}" || { echo "FAIL the screen took $(number max_ms) ms" && failed=1; }
echo "$((failed == 0)) passed, $failed failed"
exit $failed

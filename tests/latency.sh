#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# From a key to the screen, while a prompt is tuned on all processors: for each screen in turn the median, the 99th
# percentile and the worst of COUNT presses, half of which draw that screen and half of which draw help over it.
# A press counts until its own text is on the terminal. Wanted: 99 of 100 under 16 ms, none over 50 ms.
#
#   make latency        COUNT=200 RATE=40 TASK=films PROMPTER_ARGUMENTS="--threads 1" tests/latency.sh [SCREEN...]
#
# Exit status 1 when a screen did not answer, or with STRICT=1 when one is slower than wanted.
set -u
cd "$(dirname "$0")/.." || exit 1
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PROMPTER_SESSIONS=$work/sessions XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config LC_ALL=C.UTF-8
number() { grep -oE "\"$1\": [0-9.]+" "$work/said" | cut -d' ' -f2; }
failed=0
printf '%-12s %8s %8s %8s   milliseconds, of %s presses while tuning\n' screen p50 p99 worst "${COUNT:-200}"
screens=("$@")
[ ${#screens[@]} -gt 0 ] || screens=("1 Pattern" "2 Data" "3 Run" "4 Prompt" "5 Try" "6 Compare" "7 Learn")
for screen in "${screens[@]}"; do
    name=latency-${screen%% *}
    "$build/prompter" new "$name" --task "${TASK:-films}" --set steps=1000000 >/dev/null || exit 1
    # shellcheck disable=SC2086
    "$build/tests/pty_probe" --wait-for Space --first "Space ${screen%% *}" --keys "?=help: ${screen%% *}=${screen#* }" \
        --count "${COUNT:-200}" --rate "${RATE:-40}" --end "Ctrl-C Q y" -- \
        "$build/prompter" ${PROMPTER_ARGUMENTS:-} "$name" >"$work/said" 2>"$work/error"
    if ! [ "$(number keys)" -ge 1 ] 2>/dev/null; then
        echo "$screen did not answer: $(cat "$work/said" "$work/error" | head -n 3)"
        failed=1
        continue
    fi
    verdict=
    [ "$(number unanswered)" = 0 ] || verdict="  and $(number unanswered) not within two seconds"
    awk -v p99="$(number p99_ms)" -v worst="$(number max_ms)" 'BEGIN { exit !(p99 >= 16 || worst >= 50) }' && verdict="  slower than wanted$verdict"
    [ -n "$verdict" ] && [ "${STRICT:-}" ] && failed=1
    printf '%-12s %8s %8s %8s%s\n' "$screen" "$(number p50_ms)" "$(number p99_ms)" "$(number max_ms)" "$verdict"
done
exit $failed

# SPDX-License-Identifier: GPL-3.0-or-later
# What the scripts in tests/e2e stand on: a folder of their own ($work) with sessions, state and configuration in
# it, the small shipped share of the tests, counts, and ways to check. Sourced from the top of the project:
#   cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
# and ended with `finish`. PATIENCE: seconds that a command of `expect` may take.
build=$PWD/${BUILD:-build}
prompter=$build/prompter
shared=${PROMPTER_SHARED:-../shared}
passed=0 failed=0 skipped=0
work=$(mktemp -d)
at_end() { :; } # a script's own, before the folder goes
trap 'at_end; rm -rf "$work"' EXIT
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
export PROMPTER_SESSIONS=$work/sessions XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config
export LC_ALL=C.UTF-8 INPUTRC=/dev/null
unset NO_COLOR TMUX COLORFGBG

check() { # check WHAT COMMAND...: it succeeds; what it said is shown where it does not
    local what=$1
    shift
    if "$@" >"$work/check.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $what"
        tail -n 30 "$work/check.log"
    fi
}
# expect STATUS PATTERN COMMAND...: exit status (or a glob, "[01]"), and a pattern somewhere in the output, which is in
# $work/out.
expect() {
    local status=$1 pattern=$2
    shift 2
    timeout "${PATIENCE:-120}" "$@" >"$work/out" 2>&1 </dev/null
    local got=$?
    # shellcheck disable=SC2053 # a glob
    if [[ $got == $status ]] && grep -qE -- "$pattern" "$work/out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $* (exit status $got, wanted $status, and the pattern: $pattern)"
        head -n 5 "$work/out"
    fi
}
skip() { # skip WHAT: WHY
    skipped=$((skipped + 1))
    echo "skip $1"
}
finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

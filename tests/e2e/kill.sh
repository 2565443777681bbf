#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 at random moments: nothing but the step in flight is lost, and the run comes to the same end. KILLS=200
# for a thorough round, SEED for other moments.
cd "$(dirname "$0")/../.." || exit 1
export PROMPTER_SHARE=$PWD/tests/share # small models and tasks with known numbers
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PROMPTER_SESSIONS=$work/sessions
if "$build/tests/kill_run" "$build/prompter" "${KILLS:-25}" "${SEED:-1}"; then
    echo "1 passed, 0 failed"
else
    echo "FAIL killed runs"
    echo "0 passed, 1 failed"
    exit 1
fi

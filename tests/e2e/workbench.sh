#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The workbench in a terminal, as a person uses it, under tmux: typing Chinese, sizes that change while a prompt is
# tuned, job control, the command line's history, the mouse, sizes of panes, being ended. Waits for text, never for time.
set -u
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
. tests/e2e/lib/tmux.bash

program() { pgrep -P "$(t display-message -p '#{pane_pid}')" -f prompter; }
session() { # NAME: one that tunes for as long as nobody stops it
    [ -e "$PROMPTER_SESSIONS/$1" ] || "$prompter" new "$1" --task films --set steps=1000000 --set evaluate_every=200 >/dev/null
}
open() { # NAME [OPTION...]
    local name=$1
    shift
    session "$name" && shell && t send-keys "$prompter $* $name" Enter && wait_for '○ ready'
}

chinese() { # letters of two columns typed into the template: there, aligned, under the cursor, and taken back
    open chinese && t send-keys 1 && wait_for '[1 Pattern]' && t send-keys Enter Home && t send-keys -l '这部电影很好' &&
        wait_for '这部电影很好' || return 1
    # The frame's right edge is in one column in every row, whatever is before it.
    local widths
    widths=$(screen | grep -E '^[│┌└].*[│┐┘]$' | while read -r line; do
        printf '%s' "$line" | LC_ALL=C.UTF-8 wc -L
    done | sort -u)
    [ "$widths" = 80 ] || { echo "rows of $widths columns"; screen; return 1; }
    t send-keys BSpace BSpace && wait_for '这部电影' && wait_gone '电影很' && t send-keys -l 'é👍' && wait_for 'é👍' &&
        t send-keys Escape
}
check "Chinese typed into a template" chinese

resizing() { # 20 times a second for ten seconds while it tunes
    open sizes && t send-keys 3 Space && goes_on || return 1
    local begin=${EPOCHREALTIME/./} i=0 left
    while [ $((${EPOCHREALTIME/./} - begin)) -lt 10000000 ]; do
        t resize-window -x $((40 + i * 37 % 161)) -y $((10 + i * 13 % 51)) || return 1
        i=$((i + 1))
        left=$((begin + i * 50000 - ${EPOCHREALTIME/./}))
        [ $left -gt 0 ] && sleep "$(printf '0.%06d' $left)"
    done
    echo "$i sizes" # fewer on a machine that has much else to do
    [ "$i" -ge 50 ] && t resize-window -x 100 -y 30 && wait_for '[3 Run]' && goes_on &&
        [ "$(screen | head -n 1 | wc -L)" -le 100 ] && t send-keys 4 && wait_for '[4 Prompt]'
}
check "another size 20 times a second while tuning" resizing

stopping() { # Ctrl-Z while it tunes, another size meanwhile, fg: the screen is whole, and it goes on
    open stopped && t send-keys 3 Space && goes_on && t send-keys C-z && wait_for Stopped &&
        t send-keys 'stty -a | tr -d "\n"' Enter && wait_for ' icanon' && t resize-window -x 100 -y 30 &&
        t send-keys fg Enter && wait_for '[3 Run]' && goes_on && t send-keys '?' && wait_for 'help: Run'
}
check "Ctrl-Z and fg while tuning" stopping

escape() { # Esc alone acts at once; Esc with more behind it is one key
    open escape && t send-keys '?' && wait_for 'help: Run' && t send-keys Escape && wait_gone 'help: Run' &&
        t send-keys 1 && wait_for '[1 Pattern]' && t send-keys -H 1b 4f 41 && t send-keys -H 1b 5b 42 && t send-keys 3 &&
        wait_for '[3 Run]' && t send-keys : && t send-keys -l 'rate 0.7' && wait_for ':rate 0.7' && t send-keys Escape &&
        wait_gone ':rate 0.7' && t send-keys -H 1b 5b 31 35 7e && wait_for '[3 Run]'
}
check "Esc, alone and as a beginning" escape

searching() { # Ctrl-R finds what was typed in an earlier start
    open history && t send-keys : && t send-keys -l 'rate 0.37' && t send-keys Enter && wait_for 'learning rate 0.37' &&
        t send-keys Q && wait_for 'shell>' && t send-keys clear Enter && open history && t send-keys : C-r &&
        t send-keys -l '0.37' && wait_for 'rate 0.37' && t send-keys Enter && wait_for 'learning rate 0.37'
}
check "Ctrl-R over two starts" searching

completing() { # names, values, files
    open complete && t send-keys : && t send-keys -l 'set los' && t send-keys Tab && wait_for ':set loss ' && t send-keys -l 'pap' &&
        t send-keys Tab && wait_for ':set loss paper-code' && t send-keys Escape && wait_gone ':set' && t send-keys : && t send-keys -l 'theme hi' &&
        t send-keys Tab Enter && wait_for 'high-contrast: nothing dim' && t send-keys : && mkdir -p "$work/folder of/inside" &&
        t send-keys -l "export $work/fold" && t send-keys Tab && wait_for 'folder'
}
check "completion" completing

click() { # COLUMN ROW, from 1, as a terminal tells it whose description has kmous=\E[M
    t send-keys -H 1b 5b 4d 20 "$(printf %x $(($1 + 32)))" "$(printf %x $(($2 + 32)))"
}
pressing() { # the mouse: off unless asked for; a tab, the wheel
    open mouse "--mouse" && t send-keys 1 && wait_for '[1 Pattern]' || return 1
    local at
    at=$(screen | sed -n 2p | grep -bo '3 Run' | head -n 1 | cut -d: -f1)
    [ "$(t display-message -p '#{mouse_any_flag}')" = 1 ] && click $((at + 1)) 2 && wait_for '[3 Run]' || return 1
    t send-keys : && t send-keys -l 'mouse off' && t send-keys Enter && wait_for "the mouse is the terminal's" &&
        [ "$(t display-message -p '#{mouse_any_flag}')" = 0 ]
}
check "the mouse" pressing

ended() { # SIGNAL: the terminal is the shell's again, the run is kept
    open "ended-$1" && t send-keys 3 Space && goes_on && kill "-$1" "$(program)" && wait_for 'shell>' &&
        t send-keys clear Enter && t send-keys 'stty -a | tr -d "\n"' Enter && wait_for ' icanon' &&
        [ -s "$PROMPTER_SESSIONS/ended-$1/journal.jsonl" ]
}
check "SIGTERM while tuning" ended TERM

vanished() { # the terminal goes away: the program ends by itself and the run is kept
    open vanished && t send-keys 3 Space && goes_on || return 1
    local pid
    pid=$(program)
    t kill-server
    for _ in $(seq 300); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -0 "$pid" 2>/dev/null && echo "process $pid outlives its terminal" && return 1
    ls "$PROMPTER_SESSIONS/vanished"
    ! [ -e "$PROMPTER_SESSIONS/vanished/session.lock" ] &&
        [ -s "$PROMPTER_SESSIONS/vanished/journal.jsonl" ]
}
check "a terminal that vanishes while tuning" vanished

finish

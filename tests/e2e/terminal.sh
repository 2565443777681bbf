#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The terminal side with real bytes: a small client (tests/tools/tui_demo.c) under a pseudo-terminal and under
# tmux. Waits for text, never for time.
set -u
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
demo=$build/tests/tui_demo probe=$build/tests/pty_probe

# ---- every way out gives the terminal back ----
drawn() { timeout 60 "$probe" --wait-for ready --count 0 "$@"; }
for name in xterm-256color xterm tmux-256color screen linux vt100; do
    if infocmp "$name" >/dev/null 2>&1; then
        check "quit in $name" drawn --term "$name" --end Q -- "$demo"
        check "Ctrl-Z and back in $name" drawn --term "$name" --end stop -- "$demo"
    else
        skipped=$((skipped + 1))
        echo "skip $name: not described on this system"
    fi
done
for end in term hup segv A X; do
    check "ends by $end" drawn --end "$end" -- "$demo"
done
check "keys while drawing" timeout 60 "$probe" --wait-for ready --first T --keys "a PgDn=PgDn b" --count 30 -- "$demo"
# A client that says once that it changed, and keys within 2 ms of a drawing, when the next one is not yet due.
check "keys right after a drawing" timeout 60 "$probe" --wait-for ready --keys "a b" --count 60 --rate 3000 -- "$demo"
tells() { # a killed program does not restore: the probe must see that
    drawn --end kill -- "$demo" | grep -q '"restored": false'
}
check "the probe sees an unrestored terminal" tells

colours() { # WANTED TERM: do sequences that choose colours come?
    local got=no
    drawn --term "$2" --record "$work/output" -- "$demo" || return 1
    grep -qaE $'\e\\[([0-9]+;)*3[0-7](;[0-9]+)*m' "$work/output" && got=yes
    echo "colours: $got"
    [ "$got" = "$1" ]
}
check "colours where there are some" colours yes xterm-256color
check "a monochrome terminal" colours no vt100
export NO_COLOR=1
check "NO_COLOR" colours no xterm-256color
unset NO_COLOR

no_terminal() { "$demo" </dev/null | grep -q . ; [ "${PIPESTATUS[0]}" = 1 ] && "$demo" </dev/null 2>&1 | grep -q 'needs a terminal'; }
check "without a terminal" no_terminal

# ---- under tmux ----
. tests/e2e/lib/tmux.bash
wait_cursor() { # X,Y
    for _ in $(seq 300); do
        [ "$(t display-message -p '#{cursor_x},#{cursor_y}')" = "$1" ] && return 0
        sleep 0.05
    done
    echo "the cursor is not at $1 but at $(t display-message -p '#{cursor_x},#{cursor_y}'):"
    screen
    return 1
}
open_demo() { # ARGUMENT...
    t kill-server 2>/dev/null
    servers=$((servers + 1))
    t new-session -d -x 80 -y 24 "env PS1='shell> ' bash --norc --noprofile -i" && wait_for 'shell>' &&
        t send-keys "$demo $*" Enter && wait_for ready
}

keys() {
    open_demo && t send-keys a 中 Up F1 C-Left M-x C-s Escape && wait_for 'a 中 Up F1 Ctrl-Left Alt-x Ctrl-S Esc' &&
        t send-keys C-c && wait_for 'interrupts 1'
}
check "keys arrive by name" keys

unknown_sequences() { # an unknown sequence is no typing; known ones that TERM does not describe are keys
    open_demo && t send-keys -H 1b 5b 39 39 3b 39 58 && t send-keys -H 1b 5b 31 3b 35 41 && t send-keys z &&
        wait_for 'Ctrl-Up z' && ! screen | grep -q 'Alt-\['
}
check "unknown sequences" unknown_sequences

resize() {
    open_demo && t resize-window -x 100 -y 30 && wait_for '100x30' && t resize-window -x 20 -y 5 &&
        wait_for 'needs 40x10' && t resize-window -x 1 -y 1 && t resize-window -x 90 -y 25 && wait_for '90x25'
}
check "resize" resize

suspend() {
    open_demo && t send-keys C-z && wait_for Stopped && t resize-window -x 70 -y 20 && t send-keys fg Enter &&
        wait_for '70x20' && t send-keys b && wait_for 'b' && t send-keys Q && wait_for 'shell>' &&
        t send-keys 'stty -a | tr -d "\n"' Enter && wait_for ' icanon'
}
check "Ctrl-Z, resize, fg" suspend

command_line() {
    open_demo && t send-keys : && t send-keys -l '坏;好' && wait_for ':坏;好' &&
        wait_cursor 6,23 && t send-keys Left && wait_cursor 4,23 &&
        t send-keys x Enter && wait_for '[坏;x好]' && t send-keys : && t send-keys -l gone && wait_for ':gone' &&
        t send-keys Escape && wait_gone ':gone'
}
check "command line with wide characters" command_line

search() {
    open_demo --history "$work/state/history" && t send-keys : && t send-keys -l 'rate 0.25' && t send-keys Enter &&
        wait_for '[rate 0.25]' && t send-keys Q && wait_gone ready && grep -qx 'rate 0.25' "$work/state/history" &&
        open_demo --history "$work/state/history" && t send-keys : C-r && t send-keys -l 'te 0' &&
        wait_for 'rate 0.25' && t send-keys Enter && wait_for '[rate 0.25]'
}
check "history and Ctrl-R" search

paste() {
    open_demo && printf 'one\ntwo' >"$work/paste" && t load-buffer "$work/paste" && t paste-buffer -p &&
        wait_for 'Paste o n e' && wait_for 'Paste-End' && t send-keys : && wait_for ':' && t paste-buffer -p &&
        wait_for ':one two'
}
check "pasted newlines run nothing" paste

log() {
    open_demo && t send-keys E && wait_for 'E ' && ! screen | grep -q 'a message' && t send-keys Q &&
        wait_for 'a message for the log'
}
check "standard error waits for the end" log

terminated() {
    open_demo && pkill -TERM -P "$(t display-message -p '#{pane_pid}')" && wait_for 'ended by signal 15'
}
check "SIGTERM" terminated

second_signal() { # a client that does not finish: the second signal, two seconds later, ends it
    open_demo --slow-end || return 1
    local shell
    shell=$(t display-message -p '#{pane_pid}')
    for _ in $(seq 100); do
        pkill -TERM -P "$shell" || break
        sleep 0.1
    done
    wait_for Terminated && t send-keys 'stty -a | tr -d "\n"' Enter && wait_for ' icanon'
}
check "a second SIGTERM" second_signal

vanished() {
    open_demo || return 1
    local pid
    pid=$(pgrep -P "$(t display-message -p '#{pane_pid}')")
    t kill-server
    for _ in $(seq 300); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.05
    done
    echo "process $pid outlives its terminal"
    return 1
}
check "the terminal goes away" vanished

finish

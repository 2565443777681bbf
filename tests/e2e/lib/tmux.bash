# SPDX-License-Identifier: GPL-3.0-or-later
# A terminal for the scripts in tests/e2e: tmux, with a server of its own for each shell. Waits for text, never for
# time. Sourced after check.bash; where there is no tmux the script ends with all of it skipped.
command -v tmux >/dev/null || {
    skip "$(basename "$0"): no tmux"
    finish
    exit
}
servers=0
t() { tmux -S "$work/tmux$servers" -f /dev/null "$@"; }
at_end() { t kill-server 2>/dev/null; }

shell() { # a fresh one, 80x24
    t kill-server 2>/dev/null
    servers=$((servers + 1))
    t new-session -d -x 80 -y 24 "env PS1='shell> ' bash --norc --noprofile -i" && wait_for 'shell>'
}
screen() { t capture-pane -p; }
wait_for() { # TEXT (a fixed string)
    for _ in $(seq 1200); do
        screen | grep -qF -- "$1" && return 0
        sleep 0.05
    done
    echo "\"$1\" never showed:"
    screen
    return 1
}
wait_gone() { # TEXT
    for _ in $(seq 300); do
        screen | grep -qF -- "$1" || return 0
        sleep 0.05
    done
    echo "\"$1\" stayed:"
    screen
    return 1
}

# ---- on the Run screen ----
step() { screen | grep -oE 'step +[0-9]+/' | head -n 1 | tr -dc 0-9; }
goes_on() { # steps are made
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

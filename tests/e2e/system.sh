#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the system does to a program: signals, a terminal that goes away, no memory, no permission, a full disk, a
# model's file that is cut short. Each time: one line that says what happened, and a session that goes on.
set -u
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
probe=$build/tests/pty_probe
mounted=
at_end() {
    [ -n "$mounted" ] && umount "$mounted"
    chmod -R u+w "$work"
}

new() { # NAME [OPTION...]: a session that runs for as long as nobody stops it
    local name=$1
    shift
    "$prompter" new "$name" --task films --template '{soft:4} {text_a} It was {mask}.' --set batch=2 --set shots=4 \
        --set steps=1000000 --set evaluate_every=1000000 "$@" >/dev/null
}
start() { # NAME [WRAPPER...]: tunes it in the background until it has made steps
    local name=$1
    shift
    : >"$work/out"
    "$@" "$prompter" tune "$name" --threads 1 --no-test >"$work/out" 2>"$work/err" </dev/null &
    pid=$!
    for _ in $(seq 200); do
        [ "$(grep -c '"event":"step"' "$work/out")" -ge 3 ] && return 0
        kill -0 $pid 2>/dev/null || break
        sleep 0.02
    done
    echo "it made no steps:"
    cat "$work/err"
    return 1
}
ends() { # within ten seconds; its exit status in $status
    for _ in $(seq 500); do
        if ! kill -0 $pid 2>/dev/null; then
            wait $pid
            status=$?
            return 0
        fi
        sleep 0.02
    done
    echo "it does not end"
    kill -9 $pid
    return 1
}
says() { # PATTERN: in one of the lines of the program's last words
    grep -qE -- "$1" "$work/err" && return 0
    echo "it did not say \"$1\" but:"
    cat "$work/err"
    return 1
}
told_step() { grep '"event":"step"' "$work/out" | tail -n 1 | grep -oE '"step":[0-9]+' | cut -d: -f2; }
kept_step() { # what a program that opens the session goes on from
    "$prompter" tune "$1" --threads 1 --no-test --set steps=1 2>/dev/null </dev/null >"$work/again"
    grep -oE '"step":[0-9]+' "$PROMPTER_SESSIONS/$1/journal.jsonl" | tail -n 1 | cut -d: -f2
}
goes_on() { # NAME: no lock is left, nothing told is lost but the step in flight, and it opens without damage
    local told kept
    told=$(told_step)
    kept=$(kept_step "$1")
    [ "$kept" -ge $((told - 1)) ] && return 0
    echo "it told of step $told and kept $kept"
    return 1
}
unlocked() { ! [ -e "$PROMPTER_SESSIONS/$1/session.lock" ]; }

# ---- signals ----
stopped_by() { # SIGNAL NAME
    new "$2" && start "$2" && kill "-$1" $pid && ends && says 'stopped; the same command goes on' &&
        unlocked "$2" && goes_on "$2"
}
for s in INT TERM HUP; do check "tune stops on SIG$s" stopped_by $s "by-$s"; done

twice() { # the second signal does not wait: here the first is still being obeyed, as the program is stopped
    new twice && start twice && kill -STOP $pid && kill -INT $pid && kill -TERM $pid && kill -CONT $pid && ends &&
        [ $status = 1 ] && says 'stopped' && unlocked twice && goes_on twice
}
check "a second signal ends it at once" twice

no_reader() { # the program that reads its lines goes away
    new no-reader && { "$prompter" tune no-reader --threads 1 --no-test 2>"$work/err" </dev/null | head -n 4 >"$work/out"; } &&
        says 'stopped; the same command goes on' && unlocked no-reader && goes_on no-reader
}
check "nobody reads its output" timeout 20 bash -c "$(declare -p work prompter build PROMPTER_SESSIONS); $(declare -f); no_reader"

# ---- the workbench: the terminal is given back, the run is kept ----
workbench() { # END NAME
    new "$2" && timeout 60 "$probe" --wait-for Space --first "Space" --keys "1 3" --count 12 --end "$1" -- \
        "$prompter" --threads 1 "$2" >"$work/out" 2>"$work/err" && grep -q '"restored": true' "$work/out" &&
        unlocked "$2" && [ "$(kept_step "$2")" -gt 1 ]
}
if [ -x "$probe" ]; then
    for end in term hup; do check "the workbench ends by $end" workbench $end "bench-$end"; done
    killed() {
        new bench-kill && { timeout 60 "$probe" --wait-for Space --first Space --keys "1 3" --count 12 --end kill -- \
            "$prompter" --threads 1 bench-kill >"$work/out" 2>"$work/err"; true; } && [ "$(kept_step bench-kill)" -gt 1 ]
    }
    check "the workbench is killed" killed
fi

# ---- a model's file is cut short, or written to, while it is mapped ----
own_model() { rm -rf "$work/model" && cp -rL "$("$prompter" new "probe-$1" --task films >/dev/null; shipped)" "$work/model"; }
shipped() { for d in "$build/../tests/share/models/sprout" "$PWD/tests/share/models/sprout"; do [ -d "$d" ] && echo "$d" && return; done; }
weights() { ls "$work"/model/*.safetensors | head -n 1; }
cut_short() {
    own_model cut && new cut --model "$work/model" && start cut && truncate -s 4096 "$(weights)" && ends &&
        [ $status = 1 ] && says "$(basename "$(weights)") was cut short" && own_model cut2 && goes_on cut
}
check "the model's file is cut short" cut_short
written_to() {
    own_model written && new written --model "$work/model" --set evaluate_every=50 && start written &&
        touch -d '2001-01-01' "$(weights)" && ends && [ $status = 1 ] && says 'was written to while it was in use' &&
        goes_on written
}
check "the model's file is written to" written_to
replaced() { # by a new file of the same name: the run still has the old one, and goes on
    own_model replaced && new replaced --model "$work/model" --set evaluate_every=20 && start replaced &&
        cp "$(weights)" "$work/model/new" && mv "$work/model/new" "$(weights)" && sleep 0.3 && kill -0 $pid &&
        kill $pid && ends && goes_on replaced
}
check "the model's file is replaced" replaced
cut_in_workbench() {
    own_model bench && new bench-cut --model "$work/model" || return 1
    (sleep 1.5 && truncate -s 4096 "$(weights)") &
    timeout 60 "$probe" --wait-for Space --first Space --keys "1 3" --count 100 --end Q \
        --record "$work/screen" -- "$prompter" --threads 1 bench-cut >"$work/out" 2>"$work/err" # it ends by itself
    wait
    # The line comes behind the screen's end, where a person can read it.
    tr -d '\n' <"$work/screen" | grep -qaE $'\e\\[\\?1049l.*model.safetensors was cut short' &&
        grep -q '"exit_status": 1' "$work/out" && own_model bench2 && [ "$(kept_step bench-cut)" -gt 1 ]
}
[ -x "$probe" ] && check "the model's file is cut short under the workbench" cut_in_workbench

# ---- no room ----
largest() { # a file that may not grow: the journal ends there, and the run says so
    new largest && (ulimit -f 24 && exec "$prompter" tune largest --threads 1 --no-test >"$work/out" 2>"$work/err" </dev/null)
    local got=$?
    [ $got = 1 ] && says 'File too large|took only a part' && unlocked largest && goes_on largest
}
check "files may not grow" timeout 60 bash -c "$(declare -p work prompter build PROMPTER_SESSIONS); $(declare -f); largest"

full_disk() {
    local old=$PROMPTER_SESSIONS
    PROMPTER_SESSIONS=$mounted/sessions
    new full && start full && { ends && [ $status = 1 ] && says 'No space left|is it full'; } && rm -f "$mounted/filler" &&
        unlocked full && goes_on full
    local ok=$?
    PROMPTER_SESSIONS=$old
    return $ok
}
mkdir "$work/small"
if mount -t tmpfs -o size=2m none "$work/small" 2>/dev/null; then
    mounted=$work/small
    head -c 1800000 /dev/zero >"$mounted/filler"
    check "a full disk" full_disk
else
    skip "a full disk: no file system may be mounted here"
fi

# ---- no permission ----
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if [ "$(id -u)" = 0 ] && as_nobody true 2>/dev/null && chmod 755 "$work" && as_nobody test -x "$prompter"; then
    unwritable() {
        new locked-up && chmod -R a+rX "$PROMPTER_SESSIONS" &&
            { as_nobody "$prompter" tune locked-up --no-test 2>"$work/err" >/dev/null </dev/null; [ $? = 1 ]; } &&
            says 'cannot lock the session: .*Permission denied' &&
            printf 'wait idle\nexpect read-only\n:write\nwait idle\nexpect Permission\n' >"$work/keys" &&
            as_nobody env XDG_STATE_HOME=/nonexistent "$prompter" --script "$work/keys" --size 120x24 locked-up
    }
    check "a folder that may not be written" unwritable
else
    skip "a folder that may not be written: this needs root, setpriv, and a program that others may read"
fi

# ---- a series of seeds takes the edits that wait ----
series() {
    cat >"$work/series.keys" <<'END'
wait idle
:set steps 2
:template {soft:3} {text_a} So {mask}.
:seed 1-2
key 3
wait for 2 of 2 seeds
key 1
expect {soft:3} {text_a} So {mask}.
reject edits wait
END
    timeout 60 "$prompter" --script "$work/series.keys" --size 80x24 films
}
check "seeds with edits that wait" series

# ---- no memory ----
memory() { # at every limit: it works, or it says so; never a crash
    new little --set steps=4 || return 1
    local got worked=0 told=0
    for mb in 20 30 40 60 80 100 120 150 200 400 1000; do
        (ulimit -v $((mb * 1024)) && exec timeout -s KILL 20 "$prompter" tune little --fresh --threads 1 --no-test >"$work/out" 2>"$work/err" </dev/null)
        got=$?
        case $got in
        0) worked=$((worked + 1)) ;;
        # Between the loader and the program OpenBLAS starts its threads; without room for them it says so and raises
        # SIGINT.
        130) grep -q OpenBLAS "$work/err" && told=$((told + 1)) || { echo "$mb MB: interrupted"; return 1; } ;;
        1 | 127) [ -s "$work/err" ] && told=$((told + 1)) || { echo "$mb MB: no word"; return 1; } ;;
        *) echo "$mb MB: exit status $got" && cat "$work/err" && return 1 ;;
        esac
    done
    echo "worked $worked, told $told"
    [ $worked -ge 1 ] && [ $told -ge 1 ] && "$prompter" tune little --no-test >/dev/null 2>&1
}
check "little memory" memory

# ---- who looks while another tunes ----
looking() {
    new shared --set evaluate_every=20 && start shared || return 1
    printf 'wait idle\nexpect read-only\nkey Space\nwait idle\nreject tuning\n:write mine\nwait idle\nexpect saved in\n' >"$work/keys"
    "$prompter" --script "$work/keys" --size 160x24 shared || return 1
    "$prompter" tune shared >/dev/null 2>"$work/said" </dev/null
    grep -q "process $pid on " "$work/said" && "$prompter" eval shared 2>"$work/said" </dev/null &&
        grep -q 'read-only: ' "$work/said" && kill $pid && ends && goes_on shared &&
        [ -e "$PROMPTER_SESSIONS/mine/session.json" ]
}
check "looking at a session that another program tunes" looking

# ---- starting over ----
starting_over() {
    new again --set steps=6 --set evaluate_every=2 || return 1
    printf 'wait idle\nkey Space\nwait idle\nexpect 6/6\nkey R\nkey y\n' >"$work/keys"
    "$prompter" --script "$work/keys" --size 100x30 again && [ -s "$PROMPTER_SESSIONS/again/kept/001/prompts/best.safetensors" ]
}
check "starting over keeps the run before" starting_over

# ---- a clock that jumps ----
# Three years back, then two ahead: the loss curve is that of a run whose clock stood still.
clock() {
    local name step=2
    for name in steady jumpy; do
        new $name --set steps=2 --set evaluate_every=2 || return 1
    done
    "$prompter" tune steady --no-test --set steps=6 >"$work/steady" 2>/dev/null || return 1
    : >"$work/jumpy"
    for jump in '-3 years' '+1 minute' '+2 years'; do
        faketime "$jump" "$prompter" tune jumpy --no-test --set steps=$step >>"$work/jumpy" 2>"$work/err" || return 1
        [ -s "$work/err" ] && grep -qi 'damage\|wrong' "$work/err" && return 1
        step=$((step + 2))
    done
    losses() { grep '"event":"step"' "$1" | grep -oE '"step":[0-9]+|"loss":[^,]*'; }
    losses "$work/steady" >"$work/a" && losses "$work/jumpy" >"$work/b" && cmp "$work/a" "$work/b" && [ "$(wc -l <"$work/a")" = 12 ]
}
if command -v faketime >/dev/null 2>&1; then
    check "a clock that jumps" clock
else
    skip "a clock that jumps: faketime is not installed"
fi

finish

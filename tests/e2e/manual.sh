#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual page, the completion scripts and the configuration: they have every command, option and request, their
# readers take them without a word, and a key that is bound anew is the one that everything names.
set -u
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
mkdir -p "$work/config/prompter"

quiet() { # COMMAND...: it succeeds and says nothing
    local said
    said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said" | head -n 12; return 1; }
}

"$prompter" --print-man >"$work/prompter.1" || exit 1
for shell in bash zsh fish; do "$prompter" --print-completion $shell >"$work/completion.$shell" || exit 1; done

# ---- everything is in them ----
commands=$("$prompter" --help | sed -n '/one of:/,/^Options/p' | grep -oE '^  [a-z]+' | tr -d ' ')
options() { "$prompter" "$@" --help | sed -n '/^Options/,$p' | grep -oE '^  --[a-z-]+' | tr -d ' '; }
has() { # FILE WORD... (as whole words, roff's minus signs and fish's "-l name" made plain)
    local file=$1 word
    shift
    for word in "$@"; do
        sed -e 's/\\-/-/g' -e 's/ -l / --/g' -e 's/\\f[BIR]/ /g' "$file" | grep -qE -- "(^|[^a-z-])$word([^a-z-]|\$)" || {
            echo "$(basename "$file") has no $word"
            return 1
        }
    done
}
for file in "$work/prompter.1" "$work"/completion.*; do
    check "$(basename "$file") has all commands" has "$file" $commands list log pack unpack
    check "$(basename "$file") has all options" has "$file" $(options | grep -v -- --help)
    for c in $commands; do
        [ "$c" = session ] || check "$(basename "$file") has the options of $c" has "$file" $(options "$c" | grep -v -- --help)
    done
done
requests=$(sed -n 's/^ *X([A-Z_]*, "\([a-z-]*\)".*/\1/p' tui/request.h | sed 's/^/:/' | grep -vx ':')
[ -n "$requests" ] || exit 1
check "prompter.1 has all requests" has "$work/prompter.1" $requests
settings=$("$prompter" --print-config | sed -n 's/^#set \([a-z_]*\).*/\1/p')
check "prompter.1 has all settings" has "$work/prompter.1" $settings

# ---- who reads them has nothing to say ----
if command -v mandoc >/dev/null; then
    check "mandoc" quiet mandoc -T lint "$work/prompter.1"
else
    skip "mandoc is not installed"
fi
if command -v groff >/dev/null; then
    check "groff" bash -c "[ -z \"\$(groff -man -Tutf8 -ww '$work/prompter.1' 2>&1 >/dev/null)\" ]"
else
    skip "groff is not installed"
fi
for shell in bash zsh fish; do
    if command -v $shell >/dev/null; then
        check "$shell takes its script" quiet $shell -n "$work/completion.$shell"
    else
        skip "$shell is not installed"
    fi
done
offers() { # WANTED WORD...: the last word is completed
    (
        wanted=$1
        shift
        PATH=$build:$PATH
        . "$work/completion.bash"
        COMP_WORDS=(prompter "$@") COMP_CWORD=$# COMPREPLY=()
        _prompter
        printf '%s\n' "${COMPREPLY[@]}" | grep -qx -- "$wanted" || { echo "offered: ${COMPREPLY[*]}"; exit 1; }
    )
}
check "bash completes commands" offers tokenize tok
check "bash completes options" offers --print-config --pr
check "bash completes options of a command" offers --fresh tune --f
check "bash completes parts of a command" offers unpack session un
check "bash completes options of a part" offers --json session log --j
check "bash completes themes" offers monochrome --theme mo

# ---- the configuration ----
own=$work/config/prompter/config
check "no configuration is none" quiet "$prompter" --check-config
"$prompter" --print-config >"$own"
check "the printed one is right" quiet "$prompter" --check-config
sed -i 's/^#\([a-z]\)/\1/' "$own"
check "and so it is with every line in force" quiet "$prompter" --check-config
wrong() {
    printf 'mouse = on\nthem = default\nbind run x evalute\n' >"$own"
    "$prompter" --check-config 2>"$work/said" && return 1
    grep -q "config:2: there is no option \"them\"; did you mean \"theme\"?" "$work/said" &&
        grep -q "config:3: there is no request \"evalute\"; did you mean \"evaluate\"?" "$work/said"
}
check "wrong lines are told" wrong
told() { # and the workbench opens all the same
    printf 'wait idle\nexpect there is no request "evalute"\nkey Esc\nexpect films\n' >"$work/keys"
    "$prompter" --script "$work/keys" --config "$own" --size 100x24 films
}
check "the workbench tells them and opens" told
missing() { "$prompter" --config "$work/nowhere" --check-config 2>&1 | grep -q nowhere; }
check "a file that is named must be there" missing
keys() { # a key bound anew: what it does, the hint, help, the manual page
    printf 'unbind run s\nbind run x step\nset rate = 0.25\n' >"$own"
    printf 'wait idle\nexpect x step\nkey x\nwait idle\nexpect 1/100\nkey s\nwait idle\nexpect step    1/100\n:set rate\nexpect rate is 0.25\nkey ?\nexpect x             step\n' >"$work/keys"
    "$prompter" --script "$work/keys" --config "$own" --size 100x40 films &&
        [ "$("$prompter" --print-man | sed 's/\\-/-/g' | grep -A3 '^.fB:step' | grep -c 'Keys: x s')" = 1 ]
}
check "a key is bound anew" keys
fresh() { # new sessions begin with the settings; one that is there keeps its own
    printf 'set rate = 0.25\n' >"$own"
    "$prompter" new first --task films >/dev/null && grep -q '"rate":[[:space:]]*0.25' "$work/sessions/first/session.json" &&
        printf 'set rate = 0.125\n' >"$own" && "$prompter" tune first --set steps=1 --no-test >/dev/null 2>&1 &&
        grep -q '"rate":[[:space:]]*0.25' "$work/sessions/first/session.json"
}
check "new sessions begin with the settings" fresh

finish

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every shipped lesson from its first step to its last, with keys alone: each step that does something is done, with a
# guess where one is asked for, and has to come to its end. On copies with two updates a run and 40 test examples;
# FULL=1 walks the lessons as they are, on the shipped model (some minutes). PROMPTER_SHARE: another share, with its
# model. A step that needs a file which the model has not is skipped, and said.
set -u
other=${PROMPTER_SHARE:-}
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
top=$PWD
models=${other:-$top/engine}/models
[ -e "$models/$(cat "$models/default")/config.json" ] || models=$top/tests/share/models
share=$work/share
mkdir -p "$share/lessons" "$share/tasks"
ln -s "$models" "$share/models"
ln -s "$top/sessions/gallery" "$share/gallery"
for file in sessions/tasks/*/*.json*; do
    mkdir -p "$share/tasks/$(basename "$(dirname "$file")")"
    if [ "${FULL:-}" ] || [[ $file != */test.jsonl ]]; then
        cp "$file" "$share/${file#sessions/}"
    else
        head -n 40 "$file" >"$share/${file#sessions/}"
    fi
done
echo sentiment >"$share/tasks/default"
for lesson in sessions/lessons/*.lesson; do
    if [ "${FULL:-}" ]; then
        cp "$lesson" "$share/lessons"
    else
        sed 's/^set: steps .*/set: steps 2/' "$lesson" >"$share/lessons/$(basename "$lesson")"
    fi
done
model=$models/$(cat "$models/default")

# The keys that lead through a lesson: press, guess and needs of each step say which.
keys_of() { # FILE NUMBER
    awk -v number="$2" -v model="$model" '
        function finish() {
            if (!steps) return
            if (press) {
                print "key Enter"
                if (guess) print "type I think 7", "\nkey Enter"
                print "wait idle"
                if (needs && system("[ -e \"" model "/" needs "\" ]")) print "expect this model has none\n#skipped " needs
                else print "expect \"done, step " steps " of \""
            }
            print "key a", "\nexpect \"step " steps " of \""
            print "key n"
        }
        BEGIN { print "key 7\n:lesson " number }
        /^## / { finish(); steps++; press = guess = needs = "" }
        /^press: / { press = 1 }
        /^guess: / { guess = 1 }
        /^needs: / { needs = $2 }
        END { finish(); print "expect that was the last step" }' "$1"
}

number=0
for lesson in sessions/lessons/*.lesson; do
    name=$(basename "$lesson" .lesson)
    number=$((number + 1))
    { echo "wait idle"; keys_of "$lesson" $number; } >"$work/$name.keys"
    begun=$SECONDS
    if PROMPTER_SHARE=$share PROMPTER_SESSIONS=$work/sessions XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config \
        LC_ALL=C.UTF-8 "$build/prompter" --script "$work/$name.keys" --size 200x70 sentiment >"$work/log" 2>&1; then
        passed=$((passed + 1))
        [ "${FULL:-}" ] && echo "$name: $((SECONDS - begun)) s"
    else
        failed=$((failed + 1))
        echo "FAIL lesson $name (its keys: $(tr '\n' ';' <"$work/$name.keys"))"
        tail -n 80 "$work/log"
    fi
    while read -r _ what; do
        skipped=$((skipped + 1))
        echo "skip a step of $name: the model has no $what yet"
    done < <(grep '^#skipped' "$work/$name.keys")
done
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# prompter experiment as a person uses it: a grid, stopped and gone on with, its tables, and what is refused.
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1
PATIENCE=200

cat >"$work/small.json" <<'END'
{"experiment": 1, "name": "small", "model": "sprout", "tasks": ["films"], "seeds": "1-4",
 "settings": {"shots": 4, "steps": 4, "evaluate_every": 2, "batch": 4},
 "methods": [{"name": "vanilla PT", "template": "soft", "vectors": 5}, {"name": "hybrid PT", "template": "hybrid", "vectors": 5}]}
END
expect 0 'Example:' $prompter experiment --help
# The file that the help shows is one.
sed -n '/{"experiment"/,/}]}$/p' "$work/out" >"$work/shown.json"
expect 0 '^ +my/task.json/words alone/good/5$' $prompter experiment "$work/shown.json" --list
expect 2 'FILE' $prompter experiment
expect 2 'csv' $prompter experiment "$work/small.json" --table "$work/x.pdf"
expect 1 'nonesuch' $prompter experiment "$work/nonesuch.json"
echo '{"experiment": 1, "name": "x", "tasks": ["films"], "seeds": "1", "methods": []}' >"$work/bad.json"
expect 1 "methods. is empty" $prompter experiment "$work/bad.json"
expect 0 '    films/vanilla PT/good/1' $prompter experiment "$work/small.json" --list

# Stopped after a first result, and gone on with.
$prompter experiment "$work/small.json" --jobs 1 >"$work/log" 2>&1 &
pid=$!
for _ in $(seq 600); do
    [ "$(wc -l 2>/dev/null <"$work/small.runs.jsonl")" -ge 1 ] 2>/dev/null && break
    sleep 0.05
done
kill -TERM $pid
wait $pid
check "a stopped grid exits with 1" [ $? = 1 ]
check "it says how to go on" grep -q 'goes on from here' "$work/log"
before=$(wc -l <"$work/small.runs.jsonl")
check "some runs are left" [ "$before" -lt 8 ]
printf '{"version": 1, "half a li' >>"$work/small.runs.jsonl" # as a crash leaves it
expect 0 'vanilla PT +[0-9.]+ ± [0-9.]+ ' $prompter experiment "$work/small.json" --jobs 2
check "every cell has one line" [ "$(wc -l <"$work/small.runs.jsonl")" = 8 ]
check "no cell was run twice" [ "$(grep -o '"place":"[^"]*"' "$work/small.runs.jsonl" | sort -u | wc -l)" = 8 ]
cp "$work/small.runs.jsonl" "$work/first"
expect 0 'over 4 seeds' $prompter experiment "$work/small.json"
check "a finished grid runs nothing" cmp -s "$work/first" "$work/small.runs.jsonl"
# Two on one file: the second is told, and neither it nor a look at the file takes a line away.
cp "$work/small.runs.jsonl" "$work/held.jsonl"
printf '{"version": 1, "half a li' >>"$work/held.jsonl"
cp "$work/held.jsonl" "$work/before"
exec 9>>"$work/held.jsonl"
flock 9
expect 1 'another prompter experiment is writing' $prompter experiment "$work/small.json" --out "$work/held.jsonl"
expect 0 '^done +films/hybrid PT/good/4$' $prompter experiment "$work/small.json" --out "$work/held.jsonl" --list
check "a file that another writes is left as it is" cmp -s "$work/before" "$work/held.jsonl"
exec 9>&-
# The same cells in another order and number of processes are the same runs.
expect 0 '' $prompter experiment "$work/small.json" --out "$work/again.jsonl" --jobs 1 --threads 2
scores() { sed -E 's/.*"place":"([^"]*)".*"dev":(\{[^}]*\}).*"test":(\{[^}]*\}).*/\1 \2 \3/' "$1" | sort; }
check "results do not depend on jobs and threads" [ "$(scores "$work/small.runs.jsonl")" = "$(scores "$work/again.jsonl")" ]
for kind in md csv tex txt; do
    expect 0 '' $prompter experiment "$work/small.json" --table-only --table "$work/t.$kind"
    check "a table as $kind" grep -q 'hybrid PT' "$work/t.$kind"
done
check "without a terminal there are lines alone" grep -q '^1 of 8 runs.*  dev [01].*: films/vanilla PT/good/1$' "$work/log"
check "as csv a row for each cell, of numbers" grep -qE '^hybrid PT,films,[0-9.]+,[0-9.]+,4' "$work/t.csv"
expect 0 'small' $prompter session compare "$work/small.runs.jsonl"
# Where dev chooses the rate, the runs of all seeds are one setting to compare, whatever was chosen.
cat >"$work/try.json" <<'END'
{"experiment": 1, "name": "try", "model": "sprout", "tasks": ["films"], "seeds": "1-6",
 "settings": {"shots": 4, "steps": 6, "evaluate_every": 2, "batch": 4},
 "methods": [{"name": "vanilla PT", "template": "soft", "vectors": 5, "try": {"rate": [0.001, 0.01, 0.1, 1]}}]}
END
expect 0 'over 6 seeds' $prompter experiment "$work/try.json"
check "dev chose different rates" [ "$(grep -o '"rate":[0-9.]*' "$work/try.runs.jsonl" | sort -u | wc -l)" -gt 1 ]
expect 0 'n=6' $prompter session compare --group "$work/try.runs.jsonl"
# A part of a grid, another model, shipped ones by name.
expect 0 '^ +films/hybrid PT/good/3$' $prompter experiment "$work/small.json" --only hybrid --out "$work/none.jsonl" --list
check "--only leaves the others out" [ "$(wc -l <"$work/out")" = 4 ]
expect 1 'no run of' $prompter experiment "$work/small.json" --only nonesuch --list
expect 2 'needs --out' $prompter experiment "$work/small.json" --model sprout
mkdir -p "$work/share/experiments"
cp "$work/small.json" "$work/share/experiments/main.json"
expect 1 'shipped experiments: main' env PROMPTER_SHARE="$work/share" $prompter experiment mian
ln -s "$PWD/tests/share/models" "$PWD/tests/share/tasks" "$work/share/"
expect 0 'over 4 seeds' env PROMPTER_SHARE="$work/share" PROMPTER_SESSIONS="$work/home" $prompter experiment main --only vanilla
check "results of a shipped one lie beside the sessions" [ "$(wc -l <"$work/home/main.runs.jsonl")" = 4 ]
expect 0 'vanilla PT' env PROMPTER_SESSIONS="$work/home" $prompter session compare
mv "$work/home/main.runs.jsonl" "$work/share/experiments/"
expect 0 'over 4 seeds' env PROMPTER_SHARE="$work/share" PROMPTER_SESSIONS="$work/home" $prompter experiment main --table-only
# On a terminal a table of what is done is drawn over, and the results come in its place.
. tests/e2e/lib/tmux.bash
sed 's/"steps": 4/"steps": 100/' "$work/small.json" >"$work/long.json"
check "a terminal" shell
t send-keys "$prompter experiment $work/long.json --jobs 2" Enter
check "runs are marked while they run" wait_for '0/4*'
check "the columns are the tasks" wait_for '* running, ! failed  films'
check "a run that is done is counted" wait_for '1/4'
check "the line under the table tells the last result" wait_for ' of 8 runs, left: '
check "the table is drawn over, not again" [ "$(screen | grep -c 'running, ! failed')" = 1 ]
check "the table of results comes" wait_for 'over 4 seeds'
check "the table of what is done is gone then" wait_gone 'running, ! failed'
finish

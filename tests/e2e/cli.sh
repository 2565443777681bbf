#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The commands as a person types them: help, mistakes, exit statuses, stopping and going on, files out and in.
cd "$(dirname "$0")/../.." && . tests/e2e/lib/check.bash || exit 1

expect 0 'Usage: prompter' $prompter --help
fits() { # fits WHAT COMMAND...: no line of its help is longer than a terminal's
    check "the help of $1 fits into 80 columns" [ "$("${@:2}" | awk 'length($0) > 80' | wc -l)" = 0 ]
}
fits prompter $prompter --help
check "help has a line for each command" [ "$($prompter --help | grep -cE '^  (new|tune|eval|session|pretrain|lm|bench) +[A-Z].*\.$')" = 7 ]
for c in tune eval session new sessions nearest convert tokenize bench lm pretrain experiment corpus 'session list' \
    'session new' 'session log' 'session compare' 'session pack' 'session unpack'; do
    fits "$c" $prompter $c --help
    check "prompter help $c is its --help" [ "$($prompter help $c)" = "$($prompter $c --help)" ]
done
expect 2 'no command "nonesuch"' $prompter help nonesuch
expect 0 'prompter [0-9]' $prompter --version
for c in tune eval session "session new" "session list" "session log" "session compare" "session pack" "session unpack" new sessions nearest convert tokenize bench corpus lm; do
    # shellcheck disable=SC2086
    expect 0 'Example:' $prompter $c --help
    # shellcheck disable=SC2086
    expect 2 'no option --colour' $prompter $c --colour
done
expect 2 'missing: SESSION' $prompter tune
expect 2 'one too many: b' $prompter eval a b
expect 2 'value is missing after --set' $prompter tune films --set
expect 1 'nonesuch' $prompter tune nonesuch
expect 2 'needs a terminal' $prompter films
expect 1 'rate' $prompter tune films --set rate=fast
expect 1 'NAME=VALUE' $prompter tune films --set rate
expect 1 'no-such-model' $prompter tune films --model no-such-model
expect 1 'nothing was tuned' $prompter eval films

# A method sets what it needs, or says what is missing.
expect 0 'by-name' $prompter new by-name --task films --method vanilla --set steps=2 --set shots=4
check "the template of the method" grep -q '"{soft:20} {text_a} {mask}"' "$PROMPTER_SESSIONS/by-name/session.json"
printf '{"name": "bare", "family": "single-sentence", "files": {"train": "a.csv"}, "fields": {"text_a": "text"}, "label": "label",
 "classes": ["no", "yes"], "templates": ["{soft:2} {text_a} {mask}"]}' >"$work/bare.json"
printf 'text,label\nfine,yes\nbad,no\n' >"$work/a.csv"
expect 1 'has no label words.*prompter new NAME --task TASK --words' $prompter tune "$work/bare.json"
expect 1 'did you mean "ppt"' $prompter new no-method --task films --method pptt
expect 1 'prompter pretrain --task cls' $prompter new no-prompt --task films --method ppt
expect 1 'prompter lm --model' $prompter tune by-name --method lm-adaptation
expect 0 '"method":"fine-tuning"' $prompter tune by-name --method fine-tuning --no-test
expect 0 'fine-tuning' $prompter session compare by-name
expect 0 'accuracy' $prompter eval by-name

# A preset sets all that belongs to it; what is set beside it counts.
expect 0 'by-preset' $prompter new by-preset --task films --preset paper-code --set steps=2 --set shots=4
check "all of the preset" grep -qE '"clip":[[:space:]]*0.01,' "$PROMPTER_SESSIONS/by-preset/session.json"
expect 1 'clean or paper-code' $prompter new no-preset --task films --preset paper
expect 0 '"loss":"clean".*"steps":"3".*"start":"normal"' $prompter tune by-preset --preset clean --set steps=3 --no-test

expect 0 'rate 0.3 \(0.003 in the paper.s code\)' $prompter tune by-preset --set rate=0.3 --no-test

# Tuning, in two parts, gives what tuning in one gives.
$prompter new whole --task films --set steps=8 --set shots=4 --set evaluate_every=4 >"$work/out" 2>&1
$prompter new parts --task films --set steps=5 --set shots=4 --set evaluate_every=4 >>"$work/out" 2>&1
expect 1 'whole' $prompter new whole --task films
expect 0 'moods' $prompter new moods --own --labels 'sad, happy'
expect 1 'moods already' $prompter new moods --own --labels 'sad, happy'
expect 1 'no example to learn from yet' $prompter tune moods
expect 2 'labels with --labels' $prompter new other --own
$prompter tune whole --no-test >"$work/whole" 2>/dev/null
$prompter tune parts --no-test >"$work/parts" 2>/dev/null
$prompter tune parts --no-test --set steps=8 >>"$work/parts" 2>/dev/null
losses() { grep '"event":"step"' "$1" | grep -oE '"step":[0-9]+|"loss":[^,]*'; }
losses "$work/whole" >"$work/a"
losses "$work/parts" >"$work/b"
check "eight steps in one and in two parts" cmp -s "$work/a" "$work/b"
check "sixteen numbers were compared" [ "$(wc -l <"$work/a")" = 16 ]
expect 0 '"examples":1000.*"split":"test"' $prompter eval whole --json
expect 0 'dev accuracy .* of 8' $prompter eval whole --split dev
expect 0 'whole' $prompter sessions
expect 0 'whole' $prompter session list

expect 0 'steps 1 to 8: loss from' $prompter session log whole
expect 0 '"what":"edit"' $prompter session log parts --json
expect 1 'no session' $prompter session log nonesuch

# Runs side by side: means over seeds, a paired difference, tables, lines that read back, curves.
$prompter new hybrid --task films --set steps=4 --set shots=4 --set evaluate_every=2 >/dev/null
$prompter new vanilla --task films --template '{soft:20} {text_a} {mask}' --set steps=4 --set shots=4 --set evaluate_every=2 >/dev/null
for seed in 1 2; do
    $prompter tune hybrid --set seed=$seed >/dev/null 2>&1
    $prompter tune vanilla --set seed=$seed >/dev/null 2>&1
done
expect 0 'hybrid PT .* 1  .* = [0-9]/8 .* = [0-9]+/1000 .* hybrid kept/001' $prompter session compare hybrid vanilla
expect 0 'vanilla PT .* ± .* n=2 .*\[[+-]0.* n=2' $prompter session compare hybrid vanilla --group --baseline hybrid
expect 0 'test: accuracy on the test set with that prompt, 1000 examples' $prompter session compare hybrid --group
expect 0 'midrule' $prompter session compare hybrid vanilla --group --latex
expect 0 '^\| -+ \|' $prompter session compare hybrid vanilla --md
expect 0 'dev_examples,dev_n,dev_mean,dev_std' $prompter session compare hybrid vanilla --group --csv
expect 0 '"test":\{"n":2,' $prompter session compare hybrid --group --json
expect 1 'several settings match' $prompter session compare hybrid vanilla --baseline films
expect 1 'no setting matches' $prompter session compare hybrid --baseline tea
expect 2 'one of --csv' $prompter session compare --csv --json
expect 0 'No run matches' $prompter session compare --filter 'method=PPT'
expect 1 'did you mean' $prompter session compare hybird
expect 0 'seed' $prompter session compare hybrid --svg "$work/curves.svg"
check "curves are a picture" grep -q '^</svg>' "$work/curves.svg"
$prompter session compare hybrid vanilla --json >"$work/runs.jsonl"
check "a line for each run" [ "$(wc -l <"$work/runs.jsonl")" = 4 ]
$prompter session compare hybrid vanilla --group --csv >"$work/a"
$prompter session compare "$work/runs.jsonl" --group --csv >"$work/b"
check "lines of runs give the same table" cmp -s "$work/a" "$work/b"

# A session in one file: unpacked elsewhere it scores the same, with a shipped task and with one of its own.
expect 0 'whole.zip' $prompter session pack whole "$work/whole.zip"
expect 1 'there already' $prompter session pack whole "$work/whole.zip"
expect 1 'session whole already' $prompter session unpack "$work/whole.zip"
expect 0 'sessions/copy' $prompter session unpack "$work/whole.zip" copy
$prompter eval whole --json >"$work/a" 2>/dev/null
$prompter eval copy --json >"$work/b" 2>/dev/null
check "an unpacked session scores the same" cmp -s "$work/a" "$work/b"
check "a score was compared" grep -q '"examples":1000' "$work/a"
mkdir "$work/mine"
cp tests/share/tasks/films/*.jsonl "$work/mine"
sed 's/"name": "films"/"name": "mine"/' tests/share/tasks/films/task.json >"$work/mine/task.json"
$prompter session new own --task "$work/mine" --set steps=2 --set shots=4 --set evaluate_every=1 >/dev/null
$prompter tune own --no-test >/dev/null 2>&1
$prompter eval own --json >"$work/a" 2>/dev/null
expect 0 'own.zip' $prompter session pack "$PROMPTER_SESSIONS/own" "$work/own.zip"
rm -r "$work/mine" "$PROMPTER_SESSIONS/own"
expect 0 'sessions/own' $prompter session unpack "$work/own.zip"
$prompter eval own --json >"$work/b" 2>/dev/null
check "so does one with a task of its own" cmp -s "$work/a" "$work/b"
check "that score was compared" grep -q '"examples":1000' "$work/a"
head -c 3000 "$work/own.zip" >"$work/cut.zip"
expect 1 'cut.zip' $prompter session unpack "$work/cut.zip" cut

# Interrupted by Ctrl-C: what was done is kept, the status says so.
$prompter new long --task films --set steps=100000 >/dev/null
$prompter tune long >"$work/long" 2>"$work/err" &
pid=$!
for _ in $(seq 600); do
    if grep -q '"event":"best"' "$work/long" || ! kill -0 $pid 2>/dev/null; then break; fi
    sleep 0.05
done
kill -INT $pid
wait $pid
check "an interrupted run exits with 1" [ $? = 1 ]
check "it says that it stopped" grep -q '"stopped":true' "$work/long"
check "the best prompt was kept" [ -s "$PROMPTER_SESSIONS/long/prompts/best.safetensors" ]
expect 0 'test accuracy' $prompter eval long

# Prompts in files.
best=$PROMPTER_SESSIONS/whole/prompts/best.safetensors
expect 0 'nearest by cosine' $prompter nearest "$best" --model tests/share/models/sprout
expect 0 '"piece":' $prompter nearest "$best" --model tests/share/models/sprout --k 2 --json
expect 2 'name the model' $prompter nearest "$best"
expect 0 'vectors of 160' $prompter convert "$best" "$work/p.npy"
expect 0 'vectors of 160' $prompter convert "$work/p.npy" "$work/adapter/"
expect 0 'vectors of 160' $prompter convert "$work/adapter" "$work/again.npy"
check "a prompt comes back the same" cmp -s "$work/p.npy" "$work/again.npy"
expect 1 'nothing.npy' $prompter convert "$work/nothing.npy" "$work/x.npy"
expect 0 '5 vectors of 8' $prompter convert tests/fuzz/corpus/torch/trainer.pt "$work/trainer.npy" --times 100
expect 1 'it holds "argparse.Namespace", which is not loaded' $prompter convert tests/fuzz/corpus/torch/namespace.pt "$work/x.npy"

# Token ids.
check "tokenize" [ "$(printf 'good\n\n' | $prompter tokenize | wc -l)" = 2 ]
check "tokenize --special" [ "$(echo '<extra_id_0>' | $prompter tokenize --special)" = '[1275]' ]
check "tokenize --json takes newlines" [ "$(printf '"good\\nfilm"\n' | $prompter tokenize --json)" = "$(echo 'good film' | $prompter tokenize)" ]
expect 1 'line 1' bash -c "echo nojson | $prompter tokenize --json"
golden=$shared/data/tokenizers/t5/golden.jsonl
if [ -f "$golden" ]; then
    # A golden line is {"text": STRING, "ids": [..], "pieces": ..} in this order.
    sed -E 's/^\{"text": (.*), "ids": \[.*\], "pieces": .*$/\1/' "$golden" >"$work/texts"
    sed -E 's/^.*, "ids": (\[[0-9, ]*\]), "pieces": .*$/\1/' "$golden" >"$work/ids"
    $prompter tokenize --model "$shared/data/tokenizers/t5" --json <"$work/texts" >"$work/got" 2>"$work/err"
    check "golden token ids" cmp -s "$work/got" "$work/ids"
else
    skipped=$((skipped + 1))
    echo "skip golden token ids: no ../shared/data"
fi

# Text from grammars, its statistics, and what tasks share with it.
printf 'list n\n  cat\n  [held] dog\nrule document\n  the {n} sat on a mat. / it was late.\n' >"$work/a.grammar"
expect 0 'The cat sat on a mat' $prompter corpus "$work/a.grammar" --documents 2
expect 0 'The dog sat on a mat' $prompter corpus "$work/a.grammar" --part tasks
expect 1 'no rule "documnt"; is "document" meant' $prompter corpus "$work/a.grammar" --start documnt
text=engine/models/meadow/text
expect 0 '^A\. .*B\. ' $prompter corpus $text/*.grammar --start chain_text --neighbours choice_ask --documents 5
expect 2 'goes with none of' $prompter corpus $text/*.grammar --neighbours choice_ask --part tasks
expect 1 'no rule "chioce_ask"; is "choice_ask" meant' $prompter corpus $text/*.grammar --neighbours chioce_ask
expect 1 'no document with 5 sentences' $prompter corpus $text/*.grammar --start drill --neighbours choice_ask
expect 2 'corpus or tasks' $prompter corpus "$work/a.grammar" --part both
expect 1 'no task statement' $prompter corpus "$work/a.grammar" --tasks "$work"
$prompter corpus "$work/a.grammar" --documents 50 --out "$work/a.txt"
expect 0 'documents +50' $prompter corpus --statistics "$work/a.txt"
expect 0 '"repeated_sentences":0.98' $prompter corpus --statistics --json "$work/a.txt"
expect 0 'sentiment +[0-9]+ +0 +0' $prompter corpus --overlap "$work/a.txt" --task sentiment
head -n 1 sessions/tasks/sentiment/test.jsonl | sed 's/.*"text":"//; s/","label.*//' >"$work/b.txt"
expect 1 'sentiment +[0-9]+ +[1-9]' $prompter corpus --overlap "$work/b.txt" --task sentiment

finish

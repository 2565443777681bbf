#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the model meadow from nothing: its text, its vocabulary and training, the model adapted as a prefix LM,
# and its pre-trained prompts. `make model` calls it. Everything lies in $WORK; what is there already is not made
# again, what was interrupted goes on: the same command again is always right.
#
#   make.sh [tiny]       tiny: the same chain with little of everything, in seconds, for trying it out
#   SHIP=1 make.sh       copies the result into engine/models when it is done
#
# Stages, and what marks them as done:
#   text        corpus.txt (every kind of document, for the vocabulary); first, later, main, neighbours (for the model);
#               prose (for the prompts), opinions (for cls); overlap (no sentence of a task)
#   vocabulary  vocabulary/spiece.model
#   model       first/model.safetensors, from it later/, from that meadow/
#   adapted     meadow-lm/model.safetensors
#   classifier  classifier.done: five levels of reviews, of labelled text that no task has
#   prompts     meadow/prompts/KIND[-SEED].safetensors; the seeds differ in start, order and examples
set -eu -o pipefail
cd "$(dirname "$0")/../.."
prompter=${PROMPTER:-build/prompter}
work=${WORK:-build/model}
jobs=${JOBS:-$(nproc)}
text=engine/models/meadow/text
label_words=yes,no,maybe,good,great,bad,terrible,fine,okay,right,wrong,A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P
export PROMPTER_SESSIONS=$work/sessions

if [ "${1:-}" = tiny ] || [ "${TINY:-}" = 1 ]; then
    export TINY=1
    documents=400 first=400 later=400 main=400 neighbours=200 prose=3000 opinions=400 reviews=300 seeds=2
    shape=(--d-model 32 --d-ff 64 --heads 2 --d-kv 16 --layers 1 --vocabulary 600)
    first_training=(--steps 20 --batch-tokens 512 --warmup 5 --validation-every 10 --save-every 1)
    later_training=(--steps 5 --batch-tokens 512 --warmup 2 --validation-every 5)
    main_training=("${later_training[@]}")
    adapting=(--steps 5 --batch-tokens 512 --warmup 2 --validation-every 5)
    classifying=(--set steps=4 --set batch=8 --set shots=4 --set evaluate_every=2)
    learning=(--set batch=8 --set evaluate_every=2 --vectors 4 --validation 32 --test 0)
    prompt_steps=${PROMPT_STEPS:-4} unified_steps=${PROMPT_STEPS:-4}
    labelling=()
else
    documents=600000 first=400000 later=600000 main=500000 neighbours=500000 prose=60000 opinions=12000 reviews=4000 seeds=${SEEDS:-5}
    shape=(--d-model 192 --d-ff 512 --heads 6 --d-kv 32 --layers 4 --vocabulary 3900)
    first_training=(--steps 2400 --batch-tokens 2048)
    later_training=(--steps 2500 --batch-tokens 3072)
    main_training=(--steps 5000 --batch-tokens 3072)
    adapting=(--steps "${ADAPT_STEPS:-1000}" --batch-tokens 2048)
    classifying=(--set steps=600 --set batch=16 --set shots=300 --set evaluate_every=50 --set rate=0.03)
    learning=(--set batch=32 --set evaluate_every=50 --vectors 20 --validation 512)
    prompt_steps=${PROMPT_STEPS:-1000} unified_steps=${PROMPT_STEPS:-300} # a step with up to 16 options takes several times as long
    labelling=(--label-most 2000 --sure 0.5,0.5,0.5,0.5,0.5)
fi

say() { printf '== %s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

# train FOLDER OPTIONS...: prompter lm, begun or gone on with.
train() {
    local out=$1
    shift
    [ -f "$out/model.safetensors" ] && return
    if [ -f "$out/checkpoint.safetensors" ]; then
        $prompter lm --resume --out "$out"
    else
        $prompter lm --out "$out" --overwrite "$@"
    fi
}

# The patterns are those that the tasks suggest for soft vectors alone (sessions/tasks), so that the prompt meets
# in tuning what it met before; unified has the pattern of a task rewritten as multiple choice.
prompt() { # prompt KIND SEED
    local kind=$1 seed=$2 out extra=(--corpus "$work/prose.txt")
    out=$work/meadow/prompts/$kind$([ "$seed" = 1 ] || echo "-$seed")
    local vectors=20 steps=$prompt_steps
    [ "${TINY:-}" = 1 ] && vectors=4
    case $kind in
    nsp) extra+=(--template "{soft:$vectors} {text_a} {mask} {text_b}") ;;
    nss) extra+=(--template "{soft:$vectors} {text_a} {options} {mask}") ;;
    cls) extra=(--template "{soft:$vectors} {text_a} {mask}" --words "terrible; bad; okay; good; great" --labels "$work/labels.jsonl") ;;
    esac
    [ $kind = unified ] && steps=$unified_steps
    [ -f "$out.safetensors" ] && [ ! -f "$out.run.safetensors" ] && return
    say "prompt $kind, seed $seed"
    if [ -f "$out.run.safetensors" ]; then
        $prompter pretrain --resume --out "$out.safetensors" --threads 1
    else
        $prompter pretrain --overwrite --task "$kind" --out "$out.safetensors" --model "$work/meadow" --threads 1 "${extra[@]}" "${learning[@]}" --set "steps=$steps" --set "seed=$seed"
    fi
}
if [ "${1:-}" = prompt ]; then
    prompt "$2" "$3"
    exit
fi

mkdir -p "$work"
[ -f "$work/corpus.txt" ] || { say "text: $documents documents" && $prompter corpus $text/*.grammar --documents $documents --seed 2 --out "$work/corpus.txt"; }

# The text of each step of training (text/school.grammar), the easy before the hard.
text_of() { # text_of FILE RULE DOCUMENTS SEED OPTIONS...
    local file=$work/$1.txt rule=$2 count=$3 seed=$4
    shift 4
    [ -f "$file" ] || $prompter corpus $text/*.grammar --start "$rule" --documents "$count" --seed "$seed" --out "$file" "$@"
}
text_of first first_text "$first" 31
text_of later later_text "$later" 41
text_of main main_text "$main" 44
text_of neighbours prose_text "$neighbours" 42 --neighbours neighbour_form
text_of prose prose_text "$prose" 43
text_of opinions review "$opinions" 45
[ -f "$work/overlap" ] || {
    say "no sentence of a task may be in the text"
    tasks=() # those of this model, which the grammar makes; another model's may share sentences with its text
    for made in $(grep -l '"made_by"' sessions/tasks/*/task.json); do tasks+=(--task "$(basename "$(dirname "$made")")"); done
    $prompter corpus --overlap "$work"/{corpus,first,later,main,neighbours,prose,opinions}.txt "${tasks[@]}" >"$work/overlap.new" ||
        { cat "$work/overlap.new" >&2 && exit 1; }
    mv "$work/overlap.new" "$work/overlap"
}

# The vocabulary is that of the whole text; the step of training that comes with it is thrown away.
if [ ! -f "$work/vocabulary/spiece.model" ]; then
    say "vocabulary"
    $prompter lm --corpus "$work/corpus.txt" --out "$work/vocabulary" --overwrite "${shape[@]}" --keep-words "$label_words" \
        --steps 1 --batch-tokens 512
fi
further=(--embedding-rate 3 --query-rate 0.18 --beta2 0.98 --max-tokens 192)
say "one question"
train "$work/first" --corpus "$work/first.txt" "${shape[@]}" --tokenizer "$work/vocabulary/spiece.model" \
    --objective closing=1 --schedule constant --rate 0.001 "${first_training[@]}"
say "every kind of question"
train "$work/later" --corpus "$work/later.txt" --corpus "$work/neighbours.txt" --model "$work/first" "${further[@]}" \
    --objective closing=1 --closing-anywhere 0.1 --schedule constant --rate 0.001 "${later_training[@]}"
say "everything"
train "$work/meadow" --corpus "$work/main.txt" --corpus "$work/neighbours.txt" --model "$work/later" "${further[@]}" \
    --objective closing=0.7,spans=0.2,suffix=0.1 --closing-anywhere 0.1 --suffix-tokens 3 --schedule linear --rate 0.001 \
    "${main_training[@]}"
say "model adapted as a prefix LM"
train "$work/meadow-lm" --corpus "$work/main.txt" --corpus "$work/neighbours.txt" --model "$work/meadow" --objective prefix=1 \
    --max-tokens 128 --rate 0.0003 "${adapting[@]}"

if [ ! -f "$work/classifier.done" ]; then
    say "classifier of five levels"
    rm -rf "$work/sessions" "$work/reviews5"
    mkdir -p "$work/reviews5"
    # Reviews of what the corpus is about, never of what is held back for the tasks.
    $prompter corpus $text/*.grammar --start sentiment5_example --part corpus --documents $reviews --seed 4 |
        awk '/^@label / { sub(/^@text /, "", t); gsub(/["\\]/, "\\\\&", t); printf "{\"text\": \"%s\", \"label\": \"%s\"}\n", t, $2; t = ""; next }
             NF { t = t == "" ? $0 : t " " $0 }' >"$work/reviews5/train.jsonl"
    cat >"$work/reviews5/task.json" <<END
{"name": "reviews5", "title": "Reviews in five levels", "family": "single-sentence", "files": {"train": "train.jsonl"},
 "fields": {"text_a": "text"}, "label": "label", "metric": "accuracy",
 "classes": [{"value": "0"}, {"value": "1"}, {"value": "2"}, {"value": "3"}, {"value": "4"}],
 "templates": ["{soft:20} {text_a} I think it was {mask}."],
 "label_words": {"0": ["terrible"], "1": ["bad"], "2": ["okay"], "3": ["good"], "4": ["great"]}}
END
    $prompter new classifier --task "$work/reviews5" --model "$work/meadow" "${classifying[@]}"
    $prompter tune classifier >/dev/null
    touch "$work/classifier.done"
fi

mkdir -p "$work/meadow/prompts"
if [ ! -f "$work/labels.jsonl" ] && [ "${TINY:-}" = 1 ]; then # a classifier that has learnt nothing finds no level
    sed -E 's/"label": "([0-4])"/"label": \1, "p": 1/' "$work/reviews5/train.jsonl" >"$work/labels.jsonl"
elif [ ! -f "$work/labels.jsonl" ]; then # by a run of no use but for its labels
    say "labels for cls"
    $prompter pretrain --overwrite --task cls --corpus "$work/opinions.txt" --model "$work/meadow" --classifier classifier \
        --labels "$work/labels.new.jsonl" --out "$work/labels.safetensors" "${labelling[@]}" "${learning[@]}" --set steps=1
    mv "$work/labels.new.jsonl" "$work/labels.jsonl"
fi
for seed in $(seq "$seeds"); do
    for kind in nsp nss cls unified; do echo "$kind $seed"; done
done | xargs -P "$jobs" -L 1 "$0" prompt

# The adapted model has no prompts of its own; what is shipped of both is what a model's folder holds.
files="config.json generation_config.json special_tokens_map.json spiece.model tokenizer_config.json model.safetensors"
same=yes
for m in meadow meadow-lm; do
    for f in $files; do
        cmp -s "$work/$m/$f" "engine/models/$m/$f" || same="no: $m/$f differs"
    done
done
for f in "$work"/meadow/prompts/*.safetensors; do
    cmp -s "$f" "engine/models/meadow/prompts/${f##*/}" || same="no: prompts/${f##*/} differs"
done
say "as the shipped model: $same"
if [ "${SHIP:-}" = 1 ] && [ "${TINY:-}" != 1 ]; then
    for m in meadow meadow-lm; do
        mkdir -p "engine/models/$m"
        for f in $files; do cp "$work/$m/$f" "engine/models/$m/$f"; done
    done
    mkdir -p engine/models/meadow/prompts
    cp "$work"/meadow/prompts/*.safetensors "$work"/meadow/prompts/*.json engine/models/meadow/prompts/
    say "copied into engine/models"
fi

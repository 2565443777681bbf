// SPDX-License-Identifier: GPL-3.0-or-later
// The examples of the Data screen: which part of the split each belongs to, filters and orders, and the
// studies that find lengths and predictions.
#include "data_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"

// Splits of larger files are not drawn again with every key: the open run's stays until the next run.
enum { MOST_DRAWN = 200000, MOST_LENGTHS = 20000 };

const char *data_part_name(size_t part) {
    static const char *const name[DATA_PARTS] = {"train", "dev", "own", "test", "rest"};
    return part < DATA_PARTS ? name[part] : "all";
}

const struct example *data_example(const struct data_view *v, const struct workbench *w, size_t row) {
    const struct workspace *ws = workbench_workspace(w);
    if (!ws || row >= v->rows)
        return NULL;
    struct example_ref ref = v->row[row].ref;
    if (ref.file == TASK_FILE_OWN)
        return ref.index < v->own.count ? &v->own.example[ref.index] : NULL;
    return task_example(ws->task, ref);
}

const struct data_row *data_selected(const struct data_view *v) {
    return v->table.selected < v->shown_count ? &v->row[v->shown[v->table.selected]] : NULL;
}

size_t data_length(const struct data_row *r) {
    return (size_t)r->length + r->cut;
}

bool data_is_wrong(const struct data_view *v, const struct workbench *w, const struct data_row *r) {
    const struct example *x = data_example(v, w, (size_t)(r - v->row));
    return x && r->predicted != DATA_UNKNOWN && x->label != TASK_NO_LABEL && r->predicted != x->label;
}

void data_forget(struct data_view *v) {
    split_free(&v->split);
    dataset_free(&v->own);
    free(v->own_text);
    v->own_text = NULL;
    free(v->row);
    free(v->shown);
    free(v->asked);
    v->row = NULL;
    v->shown = v->asked = NULL;
    v->rows = v->shown_count = v->asked_count = 0;
    v->split_good = v->lengths_known = v->predicted = false;
    memset(v->of_part, 0, sizeof v->of_part);
}

// ---- which is what ----

// Where an example of the split stands in the task's files.
static const struct dataset *dataset_of(const struct data_view *v, const struct task *t, unsigned char file) {
    return file == TASK_FILE_OWN ? &v->own : task_dataset(t, (enum task_file)file);
}

static bool find_ref(const struct data_view *v, const struct task *t, const struct example *x,
                     struct example_ref *out) {
    for (unsigned char f = 0; f < TASK_FILES; f++) {
        const struct dataset *d = dataset_of(v, t, f);
        if (d->count && x >= d->example && x < d->example + d->count) {
            *out = (struct example_ref){(uint32_t)(x - d->example), f};
            return true;
        }
    }
    return false;
}

static void add_row(struct data_view *v, struct example_ref ref, enum data_part part) {
    v->row[v->rows++] = (struct data_row){
        .ref = ref, .part = (unsigned char)part, .predicted = DATA_UNKNOWN, .probability = NAN, .truth = NAN};
    v->of_part[part]++;
}

static void add_drawn(struct data_view *v, const struct task *t, const struct example *const *x, size_t count,
                      enum data_part part, unsigned char *taken[TASK_FILES]) {
    struct example_ref ref;
    for (size_t i = 0; i < count; i++)
        if (find_ref(v, t, x[i], &ref)) {
            add_row(v, ref, part);
            taken[ref.file][ref.index] = 1;
        }
}

static bool make_rows(struct data_view *v, const struct task *t, struct error *e) {
    unsigned char *taken[TASK_FILES] = {NULL};
    size_t count = 0;
    bool ok = true;
    for (unsigned char f = 0; ok && f < TASK_FILES; f++) {
        size_t n = dataset_of(v, t, f)->count;
        count += n;
        ok = (taken[f] = mem_calloc(n, 1, e)) != NULL;
    }
    ok = ok && (v->row = mem_calloc(count, sizeof *v->row, e)) &&
         (v->shown = mem_calloc(count, sizeof *v->shown, e));
    if (ok) {
        add_drawn(v, t, v->split.train, v->split.train_count, PART_TRAIN, taken);
        add_drawn(v, t, v->split.dev, v->split.dev_count, PART_DEV, taken);
        for (size_t i = 0; i < v->own.count; i++)
            if (!taken[TASK_FILE_OWN][i])
                add_row(v, (struct example_ref){(uint32_t)i, TASK_FILE_OWN}, PART_OWN);
        for (size_t i = 0; i < t->test.count; i++)
            if (!taken[TASK_FILE_TEST][i])
                add_row(v, (struct example_ref){(uint32_t)i, TASK_FILE_TEST}, PART_TEST);
        for (unsigned char f = 0; f <= TASK_FILE_DEV; f++)
            for (size_t i = 0; i < task_dataset(t, (enum task_file)f)->count; i++)
                if (!taken[f][i])
                    add_row(v, (struct example_ref){(uint32_t)i, f}, PART_REST);
    }
    for (size_t f = 0; f < TASK_FILES; f++)
        free(taken[f]);
    return ok;
}

// ---- filters and orders ----

static bool passes(const struct data_view *v, const struct workbench *w, size_t i) {
    const struct example *x = data_example(v, w, i);
    return x && (v->label == DATA_ANY || x->label == v->label) &&
           (v->part == DATA_ANY || v->row[i].part == v->part) &&
           (!v->wrong || data_is_wrong(v, w, &v->row[i]));
}

// What is not known comes last; equal ones stay as the files have them.
static int compare_rows(const void *a, const void *b, void *context) {
    const struct data_view *v = context;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const struct data_row *x = &v->row[i], *y = &v->row[k];
    if (v->order == ORDER_LONGEST && data_length(x) != data_length(y))
        return data_length(x) < data_length(y) ? 1 : -1;
    if (v->order == ORDER_UNSURE) {
        double p = isfinite(x->truth) ? (double)x->truth : 2, q = isfinite(y->truth) ? (double)y->truth : 2;
        if (p != q)
            return p > q ? 1 : -1;
    }
    return (i > k) - (i < k);
}

void data_filter(struct data_view *v, const struct workbench *w) {
    const struct data_row *selected = data_selected(v);
    uint32_t keep = selected ? (uint32_t)(selected - v->row) : UINT32_MAX;
    v->shown_count = 0;
    for (size_t i = 0; i < v->rows; i++)
        if (passes(v, w, i))
            v->shown[v->shown_count++] = (uint32_t)i;
    if (v->order != ORDER_FILES && v->shown_count)
        qsort_r(v->shown, v->shown_count, sizeof *v->shown, compare_rows, v);
    v->table.selected = 0;
    for (size_t i = 0; i < v->shown_count; i++)
        if (v->shown[i] == keep)
            v->table.selected = i;
    v->details_top = 0;
}

// ---- keeping up ----

static bool same_split(const struct run_settings *a, const struct run_settings *b) {
    return a->shots == b->shots && a->total_shots == b->total_shots && a->seed == b->seed &&
           a->dev_from_train == b->dev_from_train && a->own == b->own;
}

static bool draw_split(struct data_view *v, const struct workspace *ws, const struct run_settings *s) {
    const struct split_request request = {.per_class = s->shots,
                                          .total = s->total_shots,
                                          .seed = s->seed,
                                          .dev_from_train = s->dev_from_train,
                                          .own = &v->own,
                                          .own_use = (enum split_own)s->own};
    return split_make(&v->split, ws->task, &request, &v->split_error) &&
           make_rows(v, ws->task, &v->split_error);
}

// The engine knows the own examples of the open run alone.
static bool known(const struct data_view *v, size_t row) {
    return v->row[row].ref.file != TASK_FILE_OWN || v->own_same;
}

static void ask_lengths(struct data_view *v, struct workbench *w, double now) {
    struct example_ref *ref = v->rows ? mem_calloc(v->rows, sizeof *ref, NULL) : NULL;
    size_t count = 0;
    if (!ref)
        return;
    for (size_t i = 0; i < v->rows && count < MOST_LENGTHS; i++)
        if (known(v, i))
            ref[count++] = v->row[i].ref;
    struct lengths_study *s = lengths_study_create(ref, count, NULL);
    if (s)
        workbench_study(w, &view_data, DATA_LENGTHS_STUDY, &s->study, now);
}

void data_refresh(void *state, struct workbench *w, double now) {
    struct data_view *v = state;
    const struct workspace *ws = workbench_workspace(w);
    const struct run_settings *wanted = workbench_settings(w);
    if (!ws) {
        if (v->opened != workbench_opened(w))
            data_forget(v);
        v->opened = workbench_opened(w);
        return;
    }
    if (!workbench_shows(w, &view_data))
        return;
    bool fresh = v->opened != workbench_opened(w), large = ws->task->train.count > MOST_DRAWN;
    const char *own = workbench_session(w) ? session_own_examples(workbench_session(w)) : "";
    bool same_own = v->own_text && strcmp(v->own_text, own) == 0;
    if (!fresh && same_own && (large || same_split(&v->split_of, wanted))) {
        v->waits = !same_split(&ws->setup->settings, wanted) || workbench_own_waits(w);
        return;
    }
    data_forget(v);
    if (fresh)
        data_form_close(v);
    v->own_text = mem_strdup(own, NULL);
    v->own_same = strcmp(own, ws->setup->own_examples ? ws->setup->own_examples : "") == 0;
    v->error = v->split_error = (struct error){0};
    if (fresh)
        v->label = v->part = DATA_ANY, v->wrong = false;
    v->opened = workbench_opened(w);
    v->split_of = large ? ws->setup->settings : *wanted;
    v->split_good = dataset_parse_own(&v->own, ws->original, "own.jsonl", own, &v->split_error) &&
                    draw_split(v, ws, &v->split_of);
    v->waits = !same_split(&ws->setup->settings, wanted) || workbench_own_waits(w);
    data_filter(v, w);
    ask_lengths(v, w, now);
}

// ---- studies ----

void data_predict(struct data_view *v, struct workbench *w, double now) {
    struct example_ref *ref = v->shown_count ? mem_calloc(v->shown_count, sizeof *ref, NULL) : NULL;
    uint32_t *asked = v->shown_count ? mem_calloc(v->shown_count, sizeof *asked, NULL) : NULL;
    struct predictions_study *s = NULL;
    size_t count = 0;
    for (size_t i = 0; ref && asked && i < v->shown_count; i++)
        if (known(v, v->shown[i])) {
            ref[count] = v->row[v->shown[i]].ref;
            asked[count++] = v->shown[i];
        }
    if (count) {
        s = predictions_study_create(ref, count, NULL);
    } else {
        free(ref);
    }
    if (!s) {
        free(asked);
        if (v->shown_count)
            workbench_say(w, STYLE_WARN, now, "own examples are predicted once a run has them: %s begins one",
                          PART_KEY(APPLY, WHERE_DATA));
        else
            workbench_say(w, STYLE_WARN, now, "no example shows that could be predicted");
        return;
    }
    s->lens.kind = v->best_prompt ? LENS_BEST : LENS_PRESENT;
    workbench_cancel_study(w, &view_data, DATA_PREDICTIONS);
    free(v->asked);
    v->asked = asked;
    v->asked_count = count;
    v->error = (struct error){0};
    workbench_study(w, &view_data, DATA_PREDICTIONS, &s->study, now);
}

static bool same_ref(struct example_ref a, struct example_ref b) {
    return a.file == b.file && a.index == b.index;
}

// What was asked before the rows were made anew is of other rows.
static void take_lengths(struct data_view *v, const struct lengths_study *s) {
    size_t row = 0;
    for (size_t i = 0; i < s->count; i++, row++) {
        while (row < v->rows && !same_ref(s->ref[i], v->row[row].ref))
            row++;
        if (row == v->rows)
            return;
        v->row[row].length = s->length[i];
        v->row[row].cut = s->cut[i];
    }
    v->lengths_known = true;
}

// Predictions of another prompt or step do not stay beside these.
static void take_predictions(struct data_view *v, struct workbench *w, const struct predictions_study *s,
                             double now) {
    bool best = s->lens.kind == LENS_BEST;
    if (s->count != v->asked_count || (s->count && !same_ref(s->ref[0], v->row[v->asked[0]].ref)))
        return;
    if (!v->predicted || v->predicted_best != best || v->predicted_step != s->step)
        for (size_t i = 0; i < v->rows; i++)
            v->row[i].predicted = DATA_UNKNOWN, v->row[i].probability = v->row[i].truth = NAN;
    for (size_t i = 0; i < s->count; i++) {
        struct data_row *r = &v->row[v->asked[i]];
        r->predicted = s->predicted[i];
        r->probability = s->probability[i];
        r->truth = s->truth[i];
    }
    v->predicted = true;
    v->predicted_best = best;
    v->predicted_step = s->step;
    v->predicted_count = s->all.examples;
    v->predicted_right = s->all.correct;
    char score[PART_SHORT];
    part_score(score, s->all.accuracy, s->all.examples);
    workbench_say(w, STYLE_GOOD, now,
                  "with the %s prompt (step %zu): %s right of those listed; %s shows the wrong ones",
                  best ? "best" : "present", s->step, score, PART_KEY(FILTER_WRONG, WHERE_DATA));
}

void data_studied(void *state, struct workbench *w, struct study *take, double now) {
    struct data_view *v = state;
    bool lengths = take->channel % STUDY_CHANNELS == DATA_LENGTHS_STUDY;
    if (take->error.kind == ERROR_NONE && lengths)
        take_lengths(v, (const struct lengths_study *)take);
    else if (take->error.kind == ERROR_NONE)
        take_predictions(v, w, (const struct predictions_study *)take, now);
    else if (take->error.kind != ERROR_CANCELLED && !lengths) {
        v->error = take->error;
        workbench_say(w, STYLE_BAD, now, "%s", take->error.text);
    }
    study_free(take);
    if (v->rows)
        data_filter(v, w);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The Try screen's studies: what is asked when, and what came back.
#include "try_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"

size_t try_rows(const struct try_view *v) {
    return TRY_ROW_KEPT + v->kept.count;
}

const struct answer *try_answer(const struct try_view *v, size_t row) {
    return v->answers && v->answers->answer && row < v->answers->lenses ? &v->answers->answer[row] : NULL;
}

static bool given(struct lens *out, const struct kept_prompt *k, struct error *e) {
    size_t bytes = k->prompt.rows * k->prompt.columns * sizeof *out->soft;
    out->kind = LENS_GIVEN;
    out->slots = k->prompt.rows;
    out->width = k->prompt.columns;
    out->pieces = k->settings.pieces == RUN_PIECES_MEAN  ? WORD_MEAN
                  : k->settings.pieces == RUN_PIECES_MAX ? WORD_MAX
                                                         : WORD_FIRST;
    out->template_text = mem_strdup(k->template_text, e);
    out->label_words = mem_strdup(k->label_words, e);
    out->soft = mem_calloc(1, bytes, e);
    if (!out->template_text || !out->label_words || !out->soft)
        return false;
    memcpy(out->soft, k->prompt.value, bytes);
    return true;
}

bool try_lens(const struct try_view *v, size_t row, struct lens *out, struct error *e) {
    *out = (struct lens){.kind = row == TRY_ROW_HARD   ? LENS_HARD
                                 : row == TRY_ROW_BEST ? LENS_BEST
                                                       : LENS_PRESENT};
    return row < TRY_ROW_KEPT || given(out, &v->kept.prompt[row - TRY_ROW_KEPT], e);
}

// ---- the example ----

// Options are lines; empty ones do not count.
static size_t split_options(char *text, char *option[TASK_MOST_OPTIONS]) {
    size_t count = 0;
    for (char *line = text, *end; *line && count < TASK_MOST_OPTIONS; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = 0;
        if (line[strspn(line, " \t")])
            option[count++] = line;
    }
    return count;
}

// Borrows from the editors and from *options.
struct typed {
    char *field[TASK_MOST_FIELDS + 1], *option[TASK_MOST_OPTIONS];
    char *options; // owned
    struct example example;
};

static bool read_editors(const struct try_view *v, const struct task *t, struct typed *out, struct error *e) {
    *out = (struct typed){0};
    for (size_t i = 0; i < t->fields; i++)
        out->field[i] = (char *)editor_text(v->editor[i]);
    out->example = (struct example){.field = out->field, .label = TASK_NO_LABEL};
    if (v->editors == t->fields)
        return true;
    if (!(out->options = mem_strdup(editor_text(v->editor[t->fields]), e)))
        return false;
    out->example.option = out->option;
    out->example.options = split_options(out->options, out->option);
    return out->example.options >= 2 || error_set(e, ERROR_INPUT, "type at least two options, one a line");
}

// ---- asking ----

void try_later(struct try_view *v, double now, double seconds, bool answers) {
    v->stale_words = true;
    v->stale = v->stale || answers;
    v->due = now + seconds;
}

static bool ask_answers(struct try_view *v, struct workbench *w, const struct typed *x, double now,
                        struct error *e) {
    size_t fields = workbench_workspace(w)->task->fields;
    struct answers_study *s = answers_study_create(&x->example, fields, try_rows(v), e);
    bool ok = s != NULL;
    for (size_t i = 0; ok && i < try_rows(v); i++)
        ok = try_lens(v, i, &s->lens[i], e);
    if (ok)
        workbench_study(w, &view_try, TRY_ANSWERS, &s->study, now);
    else if (s)
        study_free(&s->study);
    return ok;
}

// A row that cannot be looked through is told in the label pane; there is nothing to be seen of its words.
static bool ask_words(struct try_view *v, struct workbench *w, const struct typed *x, bool importance,
                      double now, struct error *e) {
    size_t fields = workbench_workspace(w)->task->fields;
    struct attention_study *a = attention_study_create(&x->example, fields, e);
    struct importance_study *m = importance ? importance_study_create(&x->example, fields, e) : NULL;
    bool ok = a && (m || !importance) && try_lens(v, v->chosen, &a->lens, e) &&
              (!m || try_lens(v, v->chosen, &m->lens, e));
    if (ok) {
        workbench_study(w, &view_try, TRY_ATTENTION, &a->study, now);
        if (m) {
            workbench_study(w, &view_try, TRY_IMPORTANCE, &m->study, now);
            v->left_out = v->revision;
            v->left_row = v->chosen;
        }
        return true;
    }
    study_free(a ? &a->study : NULL);
    study_free(m ? &m->study : NULL);
    return false;
}

void try_ask(struct try_view *v, struct workbench *w, double now) {
    struct typed x = {0};
    struct error e = {0};
    bool running = workbench_state(w) == ENGINE_RUNNING;
    v->due = 0;
    if (!workbench_workspace(w) || try_is_empty(v)) {
        try_forget(v);
        v->stale = v->stale_words = false;
        return;
    }
    // While a run goes on every step makes another prompt: leaving words out waits until it rests.
    bool importance = !running || v->left_out != v->revision || v->left_row != v->chosen;
    bool ok = read_editors(v, workbench_workspace(w)->task, &x, &e);
    if (ok && v->stale)
        ok = ask_answers(v, w, &x, now, &e);
    if (ok && v->stale_words)
        ok = ask_words(v, w, &x, importance, now, &e);
    if (!ok) {
        try_forget(v);
        for (size_t i = 0; i < TRY_CHANNELS; i++)
            v->error[i] = e;
    }
    v->stale = v->stale_words = false;
    v->asked = now;
    free(x.options);
}

// ---- what came back ----

void try_forget(struct try_view *v) {
    study_free(v->answers ? &v->answers->study : NULL);
    study_free(v->attention ? &v->attention->study : NULL);
    study_free(v->importance ? &v->importance->study : NULL);
    v->answers = NULL;
    v->attention = NULL;
    v->importance = NULL;
    memset(v->error, 0, sizeof v->error);
}

void try_take(struct try_view *v, struct study *take) {
    enum try_channel c = take->channel % STUDY_CHANNELS;
    if (take->error.kind == ERROR_CANCELLED) { // a newer one is on its way, or nothing is wanted
        study_free(take);
        return;
    }
    v->error[c] = take->error;
    bool good = take->error.kind == ERROR_NONE;
    struct study *old = NULL;
    if (c == TRY_ANSWERS) {
        old = v->answers ? &v->answers->study : NULL;
        v->answers = good ? (struct answers_study *)take : NULL;
    } else if (c == TRY_ATTENTION) {
        old = v->attention ? &v->attention->study : NULL;
        v->attention = good ? (struct attention_study *)take : NULL;
    } else {
        old = v->importance ? &v->importance->study : NULL;
        v->importance = good ? (struct importance_study *)take : NULL;
    }
    study_free(old);
    if (!good)
        study_free(take);
}

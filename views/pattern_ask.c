// SPDX-License-Identifier: GPL-3.0-or-later
// Zero-shot as one types: when to ask the engine what the edited pattern says, and taking the answers.
//
// A changed template is asked about a moment after the last key; what is still being computed for the text
// before it is cancelled at once. Changed label words, calibration and another example are asked about
// without waiting: the states at the mask are kept by then (engine/inspect/reading.h). Nothing is asked while
// another screen is shown.
#include <stdlib.h>
#include <string.h>

#include "pattern_inside.h"

#define MOMENT 0.15 // seconds after the last key

void pattern_forget_answers(struct pattern_view *v) {
    if (v->one)
        study_free(&v->one->study);
    if (v->dev)
        study_free(&v->dev->study);
    v->one = v->dev = NULL;
    v->one_error = v->dev_error = (struct error){0};
    v->ask_at = 0;
    v->asked = (struct pattern_asked){0};
}

static bool running(const struct workbench *w) {
    return workbench_state(w) == ENGINE_RUNNING;
}

// Whether the settings differ in what a template's states depend on.
static bool same_states(const struct run_settings *a, const struct run_settings *b) {
    return a->loss == b->loss && a->budget == b->budget && a->seed == b->seed && a->start == b->start &&
           a->start_scale == b->start_scale && strcmp(a->start_text, b->start_text) == 0 &&
           strcmp(a->start_file, b->start_file) == 0;
}

static struct pattern_asked present(const struct pattern_view *v, const struct workbench *w) {
    size_t history;
    workbench_history(w, &history);
    return (struct pattern_asked){.template_revision = editor_revision(v->template_editor),
                                  .preview = v->preview,
                                  .words_revision = editor_revision(v->words_editor),
                                  .opened = v->opened,
                                  .example = v->example,
                                  .history = running(w) ? v->asked.history : history,
                                  .settings = *workbench_settings(w),
                                  .calibrated = v->calibrated};
}

void pattern_ask(struct pattern_view *v, struct workbench *w, double now) {
    if (!workbench_workspace(w) || !workbench_shows(w, &view_pattern))
        return;
    struct pattern_asked p = present(v, w);
    const struct pattern_asked *a = &v->asked;
    bool another = p.opened != a->opened || p.history != a->history,
         pattern = p.template_revision != a->template_revision || p.preview != a->preview ||
                   !same_states(&p.settings, &a->settings),
         words = p.words_revision != a->words_revision || p.calibrated != a->calibrated ||
                 p.settings.pieces != a->settings.pieces,
         example = p.example != a->example;
    if (!another && !pattern && !words && !example)
        return;
    v->asked = p;
    workbench_cancel_study(w, &view_pattern, CHANNEL_EXAMPLE);
    v->ask_one = true;
    if (another || pattern || words) {
        workbench_cancel_study(w, &view_pattern, CHANNEL_DEV);
        v->ask_all = true;
    }
    // What was cancelled is not there yet, so that only a finished answer is worth keeping to.
    if (another || pattern)
        v->ask_kept = false;
    v->ask_at = !v->pattern_good ? 0 : another || pattern || v->ask_at > now ? now + MOMENT : now;
}

double pattern_deadline(void *state) {
    return ((const struct pattern_view *)state)->ask_at;
}

static void send(struct pattern_view *v, struct workbench *w, const struct study_kind *kind, double now) {
    const struct split *s = workbench_workspace(w)->split;
    bool train = v->example < s->train_count;
    const struct zero_shot_ask ask = {.template_text = (char *)pattern_template(v),
                                      .label_words =
                                          v->words_good ? (char *)editor_text(v->words_editor) : NULL,
                                      .settings = *workbench_settings(w),
                                      .calibrated = v->calibrated && v->words_good,
                                      .kept = v->ask_kept,
                                      .set = train ? READING_TRAIN : READING_DEV,
                                      .index = train ? v->example : v->example - s->train_count};
    struct error e = {0};
    struct zero_shot *z = zero_shot_make(kind, &ask, &e);
    unsigned channel = kind == &zero_shot_kind ? CHANNEL_EXAMPLE : CHANNEL_DEV;
    if (z)
        workbench_study(w, &view_pattern, channel, &z->study, now);
    else
        *(kind == &zero_shot_kind ? &v->one_error : &v->dev_error) = e;
}

void pattern_tick(void *state, struct workbench *w, double now) {
    struct pattern_view *v = state;
    v->ask_at = 0;
    if (!workbench_workspace(w) || !v->pattern_good)
        return;
    if (v->ask_one || v->ask_all)
        send(v, w, &zero_shot_kind, now);
    if (v->ask_all && v->words_good)
        send(v, w, &zero_shot_dev_kind, now);
    v->ask_one = v->ask_all = false;
    v->ask_kept = true; // until the template changes
}

void pattern_studied(void *state, struct workbench *w, struct study *take, double now) {
    struct pattern_view *v = state;
    struct zero_shot *z = (struct zero_shot *)take;
    if (take->kind == &word_search_kind) {
        pattern_take_search(v, take);
        return;
    }
    bool one = take->kind == &zero_shot_kind;
    struct zero_shot **to = one ? &v->one : &v->dev;
    struct error *error = one ? &v->one_error : &v->dev_error;
    (void)now;
    if (take->error.kind == ERROR_CANCELLED && pattern_asking(v, w, one ? CHANNEL_EXAMPLE : CHANNEL_DEV)) {
        study_free(take); // a newer one is on its way
        return;
    }
    if (*to)
        study_free(&(*to)->study);
    *to = NULL;
    *error = take->error;
    if (take->error.kind == ERROR_NONE)
        *to = z;
    else
        study_free(take);
}

bool pattern_asking(const struct pattern_view *v, const struct workbench *w, enum channel c) {
    return (v->ask_at > 0 && (v->ask_all || (v->ask_one && c == CHANNEL_EXAMPLE))) ||
           workbench_studying(w, &view_pattern, c, NULL, NULL);
}

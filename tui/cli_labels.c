// SPDX-License-Identifier: GPL-3.0-or-later
// Labelling for cls: the classifier of a session reads the text, and what it is sure of is written.
#include "tui/cli_labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/workspace.h"
#include "sessions/session.h"

static const char *const level_name[PPT_LEVELS] = {"terrible", "bad", "maybe", "good", "great"};
enum { EARLY = 1024 }; // sentences after which a level should have some

struct work {
    const struct cli_labelling *l;
    struct ppt_labels *out;
    struct ppt_label_place place, first; // first: where this command began
    size_t had[PPT_LEVELS];              // labels that were there by then
    size_t most;                         // of each level
    double began;
    bool told; // of levels without a sentence
};

// ---- telling ----

void cli_labels_print(char *out, size_t size, const struct ppt_labels *l) {
    size_t n = 0;
    for (size_t k = 0; k < PPT_LEVELS && n < size; k++)
        n += (size_t)snprintf(out + n, size - n, "%s%zu %s", k ? ", " : "", l->of_level[k], level_name[k]);
}

// To the end of the text, or until every level is full, as fast as it went so far; infinite if it cannot be
// told.
static double seconds_left(const struct work *k, double share) {
    double text = (double)corpus_bytes(k->l->corpus), elapsed = clock_seconds() - k->began, levels = 0;
    double read = (double)(k->place.bytes - k->first.bytes) / text;
    for (size_t i = 0; i < PPT_LEVELS; i++) {
        double found = (double)(k->out->of_level[i] - k->had[i]);
        double missing = (double)(k->most - fmin((double)k->out->of_level[i], (double)k->most));
        levels = missing > 0 ? fmax(levels, elapsed / found * missing) : levels;
    }
    return fmin(elapsed / read * fmax(1 - share, 0), levels);
}

// Hours on a text in which the classifier never finds a level give labels that nothing is learnt from.
static void tell_empty_levels(struct work *k) {
    char list[80] = "";
    size_t n = 0;
    if (k->told || k->place.looked_at < EARLY)
        return;
    for (size_t i = 0; i < PPT_LEVELS; i++)
        if (!k->out->of_level[i])
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", level_name[i]);
    k->told = true;
    if (n)
        cli_progress_say(k->l->progress, true,
                         "after %zu sentences the classifier %s was sure of none that is %s; Ctrl-C stops, "
                         "and --sure asks less of a level",
                         k->place.looked_at, k->l->classifier, list);
}

static void tell(void *context, const struct ppt_label_place *place, const struct ppt_labels *so_far) {
    struct work *k = context;
    char left[32] = "time left unknown";
    double share = fmin((double)place->bytes / (double)corpus_bytes(k->l->corpus), 1);
    double seconds = seconds_left(k, share);
    if (isfinite(seconds)) {
        cli_duration(seconds, left, sizeof left - 5);
        strcat(left, " left");
    }
    tell_empty_levels(k);
    const size_t *n = so_far->of_level;
    cli_progress_say(k->l->progress, false, // in one line of a terminal
                     "%.0f %% read, %s: terrible %zu bad %zu maybe %zu good %zu great %zu", 100 * share, left,
                     n[0], n[1], n[2], n[3], n[4]);
}

// ---- the classifier ----

// "0.95,0.5,0.5,0.5,0.7"
static bool read_sure(const char *text, double sure[PPT_LEVELS], struct error *e) {
    const char *at = text;
    for (size_t k = 0; k < PPT_LEVELS; k++) {
        char *end;
        sure[k] = strtod(at, &end);
        if (end == at || !(sure[k] >= 0) || sure[k] > 1 || (k + 1 < PPT_LEVELS ? *end != ',' : *end != 0))
            return error_set(e, ERROR_INPUT,
                             "--sure takes five probabilities, as 0.95,0.5,0.5,0.5,0.7, not \"%s\"", text);
        at = end + 1;
    }
    return true;
}

// The best prompt, or the best weights of fine-tuning in one row; NULL where there is none of that shape.
static const float *best_of(const struct run_checkpoint *c, size_t rows, size_t columns) {
    for (size_t i = 0; c && i < c->arrays; i++)
        if (strcmp(c->array[i].name, "best") == 0 && c->array[i].rows == rows &&
            c->array[i].columns == columns)
            return c->array[i].value;
    return NULL;
}

static size_t elements_of(const struct model *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->weights; i++)
        n += m->weight[i].rows * m->weight[i].columns;
    return n;
}

// The weights one behind the other become the model's (sessions/SESSION.md).
static bool take_weights(struct model *m, const float *from, struct error *e) {
    if (!model_make_trainable(m, e))
        return false;
    for (size_t i = 0; i < m->weights; i++) {
        size_t n = m->weight[i].rows * m->weight[i].columns;
        memcpy(m->weight[i].trained, from, n * sizeof *from);
        from += n;
    }
    return true;
}

// Reads the corpus with the best prompt, or the fine-tuned weights, of a session.
static bool label_with(struct work *k, struct session *session, const struct ppt_label_limits *limits,
                       struct error *e) {
    struct engine_setup *setup = session_setup(session, false, e);
    struct run_checkpoint *resume = setup ? setup->resume : NULL;
    struct workspace *w = NULL;
    struct model *model = NULL;
    struct mask_bench *bench = NULL;
    struct corpus_reader *reader = NULL;
    struct pattern pattern = {0};
    struct corpus_reader_settings part = corpus_reader_settings_default();
    if (setup)
        setup->resume = NULL;
    bool ok = setup && model_load(&model, setup->model_folder, e);
    if (setup && !ok)
        engine_setup_free(setup);
    ok = ok && workspace_make(&w, model, setup, e) &&
         pattern_bind(&pattern, &w->template, w->task, w->tokenizer, e);
    bool fine = ok && w->setup->settings.method == METHOD_FINE_TUNING;
    const float *soft = ok ? best_of(resume, pattern.slots, w->config.d_model) : NULL;
    const float *weights = fine ? best_of(resume, 1, elements_of(model)) : NULL;
    if (ok && fine && !weights)
        ok = error_set(e, ERROR_INPUT, "the classifier %s is not fine-tuned yet; run prompter tune %s first",
                       session_name(session), session_name(session));
    ok = ok && (!weights || take_weights(model, weights, e));
    if (ok && pattern.slots && !soft)
        ok =
            error_set(e, ERROR_INPUT, "the classifier %s has no tuned prompt yet; run prompter tune %s first",
                      session_name(session), session_name(session));
    part.seed = k->l->seed;
    if (ok) {
        const struct render_options render = {.budget = w->setup->settings.budget,
                                              .end_mark = w->setup->settings.loss == LOSS_CLEAN};
        ok = mask_bench_create(&bench, model, k->l->pool, tokenizer_sentinel(w->tokenizer, 0), false, e) &&
             corpus_reader_create(&reader, k->l->corpus, &part, e);
        const struct ppt_classifier c = {bench, &pattern, &w->verbalizer, &render, soft};
        ok = ok && ppt_labels_make(k->out, &k->place, &c, reader, limits, k->l->cancel, tell, k, e);
    }
    corpus_reader_free(reader);
    mask_bench_free(bench);
    pattern_free(&pattern);
    workspace_release(w);
    model_free(model);
    run_checkpoint_free(resume);
    free(resume);
    return ok;
}

// ---- keeping a part ----

// What makes it another labelling: never to be shown to anybody, only to be compared.
static char *describe(const struct cli_labelling *l, struct session *s, const struct ppt_label_limits *limits,
                      struct error *e) {
    struct buffer b = {0};
    char *folder = realpath(session_folder(s), NULL);
    buffer_printf(&b, "%s; %llu bytes as %s, seed %llu; %zu of each level", folder ? folder : session_name(s),
                  (unsigned long long)corpus_bytes(l->corpus),
                  corpus_layout_name(corpus_layout_of(l->corpus)), (unsigned long long)l->seed, limits->most);
    for (size_t i = 0; i < PPT_LEVELS; i++)
        buffer_printf(&b, ", %g", limits->sure[i]);
    free(folder);
    return buffer_take(&b, e);
}

static bool take_part(struct work *k, const char *part, const char *of, struct error *e) {
    bool found = false;
    if (!file_exists(part))
        return true;
    if (!ppt_labels_read_part(k->out, &k->place, &found, part, of, e))
        return error_context(e, "this labelling was stopped once; remove %s to begin it anew", part);
    if (!found)
        cli_progress_say(k->l->progress, true,
                         "%s is of another classifier, text or limits: this labelling begins anew", part);
    else
        cli_progress_say(k->l->progress, true, "going on after %zu sentences, with %zu labels in %s",
                         k->place.looked_at, k->out->count, part);
    return true;
}

// Stopped: what there is stays. `e` says that it was stopped unless this fails.
static void keep_part(const struct work *k, const char *part, const char *of, struct error *e) {
    struct error why = {0};
    if (!k->out->count)
        return;
    if (!ppt_labels_write_part(part, k->out, &k->place, of, &why))
        *e = why;
    else
        cli_progress_say(k->l->progress, true,
                         "stopped labelling after %zu sentences: %zu labels are in %s, and the same command "
                         "goes on from there",
                         k->place.looked_at, k->out->count, part);
}

bool cli_labels_make(struct ppt_labels *out, const struct cli_labelling *l, struct error *e) {
    struct work k = {.l = l, .out = out};
    struct ppt_label_limits limits = ppt_label_limits_default();
    struct session *session = NULL;
    struct buffer b = {0};
    k.most = limits.most = l->most ? l->most : limits.most;
    *out = (struct ppt_labels){0};
    if (l->sure && !read_sure(l->sure, limits.sure, e))
        return false;
    if (file_exists(l->path) && !l->overwrite)
        return error_set(
            e, ERROR_INPUT,
            "%s is there already; learn from it with --labels %s and without --classifier, or say "
            "--overwrite to label anew",
            l->path, l->path);
    buffer_printf(&b, "%s.part", l->path);
    char *part = buffer_take(&b, e), *of = NULL;
    bool ok = part && session_open_reading(&session, l->classifier, NULL, e) &&
              (of = describe(l, session, &limits, e)) && take_part(&k, part, of, e);
    k.first = k.place;
    memcpy(k.had, out->of_level, sizeof k.had);
    k.began = clock_seconds();
    ok = ok && label_with(&k, session, &limits, e);
    if (!ok && of && e->kind == ERROR_CANCELLED)
        keep_part(&k, part, of, e);
    ok = ok && ppt_labels_write(l->path, out, e);
    if (ok)
        remove(part);
    else
        ppt_labels_free(out);
    session_free(session);
    free(part);
    free(of);
    return ok;
}

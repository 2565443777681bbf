// SPDX-License-Identifier: GPL-3.0-or-later
// A row from a journal: what it began with, what was changed before anything was measured, and what was
// measured, less what was taken back.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "journal_inside.h"
#include "method.h"
#include "paths.h"
#include "report_inside.h"
#include "session_inside.h"

// Journals stay below 8 MB or little more (journal.h); the rest is for those of other programs.
enum { MOST_JOURNAL = 256 << 20 };

struct reading {
    struct report_run *run;
    struct journal_history history;
    char *task; // as stored
    bool measured, stepped, began, settings_failed;
    bool rate_waits, steps_wait; // edits of a run that has begun count once it goes on
    double rate;
    size_t steps;
};

static const char *text_in(const cJSON *o, const char *key) {
    const char *text = "";
    return json_get_string(o, key, false, &text, NULL) ? text : "";
}

static double number_in(const cJSON *o, const char *key) {
    double x = NAN;
    return json_get_number(o, key, false, &x, NULL) ? x : NAN;
}

static size_t count_in(const cJSON *o, const char *key) {
    size_t n = 0;
    return json_get_size(o, key, false, 0, (size_t)1 << 53, &n, NULL) ? n : 0;
}

// ---- records ----

// "shipped:meadow" and "/models/t5-base" are called meadow and t5-base.
static const char *model_name(const char *stored) {
    const char *colon = strrchr(stored, ':'), *name = path_name(stored);
    return colon && colon >= name ? colon + 1 : name;
}

static bool take_begin(struct reading *t, const cJSON *o, struct error *e) {
    struct report_run *r = t->run;
    const cJSON *settings = NULL;
    t->began = true;
    if (json_get_object(o, "settings", false, &settings, NULL) && settings)
        t->settings_failed = !session_settings_read(&r->settings, settings, NULL);
    return report_set_text(&r->model, model_name(text_in(o, "model")), e) &&
           report_set_text(&t->task, text_in(o, "task"), e) &&
           report_set_text(&r->template_text, text_in(o, "template"), e) &&
           report_set_text(&r->method, text_in(o, "method"), e) &&
           report_set_text(&r->label_words, text_in(o, "label_words"), e);
}

// What is edited before anything was measured is what the run began with. Afterwards only rate and steps
// reach the run that is there; everything else is for the next one.
static bool take_edit(struct reading *t, const cJSON *o, struct error *e) {
    static const char prefix[] = "settings.";
    struct report_run *r = t->run;
    const char *part = text_in(o, "part"), *to = text_in(o, "to");
    bool setting = strncmp(part, prefix, sizeof prefix - 1) == 0;
    const char *name = setting ? part + sizeof prefix - 1 : part;
    struct run_settings live = r->settings;
    if (!t->measured && setting)
        return run_settings_set(&r->settings, name, to, NULL) || true;
    if (!t->measured)
        return strcmp(part, "template") == 0      ? report_set_text(&r->template_text, to, e)
               : strcmp(part, "label_words") == 0 ? report_set_text(&r->label_words, to, e)
                                                  : true;
    if (!setting || !run_settings_set(&live, name, to, NULL))
        return true;
    if (strcmp(name, "rate") == 0) {
        t->rate_waits = true;
        t->rate = live.rate;
    } else if (strcmp(name, "steps") == 0) {
        t->steps_wait = true;
        t->steps = live.steps;
    }
    return true;
}

static bool take_confusion(struct report_run *r, const cJSON *o, struct error *e) {
    const cJSON *rows = NULL;
    free(r->confusion);
    r->confusion = NULL;
    if (!json_get_array(o, "confusion", false, &rows, NULL) || !rows)
        return true;
    size_t n = (size_t)cJSON_GetArraySize(rows), at = 0;
    if (n == 0 || n > REPORT_MOST_CLASSES || n != r->classes)
        return true;
    size_t *table = mem_calloc(n * n, sizeof *table, e);
    for (const cJSON *row = rows->child; table && row; row = row->next)
        for (const cJSON *x = row->child; x && at < n * n; x = x->next)
            table[at++] = cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < 1e15
                              ? (size_t)x->valuedouble
                              : 0;
    r->confusion = table;
    return table != NULL;
}

static void forget_test(struct report_run *r) {
    r->test = (struct report_score){.accuracy = NAN, .macro_f1 = NAN, .loss = NAN};
    free(r->confusion);
    r->confusion = NULL;
}

// The classes come from the task, which is only known in the end: the count is looked at then.
static bool take_test(struct reading *t, const cJSON *o, struct error *e) {
    struct report_run *r = t->run;
    forget_test(r);
    r->test = (struct report_score){.examples = count_in(o, "examples"),
                                    .accuracy = number_in(o, "accuracy"),
                                    .macro_f1 = number_in(o, "macro_f1"),
                                    .loss = number_in(o, "loss"),
                                    .step = count_in(o, "step")};
    const cJSON *rows = NULL;
    r->classes =
        json_get_array(o, "confusion", false, &rows, NULL) && rows ? (size_t)cJSON_GetArraySize(rows) : 0;
    return take_confusion(r, o, e);
}

static void take_metric(struct reading *t, const struct metric *m) {
    struct report_run *r = t->run;
    if (m->kind == METRIC_STEP) {
        if (t->rate_waits && !t->stepped)
            r->settings.rate = t->rate;
        else if (t->rate_waits && t->rate != r->settings.rate)
            r->by_hand = true;
        if (t->steps_wait)
            r->settings.steps = t->steps;
        t->rate_waits = t->steps_wait = false;
        t->stepped = true;
        if (isfinite(r->test.accuracy) &&
            r->test.step > m->step) // started over: that test is of another prompt
            forget_test(r);
    }
    r->by_hand |= m->kind == METRIC_UNDO;
    t->measured |= m->kind == METRIC_STEP || m->kind == METRIC_EVAL;
}

static bool visit(void *context, const struct journal_record *record, struct error *e) {
    struct reading *t = context;
    struct report_run *r = t->run;
    bool ok = journal_history_take(&t->history, record, e);
    if (!r->begun)
        r->begun = stamp_read(record->stamp);
    if (!ok || record->is_metric) {
        r->ended = ok ? stamp_read(record->stamp) : 0;
        if (ok)
            take_metric(t, &record->metric);
        return ok;
    }
    bool begin = strcmp(record->what, "begin") == 0, edit = strcmp(record->what, "edit") == 0,
         test = strcmp(record->what, "test") == 0;
    if (record->has_step && isfinite(r->test.accuracy) && r->test.step > record->metric.step)
        forget_test(r); // resumed from before it
    if (!begin && !edit && !test)
        return true;
    cJSON *o = journal_record_json(record, NULL);
    if (o) // what passed its sum and is no JSON was written by nobody we know
        ok = begin ? take_begin(t, o, e) : edit ? take_edit(t, o, e) : take_test(t, o, e);
    if (test)
        r->ended = stamp_read(record->stamp);
    cJSON_Delete(o);
    return ok;
}

// ---- what was measured ----

// The mean of each bucket, at its last step.
static bool take_train(struct report_run *r, const struct journal_history *h, size_t steps, struct error *e) {
    size_t bucket = (steps + REPORT_MOST_CURVE - 1) / REPORT_MOST_CURVE, in = 0, finite = 0, seen = 0;
    double sum = 0;
    for (size_t i = 0; i < h->count; i++) {
        const struct metric *m = &h->metric[i];
        if (m->kind != METRIC_STEP)
            continue;
        if (isfinite(m->train_loss)) {
            sum += (double)m->train_loss;
            finite++;
        }
        seen++;
        if (++in < bucket && seen < steps)
            continue;
        float mean = finite ? (float)(sum / (double)finite) : NAN;
        if (!report_curve_add(&r->train, (float)m->step, mean, NAN, e))
            return false;
        in = finite = 0;
        sum = 0;
    }
    return true;
}

// A measured value without the digits that a float makes up.
static double tidy(float x) {
    char text[32];
    snprintf(text, sizeof text, "%.7g", (double)x);
    return isfinite(x) ? strtod(text, NULL) : NAN;
}

static struct report_score dev_score(const struct metric *m) {
    struct report_score s = {.examples = m->dev_examples,
                             .accuracy = tidy(m->dev_accuracy),
                             .macro_f1 = tidy(m->dev_f1),
                             .loss = tidy(m->dev_loss),
                             .step = m->step};
    double n = (double)s.examples, right = round((double)m->dev_accuracy * n);
    if (n > 0 && fabs(right / n - s.accuracy) < 1e-6)
        s.accuracy = right / n;
    return s;
}

static bool take_evals(struct report_run *r, const struct journal_history *h, struct error *e) {
    for (size_t i = 0; i < h->count; i++) {
        const struct metric *m = &h->metric[i];
        if (m->kind != METRIC_EVAL)
            continue;
        r->evaluations++;
        if (!report_curve_add(&r->evals, (float)m->step, m->dev_loss, m->dev_accuracy, e))
            return false;
        if (m->best)
            r->dev = dev_score(m);
    }
    return true;
}

// Of a journal that was thinned some steps are missing: they count as the others' mean.
static void take_times(struct report_run *r, const struct journal_history *h) {
    double steps = 0, evals = 0;
    size_t timed = 0;
    for (size_t i = 0; i < h->count; i++) {
        const struct metric *m = &h->metric[i];
        bool step = m->kind == METRIC_STEP;
        r->steps = m->step > r->steps ? m->step : r->steps;
        if (!isfinite(m->seconds))
            continue;
        *(step ? &steps : &evals) += (double)m->seconds;
        timed += step;
    }
    if (timed || evals > 0)
        r->seconds = (timed ? steps / (double)timed * (double)r->steps : 0) + evals;
}

static bool take_history(struct report_run *r, const struct journal_history *h, struct error *e) {
    size_t steps = 0;
    for (size_t i = 0; i < h->count; i++)
        steps += h->metric[i].kind == METRIC_STEP;
    take_times(r, h);
    return take_evals(r, h, e) && (!steps || take_train(r, h, steps, e));
}

// ---- what the task says ----

static bool copy_classes(struct report_run *r, const struct report_task *task, struct error *e) {
    if (r->confusion && task->classes && r->classes != task->classes) {
        free(r->confusion); // of a task that has changed since
        r->confusion = NULL;
    }
    if (!task->classes) {
        r->classes = r->confusion ? r->classes : 0;
        return true;
    }
    r->classes = 0;
    if (!(r->class_name = mem_calloc(task->classes, sizeof *r->class_name, e)))
        return false;
    for (size_t i = 0; i < task->classes; i++, r->classes++)
        if (!(r->class_name[i] = mem_strdup(task->class_name[i], e)))
            return false;
    return true;
}

static bool plain_patterns(struct report_run *r, const struct report_task *task, struct error *e) {
    const char *template = r->template_text[0]   ? r->template_text
                           : task->template_text ? task->template_text
                                                 : "";
    const char *words = r->label_words[0]   ? r->label_words
                        : task->label_words ? task->label_words
                        : task->choice      ? "A; B; C; ..."
                                            : "";
    char *plain = report_plain_template(template, e);
    char *plain_words = report_plain_words(words, task->class_name, task->class_value, task->classes, e);
    if (plain && plain_words) {
        free(r->template_text);
        free(r->label_words);
        r->template_text = plain;
        r->label_words = plain_words;
        return true;
    }
    free(plain);
    free(plain_words);
    return false;
}

static bool take_task(struct report *all, struct reading *t, const struct report_source *source,
                      struct error *e) {
    struct report_run *r = t->run;
    char *path = stored_path_resolve(t->task ? t->task : "", source->folder, "tasks", NULL);
    const struct report_task *task = report_task_at(all, path ? path : "", e);
    free(path);
    if (!task)
        return false;
    r->macro_f1 = task->macro_f1;
    return report_set_text(&r->task, task->name, e) && copy_classes(r, task, e) &&
           plain_patterns(r, task, e) &&
           (r->method[0] || report_set_text(&r->method, method_title(r->template_text, &r->settings), e));
}

// ---- the whole ----

static bool take_note(struct report_run *r, const char *note, struct error *e) {
    bool ok = report_set_text(&r->note, note, e);
    if (ok)
        utf8_make_plain(r->note);
    return ok;
}

static bool name_run(struct report_run *r, const struct report_source *source, struct error *e) {
    return report_set_text(&r->session, source->session, e) &&
           report_set_text(&r->folder, source->folder, e) && report_set_text(&r->place, source->place, e);
}

bool report_read_journal(struct report *all, const struct report_source *source, struct error *e) {
    struct reading t = {.run = report_next(all, e)};
    struct journal_history end = {0};
    struct error why = {0};
    char *text = NULL;
    size_t length = 0;
    if (!t.run || !name_run(t.run, source, e)) {
        if (t.run)
            report_run_free(t.run);
        return false;
    }
    // A copy: the journal of a session that is open elsewhere may become shorter under a mapping.
    bool there = file_read(source->path, MOST_JOURNAL, &text, &length, &why);
    bool ok = !there || journal_visit_bytes(source->path, text, length, visit, &t, &end, e);
    ok = ok && take_history(t.run, &t.history, e) && (!t.began || take_task(all, &t, source, e));
    const char *wrong = !there                          ? why.text
                        : end.damage == JOURNAL_DAMAGED ? end.note
                        : length && !t.began            ? "journal.jsonl does not begin with what the run is"
                        : t.settings_failed ? "journal.jsonl names a setting that this program cannot read"
                                            : "";
    ok = ok && (!wrong[0] || take_note(t.run, wrong, e));
    if (ok && (t.measured || wrong[0]))
        all->count++;
    else
        report_run_free(t.run);
    journal_history_free(&t.history);
    free(t.task);
    free(text);
    return ok;
}

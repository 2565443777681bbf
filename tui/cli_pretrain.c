// SPDX-License-Identifier: GPL-3.0-or-later
// prompter pretrain: a soft prompt learns a family of tasks from plain text. Progress goes to stderr; with
// --json one object a line to stdout: {"event": "open" | "step" | "validation" | "labels" | "checkpoint" |
// "done", ...}.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/pretrain/ppt_checkpoint.h"
#include "engine/pretrain/training.h"
#include "engine/tensor/gemm.h"
#include "engine/tune/preset.h"
#include "sessions/prompt_file.h"
#include "sessions/session.h"
#include "sessions/training_log.h"
#include "tui/cli_labels.h"
#include "tui/cli_options.h"
#include "tui/cli_progress.h"
#include "tui/cli_workbench.h"

#define SAVE_EVERY 60.0 // seconds

struct arguments {
    const char *task, *model, *out, *preset, *layout, *template_text, *words, *classifier, *labels, *sure;
    struct cli_values corpus, set;
    size_t vectors, validation, test, micro_batch, most, threads;
    bool resume, overwrite, json, screen;
};

struct job {
    const struct arguments *r;
    struct ppt_settings settings;
    struct corpus *corpus;
    struct ppt_labels labels;
    struct tokenizer *tokenizer;
    struct model *model;
    struct thread_pool *pool;
    struct ppt_trainer *trainer; // NULL until all is open
    struct training *training;   // NULL: without a screen
    struct cli_log *log;
    struct prompt_matrix start;
    char *out, *checkpoint, *card, *label_path, *model_folder; // paths
    char *kept; // what is kept in the checkpoint of this command
    const atomic_bool *cancel;
    struct cli_progress progress;
    double began, saved_at, busy; // busy: seconds of steps
    bool usage;                   // what went wrong is the command line
    size_t first_step;
    struct ppt_validation last;
    bool validated;
};

static void print_object(const struct job *t, cJSON *take) {
    cli_log_object(t->log, take);
    if (t->r->json)
        cli_print_object(take);
    else
        cJSON_Delete(take);
}

// ---- telling ----

static cJSON *score_object(const struct ppt_trainer *t, const struct ppt_score *s) {
    cJSON *o = cJSON_CreateObject(), *classes = cJSON_AddObjectToObject(o, "classes"), *options = NULL;
    const struct verbalizer *v = ppt_trainer_words(t);
    cli_add_number(o, "loss", s->all.loss);
    cli_add_number(o, "accuracy", s->all.accuracy);
    cJSON_AddNumberToObject(o, "examples", (double)s->all.examples);
    for (size_t k = 0; k < v->classes; k++) {
        cJSON *c = cJSON_AddObjectToObject(classes, v->label[k].name);
        cJSON_AddNumberToObject(c, "examples", (double)s->all.of_class[k]);
        cJSON_AddNumberToObject(c, "correct", (double)s->all.correct_class[k]);
        cli_add_number(c, "loss", s->class_loss[k]);
    }
    for (size_t n = 1; n <= TASK_MOST_OPTIONS; n++) {
        char key[24];
        if (!s->with_options[n])
            continue;
        options = options ? options : cJSON_AddObjectToObject(o, "options");
        snprintf(key, sizeof key, "%zu", n);
        cJSON *c = cJSON_AddObjectToObject(options, key);
        cJSON_AddNumberToObject(c, "examples", (double)s->with_options[n]);
        cJSON_AddNumberToObject(c, "correct", (double)s->right[n]);
        cli_add_number(c, "loss", s->options_loss[n]);
    }
    return o;
}

static void tell_open(struct job *t) {
    const struct run_settings *s = &t->settings.run;
    cJSON *o = cli_event("open", ppt_trainer_steps(t->trainer));
    cJSON_AddStringToObject(o, "task", ppt_task_name(t->settings.task));
    cJSON_AddStringToObject(o, "model", t->model_folder);
    cJSON_AddStringToObject(o, "template", ppt_trainer_template(t->trainer));
    cJSON_AddNumberToObject(o, "vectors", (double)ppt_trainer_vectors(t->trainer));
    cJSON_AddStringToObject(o, "loss", s->loss == LOSS_CLEAN ? "clean" : "paper-code");
    cJSON_AddNumberToObject(o, "rate", s->rate);
    cJSON_AddNumberToObject(o, "paper_code_rate", s->rate / PAPER_CODE_SCALE);
    cJSON_AddNumberToObject(o, "steps", (double)s->steps);
    cJSON_AddNumberToObject(o, "memory", (double)ppt_trainer_bytes(t->trainer));
    cli_progress_say(
        &t->progress, true,
        "%s: %zu vectors of %zu in \"%s\", %s loss; rate %g in the model's own embedding scale, which is "
        "%g in that of the paper's code%s",
        ppt_task_name(t->settings.task), ppt_trainer_vectors(t->trainer), ppt_trainer_width(t->trainer),
        ppt_trainer_template(t->trainer), s->loss == LOSS_CLEAN ? "clean" : "paper-code", s->rate,
        s->rate / PAPER_CODE_SCALE, ppt_trainer_steps(t->trainer) ? "; resumed" : "");
    print_object(t, o);
}

static void tell_step(struct job *t, const struct ppt_step *s) {
    char left[32], validation[64] = "";
    size_t total = t->settings.run.steps, made = s->step - t->first_step;
    t->busy += s->seconds;
    double seconds_left = t->busy / (double)made * (double)(total - s->step);
    cli_duration(seconds_left, left, sizeof left);
    if (t->validated)
        snprintf(validation, sizeof validation, "  validation %.4f, %.1f %%", t->last.score.all.loss,
                 100 * t->last.score.all.accuracy);
    cli_progress_say(&t->progress, false,
                     "step %zu/%zu  loss %.4f  accuracy %.1f %%%s  %.0f examples/s  %s left", s->step, total,
                     s->loss, 100 * s->accuracy, validation, (double)s->examples / s->seconds, left);
    cJSON *o = cli_event("step", s->step);
    cli_add_number(o, "loss", s->loss);
    cli_add_number(o, "accuracy", s->accuracy);
    cli_add_number(o, "rate", s->rate);
    cli_add_number(o, "gradient_norm", s->gradient_norm);
    cli_add_number(o, "update_norm", s->update_norm);
    cli_add_number(o, "prompt_norm", s->prompt_norm);
    cJSON_AddNumberToObject(o, "examples", (double)s->examples);
    cJSON_AddNumberToObject(o, "positions", (double)s->positions);
    cJSON_AddNumberToObject(o, "epoch", (double)s->epoch);
    cli_add_number(o, "seconds", s->seconds);
    cli_add_number(o, "seconds_left", seconds_left);
    print_object(t, o);
}

// What somebody at the screen made of it since the step before.
static void obey(struct job *t, const struct ppt_step *s) {
    double factor = training_stepped(t->training, s->step, t->settings.run.steps, s->rate,
                                     (double)s->examples / s->seconds);
    if (factor == 1)
        return;
    ppt_trainer_scale_rate(t->trainer, factor);
    cJSON *o = cli_event("rate", s->step);
    cli_add_number(o, "rate", s->rate * factor);
    print_object(t, o);
}

// A line or more, each of a terminal's width: "  no 81 % (0.512), maybe 40 % (1.103), yes 66 % (0.787)", or
// by the number of options where that varies.
static void shares(const struct job *t, const struct ppt_score *s, char *out, size_t size) {
    enum { WIDE = 79, ENTRY = 64 };
    static const char head[] = "  right (loss): ";
    const struct verbalizer *v = ppt_trainer_words(t->trainer);
    size_t n = (size_t)snprintf(out, size, "%s", head), column = n, entries = 0;
    bool options = t->settings.task == PPT_UNIFIED;
    for (size_t k = 0; k <= TASK_MOST_OPTIONS && n + ENTRY + sizeof head < size; k++) {
        char name[32], entry[ENTRY];
        size_t all = options ? s->with_options[k] : k < v->classes ? s->all.of_class[k] : 0;
        size_t right = options ? s->right[k] : k < v->classes ? s->all.correct_class[k] : 0;
        if (!all)
            continue;
        if (options)
            snprintf(name, sizeof name, "%zu options", k);
        else
            snprintf(name, sizeof name, "%.20s", v->label[k].name);
        size_t length = (size_t)snprintf(entry, sizeof entry, "%s %.0f %% (%.3f)", name,
                                         100.0 * (double)right / (double)all,
                                         options ? s->options_loss[k] : s->class_loss[k]);
        bool wraps = entries && column + 2 + length > WIDE;
        column = (wraps ? sizeof head - 1 : column + (entries ? 2 : 0)) + length;
        n += (size_t)snprintf(out + n, size - n, "%s%s",
                              !entries ? ""
                              : wraps  ? ",\n                "
                                       : ", ",
                              entry);
        entries++;
    }
}

static void tell_validation(struct job *t) {
    const struct ppt_validation *v = &t->last;
    char by[1024];
    shares(t, &v->score, by, sizeof by);
    cli_progress_say(&t->progress, true, "step %zu/%zu  validation loss %.4f%s, %.1f %% of %zu right\n%s",
                     v->step, t->settings.run.steps, v->score.all.loss, v->best ? " (best)" : "",
                     100 * v->score.all.accuracy, v->score.all.examples, by);
    cJSON *o = cli_event("validation", v->step);
    cJSON_AddBoolToObject(o, "best", v->best);
    cJSON_AddItemToObject(o, "score", score_object(t->trainer, &v->score));
    print_object(t, o);
}

// ---- settings ----

// Settings of a tuning run that pre-training has no use for: nothing is drawn from a task's examples.
static bool has_meaning(const char *name) {
    static const char *const none[] = {"method", "shots", "total_shots", "dev_from_train", "own"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(name, none[i]) == 0)
            return false;
    return true;
}

// Options that the task would pass over.
static bool check_task_options(const struct arguments *r, enum ppt_task task, struct error *e) {
    const char *of_cls = r->classifier         ? "classifier"
                         : r->labels           ? "labels"
                         : r->sure             ? "sure"
                         : r->most != SIZE_MAX ? "label-most"
                                               : NULL;
    return task == PPT_CLS || !of_cls ||
           error_set(e, ERROR_INPUT, "--%s is for --task cls; %s makes its examples from the text alone",
                     of_cls, ppt_task_name(task));
}

static bool read_settings(struct job *t, struct error *e) {
    const struct arguments *r = t->r;
    enum ppt_task task;
    enum preset preset = PRESET_CLEAN;
    t->usage = true; // until all of it was understood
    if (!r->task || !ppt_task_find(r->task, &task))
        return error_set(e, ERROR_INPUT, "say what to learn with --task nsp, nss, unified or cls%s%s%s",
                         r->task ? ", not \"" : "", r->task ? r->task : "", r->task ? "\"" : "");
    if (!check_task_options(r, task, e))
        return false;
    if (r->preset && !preset_find(&preset, r->preset, e))
        return false;
    struct ppt_settings *s = &t->settings;
    *s = ppt_settings_default(task, preset == PRESET_PAPER_CODE);
    s->vectors = r->vectors != SIZE_MAX ? r->vectors : s->vectors;
    s->validation = r->validation != SIZE_MAX ? r->validation : s->validation;
    s->test = r->test != SIZE_MAX ? r->test : s->test;
    s->micro_batch = r->micro_batch != SIZE_MAX ? r->micro_batch : s->micro_batch;
    if (!s->vectors || !s->validation)
        return error_set(e, ERROR_INPUT, "--%s is a number from 1 up", s->vectors ? "validation" : "vectors");
    for (size_t i = 0; i < r->set.count; i++) {
        char name[64];
        const char *equals = strchr(r->set.value[i], '=');
        snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - r->set.value[i]) : 0, r->set.value[i]);
        if (equals && !has_meaning(name))
            return error_set(e, ERROR_INPUT,
                             "--set %s: pre-training draws no examples of a task; leave it out",
                             r->set.value[i]);
        if (!equals || !run_settings_set(&s->run, name, equals + 1, e))
            return equals ? false
                          : error_set(e, ERROR_INPUT, "--set takes NAME=VALUE, not \"%s\"", r->set.value[i]);
    }
    bool long_words = r->words && strlen(r->words) >= sizeof s->label_words;
    if (long_words || (r->template_text && strlen(r->template_text) >= sizeof s->template_text))
        return error_set(e, ERROR_INPUT, "--%s is too long", long_words ? "words" : "template");
    snprintf(s->template_text, sizeof s->template_text, "%s", r->template_text ? r->template_text : "");
    snprintf(s->label_words, sizeof s->label_words, "%s", r->words ? r->words : "");
    t->usage = false;
    return true;
}

// ---- what is needed ----

static char *with_ending(const char *path, const char *ending, struct error *e) {
    size_t n = strlen(path), s = sizeof ".safetensors" - 1;
    struct buffer b = {0};
    buffer_add(&b, path, n > s && strcmp(path + n - s, ".safetensors") == 0 ? n - s : n);
    buffer_add_text(&b, ending);
    return buffer_take(&b, e);
}

static bool make_paths(struct job *t, struct error *e) {
    t->out = with_ending(t->r->out, ".safetensors", e);
    t->checkpoint = with_ending(t->r->out, ".run.safetensors", e);
    t->card = with_ending(t->r->out, ".json", e);
    t->label_path = t->r->labels ? mem_strdup(t->r->labels, e) : with_ending(t->r->out, ".labels.jsonl", e);
    return t->out && t->checkpoint && t->card && t->label_path;
}

// A folder, or the name of a shipped model; the shipped one when nothing is said.
static bool find_model(struct job *t, const char *what, struct error *e) {
    t->model_folder = session_find_model(what, e);
    return t->model_folder && model_load(&t->model, t->model_folder, e) &&
           tokenizer_load(&t->tokenizer, t->model_folder, e);
}

static bool open_corpus(struct job *t, const char *const *paths, size_t count, const char *layout,
                        struct error *e) {
    enum corpus_layout kind = CORPUS_AUTO;
    if (layout && !corpus_layout_find(layout, &kind))
        return error_set(e, ERROR_INPUT, "--layout is auto, sentences, paragraphs or lines, not \"%s\"",
                         layout);
    return corpus_open(&t->corpus, paths, count, kind, e);
}

static bool create_trainer(struct job *t, struct error *e) {
    bool labelled = t->settings.task == PPT_CLS;
    if (t->settings.run.start == START_FILE && !prompt_file_read(&t->start, t->settings.run.start_file, e))
        return false;
    const struct ppt_parts parts = {.model = t->model,
                                    .tokenizer = t->tokenizer,
                                    .corpus = labelled ? NULL : t->corpus,
                                    .labels = labelled ? &t->labels : NULL,
                                    .pool = t->pool,
                                    .start_vectors = t->start.value,
                                    .start_count = t->start.rows};
    return ppt_trainer_create(&t->trainer, &parts, &t->settings, e);
}

// ---- labelled sentences for cls ----

static bool take_labels(struct job *t, struct error *e) {
    const struct arguments *r = t->r;
    const struct cli_labelling l = {.classifier = r->classifier,
                                    .path = t->label_path,
                                    .sure = r->sure,
                                    .most = r->most != SIZE_MAX ? r->most : 0,
                                    .seed = t->settings.run.seed,
                                    .overwrite = r->overwrite,
                                    .corpus = t->corpus,
                                    .pool = t->pool,
                                    .cancel = t->cancel,
                                    .progress = &t->progress};
    char levels[160];
    if (!r->classifier && !r->labels)
        return error_set(
            e, ERROR_INPUT,
            "cls needs --classifier SESSION, a tuned session of a task with five levels, or --labels FILE");
    if (!(r->classifier ? cli_labels_make(&t->labels, &l, e) : ppt_labels_read(&t->labels, t->label_path, e)))
        return false;
    cli_labels_print(levels, sizeof levels, &t->labels);
    cli_progress_say(&t->progress, true, "%zu labelled sentences in %s: %s", t->labels.count, t->label_path,
                     levels);
    cJSON *o = cli_event("labels", 0), *list = cJSON_AddArrayToObject(o, "of_level");
    for (size_t k = 0; k < PPT_LEVELS; k++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)t->labels.of_level[k]));
    print_object(t, o);
    return true;
}

// ---- a new run, and going on ----

static bool describe(struct job *t, struct error *e) {
    cJSON *o = cJSON_CreateObject(), *paths = cJSON_AddArrayToObject(o, "corpus");
    for (size_t i = 0; i < t->r->corpus.count; i++) {
        char *full = realpath(t->r->corpus.value[i], NULL);
        cJSON_AddItemToArray(paths, cJSON_CreateString(full ? full : t->r->corpus.value[i]));
        free(full);
    }
    char *model = realpath(t->model_folder, NULL), *labels = realpath(t->label_path, NULL);
    cJSON_AddStringToObject(o, "layout",
                            t->corpus ? corpus_layout_name(corpus_layout_of(t->corpus)) : "auto");
    cJSON_AddStringToObject(o, "model", model ? model : t->model_folder);
    cJSON_AddStringToObject(o, "labels", labels ? labels : "");
    free(model);
    free(labels);
    t->kept = json_print(o, false, e);
    cJSON_Delete(o);
    return t->kept != NULL;
}

// What is made must have a place before an hour is spent on it.
static bool make_folder(const char *file, struct error *e) {
    const char *slash = strrchr(file, '/');
    char *folder = slash && slash > file ? mem_strndup(file, (size_t)(slash - file), e) : NULL;
    bool ok = !slash || slash == file || (folder && file_make_folders(folder, e));
    free(folder);
    return ok;
}

// The run that --overwrite is to replace: stopped before it keeps anything, the new one must not leave the
// old one to be resumed in its name. Not before all was understood, so that a mistake in a name costs
// nothing.
static bool forget_old(const struct job *t, struct error *e) {
    return remove(t->checkpoint) == 0 || errno == ENOENT ||
           error_set(e, ERROR_INPUT, "%s, the run that is to be replaced, cannot be removed: %s",
                     t->checkpoint, strerror(errno));
}

static bool begin(struct job *t, struct error *e) {
    const struct arguments *r = t->r;
    bool cls = r->task && strcmp(r->task, "cls") == 0;
    if (!read_settings(t, e))
        return false;
    t->usage = !r->corpus.count && !(cls && r->labels && !r->classifier);
    if (t->usage)
        return error_set(e, ERROR_INPUT, "name the text with --corpus FILE");
    if ((file_exists(t->out) || file_exists(t->checkpoint)) && !r->overwrite)
        return error_set(e, ERROR_INPUT,
                         "%s is there already; go on with --resume, take another name, or say --overwrite",
                         file_exists(t->out) ? t->out : t->checkpoint);
    return make_folder(t->out, e) && find_model(t, r->model, e) &&
           (!r->corpus.count || open_corpus(t, r->corpus.value, r->corpus.count, r->layout, e)) &&
           (!cls || (forget_old(t, e) && take_labels(t, e))) && create_trainer(t, e) && forget_old(t, e) &&
           describe(t, e);
}

static bool reopen(struct job *t, struct error *e) {
    const char *paths[CLI_MOST_VALUES], *layout = NULL, *model = NULL, *labels = NULL;
    const cJSON *list = NULL, *entry;
    size_t count = 0;
    cJSON *o = json_parse(t->kept, strlen(t->kept), e);
    bool ok = o && json_get_array(o, "corpus", true, &list, e) &&
              json_get_string(o, "layout", true, &layout, e) &&
              json_get_string(o, "model", true, &model, e) && json_get_string(o, "labels", true, &labels, e);
    cJSON_ArrayForEach(entry, list) if (ok && cJSON_IsString(entry) && count < CLI_MOST_VALUES)
        paths[count++] = entry->valuestring;
    ok = ok && find_model(t, model, e) && (!count || open_corpus(t, paths, count, layout, e)) &&
         (t->settings.task != PPT_CLS || ppt_labels_read(&t->labels, labels, e));
    cJSON_Delete(o);
    return ok;
}

static bool go_on(struct job *t, struct error *e) {
    const struct arguments *r = t->r;
    struct ppt_record record;
    if (r->task || r->model || r->preset || r->corpus.count || r->template_text || r->words ||
        r->classifier || r->labels || r->layout || r->sure || r->most != SIZE_MAX || r->vectors != SIZE_MAX ||
        r->validation != SIZE_MAX || r->test != SIZE_MAX || r->micro_batch != SIZE_MAX || r->overwrite)
        return error_set(
            e, ERROR_INPUT,
            "--resume goes on with what the run was begun with; only --out, --threads, --json, --screen and "
            "--set steps=N can be given");
    if (!file_exists(t->checkpoint))
        return error_set(e, ERROR_INPUT, "%s is missing: there is no run to go on with", t->checkpoint);
    if (!ppt_checkpoint_look(&record, t->checkpoint, e))
        return false;
    t->settings = record.settings;
    t->kept = record.kept;
    for (size_t i = 0; i < r->set.count; i++)
        if (strncmp(r->set.value[i], "steps=", 6) != 0 ||
            !run_settings_set(&t->settings.run, "steps", r->set.value[i] + 6, e))
            return e->kind != ERROR_NONE ? false
                                         : error_set(e, ERROR_INPUT,
                                                     "--set %s: only steps can change in a run that "
                                                     "is resumed",
                                                     r->set.value[i]);
    if (t->settings.run.steps < record.step) // it would end at once, and not as the run of so few steps
        return error_set(e, ERROR_INPUT, "the run in %s has made %zu steps; steps=%zu is less: give more",
                         t->checkpoint, record.step, t->settings.run.steps);
    return reopen(t, e) && create_trainer(t, e) &&
           ppt_checkpoint_load(t->checkpoint, t->trainer, t->settings.task == PPT_CLS ? NULL : t->corpus, e);
}

// ---- the run ----

static bool save(struct job *t, struct error *e) {
    const struct corpus *corpus = t->settings.task == PPT_CLS ? NULL : t->corpus;
    if (!ppt_checkpoint_write(t->checkpoint, t->trainer, corpus, t->kept, e))
        return false;
    t->saved_at = clock_seconds();
    print_object(t, cli_event("checkpoint", ppt_trainer_steps(t->trainer)));
    return true;
}

static bool train(struct job *t, struct error *e) {
    t->began = t->saved_at = clock_seconds();
    t->busy = 0;
    t->first_step = ppt_trainer_steps(t->trainer);
    for (;;) {
        struct ppt_step s;
        if (ppt_trainer_validation_due(t->trainer)) {
            if (!ppt_trainer_validate(t->trainer, t->cancel, &t->last, e))
                return false;
            t->validated = true;
            tell_validation(t);
        }
        bool done = ppt_trainer_done(t->trainer);
        if ((done || clock_seconds() - t->saved_at > SAVE_EVERY) && !save(t, e))
            return false;
        if (done)
            return true;
        if (!ppt_trainer_step(t->trainer, t->cancel, &s, e))
            return false;
        tell_step(t, &s);
        if (t->training)
            obey(t, &s);
    }
}

static bool write_card(struct job *t, const struct ppt_score *test, double best_loss, size_t best_step,
                       struct error *e) {
    char value[RUN_SETTING_TEXT];
    cJSON *o = cJSON_CreateObject(), *settings = NULL;
    const char *slash = strrchr(t->model_folder, '/');
    cJSON_AddStringToObject(o, "task", ppt_task_name(t->settings.task));
    cJSON_AddStringToObject(o, "model", slash ? slash + 1 : t->model_folder);
    cJSON_AddStringToObject(o, "template", ppt_trainer_template(t->trainer));
    cJSON_AddNumberToObject(o, "vectors", (double)ppt_trainer_vectors(t->trainer));
    cJSON_AddNumberToObject(o, "step", (double)best_step);
    cli_add_number(o, "validation_loss", best_loss);
    if (t->validated)
        cJSON_AddItemToObject(o, "last_validation", score_object(t->trainer, &t->last.score));
    if (test)
        cJSON_AddItemToObject(o, "test", score_object(t->trainer, test));
    settings = cJSON_AddObjectToObject(o, "settings");
    for (size_t i = 0; i < run_setting_count; i++)
        if (run_settings_get(&t->settings.run, run_setting_table[i].name, value, sizeof value))
            cJSON_AddStringToObject(settings, run_setting_table[i].name, value);
    char *text = json_print(o, true, e);
    bool ok = text && file_write_atomic(t->card, text, strlen(text), e);
    free(text);
    cJSON_Delete(o);
    return ok;
}

static bool finish(struct job *t, struct error *e) {
    double loss = NAN;
    size_t step = 0;
    struct ppt_score test;
    const float *best = ppt_trainer_best(t->trainer, &loss, &step);
    struct error why = {0};
    bool tested = ppt_trainer_test(t->trainer, t->cancel, &test, &why);
    if (!tested && why.kind == ERROR_CANCELLED) { // resumed, it is tested
        *e = why;
        return false;
    }
    const struct prompt_matrix prompt = {.value = (float *)(best ? best : ppt_trainer_prompt(t->trainer)),
                                         .rows = ppt_trainer_vectors(t->trainer),
                                         .columns = ppt_trainer_width(t->trainer)};
    const char *slash = strrchr(t->model_folder, '/');
    if (!prompt_file_write(t->out, &prompt, slash ? slash + 1 : t->model_folder, e) ||
        !write_card(t, tested ? &test : NULL, loss, step, e))
        return false;
    remove(t->checkpoint);
    t->progress.silent = false; // also on a screen: it is there to be read when the screen is gone
    cli_progress_say(&t->progress, true, "%s holds the prompt of step %zu: validation loss %.4f%s", t->out,
                     step, loss, tested ? "" : "; nothing was held back for a test");
    if (tested)
        cli_progress_say(&t->progress, true, "test (text not seen before): loss %.4f, %.1f %% of %zu right",
                         test.all.loss, 100 * test.all.accuracy, test.all.examples);
    t->progress.silent = t->training != NULL;
    cJSON *o = cli_event("done", ppt_trainer_steps(t->trainer));
    cJSON_AddStringToObject(o, "prompt", t->out);
    cJSON_AddNumberToObject(o, "best_step", (double)step);
    cli_add_number(o, "validation_loss", loss);
    if (tested)
        cJSON_AddItemToObject(o, "test", score_object(t->trainer, &test));
    cli_add_number(o, "seconds", clock_seconds() - t->began);
    print_object(t, o);
    return true;
}

// How it ended before its end; one that was asked to stop is kept.
static bool stop(struct job *t, struct error *e) {
    bool stopped = e->kind == ERROR_CANCELLED;
    size_t made = t->trainer ? ppt_trainer_steps(t->trainer) : 0;
    struct error why = {0};
    if (stopped && made && !save(t, &why)) {
        *e = why;
        stopped = false;
    }
    cJSON *o = cli_event(stopped ? "stopped" : "failed", made);
    if (!stopped)
        cJSON_AddStringToObject(o, "message", e->text);
    print_object(t, o);
    return false;
}

static void say_stop(struct job *t, const struct error *e) {
    size_t made = t->trainer ? ppt_trainer_steps(t->trainer) : 0;
    cli_progress_clear(&t->progress);
    if (e->kind != ERROR_CANCELLED)
        cli_complain("pretrain", e->text); // the last checkpoint stands
    else if (!made && t->r->classifier && t->labels.count)
        cli_progress_say(
            &t->progress, true,
            "stopped before the first step; go on with the labelled sentences, --labels %s in place "
            "of --classifier %s",
            t->label_path, t->r->classifier);
    else if (!made)
        cli_progress_say(&t->progress, true, "stopped before the first step; nothing is kept of the run");
    else
        cli_progress_say(&t->progress, true,
                         "stopped after step %zu; go on with: prompter pretrain --resume --out %s", made,
                         t->r->out);
}

static void release(struct job *t) {
    ppt_trainer_free(t->trainer);
    ppt_labels_free(&t->labels);
    prompt_matrix_free(&t->start);
    model_free(t->model);
    tokenizer_free(t->tokenizer);
    corpus_close(t->corpus);
    free(t->model_folder);
    free(t->kept);
    t->trainer = NULL;
    t->labels = (struct ppt_labels){0};
    t->start = (struct prompt_matrix){0};
    t->model = NULL;
    t->tokenizer = NULL;
    t->corpus = NULL;
    t->model_folder = t->kept = NULL;
}

static void close_all(struct job *t) {
    release(t);
    thread_pool_free(t->pool);
    cli_log_close(t->log);
    free(t->out);
    free(t->checkpoint);
    free(t->card);
    free(t->label_path);
}

static bool open_run(struct job *t, struct error *e) {
    char *log = training_log_path(t->out, e);
    size_t threads = t->r->threads ? t->r->threads : thread_count_available();
    bool ok =
        log && (t->pool || thread_pool_create(&t->pool, threads, e)) && (t->r->resume ? go_on : begin)(t, e);
    if (ok)
        t->log = cli_log_open(log, !t->r->resume);
    else
        release(t);
    free(log);
    if (ok)
        tell_open(t);
    return ok;
}

// From where it is to the end; once more after it was stopped.
static bool work(struct job *t, struct error *e) {
    return ((t->trainer || open_run(t, e)) && train(t, e) && finish(t, e)) || stop(t, e);
}

static bool work_for_screen(void *context, struct training *training, struct error *e) {
    struct job *t = context;
    t->training = training;
    t->cancel = training_cancel(training);
    training_note(training, "reading the text and the model");
    return work(t, e);
}

// The screen's end is the training's: it is kept.
static int work_on_screen(struct job *t, struct error *e) {
    struct training *training;
    struct training_state state;
    t->progress.silent = true;
    if (!training_start(&training, work_for_screen, t, e))
        return CLI_FAILED;
    int status = cli_workbench_training(training, t->out);
    training_end(training, &state);
    training_free(training);
    t->progress.silent = false;
    *e = state.error;
    return state.phase == TRAINING_FAILED ? CLI_FAILED : status;
}

static int run_all(const struct arguments *r) {
    struct error e = {0};
    struct job t = {.r = r};
    int status = CLI_FAILED;
    gemm_prepare();
    bool ok = make_paths(&t, &e);
    if (ok && r->screen) {
        status = work_on_screen(&t, &e);
    } else if (ok) {
        t.cancel = cli_listen_to_signals(1);
        status = work(&t, &e) ? CLI_OK : CLI_FAILED;
    }
    if (e.kind != ERROR_NONE)
        say_stop(&t, &e);
    close_all(&t);
    return cli_finish("pretrain", t.usage ? CLI_USAGE : status);
}

static int run_pretrain(int argc, char **argv) {
    struct arguments r = {.vectors = SIZE_MAX,
                          .validation = SIZE_MAX,
                          .test = SIZE_MAX,
                          .micro_batch = SIZE_MAX,
                          .most = SIZE_MAX};
    const struct cli_option options[] = {
        {.name = "task", .argument = "NAME", .help = "nsp, nss, unified or cls", .text = &r.task},
        {.name = "corpus",
         .argument = "FILE",
         .help = "text to learn from; more files may follow",
         .list = &r.corpus},
        {.name = "out", .argument = "FILE", .help = "the prompt that is made (.safetensors)", .text = &r.out},
        {.name = "model",
         .argument = "DIR",
         .help = "a T5 model's folder (default: the shipped one)",
         .text = &r.model},
        {.name = "preset",
         .argument = "NAME",
         .help = "clean (default) or paper-code: loss, pattern, rate and start of the paper's code",
         .text = &r.preset},
        {.name = "set",
         .argument = "NAME=VALUE",
         .help = "a setting as in tuning: rate, steps, batch, seed, start, ... (may be repeated)",
         .list = &r.set},
        {.name = "vectors", .argument = "N", .help = "soft vectors (100)", .number = &r.vectors},
        {.name = "template",
         .argument = "TEXT",
         .help = "another pattern; {text_a}, {text_b}, {options}, {mask}",
         .text = &r.template_text},
        {.name = "words",
         .argument = "TEXT",
         .help = "other label words, e.g. \"no; maybe; yes\"",
         .text = &r.words},
        {.name = "layout",
         .argument = "NAME",
         .help = "of the corpus: sentences (one a line), paragraphs, lines (a document each), auto",
         .text = &r.layout},
        {.name = "validation",
         .argument = "N",
         .help = "examples held back for validation (1024)",
         .number = &r.validation},
        {.name = "test", .argument = "N", .help = "examples held back for a test (1024)", .number = &r.test},
        {.name = "micro-batch",
         .argument = "N",
         .help = "examples at once; less needs less memory (16)",
         .number = &r.micro_batch},
        {.name = "classifier",
         .argument = "SESSION",
         .help = "cls: a tuned session of five levels that labels the corpus",
         .text = &r.classifier},
        {.name = "labels",
         .argument = "FILE",
         .help = "cls: labelled sentences that are there already (or where to write them)",
         .text = &r.labels},
        {.name = "label-most",
         .argument = "N",
         .help = "cls: most sentences of each level (20000)",
         .number = &r.most},
        {.name = "sure",
         .argument = "P,P,P,P,P",
         .help = "cls: what the classifier has to be sure of, by level (0.95,0.5,0.5,0.5,0.7)",
         .text = &r.sure},
        {.name = "resume", .help = "go on with the run of --out", .flag = &r.resume},
        {.name = "overwrite", .help = "begin anew where there is a prompt or a run", .flag = &r.overwrite},
        {.name = "screen",
         .help = "watch it on the workbench's Run screen, and hold it there",
         .flag = &r.screen},
        {.name = "json", .help = "JSON objects on standard output, one a line", .flag = &r.json},
        {.name = "threads",
         .argument = "N",
         .help = "threads to use (default: all processors)",
         .number = &r.threads},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_pretrain, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    for (size_t i = 0; i < count && r.corpus.count < CLI_MOST_VALUES; i++)
        r.corpus.value[r.corpus.count++] = argv[i];
    if (!r.out) {
        cli_complain("pretrain", "name the prompt's file with --out FILE; see prompter pretrain --help");
        return CLI_USAGE;
    }
    if (r.screen && (r.json || !cli_workbench_has_terminal())) {
        cli_complain("pretrain", r.json ? "--json and --screen both want standard output"
                                        : "--screen needs a terminal; without one leave it out");
        return CLI_USAGE;
    }
    return run_all(&r);
}

const struct cli_command cli_pretrain = {
    .name = "pretrain",
    .operands = "--task NAME --corpus FILE ... --out FILE",
    .summary = "Pre-train a soft prompt on plain text (PPT).",
    .details = "nsp: is the second sentence next, of the same document, or of another? nss: which of six "
               "options is next?\n"
               "unified: the same with 2 to 16 options. cls: five levels of sentiment, by a classifier of "
               "your own. The prompt\n"
               "of the lowest validation loss is kept in FILE, with a card beside it (.json). A run is kept "
               "every minute;\n"
               "Ctrl-C keeps it at once, and --resume goes on as if nothing had happened. --screen shows its "
               "curves and lets\n"
               "you pause, step, stop and change the rate. Tune with it by\n"
               ":set start file and :set start_file FILE.",
    .example = "  $ prompter pretrain --task nsp --corpus stories.txt --out nsp --set steps=1000",
    .most = CLI_MOST_VALUES,
    .run = run_pretrain,
};

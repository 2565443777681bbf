// SPDX-License-Identifier: GPL-3.0-or-later
// What prompter pretrain says of a run: lines of progress, and objects for programs and the log.
#include "cli_pretrain_inside.h"

#include <stdio.h>

#include "engine/pretrain/ppt_checkpoint.h"
#include "engine/tune/preset.h"
#include "tui/cli_labels.h"

void pretrain_print_object(const struct pretrain_job *t, cJSON *take) {
    cli_log_object(t->log, take);
    if (t->r->json)
        cli_print_object(take);
    else
        cJSON_Delete(take);
}

// ---- telling ----

cJSON *pretrain_score_object(const struct ppt_trainer *t, const struct ppt_score *s) {
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

// A text that has fewer examples to hold back than was asked for: figures of few say little.
static void tell_held_back(struct pretrain_job *t) {
    size_t validation = ppt_trainer_held_back(t->trainer), test = ppt_trainer_test_examples(t->trainer);
    static const char all[] = "%s: %zu examples are held back, all that the text has";
    if (validation < t->settings.validation)
        cli_progress_say(&t->progress, true, all, "validation", validation);
    if (test && test < t->settings.test)
        cli_progress_say(&t->progress, true, all, "test", test);
    if (!test && t->settings.test)
        cli_progress_say(&t->progress, true, "test: the text is too small to hold anything back");
}

void pretrain_tell_open(struct pretrain_job *t) {
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
    cJSON_AddNumberToObject(o, "validation_examples", (double)ppt_trainer_held_back(t->trainer));
    cJSON_AddNumberToObject(o, "test_examples", (double)ppt_trainer_test_examples(t->trainer));
    cli_progress_say(
        &t->progress, true,
        "%s: %zu vectors of %zu in \"%s\", %s loss; rate %g in the model's own embedding scale, which is "
        "%g in that of the paper's code%s",
        ppt_task_name(t->settings.task), ppt_trainer_vectors(t->trainer), ppt_trainer_width(t->trainer),
        ppt_trainer_template(t->trainer), s->loss == LOSS_CLEAN ? "clean" : "paper-code", s->rate,
        s->rate / PAPER_CODE_SCALE, ppt_trainer_steps(t->trainer) ? "; resumed" : "");
    tell_held_back(t);
    pretrain_print_object(t, o);
}

void pretrain_tell_step(struct pretrain_job *t, const struct ppt_step *s) {
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
    pretrain_print_object(t, o);
}

// A line or more, each of a terminal's width: "  no 81 % (0.512), maybe 40 % (1.103), yes 66 % (0.787)", or
// by the number of options where that varies.
static void shares(const struct pretrain_job *t, const struct ppt_score *s, char *out, size_t size) {
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

void pretrain_tell_validation(struct pretrain_job *t) {
    const struct ppt_validation *v = &t->last;
    char by[1024];
    shares(t, &v->score, by, sizeof by);
    cli_progress_say(&t->progress, true, "step %zu/%zu  validation loss %.4f%s, %.1f %% of %zu right\n%s",
                     v->step, t->settings.run.steps, v->score.all.loss, v->best ? " (best)" : "",
                     100 * v->score.all.accuracy, v->score.all.examples, by);
    cJSON *o = cli_event("validation", v->step);
    cJSON_AddBoolToObject(o, "best", v->best);
    cJSON_AddItemToObject(o, "score", pretrain_score_object(t->trainer, &v->score));
    pretrain_print_object(t, o);
}

void pretrain_tell_labels(struct pretrain_job *t) {
    char levels[160];
    cli_labels_print(levels, sizeof levels, &t->labels);
    cli_progress_say(&t->progress, true, "%zu labelled sentences in %s: %s", t->labels.count, t->label_path,
                     levels);
    cJSON *o = cli_event("labels", 0), *list = cJSON_AddArrayToObject(o, "of_level");
    for (size_t k = 0; k < PPT_LEVELS; k++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)t->labels.of_level[k]));
    pretrain_print_object(t, o);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// prompter pretrain: a soft prompt learns a family of tasks from plain text. Progress goes to stderr; with
// --json one object a line to stdout: {"event": "open" | "step" | "validation" | "labels" | "checkpoint" |
// "done", ...}.
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
#include "sessions/prompt_file.h"
#include "sessions/training_log.h"
#include "tui/cli_options.h"
#include "tui/cli_pretrain_inside.h"
#include "tui/cli_progress.h"
#include "tui/cli_workbench.h"

#define SAVE_EVERY 60.0 // seconds

// What somebody at the screen made of it since the step before.
static void obey(struct pretrain_job *t, const struct ppt_step *s) {
    double factor = training_stepped(t->training, s->step, t->settings.run.steps, s->rate,
                                     (double)s->examples / s->seconds);
    if (factor == 1)
        return;
    ppt_trainer_scale_rate(t->trainer, factor);
    cJSON *o = cli_event("rate", s->step);
    cli_add_number(o, "rate", s->rate * factor);
    pretrain_print_object(t, o);
}

// ---- the run ----

static bool save(struct pretrain_job *t, struct error *e) {
    const struct corpus *corpus = t->settings.task == PPT_CLS ? NULL : t->corpus;
    if (!ppt_checkpoint_write(t->checkpoint, t->trainer, corpus, t->kept, e))
        return false;
    t->saved_at = clock_seconds();
    pretrain_print_object(t, cli_event("checkpoint", ppt_trainer_steps(t->trainer)));
    return true;
}

static bool train(struct pretrain_job *t, struct error *e) {
    t->began = t->saved_at = clock_seconds();
    t->busy = 0;
    t->first_step = ppt_trainer_steps(t->trainer);
    for (;;) {
        struct ppt_step s;
        if (ppt_trainer_validation_due(t->trainer)) {
            if (!ppt_trainer_validate(t->trainer, t->cancel, &t->last, e))
                return false;
            t->validated = true;
            pretrain_tell_validation(t);
        }
        bool done = ppt_trainer_done(t->trainer);
        if ((done || clock_seconds() - t->saved_at > SAVE_EVERY) && !save(t, e))
            return false;
        if (done)
            return true;
        if (!ppt_trainer_step(t->trainer, t->cancel, &s, e))
            return false;
        pretrain_tell_step(t, &s);
        if (t->training)
            obey(t, &s);
    }
}

static bool write_card(struct pretrain_job *t, const struct ppt_score *test, double best_loss,
                       size_t best_step, struct error *e) {
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
        cJSON_AddItemToObject(o, "last_validation", pretrain_score_object(t->trainer, &t->last.score));
    if (test)
        cJSON_AddItemToObject(o, "test", pretrain_score_object(t->trainer, test));
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

static bool finish(struct pretrain_job *t, struct error *e) {
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
        cJSON_AddItemToObject(o, "test", pretrain_score_object(t->trainer, &test));
    cli_add_number(o, "seconds", clock_seconds() - t->began);
    pretrain_print_object(t, o);
    return true;
}

// How it ended before its end; one that was asked to stop is kept.
static bool stop(struct pretrain_job *t, struct error *e) {
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
    pretrain_print_object(t, o);
    return false;
}

static void say_stop(struct pretrain_job *t, const struct error *e) {
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

static void close_all(struct pretrain_job *t) {
    pretrain_release(t);
    thread_pool_free(t->pool);
    cli_log_close(t->log);
    free(t->out);
    free(t->checkpoint);
    free(t->card);
    free(t->label_path);
}

static bool open_run(struct pretrain_job *t, struct error *e) {
    char *log = training_log_path(t->out, e);
    size_t threads = t->r->threads ? t->r->threads : thread_count_available();
    bool ok = log && (t->pool || thread_pool_create(&t->pool, threads, e)) &&
              (t->r->resume ? pretrain_resume : pretrain_begin)(t, e);
    if (ok)
        t->log = cli_log_open(log, !t->r->resume);
    else
        pretrain_release(t);
    free(log);
    if (ok)
        pretrain_tell_open(t);
    return ok;
}

// From where it is to the end; once more after it was stopped.
static bool work(struct pretrain_job *t, struct error *e) {
    return ((t->trainer || open_run(t, e)) && train(t, e) && finish(t, e)) || stop(t, e);
}

static bool work_for_screen(void *context, struct training *training, struct error *e) {
    struct pretrain_job *t = context;
    t->training = training;
    t->cancel = training_cancel(training);
    training_note(training, "reading the text and the model");
    return work(t, e);
}

// The screen's end is the training's: it is kept.
static int work_on_screen(struct pretrain_job *t, struct error *e) {
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

static char *with_ending(const char *path, const char *ending, struct error *e) {
    size_t n = strlen(path), s = sizeof ".safetensors" - 1;
    struct buffer b = {0};
    buffer_add(&b, path, n > s && strcmp(path + n - s, ".safetensors") == 0 ? n - s : n);
    buffer_add_text(&b, ending);
    return buffer_take(&b, e);
}

static bool make_paths(struct pretrain_job *t, struct error *e) {
    t->out = with_ending(t->r->out, ".safetensors", e);
    t->checkpoint = with_ending(t->r->out, ".run.safetensors", e);
    t->card = with_ending(t->r->out, ".json", e);
    t->label_path = t->r->labels ? mem_strdup(t->r->labels, e) : with_ending(t->r->out, ".labels.jsonl", e);
    return t->out && t->checkpoint && t->card && t->label_path;
}

static int run_all(const struct pretrain_arguments *r) {
    struct error e = {0};
    struct pretrain_job t = {.r = r};
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
    struct pretrain_arguments r = {.vectors = SIZE_MAX,
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
         .help = "clean (default) or paper-code: all as in the paper's code, from loss to rates",
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
         .help = "most examples held back for validation (1024)",
         .number = &r.validation},
        {.name = "test",
         .argument = "N",
         .help = "most examples held back for a test (1024)",
         .number = &r.test},
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

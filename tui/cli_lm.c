// SPDX-License-Identifier: GPL-3.0-or-later
// prompter lm: a T5 from nothing, or a T5 trained further, on plain text. Progress goes to stderr; with
// --json one object a line to stdout: {"event": "open" | "step" | "validation" | "checkpoint" | "done", ...}.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/pretrain/lm_run.h"
#include "engine/pretrain/training.h"
#include "sessions/session.h"
#include "sessions/training_log.h"
#include "tui/cli_options.h"
#include "tui/cli_progress.h"
#include "tui/cli_workbench.h"

struct arguments {
    struct cli_values corpus;
    const char *model, *tokenizer, *out, *recipe, *layout, *keep_words, *dtype;
    const char *value[LM_MOST_SETTINGS]; // of the table, as given
    bool resume, overwrite, json, keep_checkpoint, screen;
    size_t threads;
};

struct output {
    bool json;
    struct cli_progress progress;
    struct cli_log *log;
    struct training *training; // NULL: without a screen
    struct lm_run *run;        // NULL until it is open
    double began;
    struct lm_validation last;
    bool validated;
    double tokens_per_s;
};

// ---- output ----

static void print_object(const struct output *out, cJSON *take) {
    cli_log_object(out->log, take);
    if (out->json)
        cli_print_object(take);
    else
        cJSON_Delete(take);
}

static void tell_step(struct output *out, const struct lm_event *event) {
    const struct lm_step *s = &event->step;
    char left[32], validation[48] = "";
    cli_duration(event->seconds_left, left, sizeof left);
    if (out->validated)
        snprintf(validation, sizeof validation, "  validation %.4f", out->last.loss);
    cli_progress_say(&out->progress, s->step == event->steps,
                     "step %zu/%zu  loss %.4f%s  %.0f tokens/s  %s left", s->step, event->steps, s->loss,
                     validation, event->tokens_per_s, left);
    if (!out->json && !out->log)
        return;
    cJSON *o = cli_event("step", s->step);
    cli_add_number(o, "loss", s->loss);
    cli_add_number(o, "rate", s->rate);
    cli_add_number(o, "gradient_norm", s->gradient_norm);
    cli_add_number(o, "update_norm", s->update_norm);
    cJSON_AddNumberToObject(o, "tokens", (double)s->tokens);
    cJSON_AddNumberToObject(o, "targets", (double)s->targets);
    cJSON_AddNumberToObject(o, "examples", (double)s->examples);
    cJSON_AddNumberToObject(o, "epoch", (double)s->epoch);
    cli_add_number(o, "seconds", s->seconds);
    cli_add_number(o, "gflop", s->gflop);
    cli_add_number(o, "tokens_per_s", event->tokens_per_s);
    cli_add_number(o, "seconds_left", event->seconds_left);
    print_object(out, o);
}

// What somebody at the screen made of it since the step before.
static void obey(struct output *out, const struct lm_event *event) {
    double rate = event->step.rate;
    double factor = training_stepped(out->training, event->made, event->steps, rate, event->tokens_per_s);
    if (factor == 1)
        return;
    lm_run_scale_rate(out->run, factor);
    cJSON *o = cli_event("rate", event->made);
    cli_add_number(o, "rate", rate * factor);
    print_object(out, o);
}

static void tell_validation(struct output *out, const struct lm_event *event) {
    const struct lm_validation *v = &event->validation;
    char text[256];
    int n = snprintf(text, sizeof text, "step %zu/%zu  validation loss %.4f, %.1f %% of %zu tokens right;",
                     v->step, event->steps, v->loss, 100 * v->accuracy, v->targets);
    cJSON *o = cli_event("validation", v->step), *kinds = cJSON_AddObjectToObject(o, "loss_by_objective");
    out->last = *v;
    out->validated = true;
    cli_add_number(o, "loss", v->loss);
    cli_add_number(o, "accuracy", v->accuracy);
    cJSON_AddNumberToObject(o, "targets", (double)v->targets);
    cJSON_AddNumberToObject(o, "examples", (double)v->examples);
    for (int k = 0; k < LM_KINDS; k++) {
        if (isnan(v->kind_loss[k]))
            continue;
        cli_add_number(kinds, lm_kind_name((enum lm_kind)k), v->kind_loss[k]);
        n += snprintf(text + n, sizeof text - (size_t)n, " %s %.3f", lm_kind_name((enum lm_kind)k),
                      v->kind_loss[k]);
    }
    cli_add_number(o, "seconds", v->seconds);
    cli_progress_say(&out->progress, true, "%s", text);
    print_object(out, o);
}

static void tell(void *context, const struct lm_event *event) {
    struct output *out = context;
    out->tokens_per_s = event->tokens_per_s;
    if (event->kind == LM_PREPARING)
        cli_progress_say(&out->progress, true, "%s", event->text);
    else if (event->kind == LM_STEPPED)
        tell_step(out, event);
    if (out->training && event->kind == LM_PREPARING)
        training_note(out->training, event->text);
    else if (out->training && event->kind == LM_STEPPED)
        obey(out, event);
    else if (event->kind == LM_VALIDATED)
        tell_validation(out, event);
    else if (event->kind == LM_KEPT)
        print_object(out, cli_event("checkpoint", event->made));
}

static void say_open(const struct lm_facts *f) {
    const struct t5_config *c = &f->config;
    fprintf(stderr, "model   %zu parameters: d_model %zu, d_ff %zu, %zu heads of %zu, %zu + %zu layers, %s\n",
            f->parameters, c->d_model, c->d_ff, c->num_heads, c->d_kv, c->num_layers, c->num_decoder_layers,
            f->tied ? "head tied" : "head of its own");
    fprintf(stderr, "text    %.1f MB, read as %s; %zu examples held back; vocabulary of %zu pieces\n",
            f->corpus_bytes / 1e6, corpus_layout_name(f->layout), f->validation_examples, f->vocabulary);
    if (!f->validation_examples && f->settings.validation > 0)
        fprintf(
            stderr,
            "        too few documents to hold %g of them back: no validation loss; a larger --validation "
            "gives one\n",
            f->settings.validation);
    fprintf(stderr, "run     %zu steps%s; %zu thread%s\n", f->settings.steps,
            f->first_step ? ", resumed" : "", f->threads, f->threads == 1 ? "" : "s");
}

static void tell_open(struct output *out, const struct lm_facts *f) {
    cJSON *o = cli_event("open", f->first_step);
    cJSON_AddNumberToObject(o, "steps", (double)f->settings.steps);
    cJSON_AddNumberToObject(o, "parameters", (double)f->parameters);
    cJSON_AddNumberToObject(o, "corpus_bytes", f->corpus_bytes);
    cJSON_AddStringToObject(o, "layout", corpus_layout_name(f->layout));
    cJSON_AddNumberToObject(o, "vocabulary", (double)f->vocabulary);
    cJSON_AddNumberToObject(o, "validation_examples", (double)f->validation_examples);
    cJSON_AddNumberToObject(o, "threads", (double)f->threads);
    cJSON_AddItemToObject(o, "settings", lm_settings_json(&f->settings));
    print_object(out, o);
}

static void say_done(const struct arguments *a, const struct lm_run *run) {
    struct corpus_counts n = lm_run_counts(run);
    fprintf(stderr, "%s holds the model (%s)\n", a->out, dtype_name(lm_run_facts(run)->type));
    if (n.replaced)
        fprintf(stderr, "%llu bytes of the corpus are no UTF-8; they were read as U+FFFD\n",
                (unsigned long long)n.replaced);
}

static void tell_done(const struct output *out, const struct arguments *a, const struct lm_run *run) {
    struct corpus_counts n = lm_run_counts(run);
    cJSON *o = cli_event("done", lm_run_made(run));
    cJSON_AddStringToObject(o, "model", a->out);
    cli_add_number(o, "seconds", clock_seconds() - out->began);
    cli_add_number(o, "tokens_per_s", out->tokens_per_s);
    cli_add_number(o, "validation_loss", out->validated ? out->last.loss : NAN);
    cJSON_AddNumberToObject(o, "documents", (double)n.documents);
    cJSON_AddNumberToObject(o, "replaced_bytes", (double)n.replaced);
    cJSON_AddNumberToObject(o, "cut_documents", (double)n.cut);
    print_object(out, o);
}

// ---- what is asked for ----

static bool find_dtype(const char *name, enum dtype *out, struct error *e) {
    static const char *const names[] = {[DTYPE_F32] = "f32", [DTYPE_F16] = "f16", [DTYPE_BF16] = "bf16"};
    for (int i = DTYPE_F32; i <= DTYPE_BF16; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        *out = (enum dtype)i;
        return true;
    }
    return error_set(e, ERROR_INPUT, "--dtype is bf16, f16 or f32, not \"%s\"", name);
}

static bool read_settings(const struct arguments *a, struct lm_settings *s, bool changes[], struct error *e) {
    for (size_t i = 0; i < lm_setting_count; i++) {
        changes[i] = a->value[i] != NULL;
        if (!changes[i])
            continue;
        if (a->resume && !lm_setting_table[i].any_time)
            return error_set(e, ERROR_INPUT, "--%s cannot be changed in a run that is resumed",
                             lm_setting_table[i].name);
        if (a->model && lm_setting_is_of_new_model(i))
            return error_set(e, ERROR_INPUT,
                             "--%s is for a new model; one that is trained further (--model) keeps its own",
                             lm_setting_table[i].name);
        if (!lm_settings_set(s, i, a->value[i], e))
            return false;
    }
    return a->resume || lm_settings_check(s, e);
}

// The request, and the mistakes that the command line alone shows.
static bool read_request(const struct arguments *a, struct lm_request *r, bool changes[], struct error *e) {
    enum lm_recipe recipe = a->model ? LM_ADAPT : LM_SMALL;
    *r = (struct lm_request){.out = a->out,
                             .corpus = a->corpus.value,
                             .corpora = a->corpus.count,
                             .model = a->model,
                             .tokenizer = a->tokenizer,
                             .keep_words = a->keep_words,
                             .type = DTYPE_BF16,
                             .overwrite = a->overwrite,
                             .keep_checkpoint = a->keep_checkpoint,
                             .threads = a->threads};
    if (!a->out)
        return error_set(e, ERROR_INPUT, "name the model's folder with --out DIR; see prompter lm --help");
    if (a->resume && (a->corpus.count || a->model || a->tokenizer || a->recipe || a->layout ||
                      a->keep_words || a->dtype || a->overwrite))
        return error_set(
            e, ERROR_INPUT,
            "--resume goes on with what the run was begun with; only --steps, --validation-every, "
            "--save-every, --keep-checkpoint, --json and --threads can be given");
    if (a->screen && (a->json || !cli_workbench_has_terminal()))
        return error_set(
            e, ERROR_INPUT,
            a->json ? "--json and --screen both want standard output; DIR/training.jsonl has the events"
                    : "--screen needs a terminal; without one leave it out");
    if (!a->resume && !a->corpus.count)
        return error_set(e, ERROR_INPUT, "name the text with --corpus FILE; see prompter lm --help");
    if (a->recipe && !lm_recipe_find(a->recipe, &recipe))
        return error_set(e, ERROR_INPUT, "--recipe is small, hugging-face or adapt, not \"%s\"", a->recipe);
    if (a->layout && !corpus_layout_find(a->layout, &r->layout))
        return error_set(e, ERROR_INPUT, "--layout is auto, sentences, paragraphs or lines, not \"%s\"",
                         a->layout);
    if (a->model && (a->tokenizer || a->keep_words))
        return error_set(
            e, ERROR_INPUT,
            "a model that is trained further keeps its vocabulary: no --tokenizer, no --keep-words");
    if (a->tokenizer && a->keep_words)
        return error_set(e, ERROR_INPUT,
                         "--keep-words is for a vocabulary that is trained; the one of --tokenizer stays as "
                         "it is");
    r->settings = lm_settings_recipe(recipe);
    return (!a->dtype || find_dtype(a->dtype, &r->type, e)) && read_settings(a, &r->settings, changes, e);
}

// ---- the command ----

static void tell_end(const struct output *out, const struct error *e) {
    bool stopped = e->kind == ERROR_CANCELLED;
    cJSON *o = cli_event(stopped ? "stopped" : "failed", out->run ? lm_run_made(out->run) : 0);
    if (!stopped)
        cJSON_AddStringToObject(o, "message", e->text);
    print_object(out, o);
}

static void say_end(struct output *out, const struct arguments *a, const struct error *e) {
    const struct lm_run *run = out->run;
    if (e->kind != ERROR_CANCELLED) {
        cli_progress_clear(&out->progress);
        cli_complain("lm", e->text);
    } else if (!run || !lm_run_made(run)) {
        cli_progress_say(&out->progress, true, "stopped before the first step; nothing is kept");
    } else {
        cli_progress_say(&out->progress, true,
                         "stopped after step %zu; go on with: prompter lm --resume --out %s",
                         lm_run_made(run), a->out);
    }
}

struct job {
    const struct arguments *a;
    struct lm_request request;
    bool changes[LM_MOST_SETTINGS];
    struct output out;
};

static bool open_run(struct job *j, struct error *e) {
    struct lm_listener listener = {tell, &j->out};
    char *log = NULL;
    if (!(j->a->resume ? lm_run_resume(&j->out.run, &j->request, j->changes, &listener, e)
                       : lm_run_begin(&j->out.run, &j->request, &listener, e)) ||
        !(log = training_log_path(j->a->out, e)))
        return false;
    j->out.log = cli_log_open(log, !j->a->resume);
    free(log);
    tell_open(&j->out, lm_run_facts(j->out.run));
    return true;
}

// From where it is to the end; once more after it was stopped.
static bool work(struct job *j, const atomic_bool *cancel, struct error *e) {
    struct output *out = &j->out;
    bool ok = out->run || open_run(j, e);
    if (ok && !out->training)
        say_open(lm_run_facts(out->run));
    ok = ok && lm_run_go(out->run, cancel, e);
    if (ok)
        tell_done(out, j->a, out->run);
    else
        tell_end(out, e);
    return ok;
}

static bool work_for_screen(void *context, struct training *t, struct error *e) {
    struct job *j = context;
    j->out.training = t;
    return work(j, training_cancel(t), e);
}

// The screen's end is the training's: it is kept.
static int train_on_screen(struct job *j, struct error *e) {
    struct training *t;
    struct training_state state;
    if (!training_start(&t, work_for_screen, j, e))
        return CLI_FAILED;
    j->out.progress.silent = true;
    int status = cli_workbench_training(t, j->a->out);
    training_end(t, &state);
    training_free(t);
    j->out.progress.silent = false;
    *e = state.error;
    return state.phase == TRAINING_FAILED ? CLI_FAILED : status;
}

static int train(const struct arguments *a) {
    struct error e = {0};
    struct job j = {.a = a, .out = {.json = a->json, .began = clock_seconds()}};
    int status = CLI_OK;
    char *model = NULL;
    if (!read_request(a, &j.request, j.changes, &e)) {
        cli_complain("lm", e.text);
        return CLI_USAGE;
    }
    if (a->model && !(model = session_find_model(a->model, &e))) {
        cli_complain("lm", e.text);
        return CLI_FAILED;
    }
    j.request.model = model;
    if (a->screen)
        status = train_on_screen(&j, &e);
    else if (!work(&j, cli_listen_to_signals(1), &e))
        status = CLI_FAILED;
    if (e.kind == ERROR_NONE && j.out.run)
        say_done(a, j.out.run);
    else
        say_end(&j.out, a, &e);
    cli_log_close(j.out.log);
    lm_run_free(j.out.run);
    free(model);
    return cli_finish("lm", status);
}

// Behind each setting's help what the recipes take.
static const char *help_of(size_t i) {
    static char text[LM_MOST_SETTINGS][224];
    char value[3][64];
    for (int recipe = LM_SMALL; recipe <= LM_ADAPT; recipe++) {
        struct lm_settings s = lm_settings_recipe((enum lm_recipe)recipe);
        lm_settings_get(&s, i, value[recipe], sizeof value[recipe]);
    }
    size_t n = (size_t)snprintf(text[i], sizeof text[i], "%s [%s", lm_setting_table[i].help, value[LM_SMALL]);
    if (strcmp(value[LM_HUGGING_FACE], value[LM_SMALL]) != 0)
        n += (size_t)snprintf(text[i] + n, sizeof text[i] - n, "; hugging-face %s", value[LM_HUGGING_FACE]);
    if (strcmp(value[LM_ADAPT], value[LM_SMALL]) != 0)
        n += (size_t)snprintf(text[i] + n, sizeof text[i] - n, "; adapt %s", value[LM_ADAPT]);
    snprintf(text[i] + n, sizeof text[i] - n, "]");
    return text[i];
}

static int run_lm(int argc, char **argv) {
    static struct arguments r;
    struct cli_option options[16 + LM_MOST_SETTINGS] = {
        {.name = "corpus",
         .argument = "FILE",
         .help = "text to learn from; more files may follow",
         .list = &r.corpus},
        {.name = "out", .argument = "DIR", .help = "the folder of the model that is made", .text = &r.out},
        {.name = "model",
         .argument = "DIR",
         .help = "train this model further (LM adaptation): a folder, or a shipped model's name",
         .text = &r.model},
        {.name = "resume", .help = "go on with the run in --out", .flag = &r.resume},
        {.name = "recipe",
         .argument = "NAME",
         .help =
             "what the settings below begin with: small (a new model), hugging-face, adapt (with --model)",
         .text = &r.recipe},
        {.name = "layout",
         .argument = "NAME",
         .help = "of the corpus: sentences (one a line), paragraphs, lines (a document each), auto",
         .text = &r.layout},
        {.name = "tokenizer",
         .argument = "FILE",
         .help = "use this spiece.model instead of training one",
         .text = &r.tokenizer},
        {.name = "keep-words",
         .argument = "A,B,...",
         .help = "words that must be one piece each",
         .text = &r.keep_words},
        {.name = "dtype",
         .argument = "TYPE",
         .help = "of the weights written: bf16, f16, f32",
         .text = &r.dtype},
        {.name = "overwrite",
         .help = "begin anew in a folder that has a model or a run",
         .flag = &r.overwrite},
        {.name = "keep-checkpoint",
         .help = "leave checkpoint.safetensors beside the finished model",
         .flag = &r.keep_checkpoint},
        {.name = "screen",
         .help = "watch it on the workbench's Run screen, and hold it there",
         .flag = &r.screen},
        {.name = "json", .help = "JSON objects on standard output, one a line", .flag = &r.json},
        {.name = "threads",
         .argument = "N",
         .help = "threads to use (default: all processors)",
         .number = &r.threads},
    };
    size_t count = 0;
    int status;
    while (options[count].name)
        count++;
    for (size_t i = 0; i < lm_setting_count; i++)
        options[count++] = (struct cli_option){.name = lm_setting_table[i].name,
                                               .argument = lm_setting_table[i].argument,
                                               .help = help_of(i),
                                               .text = &r.value[i]};
    size_t operands;
    if (!cli_parse(&cli_lm, options, count, argc, argv, &operands, &status))
        return status;
    for (size_t i = 0; i < operands && r.corpus.count < CLI_MOST_VALUES; i++)
        r.corpus.value[r.corpus.count++] = argv[i];
    return train(&r);
}

const struct cli_command cli_lm = {
    .name = "lm",
    .operands = "--corpus FILE ... --out DIR",
    .summary = "Train a T5 from nothing on text, or a T5 further (LM adaptation).",
    .details =
        "The corpus is UTF-8 text: documents separated by blank lines, a sentence a line (or whole "
        "paragraphs). A new\n"
        "model gets a vocabulary trained on it. Progress is on standard error. The run is kept in DIR "
        "every few minutes;\n"
        "Ctrl-C keeps it at once, and --resume goes on as if nothing had happened. DIR then is an "
        "ordinary model folder\n"
        "in Hugging Face layout. --screen shows its curves and lets you pause, step, stop and change "
        "the rate;\n"
        ":watch DIR in the workbench shows those of a run that goes on elsewhere. In brackets: what the "
        "recipe small\n"
        "takes, and the others where they differ.",
    .example = "  $ prompter lm --corpus stories.txt --out tiny --vocabulary 4000 --steps 5000\n"
               "  $ prompter lm --corpus news.txt --model t5-v1_1-small --out t5-lm --steps 500\n"
               "  $ prompter lm --out t5-lm --resume --screen",
    .most = CLI_MOST_VALUES,
    .run = run_lm,
};

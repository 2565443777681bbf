// SPDX-License-Identifier: GPL-3.0-or-later
// prompter lm: a T5 from nothing, or a T5 trained further, on plain text. Progress goes to stderr; with
// --json one object a line to stdout: {"event": "open" | "step" | "validation" | "checkpoint" | "done", ...}.
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/model/model_write.h"
#include "engine/pretrain/lm_checkpoint.h"
#include "engine/pretrain/lm_start.h"
#include "engine/pretrain/lm_vocabulary.h"
#include "tui/cli_options.h"

static atomic_bool cancel;
static volatile sig_atomic_t asked;

// The first stops the step and keeps a checkpoint; the second ends the program at once: files are whole at
// any moment.
static void ask_to_stop(int number) {
    if (++asked > 1)
        _exit(128 + number);
    atomic_store(&cancel, true);
}

struct request {
    struct cli_values corpus;
    const char *model, *tokenizer, *out, *recipe, *layout, *keep_words, *dtype;
    const char *value[LM_MOST_SETTINGS]; // of the table, as given
    bool resume, overwrite, json, keep_checkpoint;
    size_t threads;
};

struct training {
    const struct request *r;
    struct lm_settings settings;
    struct corpus *corpus;
    struct tokenizer *tokenizer;
    struct model *model;
    struct thread_pool *pool;
    struct lm_trainer *trainer;
    enum dtype type;
    char *checkpoint, *kept; // the path, and what is kept in it of this command
    bool terminal;
    double began, told_at, saved_at, busy; // busy: seconds in steps
    size_t first_step, tokens;             // of this call
    struct lm_validation last;
    bool validated;
};

// ---- output ----

static void add_number(cJSON *o, const char *name, double value) {
    if (isfinite(value))
        cJSON_AddNumberToObject(o, name, value);
    else
        cJSON_AddNullToObject(o, name);
}

static void print_object(const struct training *t, cJSON *take) {
    struct error e = {0};
    char *text = t->r->json ? json_print(take, false, &e) : NULL;
    if (text && (puts(text) < 0 || fflush(stdout) != 0))
        atomic_store(&cancel, true); // nobody reads any more, or the disk is full
    free(text);
    cJSON_Delete(take);
}

static cJSON *event(const char *name, size_t step) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "event", name);
    cJSON_AddNumberToObject(o, "step", (double)step);
    return o;
}

static void say(struct training *t, bool end, const char *text) {
    double now = clock_seconds();
    if (!end && now - t->told_at < (t->terminal ? 0.2 : 10.0))
        return;
    t->told_at = now;
    fprintf(stderr, t->terminal ? "\r\033[K%s%s" : "%s%s", text, end || !t->terminal ? "\n" : "");
}

static void duration(double seconds, char *out, size_t size) {
    if (seconds < 100)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(out, size, "%.0f min", seconds / 60);
    else
        snprintf(out, size, "%.1f h", seconds / 3600);
}

static void tell_step(struct training *t, const struct lm_step *s) {
    char text[256], left[32], validation[48] = "";
    double rate = t->busy > 0 ? (double)t->tokens / t->busy : 0;
    size_t made = s->step - t->first_step, total = t->settings.steps;
    double seconds = (clock_seconds() - t->began) / (double)made * (double)(total - s->step);
    duration(seconds, left, sizeof left);
    if (t->validated)
        snprintf(validation, sizeof validation, "  validation %.4f", t->last.loss);
    snprintf(text, sizeof text, "step %zu/%zu  loss %.4f%s  %.0f tokens/s  %s left", s->step, total, s->loss,
             validation, rate, left);
    say(t, s->step == total, text);
    cJSON *o = event("step", s->step);
    add_number(o, "loss", s->loss);
    add_number(o, "rate", s->rate);
    add_number(o, "gradient_norm", s->gradient_norm);
    add_number(o, "update_norm", s->update_norm);
    cJSON_AddNumberToObject(o, "tokens", (double)s->tokens);
    cJSON_AddNumberToObject(o, "targets", (double)s->targets);
    cJSON_AddNumberToObject(o, "examples", (double)s->examples);
    cJSON_AddNumberToObject(o, "epoch", (double)s->epoch);
    add_number(o, "seconds", s->seconds);
    add_number(o, "gflop", s->gflop);
    add_number(o, "tokens_per_s", rate);
    print_object(t, o);
}

static void tell_validation(struct training *t) {
    const struct lm_validation *v = &t->last;
    char text[256];
    int n = snprintf(text, sizeof text, "step %zu/%zu  validation loss %.4f, %.1f %% of %zu tokens right;",
                     v->step, t->settings.steps, v->loss, 100 * v->accuracy, v->targets);
    cJSON *o = event("validation", v->step), *kinds = cJSON_AddObjectToObject(o, "loss_by_objective");
    add_number(o, "loss", v->loss);
    add_number(o, "accuracy", v->accuracy);
    cJSON_AddNumberToObject(o, "targets", (double)v->targets);
    cJSON_AddNumberToObject(o, "examples", (double)v->examples);
    for (int k = 0; k < LM_KINDS; k++) {
        if (isnan(v->kind_loss[k]))
            continue;
        add_number(kinds, lm_kind_name((enum lm_kind)k), v->kind_loss[k]);
        n += snprintf(text + n, sizeof text - (size_t)n, " %s %.3f", lm_kind_name((enum lm_kind)k),
                      v->kind_loss[k]);
    }
    add_number(o, "seconds", v->seconds);
    say(t, true, text);
    print_object(t, o);
}

static void tell_open(const struct training *t) {
    const struct t5_config *c = &t->model->config;
    size_t step = lm_trainer_steps(t->trainer);
    fprintf(stderr,
            "%zu parameters (d_model %zu, d_ff %zu, %zu heads of %zu, %zu + %zu layers, vocabulary %zu), %s; "
            "corpus of "
            "%.1f MB as %s, %zu validation examples; %zu threads%s\n",
            t->model->parameters, c->d_model, c->d_ff, c->num_heads, c->d_kv, c->num_layers,
            c->num_decoder_layers, c->vocab_size,
            t->model->head == t->model->embedding ? "head tied" : "head of its own",
            (double)corpus_bytes(t->corpus) / 1e6, corpus_layout_name(corpus_layout_of(t->corpus)),
            lm_trainer_validation_examples(t->trainer), thread_pool_size(t->pool), step ? "; resumed" : "");
    cJSON *o = event("open", step);
    cJSON_AddNumberToObject(o, "parameters", (double)t->model->parameters);
    cJSON_AddNumberToObject(o, "corpus_bytes", (double)corpus_bytes(t->corpus));
    cJSON_AddStringToObject(o, "layout", corpus_layout_name(corpus_layout_of(t->corpus)));
    cJSON_AddNumberToObject(o, "vocabulary", (double)tokenizer_pieces(t->tokenizer));
    cJSON_AddNumberToObject(o, "validation_examples", (double)lm_trainer_validation_examples(t->trainer));
    cJSON_AddNumberToObject(o, "threads", (double)thread_pool_size(t->pool));
    cJSON_AddItemToObject(o, "settings", lm_settings_json(&t->settings));
    print_object(t, o);
}

// ---- settings and files ----

static bool read_settings(struct training *t, struct error *e) {
    const struct request *r = t->r;
    enum lm_recipe recipe = r->model ? LM_ADAPT : LM_SMALL;
    if (r->recipe && !lm_recipe_find(r->recipe, &recipe))
        return error_set(e, ERROR_INPUT, "--recipe is small, hugging-face or adapt, not \"%s\"", r->recipe);
    t->settings = lm_settings_recipe(recipe);
    for (size_t i = 0; i < lm_setting_count; i++)
        if (r->value[i] && !lm_settings_set(&t->settings, i, r->value[i], e))
            return error_context(e, "--%s", lm_setting_table[i].name);
    return lm_settings_check(&t->settings, e);
}

static bool find_dtype(const char *name, enum dtype *out, struct error *e) {
    *out = name && strcmp(name, "f32") == 0   ? DTYPE_F32
           : name && strcmp(name, "f16") == 0 ? DTYPE_F16
                                              : DTYPE_BF16;
    return !name || *out != DTYPE_BF16 || strcmp(name, "bf16") == 0 ||
           error_set(e, ERROR_INPUT, "--dtype is bf16, f16 or f32, not \"%s\"", name);
}

// What a resumed run needs to find everything again.
static bool describe(struct training *t, struct error *e) {
    cJSON *o = cJSON_CreateObject(), *paths = cJSON_AddArrayToObject(o, "corpus");
    for (size_t i = 0; i < t->r->corpus.count; i++) {
        char *full = realpath(t->r->corpus.value[i], NULL);
        cJSON_AddItemToArray(paths, cJSON_CreateString(full ? full : t->r->corpus.value[i]));
        free(full);
    }
    cJSON_AddStringToObject(o, "layout", corpus_layout_name(corpus_layout_of(t->corpus)));
    cJSON_AddStringToObject(o, "dtype", t->r->dtype ? t->r->dtype : "bf16");
    t->kept = json_print(o, false, e);
    cJSON_Delete(o);
    return t->kept != NULL;
}

static bool open_corpus(struct training *t, const char *const *paths, size_t count, const char *layout,
                        struct error *e) {
    enum corpus_layout kind = CORPUS_AUTO;
    if (layout && !corpus_layout_find(layout, &kind))
        return error_set(e, ERROR_INPUT, "there is no layout \"%s\"", layout);
    return corpus_open(&t->corpus, paths, count, kind, e);
}

// ---- a new run ----

static bool check_folder(const struct training *t, struct error *e) {
    const char *const names[] = {"model.safetensors", "checkpoint.safetensors"};
    for (size_t i = 0; i < 2; i++) {
        char *path = path_join(t->r->out, names[i], e);
        bool there = path && file_exists(path);
        free(path);
        if (there && !t->r->overwrite)
            return error_set(
                e, ERROR_INPUT,
                "%s has a %s already; go on with --resume, take another folder, or say --overwrite",
                t->r->out, names[i]);
    }
    return file_make_folders(t->r->out, e);
}

static bool make_vocabulary(struct training *t, char **bytes, size_t *length, struct error *e) {
    struct lm_vocabulary_settings v = {.pieces = t->settings.vocabulary,
                                       .keep = t->r->keep_words,
                                       .to = 1 - t->settings.validation,
                                       .seed = t->settings.seed};
    if (t->r->tokenizer) {
        char *path = file_is_folder(t->r->tokenizer) ? path_join(t->r->tokenizer, "spiece.model", e)
                                                     : mem_strdup(t->r->tokenizer, e);
        bool ok = path && file_read(path, (size_t)256 << 20, bytes, length, e);
        free(path);
        return ok;
    }
    say(t, true, "training the vocabulary");
    return lm_vocabulary_train(bytes, length, t->corpus, &v, e);
}

static bool load_tokenizer(struct training *t, struct error *e) {
    return tokenizer_load(&t->tokenizer, t->r->out, e);
}

static bool make_new_model(struct training *t, struct error *e) {
    char *bytes = NULL;
    size_t length = 0;
    bool ok = make_vocabulary(t, &bytes, &length, e) && model_write_tokenizer(bytes, length, t->r->out, e) &&
              load_tokenizer(t, e);
    free(bytes);
    if (!ok)
        return false;
    size_t ids = (tokenizer_ids(t->tokenizer) + 63) / 64 * 64; // whole tiles of the head
    struct t5_config c = lm_start_config(&t->settings, ids);
    return model_write_config(&c, t->settings.tied, 0, t->type, t->r->out, e) &&
           lm_start_model(&t->model, &c, &t->settings, e);
}

static bool take_model(struct training *t, struct error *e) {
    char *bytes = NULL, *path = path_join(t->r->model, "spiece.model", e);
    size_t length = 0;
    bool ok = path && model_load(&t->model, t->r->model, e) &&
              tokenizer_load(&t->tokenizer, t->r->model, e) &&
              file_read(path, (size_t)256 << 20, &bytes, &length, e) &&
              model_write_tokenizer(bytes, length, t->r->out, e) &&
              model_copy_config(t->r->model, t->r->out, t->type, e);
    free(bytes);
    free(path);
    return ok;
}

static bool begin(struct training *t, struct error *e) {
    const struct request *r = t->r;
    if (!open_corpus(t, r->corpus.value, r->corpus.count, r->layout, e) || !check_folder(t, e) ||
        !describe(t, e) || !(r->model ? take_model : make_new_model)(t, e))
        return false;
    struct lm_parts parts = {t->model, t->tokenizer, t->corpus, t->pool};
    return lm_trainer_create(&t->trainer, &parts, &t->settings, e);
}

// ---- going on ----

// Of the table, only what may change in a run; the rest is as it was.
static bool only_changes(const struct request *r, struct error *e) {
    if (r->corpus.count || r->model || r->tokenizer || r->recipe || r->layout || r->keep_words || r->dtype)
        return error_set(
            e, ERROR_INPUT,
            "--resume goes on with what the run was begun with; only --steps, --validation-every, "
            "--save-every and --threads can be given");
    for (size_t i = 0; i < lm_setting_count; i++) {
        if (r->value[i] && !lm_setting_table[i].any_time)
            return error_set(e, ERROR_INPUT, "--%s cannot be changed in a run that is resumed",
                             lm_setting_table[i].name);
    }
    return true;
}

static bool apply_changes(struct training *t, struct error *e) {
    const struct request *r = t->r;
    for (size_t i = 0; i < lm_setting_count; i++) {
        if (r->value[i] && !lm_settings_set(&t->settings, i, r->value[i], e))
            return error_context(e, "--%s", lm_setting_table[i].name);
    }
    return true;
}

static bool reopen_corpus(struct training *t, struct error *e) {
    const char *paths[CLI_MOST_VALUES], *layout = NULL, *type = NULL;
    const cJSON *list = NULL, *entry;
    size_t count = 0;
    cJSON *o = json_parse(t->kept, strlen(t->kept), e);
    bool ok = o && json_get_array(o, "corpus", true, &list, e) &&
              json_get_string(o, "layout", true, &layout, e) && json_get_string(o, "dtype", true, &type, e) &&
              find_dtype(type, &t->type, e);
    cJSON_ArrayForEach(entry, list) if (ok && cJSON_IsString(entry) && count < CLI_MOST_VALUES)
        paths[count++] = entry->valuestring;
    ok = ok && open_corpus(t, paths, count, layout, e);
    cJSON_Delete(o);
    return ok;
}

// What a killed run was writing.
static void remove_unfinished(const struct training *t) {
    static const char begins[] = "checkpoint.safetensors.tmp.";
    DIR *folder = opendir(t->r->out);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, begins, sizeof begins - 1) == 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
}

static bool go_on(struct training *t, struct error *e) {
    struct lm_record record;
    struct t5_config c;
    if (!file_exists(t->checkpoint))
        return error_set(
            e, ERROR_INPUT,
            "%s is missing: there is no run to go on with in this folder (a finished one leaves no "
            "checkpoint, unless --keep-checkpoint was given)",
            t->checkpoint);
    remove_unfinished(t);
    if (!lm_checkpoint_look(&record, t->checkpoint, e))
        return false;
    t->settings = record.settings;
    t->kept = record.kept;
    record.kept = NULL;
    bool ok = apply_changes(t, e) && lm_settings_check(&t->settings, e) && reopen_corpus(t, e) &&
              load_tokenizer(t, e) && t5_config_read(&c, t->r->out, e) &&
              model_create(&t->model, &c, record.tied, e);
    lm_checkpoint_release(&record);
    struct lm_parts parts = {t->model, t->tokenizer, t->corpus, t->pool};
    return ok && lm_trainer_create(&t->trainer, &parts, &t->settings, e) &&
           lm_checkpoint_load(t->checkpoint, t->trainer, t->corpus, e);
}

// ---- the run ----

static bool save(struct training *t, struct error *e) {
    if (!lm_checkpoint_write(t->checkpoint, t->trainer, t->corpus, t->kept, e))
        return false;
    t->saved_at = clock_seconds();
    print_object(t, event("checkpoint", lm_trainer_steps(t->trainer)));
    return true;
}

static bool validate(struct training *t, struct error *e) {
    if (!lm_trainer_validation_examples(t->trainer))
        return true;
    if (!lm_trainer_validate(t->trainer, &cancel, &t->last, e))
        return false;
    t->validated = true;
    tell_validation(t);
    return true;
}

static bool train(struct training *t, struct error *e) {
    size_t every = t->settings.validation_every;
    t->began = t->saved_at = clock_seconds();
    t->first_step = lm_trainer_steps(t->trainer);
    while (!lm_trainer_done(t->trainer)) {
        struct lm_step s;
        if (!lm_trainer_step(t->trainer, &cancel, &s, e))
            return false;
        t->tokens += s.tokens;
        t->busy += s.seconds;
        tell_step(t, &s);
        bool last = lm_trainer_done(t->trainer);
        if ((last || (every && s.step % every == 0)) && !validate(t, e))
            return false;
        if ((last || clock_seconds() - t->saved_at > (double)t->settings.save_seconds) && !save(t, e))
            return false;
    }
    return true;
}

static bool finish(struct training *t, struct error *e) {
    struct corpus_counts n = lm_trainer_counts(t->trainer);
    if (!model_write_weights(t->model, t->r->out, t->type, e))
        return false;
    if (!t->r->keep_checkpoint)
        remove(t->checkpoint);
    fprintf(stderr, "%s holds the model (%s)%s\n", t->r->out, dtype_name(t->type),
            n.replaced ? "; the corpus has bytes that are no UTF-8" : "");
    cJSON *o = event("done", lm_trainer_steps(t->trainer));
    cJSON_AddStringToObject(o, "model", t->r->out);
    add_number(o, "seconds", clock_seconds() - t->began);
    add_number(o, "tokens_per_s", t->busy > 0 ? (double)t->tokens / t->busy : NAN);
    add_number(o, "validation_loss", t->validated ? t->last.loss : NAN);
    cJSON_AddNumberToObject(o, "documents", (double)n.documents);
    cJSON_AddNumberToObject(o, "replaced_bytes", (double)n.replaced);
    cJSON_AddNumberToObject(o, "cut_documents", (double)n.cut);
    print_object(t, o);
    return true;
}

// A run that was asked to stop, or cannot go on: what it has is kept.
static void stop(struct training *t, const struct error *why) {
    struct error e = {0};
    char text[256];
    if (why->kind != ERROR_CANCELLED)
        return; // the last checkpoint stands
    if (!t->trainer || lm_trainer_steps(t->trainer) == 0) {
        say(t, true, "stopped before the first step; nothing is kept");
        return;
    }
    if (!save(t, &e)) {
        cli_complain("lm", e.text);
        return;
    }
    snprintf(text, sizeof text, "stopped after step %zu; go on with: prompter lm --resume --out %s",
             lm_trainer_steps(t->trainer), t->r->out);
    say(t, true, text);
}

static void close_all(struct training *t) {
    lm_trainer_free(t->trainer);
    model_free(t->model);
    tokenizer_free(t->tokenizer);
    corpus_close(t->corpus);
    thread_pool_free(t->pool);
    free(t->checkpoint);
    free(t->kept);
}

static void listen_to_signals(void) {
    struct sigaction action = {.sa_handler = ask_to_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

// What can be told to be a mistake from the command line alone.
static bool check_usage(struct training *t, struct error *e) {
    const struct request *r = t->r;
    enum corpus_layout layout;
    if (!r->out)
        return error_set(e, ERROR_INPUT, "name the model's folder with --out DIR; see prompter lm --help");
    if (r->resume)
        return only_changes(r, e);
    if (!r->corpus.count)
        return error_set(e, ERROR_INPUT, "name the text with --corpus FILE; see prompter lm --help");
    if (r->layout && !corpus_layout_find(r->layout, &layout))
        return error_set(e, ERROR_INPUT, "--layout is auto, sentences, paragraphs or lines, not \"%s\"",
                         r->layout);
    if (r->model && (r->tokenizer || r->keep_words))
        return error_set(
            e, ERROR_INPUT,
            "a model that is trained further keeps its vocabulary: no --tokenizer, no --keep-words");
    return read_settings(t, e) && find_dtype(r->dtype, &t->type, e);
}

static int run_all(const struct request *r) {
    struct error e = {0};
    struct training t = {.r = r, .terminal = isatty(STDERR_FILENO)};
    if (!check_usage(&t, &e)) {
        cli_complain("lm", e.text);
        return CLI_USAGE;
    }
    size_t threads = r->threads ? r->threads : thread_count_available();
    listen_to_signals();
    t.checkpoint = path_join(r->out, "checkpoint.safetensors", &e);
    bool ok = t.checkpoint && thread_pool_create(&t.pool, threads, &e) && (r->resume ? go_on : begin)(&t, &e);
    if (ok)
        tell_open(&t);
    ok = ok && train(&t, &e) && finish(&t, &e);
    if (!ok && e.kind != ERROR_CANCELLED)
        cli_complain("lm", e.text);
    if (!ok)
        stop(&t, &e);
    close_all(&t);
    return cli_finish("lm", ok ? CLI_OK : CLI_FAILED);
}

static int run_lm(int argc, char **argv) {
    static struct request r;
    struct cli_option options[16 + LM_MOST_SETTINGS] = {
        {.name = "corpus",
         .argument = "FILE",
         .help = "text to learn from; more files may follow",
         .list = &r.corpus},
        {.name = "out", .argument = "DIR", .help = "the folder of the model that is made", .text = &r.out},
        {.name = "model",
         .argument = "DIR",
         .help = "train this model further (LM adaptation)",
         .text = &r.model},
        {.name = "resume", .help = "go on with the run in --out", .flag = &r.resume},
        {.name = "recipe",
         .argument = "NAME",
         .help = "defaults: small, hugging-face, adapt",
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
                                               .help = lm_setting_table[i].help,
                                               .text = &r.value[i]};
    size_t operands;
    if (!cli_parse(&cli_lm, options, count, argc, argv, &operands, &status))
        return status;
    for (size_t i = 0; i < operands && r.corpus.count < CLI_MOST_VALUES; i++)
        r.corpus.value[r.corpus.count++] = argv[i];
    return run_all(&r);
}

const struct cli_command cli_lm = {
    .name = "lm",
    .operands = "--corpus FILE ... --out DIR",
    .summary = "Train a T5 from nothing on text, or a T5 further (LM adaptation).",
    .details = "The corpus is UTF-8 text: documents separated by blank lines, a sentence a line (or whole "
               "paragraphs). A new\n"
               "model gets a vocabulary trained on it. Progress is on standard error. The run is kept in DIR "
               "every few minutes;\n"
               "Ctrl-C keeps it at once, and --resume goes on as if nothing had happened. DIR then is an "
               "ordinary model folder\n"
               "in Hugging Face layout.",
    .example = "  $ prompter lm --corpus stories.txt --out tiny --vocabulary 4000 --steps 5000\n"
               "  $ prompter lm --corpus news.txt --model t5-v1_1-small --out t5-lm --steps 500",
    .most = CLI_MOST_VALUES,
    .run = run_lm,
};

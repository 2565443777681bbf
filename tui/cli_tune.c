// SPDX-License-Identifier: GPL-3.0-or-later
// prompter tune and prompter eval: a session's run without a screen. Progress goes to stderr, one JSON object
// a line to stdout: {"event": "open" | "step" | "eval" | "best" | "done", ...}.
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/engine.h"
#include "sessions/method.h"
#include "sessions/session.h"
#include "tui/cli_config.h"
#include "tui/cli_options.h"
#include "tui/cli_progress.h"

// How often to be asked to stop: the first stops the run, the second ends the program as soon as nothing is
// being written, the third does not wait for that either.
enum { PATIENCE = 2 };

struct headless {
    const char *command;
    struct session *session;
    struct engine *engine;
    struct workspace *workspace;
    struct engine_event last; // the last event of the kind that is waited for
    struct evaluation test, dev;
    struct metric best;
    bool has_test, has_dev, has_best, stopped, failed;
    bool print_steps; // JSON lines on stdout
    size_t metrics, epoch;
    double began;
    struct cli_progress progress;
};

// ---- output ----

static void print_metric(const struct metric *m) {
    static const char *const names[] = {[METRIC_STEP] = "step",
                                        [METRIC_EVAL] = "eval",
                                        [METRIC_RATE] = "rate",
                                        [METRIC_UNDO] = "undo",
                                        [METRIC_EDIT] = "prompt"};
    cJSON *o = cli_event(names[m->kind], m->step);
    cli_add_number(o, "rate", m->rate);
    if (m->kind == METRIC_STEP) {
        cli_add_number(o, "loss", m->train_loss);
        cli_add_number(o, "accuracy", m->train_accuracy);
        cli_add_number(o, "gradient_norm", m->gradient_norm);
        cli_add_number(o, "update_norm", m->update_norm);
        cli_add_number(o, "prompt_norm", m->prompt_norm);
    } else if (m->kind == METRIC_EVAL) {
        cJSON_AddStringToObject(o, "split", "dev");
        cli_add_number(o, "loss", m->dev_loss);
        cli_add_number(o, "accuracy", m->dev_accuracy);
        cli_add_number(o, "macro_f1", m->dev_f1);
        cJSON_AddBoolToObject(o, "best", m->best);
    }
    cli_add_number(o, "seconds", m->seconds);
    cli_print_object(o);
}

static cJSON *evaluation_object(const struct evaluation *v) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "examples", (double)v->examples);
    cJSON_AddNumberToObject(o, "correct", (double)v->correct);
    cli_add_number(o, "accuracy", v->accuracy);
    cli_add_number(o, "macro_f1", v->macro_f1);
    cli_add_number(o, "loss", v->loss);
    if (v->elsewhere)
        cJSON_AddNumberToObject(o, "no_label_word", (double)v->elsewhere);
    if (v->classes <= 16) {
        cJSON *rows =
            cJSON_AddArrayToObject(o, "confusion"); // rows: the true class, columns: the predicted one
        for (size_t i = 0; i < v->classes; i++) {
            cJSON *row = cJSON_CreateArray();
            for (size_t j = 0; j < v->classes; j++)
                cJSON_AddItemToArray(row, cJSON_CreateNumber((double)v->confusion[i * v->classes + j]));
            cJSON_AddItemToArray(rows, row);
        }
    }
    return o;
}

static void print_open(const struct headless *h) {
    const struct workspace *w = h->workspace;
    cJSON *o = cli_event("open", SIZE_MAX);
    cJSON_AddStringToObject(o, "session", session_name(h->session));
    cJSON_AddStringToObject(o, "model", w->model_name);
    cJSON_AddNumberToObject(o, "parameters", (double)w->parameters);
    cJSON_AddNumberToObject(o, "tuned",
                            (double)(w->setup->settings.method == METHOD_FINE_TUNING
                                         ? w->parameters
                                         : w->slots * w->config.d_model));
    cJSON_AddStringToObject(o, "task", w->task->name);
    cJSON_AddNumberToObject(o, "train", (double)w->split->train_count);
    cJSON_AddNumberToObject(o, "dev", (double)w->split->dev_count);
    cJSON_AddStringToObject(o, "dev_source", w->split->dev_source);
    cJSON_AddNumberToObject(o, "test", (double)w->task->test.count);
    cJSON_AddNumberToObject(o, "cut", (double)w->examples_cut);
    struct error e = {0};
    char *text = template_print(&w->template, TEMPLATE_SHORT, &e);
    if (text)
        cJSON_AddStringToObject(o, "method", method_title(text, &w->setup->settings));
    if (text)
        cJSON_AddStringToObject(o, "template", text);
    free(text);
    if (w->setup->settings.method != METHOD_FINE_TUNING)
        cJSON_AddNumberToObject(o, "paper_code_rate", w->setup->settings.rate / PAPER_CODE_SCALE);
    cJSON *settings = cJSON_AddObjectToObject(o, "settings");
    for (size_t i = 0; i < run_setting_count; i++) {
        char value[1024];
        if (run_settings_get(&w->setup->settings, run_setting_table[i].name, value, sizeof value))
            cJSON_AddStringToObject(settings, run_setting_table[i].name, value);
    }
    cli_print_object(o);
}

// The same for people, with what the rate is where the paper's code has its embeddings.
static void tell_open(struct headless *h) {
    const struct workspace *w = h->workspace;
    const struct run_settings *s = &w->setup->settings;
    char rate[96], learns[64];
    preset_print_rate(rate, sizeof rate, s);
    if (s->method == METHOD_FINE_TUNING)
        snprintf(learns, sizeof learns, "all %zu weights", w->parameters);
    else
        snprintf(learns, sizeof learns, "%zu soft vectors of %zu", w->slots, w->config.d_model);
    cli_progress_say(&h->progress, true, "%s: %s, %s loss; rate %s", w->task->name, learns,
                     s->loss == LOSS_CLEAN ? "clean" : "paper-code", rate);
}

// ---- following the engine ----

static void tell_step(struct headless *h, const struct metric *m) {
    char left[32], best[64] = "";
    size_t steps = h->workspace->setup->settings.steps;
    if (h->has_best)
        snprintf(best, sizeof best, "  best dev %.3f @ %zu", h->best.dev_accuracy, h->best.step);
    cli_duration(m->seconds > 0 && steps > m->step ? m->seconds * (double)(steps - m->step) : 0, left,
                 sizeof left);
    cli_progress_say(&h->progress, m->step == steps,
                     "step %zu/%zu  loss %.4f  accuracy %.2f  %.3f s/step  %s left%s", m->step, steps,
                     m->train_loss, m->train_accuracy, m->seconds, left, best);
}

static void drain_metrics(struct headless *h) {
    struct metric m[64];
    size_t n, epoch;
    while ((n = engine_metrics(h->engine, h->metrics, m, sizeof m / sizeof *m, &epoch)) ||
           epoch != h->epoch) {
        if (epoch != h->epoch) { // begun anew: what a resumed run brings along is not news
            h->epoch = epoch;
            h->metrics = 0;
            while ((n = engine_metrics(h->engine, h->metrics, m, sizeof m / sizeof *m, NULL)))
                for (size_t i = 0; i < n; i++, h->metrics++)
                    if (m[i].kind == METRIC_EVAL && m[i].best) {
                        h->best = m[i];
                        h->has_best = true;
                    }
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            if (m[i].kind == METRIC_EVAL && m[i].best) {
                h->best = m[i];
                h->has_best = true;
            }
            if (h->print_steps)
                print_metric(&m[i]);
            if (h->print_steps && m[i].kind == METRIC_EVAL && m[i].best) {
                cJSON *o = cli_event("best", m[i].step);
                cli_add_number(o, "dev_accuracy", m[i].dev_accuracy);
                cli_add_number(o, "dev_loss", m[i].dev_loss);
                cli_add_number(o, "dev_macro_f1", m[i].dev_f1);
                cli_print_object(o);
            }
            if (m[i].kind == METRIC_STEP && h->print_steps)
                tell_step(h, &m[i]);
        }
        h->metrics += n;
    }
}

static void take_event(struct headless *h, struct engine_event *event) {
    char done[64] = "";
    switch (event->kind) {
    case EVENT_OPENED:
        h->workspace = event->workspace;
        break;
    case EVENT_EVALUATED:
        h->dev = event->evaluation;
        h->has_dev = true;
        break;
    case EVENT_TESTED:
        h->test = event->evaluation;
        h->has_test = true;
        break;
    case EVENT_PROGRESS:
        if (event->total)
            snprintf(done, sizeof done, "  %zu/%zu", event->done, event->total);
        cli_progress_say(&h->progress, event->total && event->done == event->total, "%s%s", event->error.text,
                         done);
        break;
    case EVENT_ERROR:
        cli_progress_clear(&h->progress);
        cli_complain(h->command, event->error.text);
        h->failed = true;
        break;
    default:
        break;
    }
}

// The last step is kept already.
__attribute__((noreturn)) static void leave_at_once(struct headless *h) {
    session_let_go(h->session);
    fprintf(stderr, "%sprompter %s: stopped at once; the session is kept up to its last step\n",
            h->progress.terminal ? "\n" : "", h->command);
    _exit(CLI_FAILED);
}

// Follows the engine until an event of this kind, a failure, or a stop; true for the event.
static bool wait_for(struct headless *h, enum engine_event_kind kind) {
    bool sent = false;
    for (;;) {
        struct pollfd p = {.fd = engine_fd(h->engine), .events = POLLIN};
        if (poll(&p, 1, 200) < 0 && errno != EINTR)
            return false;
        engine_acknowledge(h->engine);
        struct engine_event event;
        bool found = false;
        while (engine_next_event(h->engine, &event)) {
            take_event(h, &event);
            found |= event.kind == kind;
            h->last = event;
        }
        drain_metrics(h);
        if (found || h->failed)
            return found && !h->failed;
        if (cli_stop_asked() >= PATIENCE)
            leave_at_once(h);
        if (cli_stop_asked() && !sent) {
            struct error e = {0};
            sent = engine_send(h->engine, (struct engine_command){.verb = ENGINE_STOP}, &e);
        }
        if (sent && h->last.state != ENGINE_RUNNING && h->last.state != ENGINE_TESTING &&
            h->last.state != ENGINE_LOADING) {
            h->stopped = true;
            return false;
        }
    }
}

static bool send_and_wait(struct headless *h, enum engine_verb verb, enum engine_event_kind kind) {
    struct error e = {0};
    if (!engine_send(h->engine, (struct engine_command){.verb = verb}, &e)) {
        cli_complain(h->command, e.text);
        h->failed = true;
        return false;
    }
    return wait_for(h, kind);
}

// ---- opening and closing ----

// What a command asks for.
struct request {
    const char *what, *model, *method, *preset;
    struct cli_values set;
    bool fresh, openblas;
    bool look; // nothing has to be written, so that a session that another program has can be opened too
    size_t threads;
};

static bool apply_settings(struct headless *h, const struct request *r, struct error *e) {
    struct run_settings before = *session_settings(h->session);
    char *template = mem_strdup(session_template(h->session), e);
    bool ok = template && cli_set_session(h->session, r->method, r->preset, &r->set, e);
    bool same = ok && run_settings_same_run(&before, session_settings(h->session)) &&
                strcmp(template, session_template(h->session)) == 0;
    free(template);
    // Other settings, or --fresh: another run; what was there moves to kept/.
    return ok && ((same && !r->fresh) || session_begin_run(h->session, e));
}

static bool open_session(struct headless *h, const struct request *r, struct error *e) {
    if (!r->look) {
        struct run_settings first;
        cli_config_settings(&first);
        return session_open(&h->session, r->what, r->model, e) && session_begin_with(h->session, &first, e) &&
               apply_settings(h, r, e) && session_save(h->session, e);
    }
    if (!session_open_reading(&h->session, r->what, r->model, e))
        return false;
    if (session_read_only(h->session))
        fprintf(stderr, "prompter %s: read-only: %s\n", h->command, session_read_only(h->session));
    return true;
}

static void tell_notes(const struct headless *h) {
    const char *notes = session_notes(h->session);
    if (notes[0])
        fprintf(stderr, "prompter %s: %s\n", h->command, notes);
}

static bool open_all(struct headless *h, const struct request *r, struct error *e) {
    h->began = clock_seconds();
    cli_listen_to_signals(PATIENCE);
    if (!open_session(h, r, e))
        return false;
    struct engine_setup *setup = session_setup(h->session, false, e);
    struct engine_options options = {
        .threads = r->threads, .keeper = session_keeper(h->session), .openblas = r->openblas};
    if (!setup)
        return false;
    tell_notes(h);
    if (!engine_create(&h->engine, &options, e)) {
        engine_setup_free(setup);
        return false;
    }
    return engine_send(h->engine, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}, e);
}

static void close_all(struct headless *h) {
    engine_close(h->engine);
    workspace_release(h->workspace);
    session_free(h->session);
}

static bool finished_already(const struct headless *h) {
    return h->last.state == ENGINE_DONE;
}

static void print_done(struct headless *h) {
    cJSON *o = cli_event("done", SIZE_MAX);
    cJSON_AddStringToObject(o, "session", session_name(h->session));
    cJSON_AddNumberToObject(o, "seed", (double)h->workspace->setup->settings.seed);
    cJSON_AddBoolToObject(o, "stopped", h->stopped);
    if (h->has_best) {
        cJSON *dev = cJSON_AddObjectToObject(o, "dev");
        cJSON_AddNumberToObject(dev, "step", (double)h->best.step);
        cJSON_AddNumberToObject(dev, "examples", (double)h->workspace->split->dev_count);
        cli_add_number(dev, "accuracy", h->best.dev_accuracy);
        cli_add_number(dev, "macro_f1", h->best.dev_f1);
        cli_add_number(dev, "loss", h->best.dev_loss);
    }
    if (h->has_test)
        cJSON_AddItemToObject(o, "test", evaluation_object(&h->test));
    cJSON_AddNumberToObject(o, "seconds", clock_seconds() - h->began);
    cli_print_object(o);
}

// ---- the commands ----

static int run_tune(int argc, char **argv) {
    struct request r = {0};
    bool no_test = false;
    const struct cli_option options[] = {
        {.name = "model",
         .argument = "DIR",
         .help = "tune on this model instead of the session's",
         .text = &r.model},
        {.name = "method",
         .argument = "NAME",
         .help = "choose a method first: vanilla, hybrid, lm-adaptation, ppt, hybrid-ppt, unified-ppt, "
                 "fine-tuning",
         .text = &r.method},
        {.name = "preset",
         .argument = "NAME",
         .help = "clean or paper-code: loss, start, rate and all else that the paper's code does otherwise",
         .text = &r.preset},
        {.name = "set",
         .argument = "NAME=VALUE",
         .help = "change a setting first, e.g. --set rate=0.3 (may be repeated)",
         .list = &r.set},
        {.name = "fresh", .help = "start over; the run that was kept moves to kept/", .flag = &r.fresh},
        {.name = "no-test", .help = "do not score the test set at the end", .flag = &no_test},
        {.name = "openblas",
         .help = "OpenBLAS does the large products instead of our own kernels",
         .flag = &r.openblas},
        {.name = "threads",
         .argument = "N",
         .help = "threads to use (default: all processors)",
         .number = &r.threads},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_tune, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    struct headless h = {.command = "tune", .print_steps = true};
    r.what = argv[0];
    bool ok = open_all(&h, &r, &e);
    if (!ok)
        cli_complain("tune", e.text);
    ok = ok && wait_for(&h, EVENT_OPENED);
    if (ok) {
        print_open(&h);
        tell_open(&h);
        if (h.workspace->warnings[0])
            fprintf(stderr, "%s\n", h.workspace->warnings);
        ok = (finished_already(&h) || send_and_wait(&h, ENGINE_RUN, EVENT_FINISHED));
    }
    if (ok && !no_test && h.workspace->task->test.count)
        ok = send_and_wait(&h, ENGINE_TEST, EVENT_TESTED);
    if (h.workspace && !h.failed)
        print_done(&h);
    if (h.stopped)
        fprintf(stderr, "prompter tune: stopped; the same command goes on from here\n");
    close_all(&h);
    return cli_finish("tune", ok ? CLI_OK : CLI_FAILED);
}

static int run_eval(int argc, char **argv) {
    struct request r = {.look = true};
    const char *split = "test";
    bool json = false;
    const struct cli_option options[] = {
        {.name = "split", .argument = "NAME", .help = "test or dev (default test)", .text = &split},
        {.name = "model",
         .argument = "DIR",
         .help = "score on this model instead of the session's",
         .text = &r.model},
        {.name = "json", .help = "print a JSON object", .flag = &json},
        {.name = "openblas",
         .help = "OpenBLAS does the large products instead of our own kernels",
         .flag = &r.openblas},
        {.name = "threads",
         .argument = "N",
         .help = "threads to use (default: all processors)",
         .number = &r.threads},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_eval, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    bool dev = strcmp(split, "dev") == 0;
    if (!dev && strcmp(split, "test") != 0) {
        cli_complain("eval", "--split is test or dev");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct headless h = {.command = "eval"};
    r.what = argv[0];
    bool ok = open_all(&h, &r, &e);
    if (!ok)
        cli_complain("eval", e.text);
    ok = ok && wait_for(&h, EVENT_OPENED);
    if (ok && !h.has_best) {
        cli_complain("eval", "nothing was tuned in this session yet; run prompter tune first");
        ok = false;
    }
    if (ok && dev)
        ok = engine_send(h.engine, (struct engine_command){.verb = ENGINE_UNDO_TO_BEST}, &e) &&
             send_and_wait(&h, ENGINE_EVALUATE, EVENT_EVALUATED);
    else
        ok = ok && send_and_wait(&h, ENGINE_TEST, EVENT_TESTED);
    if (ok) {
        const struct evaluation *v = dev ? &h.dev : &h.test;
        if (json) {
            cJSON *o = evaluation_object(v);
            cJSON_AddStringToObject(o, "split", split);
            cJSON_AddNumberToObject(o, "step", (double)h.best.step);
            cli_print_object(o);
        } else {
            printf("%s accuracy %.4f (%zu of %zu), macro-F1 %.4f, loss %.4f; prompt of step %zu\n", split,
                   v->accuracy, v->correct, v->examples, v->macro_f1, v->loss, h.best.step);
        }
    }
    close_all(&h);
    return cli_finish("eval", ok ? CLI_OK : CLI_FAILED);
}

const struct cli_command cli_tune = {
    .name = "tune",
    .operands = "SESSION | TASK",
    .summary = "Tune a session's prompt without a screen.",
    .details = "Prints JSON objects to standard output, one a line: open, step, eval (dev), best, and done "
               "with the accuracy on\n"
               "the test set. A run that was stopped goes on where it was. Interrupt it with Ctrl-C: nothing "
               "is lost.",
    .example = "  $ prompter tune sentiment --set steps=60 | tail -n 1",
    .least = 1,
    .most = 1,
    .run = run_tune,
};
const struct cli_command cli_eval = {
    .name = "eval",
    .operands = "SESSION",
    .summary = "Score a session's best prompt.",
    .example = "  $ prompter eval sentiment --split test --json",
    .least = 1,
    .most = 1,
    .run = run_eval,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's thread: takes commands, and while it is running makes one step or evaluation between two looks
// at the queue. The model, the pool and the run belong to it alone.
#include "engine/engine.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/queue.h"
#include "engine/base/threads.h"
#include "engine/inspect/reading.h"
#include "engine/outbox.h"
#include "engine/picture.h"
#include "engine/study_desk.h"
#include "engine/tensor/gemm.h"
#include "engine/workspace.h"

enum { QUEUE_ROOM = 64, MOST_THREADS_CHOSEN = 16 };

struct engine {
    pthread_t thread;
    struct engine_options options;
    struct queue *commands;
    struct outbox *outbox;
    struct study_desk *desk;
    // Cancelling: how many commands that cancel are in the queue, and the flag that the work looks at.
    pthread_mutex_t cancel_lock;
    size_t cancels; // under cancel_lock
    atomic_bool cancel, closing;
    atomic_bool hurry; // a command came: what was only measured can wait
    // The rest belongs to the engine's thread.
    struct thread_pool *pool;
    struct model *model, *trained; // as loaded; and its copy whose weights learn, NULL where a prompt does
    char *model_folder;
    struct workspace *workspace;
    struct run *run;
    struct run_inputs inputs;        // of the run
    struct mask_bench *mask, *base;  // of studies; made for the first one. base: of fine-tuning, on `model`
    struct reading_memory *readings; // of studies on this workspace; made for the first one
    struct picture_maker maker;
    struct prompt_picture *drawing; // free for the next picture
    enum engine_state state;
    bool one_step;    // pause after the next update
    bool step_failed; // the last step could not be kept, and that was told
    bool estimate_due;
    bool unkept;                  // something happened since the keeper was last called
    double kept_at, keep_seconds; // when it last kept all of the run, and how long that took
};

// ---- telling ----

static void tell(struct engine *g, struct engine_event event) {
    event.state = g->state;
    outbox_event(g->outbox, &event);
}

static void set_state(struct engine *g, enum engine_state state) {
    if (g->state == state)
        return;
    g->state = state;
    tell(g, (struct engine_event){.kind = EVENT_STATE});
}

static void tell_error(struct engine *g, const struct error *e) {
    if (e->kind != ERROR_CANCELLED)
        tell(g, (struct engine_event){.kind = EVENT_ERROR, .error = *e});
}

static void tell_progress(struct engine *g, const char *what, size_t done, size_t total) {
    struct engine_event event = {.kind = EVENT_PROGRESS, .done = done, .total = total};
    snprintf(event.error.text, sizeof event.error.text, "%s", what);
    tell(g, event);
}

static void record(struct engine *g, const struct metric *m) {
    outbox_metric(g->outbox, m);
    if (g->options.keeper.metric)
        g->options.keeper.metric(g->options.keeper.context, m);
    g->unkept = true;
}

// All weights are many: a new best is kept at once only where that takes no more than a twentieth of the
// time. It is kept with the next pause otherwise.
static bool keep_can_wait(const struct engine *g, enum keep_reason why) {
    enum { TIMES_AS_LONG = 20 };
    return why == KEEP_BEST && run_fine_tunes(g->run) &&
           clock_seconds() - g->kept_at < TIMES_AS_LONG * g->keep_seconds;
}

static void keep(struct engine *g, enum keep_reason why) {
    const struct keeper *k = &g->options.keeper;
    struct error e = {0};
    if (!k->keep || !g->run || (!g->unkept && why != KEEP_ASKED) || keep_can_wait(g, why))
        return;
    double began = clock_seconds();
    if (why == KEEP_STEP) {
        // Told once: the next thorough keep tells it again if it still fails.
        if (k->keep(k->context, why, g->run, &e))
            g->step_failed = false;
        else if (!g->step_failed) {
            g->step_failed = true;
            tell_error(g, &e);
        }
    } else if (k->keep(k->context, why, g->run, &e)) {
        g->unkept = false;
        g->kept_at = clock_seconds();
        g->keep_seconds = g->kept_at - began;
        tell(g, (struct engine_event){.kind = EVENT_KEPT});
    } else {
        tell_error(g, &e);
    }
}

static struct model *present_model(const struct engine *g) {
    return g->trained ? g->trained : g->model;
}

static void draw_picture(struct engine *g, bool must) {
    struct error e = {0};
    if (!picture_make(&g->maker, &g->drawing, g->run, present_model(g), g->workspace, g->pool, must,
                      clock_seconds(), &e))
        tell_error(g, &e);
    else
        g->drawing = outbox_swap_picture(g->outbox, g->drawing);
}

// What can be gone back to. Sets are shared and never change: this hands over a pointer.
static void show_snapshots(struct engine *g) {
    outbox_snapshots(g->outbox, snapshot_set_hold(run_snapshots(g->run)));
}

static bool no_run(const struct engine *g, struct error *e) {
    return g->workspace ? error_set(e, ERROR_INPUT,
                                    "there is no example to learn from yet: type some on the Data screen")
                        : error_set(e, ERROR_INPUT,
                                    "nothing is open yet; open a session or a task, e.g. :open sentiment");
}

// ---- opening ----

static void drop_run(struct engine *g) {
    reading_memory_free(g->readings);
    g->readings = NULL;
    run_free(g->run);
    g->run = NULL;
    if (!g->trained)
        return;
    mask_bench_free(g->mask);
    mask_bench_free(g->base);
    g->mask = g->base = NULL;
    model_free(g->trained);
    g->trained = NULL;
}

static void close_run(struct engine *g) {
    keep(g, KEEP_CLOSE);
    drop_run(g);
    workspace_release(g->workspace);
    g->workspace = NULL;
    g->unkept = false;
}

static bool load_model(struct engine *g, const char *folder, struct error *e) {
    char changed[512];
    if (g->model && strcmp(g->model_folder, folder) == 0 &&
        !file_maps_changed(folder, changed, sizeof changed))
        return true;
    mask_bench_free(g->mask);
    g->mask = NULL;
    model_free(g->model);
    free(g->model_folder);
    g->model = NULL;
    tell_progress(g, "loading the model", 0, 0);
    g->model_folder = mem_strdup(folder, e);
    return g->model_folder && model_load(&g->model, folder, e);
}

static bool make_run(struct engine *g, const struct engine_setup *s, struct error *e) {
    struct workspace *w = g->workspace;
    if (s->start_vectors && s->start_width != w->config.d_model)
        return error_set(
            e, ERROR_INPUT,
            "the prompt file has vectors of %zu numbers, the model's have %zu: it was made for another "
            "model",
            s->start_width, w->config.d_model);
    if (s->settings.method == METHOD_FINE_TUNING) { // its weights become its own
        mask_bench_free(g->mask);
        g->mask = NULL;
        if (!model_load(&g->trained, g->model_folder, e))
            return false;
    }
    g->inputs = (struct run_inputs){.model = present_model(g),
                                    .tokenizer = w->tokenizer,
                                    .task = w->task,
                                    .split = w->split,
                                    .template = &w->template,
                                    .verbalizer = &w->verbalizer,
                                    .pool = g->pool,
                                    .openblas = g->options.openblas,
                                    .start_vectors = s->start_vectors,
                                    .start_count = s->start_count};
    if (!run_create(&g->run, &g->inputs, &s->settings, e))
        return false;
    if (s->resume && !run_restore(g->run, s->resume, e))
        return error_context(e, "the kept run cannot go on");
    w->slots = run_slots(g->run);
    w->examples_cut = run_examples_cut(g->run);
    return true;
}

// All steps done and scored: a run that was killed before its last evaluation still owes it.
static bool complete(const struct run *r) {
    return run_finished(r) && !run_evaluation_due(r);
}

static enum engine_state resting_state(const struct engine *g) {
    if (!g->run)
        return ENGINE_EMPTY;
    return complete(g->run) ? ENGINE_DONE : run_steps_done(g->run) ? ENGINE_PAUSED : ENGINE_READY;
}

static void open_setup(struct engine *g, struct engine_setup *take) {
    struct error e = {0};
    close_run(g);
    set_state(g, ENGINE_LOADING);
    struct metric *history = take->history; // kept out of the workspace, which lives longer
    struct run_checkpoint *resume = take->resume;
    size_t history_count = take->history_count;
    take->history = NULL;
    take->resume = NULL;
    struct engine_setup *setup = take;
    bool ok = load_model(g, take->model_folder, &e);
    if (ok)
        tell_progress(g, "reading the task", 0, 0);
    else
        engine_setup_free(take);
    ok = ok && workspace_make(&g->workspace, g->model, take, &e);
    const bool bare = ok && !g->workspace->split->train_count; // nothing to tune on yet, but much to look at
    if (ok && !bare) {
        setup->resume = resume;
        ok = make_run(g, setup, &e) &&
             picture_begin(&g->maker, g->run, present_model(g), g->workspace, g->pool, &e);
        setup->resume = NULL;
    }
    if (bare) {
        outbox_metrics_reset(g->outbox, NULL, 0);
        g->state = ENGINE_EMPTY;
        tell(g, (struct engine_event){.kind = EVENT_OPENED, .workspace = workspace_hold(g->workspace)});
    } else if (ok) {
        outbox_metrics_reset(g->outbox, history, resume ? history_count : 0);
        show_snapshots(g);
        g->estimate_due = true;
        g->state = resting_state(g);
        tell(g, (struct engine_event){.kind = EVENT_OPENED, .workspace = workspace_hold(g->workspace)});
        draw_picture(g, true);
    } else {
        drop_run(g);
        workspace_release(g->workspace);
        g->workspace = NULL;
        g->state = ENGINE_EMPTY;
        tell_error(g, &e);
    }
    run_checkpoint_free(resume);
    free(resume);
    free(history);
}

// ---- working ----

static void rest(struct engine *g) {
    draw_picture(g, true);
    set_state(g, resting_state(g));
    keep(g, KEEP_PAUSE);
}

// The weights are used where they lie in their files: what is written there changes the model under the run.
static bool model_stands(struct engine *g, struct error *e) {
    char path[512];
    return !file_maps_changed(g->model_folder, path, sizeof path) ||
           error_set(e, ERROR_INPUT,
                     "%s was written to while it was in use, so that this run is no longer one on one model; "
                     "open the session again to go on with the file as it is now",
                     path);
}

static void evaluate(struct engine *g) {
    struct error e = {0};
    struct engine_event event = {.kind = EVENT_EVALUATED};
    if (!model_stands(g, &e) || !run_evaluate(g->run, &g->cancel, &event.metric, &event.evaluation, &e)) {
        tell_error(g, &e);
        rest(g);
        return;
    }
    show_snapshots(g);
    record(g, &event.metric);
    tell(g, event);
    if (event.metric.best) {
        event.kind = EVENT_BEST;
        tell(g, event);
        keep(g, KEEP_BEST);
    } else {
        keep(g, KEEP_STEP);
    }
}

static void finish(struct engine *g) {
    draw_picture(g, true);
    keep(g, KEEP_FINISH);
    set_state(g, ENGINE_DONE);
    tell(g, (struct engine_event){.kind = EVENT_FINISHED});
}

static void step(struct engine *g) {
    struct error e = {0};
    struct engine_event event = {.kind = EVENT_STEPPED};
    struct metric *m = &event.report.metric;
    bool pause = g->one_step;
    if (!(pause ? run_step_reported(g->run, &g->cancel, &event.report, &e)
                : run_step(g->run, &g->cancel, m, &e))) {
        tell_error(g, &e);
        rest(g);
        return;
    }
    record(g, m);
    if (pause)
        tell(g, event);
    keep(g, KEEP_STEP);
    draw_picture(g, pause);
    if (run_evaluation_due(g->run))
        evaluate(g);
    if (g->state != ENGINE_RUNNING)
        return;
    if (run_finished(g->run))
        finish(g);
    else if (pause)
        rest(g);
}

// One unit of work: an evaluation that is due before a step, or a step.
static void work(struct engine *g) {
    if (!run_evaluation_due(g->run)) {
        step(g);
        return;
    }
    evaluate(g);
    if (g->state == ENGINE_RUNNING && run_finished(g->run))
        finish(g);
}

static void start_running(struct engine *g, bool one_step) {
    struct error e = {0};
    if (complete(g->run)) {
        error_set(&e, ERROR_INPUT, "all %zu steps are done; for more, :set steps %zu, or start over with R",
                  run_steps_done(g->run), 2 * run_steps_done(g->run));
        tell_error(g, &e);
        return;
    }
    g->one_step = one_step;
    set_state(g, ENGINE_RUNNING);
}

static void test_progress(void *context, size_t done, size_t count) {
    tell_progress(context, "scoring the test set", done, count);
}

static void test(struct engine *g) {
    struct error e = {0};
    const struct dataset *d = &g->workspace->task->test;
    struct engine_event event = {.kind = EVENT_TESTED};
    const struct example **all = mem_calloc(d->count, sizeof *all, &e);
    bool ok = all != NULL;
    if (ok && !d->count)
        ok = error_set(&e, ERROR_INPUT, "the task has no test examples; name a test file in task.json");
    for (size_t i = 0; ok && i < d->count; i++)
        all[i] = &d->example[i];
    bool running = g->state == ENGINE_RUNNING; // a run that was going on goes on
    set_state(g, ENGINE_TESTING);
    ok = ok && run_score(g->run, all, d->count, true, &g->cancel, test_progress, g, &event.evaluation, &e);
    set_state(g, ok && running ? ENGINE_RUNNING : resting_state(g));
    if (ok) {
        event.metric.step = run_steps_done(g->run);
        struct metric best;
        if (run_best(g->run, &best))
            event.metric = best;
        if (g->options.keeper.test)
            g->options.keeper.test(g->options.keeper.context, &event.evaluation, event.metric.step);
        tell(g, event);
    } else {
        tell_error(g, &e);
    }
    free(all);
}

static void change_rate(struct engine *g, double rate) {
    struct error e = {0};
    if (!isfinite(rate) || rate < 0) {
        error_set(&e, ERROR_INPUT, "a learning rate is a number from 0 up");
        tell_error(g, &e);
        return;
    }
    run_set_rate(g->run, rate);
    struct metric m = run_metric(g->run, METRIC_RATE);
    record(g, &m);
    keep(g, KEEP_STEP);
}

static void went_back(struct engine *g, size_t step) {
    struct metric m = run_metric(g->run, METRIC_UNDO);
    m.undone_to = step;
    record(g, &m);
    keep(g, KEEP_STEP);
    draw_picture(g, true);
}

static void undo_to_best(struct engine *g) {
    struct error e = {0};
    struct metric best;
    if (run_best(g->run, &best) && run_return_to_best(g->run)) {
        went_back(g, best.step);
    } else {
        error_set(&e, ERROR_INPUT, "nothing was scored on dev yet, so there is no best prompt to go back to");
        tell_error(g, &e);
    }
}

static void undo_to(struct engine *g, double number) {
    struct error e = {0};
    if (number >= 0 && number < 0x1p53 && run_return_to(g->run, (size_t)number)) {
        went_back(g, (size_t)number);
    } else {
        error_set(&e, ERROR_INPUT,
                  run_fine_tunes(g->run)
                      ? "the weights of step %.0f were not kept: fine-tuning keeps the best ones alone"
                      : "the prompt of step %.0f was not kept: there are those of step 0 and of evaluations",
                  number);
        tell_error(g, &e);
    }
}

// `take`: what to change; NULL: the last change is taken back.
static void edit_prompt(struct engine *g, struct prompt_edit *take) {
    struct error e = {0};
    bool ok = take ? run_edit(g->run, take, &e)
                   : run_undo_edit(g->run) ||
                         error_set(&e, ERROR_INPUT, "there is no change of the prompt to take back");
    if (ok) {
        struct metric m = run_metric(g->run, METRIC_EDIT);
        m.edit = take ? take->kind : EDIT_UNDO;
        m.edit_slot = take ? take->slot : EDIT_EVERY_SLOT;
        record(g, &m);
        keep(g, KEEP_STEP);
        draw_picture(g, true);
        tell(g, (struct engine_event){.kind = EVENT_EDITED, .metric = m});
    } else {
        tell_error(g, &e);
    }
    prompt_edit_free(take);
}

static void give_back_cancelled(struct engine *g);

// Fine-tuning begins from the model's file again.
static bool begin_again(struct engine *g, struct error *e) {
    if (!g->trained) {
        run_restart(g->run);
        return true;
    }
    size_t steps = run_steps_wanted(g->run);
    study_desk_cancel(g->desk, STUDY_EVERY_CHANNEL); // they stand on what goes
    give_back_cancelled(g);
    drop_run(g);
    if (!make_run(g, g->workspace->setup, e))
        return false;
    run_set_steps(g->run, steps);
    return true;
}

static void restart(struct engine *g) {
    struct error e = {0};
    if (!begin_again(g, &e)) {
        drop_run(g);
        tell_error(g, &e);
        set_state(g, ENGINE_EMPTY);
        return;
    }
    outbox_metrics_reset(g->outbox, NULL, 0);
    show_snapshots(g);
    g->unkept = true;
    keep(g, KEEP_STEP);
    draw_picture(g, true);
    set_state(g, ENGINE_READY);
}

static void obey(struct engine *g, struct engine_command *c) {
    struct error e = {0};
    if (c->verb == ENGINE_STUDY)
        return;
    if (c->verb == ENGINE_OPEN) {
        give_back_cancelled(g); // they belong to what is open now
        open_setup(g, c->setup);
        return;
    }
    if (!g->run) {
        no_run(g, &e);
        tell_error(g, &e);
        engine_command_release(c);
        return;
    }
    switch (c->verb) {
    case ENGINE_RUN:
        start_running(g, false);
        break;
    case ENGINE_STEP:
        start_running(g, true);
        break;
    case ENGINE_PAUSE:
    case ENGINE_STOP:
        if (g->state == ENGINE_RUNNING)
            rest(g);
        break;
    case ENGINE_SET_RATE:
        change_rate(g, c->number);
        break;
    case ENGINE_SET_STEPS:
        run_set_steps(g->run, (size_t)c->number);
        if (g->state != ENGINE_RUNNING)
            set_state(g, resting_state(g));
        break;
    case ENGINE_EVALUATE:
        evaluate(g);
        break;
    case ENGINE_TEST:
        test(g);
        break;
    case ENGINE_UNDO_TO_BEST:
        undo_to_best(g);
        break;
    case ENGINE_UNDO_TO:
        undo_to(g, c->number);
        break;
    case ENGINE_EDIT:
        edit_prompt(g, c->edit);
        break;
    case ENGINE_UNDO_EDIT:
        edit_prompt(g, NULL);
        break;
    case ENGINE_RESTART:
        restart(g);
        break;
    case ENGINE_KEEP:
        keep(g, KEEP_ASKED);
        break;
    case ENGINE_OPEN:
    case ENGINE_STUDY:
        break;
    }
}

// ---- studies ----

static bool study_work(struct engine *g, struct study *s, bool *finished, struct error *e) {
    const struct workspace *w = g->workspace;
    if (!g->run)
        return no_run(g, e);
    int32_t sentinel = tokenizer_sentinel(w->tokenizer, 0);
    if (!g->mask && !mask_bench_create(&g->mask, present_model(g), g->pool, sentinel, g->options.openblas, e))
        return false;
    if (g->trained && !g->base &&
        !mask_bench_create(&g->base, g->model, g->pool, sentinel, g->options.openblas, e))
        return false;
    if (!g->readings && !reading_memory_create(&g->readings, e))
        return false;
    const struct study_bench bench = {.model = present_model(g),
                                      .tokenizer = w->tokenizer,
                                      .task = w->task,
                                      .split = w->split,
                                      .norms = w->norms,
                                      .template = &w->template,
                                      .verbalizer = &w->verbalizer,
                                      .inputs = &g->inputs,
                                      .settings = &w->setup->settings,
                                      .run = g->run,
                                      .pool = g->pool,
                                      .mask = g->mask,
                                      .base = g->base,
                                      .readings = g->readings,
                                      .cancel = &s->cancelled};
    return s->kind->work(s, &bench, finished, e);
}

// One slice of the study that is next.
static void study(struct engine *g) {
    struct study *s = study_desk_present(g->desk);
    bool finished = false;
    if (!s)
        return;
    bool ok = !atomic_load(&s->cancelled) && study_work(g, s, &finished, &s->error);
    if (ok && !finished && !atomic_load(&s->cancelled)) {
        tell(g, (struct engine_event){
                    .kind = EVENT_STUDYING, .channel = s->channel, .done = s->done, .total = s->total});
        return;
    }
    // What was finished before it was cancelled is finished.
    if (!finished && atomic_load(&s->cancelled))
        error_set(&s->error, ERROR_CANCELLED, "cancelled");
    study_desk_take(g->desk, s);
    tell(g, (struct engine_event){.kind = EVENT_STUDIED, .channel = s->channel, .study = s});
}

static void give_back_cancelled(struct engine *g) {
    for (struct study *s; (s = study_desk_present(g->desk)) && atomic_load(&s->cancelled);)
        study(g);
}

void engine_study(struct engine *g, struct study *take) {
    study_desk_put(g->desk, take);
    // Wakes the thread; a full queue has woken it already.
    queue_put(g->commands, &(struct engine_command){.verb = ENGINE_STUDY});
    atomic_store(&g->hurry, true);
}

void engine_cancel_studies(struct engine *g, unsigned channel) {
    study_desk_cancel(g->desk, channel);
}

// ---- what it will cost ----

// Measured once it is open and nobody wants anything else. Any command cuts it short; it is then done later,
// if the run has not begun by then.
static void estimate(struct engine *g) {
    struct engine_event event = {.kind = EVENT_ESTIMATED};
    g->estimate_due = false;
    if (atomic_load(&g->closing))
        return;
    if (run_measure(g->run, &g->hurry, &event.estimate, NULL))
        tell(g, event);
    else
        g->estimate_due = atomic_load(&g->hurry);
}

static bool estimate_wanted(const struct engine *g) {
    return g->estimate_due && g->state == ENGINE_READY && g->run && run_steps_done(g->run) == 0;
}

// ---- the thread ----

static bool cancels(enum engine_verb verb) {
    return verb == ENGINE_STOP || verb == ENGINE_OPEN || verb == ENGINE_RESTART;
}

// The flag stays up until the last command that raised it has been taken from the queue.
static void lower_cancel(struct engine *g, enum engine_verb verb) {
    if (!cancels(verb))
        return;
    pthread_mutex_lock(&g->cancel_lock);
    if (--g->cancels == 0 && !atomic_load(&g->closing))
        atomic_store(&g->cancel, false);
    pthread_mutex_unlock(&g->cancel_lock);
}

static void *engine_main(void *argument) {
    struct engine *g = argument;
    while (!atomic_load(&g->closing)) {
        struct engine_command c;
        atomic_store(&g->hurry, false); // before looking: what comes later raises it again
        bool running = g->state == ENGINE_RUNNING, studying = study_desk_present(g->desk) != NULL;
        if (queue_take(g->commands, &c, !running && !studying && !estimate_wanted(g))) {
            lower_cancel(g, c.verb);
            obey(g, &c);
        } else {
            if (running)
                work(g);
            study(g);
            if (!running && !studying && estimate_wanted(g))
                estimate(g);
        }
    }
    close_run(g);
    return NULL;
}

void engine_command_release(struct engine_command *c) {
    engine_setup_free(c->setup);
    prompt_edit_free(c->edit);
    c->setup = NULL;
    c->edit = NULL;
}

bool engine_send(struct engine *g, struct engine_command command, struct error *e) {
    if (command.verb == ENGINE_OPEN)
        study_desk_cancel(g->desk, STUDY_EVERY_CHANNEL);
    if (cancels(command.verb)) {
        pthread_mutex_lock(&g->cancel_lock);
        g->cancels++;
        atomic_store(&g->cancel, true);
        pthread_mutex_unlock(&g->cancel_lock);
    }
    bool put = queue_put(g->commands, &command);
    atomic_store(&g->hurry, true);
    if (put)
        return true;
    lower_cancel(g, command.verb);
    engine_command_release(&command);
    return error_set(e, ERROR_SYSTEM, "the engine has too much to do already; wait a moment and try again");
}

bool engine_create(struct engine **out, const struct engine_options *options, struct error *e) {
    *out = NULL;
    struct engine *g = mem_calloc(1, sizeof *g, e);
    if (!g)
        return false;
    g->options = *options;
    pthread_mutex_init(&g->cancel_lock, NULL);
    size_t threads = options->threads ? options->threads : thread_count_available();
    if (!options->threads && threads > MOST_THREADS_CHOSEN)
        threads = MOST_THREADS_CHOSEN;
    gemm_prepare();
    bool ok = queue_create(&g->commands, QUEUE_ROOM, sizeof(struct engine_command), e) &&
              outbox_create(&g->outbox, e) && study_desk_create(&g->desk, e) &&
              thread_pool_create(&g->pool, threads, e);
    // Signals are for the thread that has the terminal.
    sigset_t before;
    thread_block_signals(&before);
    bool started = ok && pthread_create(&g->thread, NULL, engine_main, g) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        *out = g;
        return true;
    }
    if (ok)
        error_set(e, ERROR_SYSTEM, "cannot start the engine's thread");
    thread_pool_free(g->pool);
    outbox_free(g->outbox);
    study_desk_free(g->desk);
    queue_free(g->commands);
    pthread_mutex_destroy(&g->cancel_lock);
    free(g);
    return false;
}

void engine_close(struct engine *g) {
    if (!g)
        return;
    atomic_store(&g->closing, true);
    atomic_store(&g->cancel, true);
    study_desk_cancel(g->desk, STUDY_EVERY_CHANNEL);
    queue_close(g->commands);
    atomic_store(&g->hurry, true);
    pthread_join(g->thread, NULL);
    struct engine_command left;
    while (queue_take(g->commands, &left, false))
        engine_command_release(&left);
    picture_maker_free(&g->maker);
    prompt_picture_free(g->drawing);
    mask_bench_free(g->mask);
    mask_bench_free(g->base);
    study_desk_free(g->desk);
    model_free(g->trained);
    model_free(g->model);
    free(g->model_folder);
    thread_pool_free(g->pool);
    outbox_free(g->outbox);
    queue_free(g->commands);
    pthread_mutex_destroy(&g->cancel_lock);
    free(g);
}

int engine_fd(const struct engine *g) {
    return outbox_fd(g->outbox);
}
void engine_acknowledge(struct engine *g) {
    outbox_acknowledge(g->outbox);
}
bool engine_next_event(struct engine *g, struct engine_event *out) {
    return outbox_next_event(g->outbox, out);
}
size_t engine_metrics(struct engine *g, size_t from, struct metric *out, size_t most, size_t *epoch) {
    return outbox_metrics(g->outbox, from, out, most, epoch);
}
bool engine_take_picture(struct engine *g, struct prompt_picture **io) {
    return outbox_take_picture(g->outbox, io);
}
bool engine_take_snapshots(struct engine *g, struct snapshot_set **io) {
    return outbox_take_snapshots(g->outbox, io);
}

const char *engine_state_name(enum engine_state s) {
    static const char *const names[] = {
        [ENGINE_EMPTY] = "nothing open", [ENGINE_LOADING] = "loading", [ENGINE_READY] = "ready",
        [ENGINE_RUNNING] = "tuning",     [ENGINE_PAUSED] = "paused",   [ENGINE_TESTING] = "scoring",
        [ENGINE_DONE] = "done",
    };
    return names[s];
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench for tests and for recording: driven by a script on a recorded or a live run, in a terminal,
// or without a screen to make a recording of a run.
//
//   screens [--recording FILE] [--script FILE --size WxH [--dumps FOLDER] [--ascii] [--styles] [--no-color]]
//           [--studies FILE] [SESSION|TASK]
//   screens --record FILE [--hold STEP]... [--study STEP] SESSION|TASK
// --record writes a whole run, with pauses in it for scripts, and with --study what the Prompt screen asks
// for at the pauses; --studies writes the studies that came back while a script ran live, as lines to be
// added to a recording.
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/inspect/ablation.h"
#include "engine/inspect/beside.h"
#include "engine/inspect/projection.h"
#include "views/recording.h"
#include "views/workbench.h"

enum { MOST_HOLDS = 16 };
struct arguments {
    const char *recording, *record, *script, *dumps, *what, *model, *studies;
    int rows, columns;
    bool ascii, styles, no_color;
    size_t hold[MOST_HOLDS], holds;
    size_t study; // the step of which all studies are recorded; SIZE_MAX: none
};

static bool read_arguments(struct arguments *a, int count, char **text) {
    *a = (struct arguments){.rows = 24, .columns = 80, .study = SIZE_MAX};
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? text[i + 1] : NULL;
        const char **path = strcmp(text[i], "--recording") == 0 ? &a->recording
                            : strcmp(text[i], "--record") == 0  ? &a->record
                            : strcmp(text[i], "--script") == 0  ? &a->script
                            : strcmp(text[i], "--dumps") == 0   ? &a->dumps
                            : strcmp(text[i], "--model") == 0   ? &a->model
                            : strcmp(text[i], "--studies") == 0 ? &a->studies
                                                                : NULL;
        if (path && value) {
            *path = value;
            i++;
        } else if (strcmp(text[i], "--size") == 0 && value &&
                   sscanf(value, "%dx%d", &a->columns, &a->rows) == 2) {
            i++;
        } else if (strcmp(text[i], "--hold") == 0 && value && a->holds < MOST_HOLDS) {
            a->hold[a->holds++] = strtoul(value, NULL, 10);
            i++;
        } else if (strcmp(text[i], "--study") == 0 && value) {
            a->study = strtoul(value, NULL, 10);
            i++;
        } else if (strcmp(text[i], "--ascii") == 0) {
            a->ascii = true;
        } else if (strcmp(text[i], "--styles") == 0) {
            a->styles = true;
        } else if (strcmp(text[i], "--no-color") == 0) {
            a->no_color = true;
        } else if (text[i][0] != '-' && !a->what) {
            a->what = text[i];
        } else {
            return false;
        }
    }
    return true;
}

// ---- recording ----

struct recorder {
    struct engine *engine;
    struct buffer text;
    size_t metrics; // written
    struct prompt_picture *picture;
    struct evaluation dev; // of the last evaluation
    struct run_estimate estimate;
    struct step_report report; // of the last step
    bool opened, failed, tested, has_estimate, has_report;
    struct snapshot_set *snapshots;
    size_t studied; // studies that came back
    enum engine_state state;
    struct error *error;
};

// Takes whatever is new; true when the engine rests.
static bool listen(struct recorder *r) {
    struct engine_event event;
    struct pollfd fd = {.fd = engine_fd(r->engine), .events = POLLIN};
    poll(&fd, 1, 1000);
    engine_acknowledge(r->engine);
    while (engine_next_event(r->engine, &event)) {
        r->state = event.state;
        if (event.kind == EVENT_OPENED) {
            r->opened = true;
            r->failed |= !recording_write_head(&r->text, event.workspace, r->error);
            workspace_release(event.workspace);
        } else if (event.kind == EVENT_EVALUATED) {
            r->dev = event.evaluation;
        } else if (event.kind == EVENT_ESTIMATED) {
            r->estimate = event.estimate;
            r->has_estimate = true;
        } else if (event.kind == EVENT_STEPPED) {
            r->report = event.report;
            r->has_report = true;
        } else if (event.kind == EVENT_TESTED) {
            r->tested = true;
            r->failed |= !recording_write_test(&r->text, &event.evaluation, event.metric.step, r->error);
        } else if (event.kind == EVENT_STUDIED) {
            r->studied++;
            r->failed |= event.study->error.kind != ERROR_NONE ||
                         !recording_write_study(&r->text, event.study, r->error);
            study_free(event.study);
        } else if (event.kind == EVENT_ERROR) {
            *r->error = event.error;
            r->failed = true;
        }
    }
    return r->state == ENGINE_PAUSED || r->state == ENGINE_DONE || r->state == ENGINE_READY;
}

// Pictures are large: they are written where somebody looks.
static void write_news(struct recorder *r, bool with_picture) {
    struct metric m;
    while (engine_metrics(r->engine, r->metrics, &m, 1, NULL) == 1) {
        r->failed |= !recording_write_metric(&r->text, &m, m.kind == METRIC_EVAL ? &r->dev : NULL, r->error);
        if (m.kind == METRIC_STEP && r->has_report && r->report.metric.step == m.step)
            r->failed |= !recording_write_report(&r->text, &r->report, r->error);
        r->metrics++;
    }
    engine_take_picture(r->engine, &r->picture);
    if (with_picture && r->picture)
        r->failed |= !recording_write_picture(&r->text, r->picture, r->error);
}

// Sends a command and waits until it is done.
static bool carry_out(struct recorder *r, struct engine_command command) {
    size_t before = r->metrics;
    bool tested = r->tested;
    if (!engine_send(r->engine, command, r->error))
        return false;
    for (int tries = 0; tries < 600 && !r->failed; tries++) {
        bool rests = listen(r);
        struct metric probe[4];
        size_t news = engine_metrics(r->engine, before, probe, 4, NULL);
        if (rests && r->opened && (command.verb != ENGINE_STEP || news > 0) &&
            (command.verb != ENGINE_EVALUATE || r->dev.examples) &&
            (command.verb != ENGINE_TEST || r->tested != tested))
            return true;
    }
    return !r->failed && error_set(r->error, ERROR_SYSTEM, "the engine does not answer");
}

// Hands a study in, and waits for what comes of it.
static bool record_study(struct recorder *r, struct study *take) {
    size_t before = r->studied;
    if (!take)
        return false;
    engine_study(r->engine, take);
    for (int tries = 0; tries < 600 && !r->failed && r->studied == before; tries++)
        listen(r);
    return r->studied > before && !r->failed;
}

static bool record_earlier(struct recorder *r, const struct snapshot *x) {
    struct beside *b = beside_make(x->vectors, x->slots, x->width, r->error);
    struct projection *p = projection_make(x->vectors, x->slots, x->width, x->step, r->error);
    if (b)
        b->tag = x->step;
    return record_study(r, b ? &b->study : NULL) && record_study(r, p ? &p->study : NULL);
}

// What the Prompt screen asks for: the map at every pause; at one of them what every vector is worth, and the
// prompt of the start and of the last two evaluations.
static bool record_prompt_studies(struct recorder *r, bool all) {
    struct projection *map = projection_make(NULL, 0, 0, 0, r->error);
    if (!record_study(r, map ? &map->study : NULL) || !all)
        return !r->failed;
    struct ablation *without = ablation_make(ABLATION_REMOVE, NEAR_COSINE, r->error);
    struct ablation *snap = ablation_make(ABLATION_SNAP, NEAR_COSINE, r->error);
    engine_take_snapshots(r->engine, &r->snapshots);
    bool ok =
        record_study(r, without ? &without->study : NULL) && record_study(r, snap ? &snap->study : NULL);
    for (size_t i = 0; ok && r->snapshots && i < r->snapshots->count; i++)
        if (i == 0 || i + 3 > r->snapshots->count)
            ok = record_earlier(r, r->snapshots->at[i]);
    return ok;
}

static bool record(const struct arguments *a, struct error *e) {
    struct recorder r = {.error = e};
    struct session *session = NULL;
    struct engine_setup *setup = NULL;
    bool ok = false;
    if (!session_open(&session, a->what, a->model, e) || !(setup = session_setup(session, true, e)) ||
        !engine_create(&r.engine, &(struct engine_options){.threads = 1}, e))
        goto done;
    size_t steps = setup->settings.steps;
    if (!carry_out(&r, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}))
        goto done;
    for (int tries = 0; tries < 30 && !r.has_estimate; tries++)
        listen(&r);
    if (!carry_out(&r, (struct engine_command){.verb = ENGINE_EVALUATE}))
        goto done;
    listen(&r);
    if (r.has_estimate)
        recording_write_estimate(&r.text, &r.estimate, e);
    write_news(&r, true);
    if (a->study != SIZE_MAX && !record_prompt_studies(&r, a->study == 0))
        goto done;
    recording_write_hold(&r.text, e);
    for (size_t step = 1; step <= steps; step++) {
        if (!carry_out(&r, (struct engine_command){.verb = ENGINE_STEP}))
            goto done;
        bool held = false;
        for (size_t i = 0; i < a->holds; i++)
            held = held || a->hold[i] == step;
        write_news(&r, held || step == steps);
        if (a->study != SIZE_MAX && (held || step == steps) && !record_prompt_studies(&r, a->study == step))
            goto done;
        if (held)
            recording_write_hold(&r.text, e);
    }
    ok = carry_out(&r, (struct engine_command){.verb = ENGINE_TEST}) && buffer_ok(&r.text, e) &&
         file_write_atomic(a->record, r.text.data, r.text.length, e);
done:
    engine_close(r.engine);
    session_free(session);
    prompt_picture_free(r.picture);
    snapshot_set_release(r.snapshots);
    buffer_free(&r.text);
    return ok;
}

// ---- the workbench ----

static void write_study(void *context, const struct study *s) {
    recording_write_study(context, s, NULL);
}

static bool run(const struct arguments *a, struct error *e) {
    struct workbench *w = NULL;
    struct buffer studies = {0};
    const struct workbench_options options = {.what = a->what,
                                              .model_folder = a->model,
                                              .recording = a->recording,
                                              .studied = a->studies ? write_study : NULL,
                                              .context = &studies};
    if (!workbench_create(&w, &options, e))
        return false;
    struct loop_client client = workbench_client(w);
    const struct script_options script = {.path = a->script,
                                          .rows = a->rows,
                                          .columns = a->columns,
                                          .dump_folder = a->dumps,
                                          .ascii = a->ascii,
                                          .styles = a->styles,
                                          .no_color = a->no_color};
    const struct loop_options terminal = {.ascii = a->ascii, .color = true};
    bool ok = a->script ? loop_run_script(&client, &script, e) : loop_run_terminal(&client, &terminal, e);
    workbench_free(w);
    ok = ok && (!a->studies ||
                (buffer_ok(&studies, e) &&
                 file_write_atomic(a->studies, studies.data ? studies.data : "", studies.length, e)));
    buffer_free(&studies);
    return ok;
}

int main(int count, char **text) {
    struct arguments a;
    struct error e = {0};
    setlocale(LC_ALL, "");
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX < 4)
        setlocale(LC_CTYPE, "C.UTF-8");
    if (!read_arguments(&a, count, text)) {
        fprintf(stderr, "screens: wrong arguments; the head of tests/tools/screens.c lists them\n");
        return 2;
    }
    if (a.record ? record(&a, &e) : run(&a, &e))
        return 0;
    fprintf(stderr, "screens: %s\n", e.text);
    return 1;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What the Prompt screen has computed on the engine's thread, and what becomes of it.
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/prompt_file.h"

#include "prompt_inside.h"

static const double MAP_EVERY = 0.25; // seconds between two maps while a run goes on

static void send(struct prompt_view *v, struct workbench *w, enum prompt_channel channel, struct study *take,
                 double now) {
    v->waits[channel] = true;
    workbench_study(w, &view_prompt, channel, take, now);
}

static bool ready(struct workbench *w, double now) {
    const struct workspace *ws = workbench_workspace(w);
    if (ws && ws->slots && workbench_picture(w))
        return true;
    workbench_say(w, STYLE_WARN, now, "there are no soft vectors yet");
    return false;
}

void prompt_forget(struct prompt_view *v) {
    if (v->without)
        study_free(&v->without->study);
    if (v->snap)
        study_free(&v->snap->study);
    if (v->beside)
        study_free(&v->beside->study);
    if (v->map)
        study_free(&v->map->study);
    v->without = v->snap = NULL;
    v->beside = NULL;
    v->map = NULL;
    v->columns = COLUMNS_DRIFT;
    v->map_shape = 0;
    v->map_error[0] = 0;
    prompt_leave_past(v);
    prompt_past_free(&v->past);
}

// ---- dev without a vector, or with a word ----

void prompt_ask_scores(struct prompt_view *v, struct workbench *w, enum ablation_change change, double now) {
    struct error e = {0};
    enum prompt_channel channel = change == ABLATION_SNAP ? CHANNEL_SNAP : CHANNEL_WITHOUT;
    if (v->waits[channel]) { // the key that asked for it takes it back
        workbench_cancel_study(w, &view_prompt, channel);
        workbench_say(w, STYLE_PLAIN, now, "scoring stopped");
        return;
    }
    struct ablation *a = ready(w, now) ? ablation_make(change, v->metric, &e) : NULL;
    if (!a) {
        if (e.kind != ERROR_NONE)
            workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    v->columns = change == ABLATION_SNAP ? COLUMNS_SNAP : COLUMNS_WITHOUT;
    v->scored[change == ABLATION_SNAP] = v->shape;
    send(v, w, channel, &a->study, now);
}

static void take_scores(struct prompt_view *v, struct workbench *w, struct ablation *a, double now) {
    struct ablation **to = a->change == ABLATION_SNAP ? &v->snap : &v->without;
    if (*to)
        study_free(&(*to)->study);
    *to = a;
    if (a->slots == 0 || a->whole.examples == 0)
        return;
    size_t most = 0;
    for (size_t i = 1; i < a->slots; i++)
        if (a->one[i].loss > a->one[most].loss)
            most = i;
    // The answer stands on top: the vector that dev misses most.
    v->order = ORDER_WORTH;
    v->selected = most;
    if (a->change == ABLATION_REMOVE)
        workbench_say(w, STYLE_GOOD, now,
                      "v%zu matters most: without it dev loss is %.3f, with all %.3f (n = %zu)", most,
                      a->one[most].loss, a->whole.loss, a->whole.examples);
    else
        workbench_say(w, STYLE_GOOD, now,
                      "all as words: dev loss %.3f, accuracy %.2f; now %.3f, %.2f (n = %zu)", a->all.loss,
                      a->all.accuracy, a->whole.loss, a->whole.accuracy, a->whole.examples);
}

// ---- the slider ----

void prompt_leave_past(struct prompt_view *v) {
    prompt_picture_free(v->earlier);
    v->earlier = NULL;
    v->in_past = false;
}

// Where the slider stands among the snapshots; one past the last: the present.
static size_t slider_at(const struct prompt_view *v, const struct snapshot_set *s) {
    for (size_t i = 0; v->in_past && i < s->count; i++)
        if (s->at[i]->step == v->past_step)
            return i;
    return s->count;
}

void prompt_slide(struct prompt_view *v, struct workbench *w, int by, double now) {
    struct snapshot_set *s = workbench_snapshots(w);
    const struct prompt_picture *p = workbench_picture(w);
    struct error e = {0};
    if (!ready(w, now) || !s || !s->count)
        return;
    size_t at = slider_at(v, s);
    // The snapshot of the present step is the present.
    if (by < 0 && at == s->count && s->at[at - 1]->step == p->step)
        at--;
    at = by < 0 ? at - (at > 0) : at + (at < s->count);
    if (at >= s->count || s->at[at]->step == p->step) {
        workbench_cancel_study(w, &view_prompt, CHANNEL_PAST);
        prompt_leave_past(v);
        return;
    }
    const struct snapshot *x = s->at[at];
    v->in_past = true;
    v->past_step = x->step;
    struct beside *b = beside_make(x->vectors, x->slots, x->width, &e);
    if (!b) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    b->tag = x->step;
    send(v, w, CHANNEL_PAST, &b->study, now);
}

// A picture of the prompt then, so that everything is drawn as for the present one.
static struct prompt_picture *picture_then(const struct beside *b, const struct prompt_picture *now) {
    struct prompt_picture *p = mem_calloc(1, sizeof *p, NULL);
    if (!p)
        return NULL;
    *p = (struct prompt_picture){.step = b->tag, .slots = b->slots, .k = b->k, .near_current = true};
    p->width = b->width;
    size_t near = b->slots * NEAR_KINDS * b->k;
    p->norm = mem_calloc(b->slots, sizeof *p->norm, NULL);
    p->drift = mem_calloc(b->slots, sizeof *p->drift, NULL);
    p->cosine_to_start = mem_calloc(b->slots, sizeof *p->cosine_to_start, NULL);
    p->near = mem_calloc(near, sizeof *p->near, NULL);
    p->start_near = mem_calloc(b->slots, sizeof *p->start_near, NULL);
    p->frozen = mem_calloc(b->slots, sizeof *p->frozen, NULL);
    if (!p->norm || !p->drift || !p->cosine_to_start || !p->near || !p->start_near || !p->frozen) {
        prompt_picture_free(p);
        return NULL;
    }
    memcpy(p->norm, b->norm, b->slots * sizeof *p->norm);
    memcpy(p->drift, b->drift, b->slots * sizeof *p->drift);
    memcpy(p->cosine_to_start, b->start_cosine, b->slots * sizeof *p->cosine_to_start);
    memcpy(p->near, b->near, near * sizeof *p->near);
    memcpy(p->start_near, now->start_near, b->slots * sizeof *p->start_near);
    return p;
}

static void take_past(struct prompt_view *v, struct workbench *w, struct beside *b) {
    const struct prompt_picture *now = workbench_picture(w);
    if (v->in_past && v->past_step == b->tag && now && now->slots == b->slots && b->k) {
        prompt_picture_free(v->earlier);
        v->earlier = picture_then(b, now);
    }
    study_free(&b->study);
}

// ---- another prompt beside this one ----

// The file that a name stands for: a kept run's best prompt, or what was typed. Owned.
static char *file_of(const struct workbench *w, const char *what, struct error *e) {
    const struct session *s = workbench_session(w);
    char below[PATH_MAX];
    if (strcmp(what, "best") == 0)
        return path_join(session_folder(s), "prompts/best.safetensors", e);
    if (strncmp(what, "kept/", 5) == 0 && !strchr(what + 5, '.')) {
        snprintf(below, sizeof below, "%s/prompts/best.safetensors", what);
        return path_join(session_folder(s), below, e);
    }
    return mem_strdup(what, e);
}

static const struct snapshot *snapshot_named(struct workbench *w, const char *what) {
    const struct snapshot_set *s = workbench_snapshots(w);
    char *end;
    if (!s || !s->count)
        return NULL;
    if (strcmp(what, "start") == 0)
        return s->at[0];
    if (strcmp(what, "best") == 0)
        return s->best < s->count ? s->at[s->best] : NULL;
    if (strncmp(what, "step ", 5) != 0)
        return NULL;
    unsigned long step = strtoul(what + 5, &end, 10);
    return end == what + 5 || *end ? NULL : snapshot_set_find(s, step);
}

static struct beside *beside_of(struct workbench *w, const char *what, struct error *e) {
    struct prompt_matrix m = {0};
    struct beside *b = NULL;
    const struct snapshot *x = snapshot_named(w, what);
    if (x && (b = beside_make(x->vectors, x->slots, x->width, e)))
        b->tag = x->step;
    if (x)
        return b;
    if (strncmp(what, "step ", 5) == 0 || strcmp(what, "start") == 0) {
        error_set(e, ERROR_INPUT,
                  "the prompt of %s was not kept: there are those of step 0 and of evaluations", what);
        return NULL;
    }
    char *path = file_of(w, what, e);
    if (path && prompt_file_read(&m, path, e))
        b = beside_make(m.value, m.rows, m.columns, e);
    prompt_matrix_free(&m);
    free(path);
    return b;
}

void prompt_ask_beside(struct prompt_view *v, struct workbench *w, const char *what, double now) {
    struct error e = {0};
    if (strcmp(what, "off") == 0) {
        v->columns = v->columns == COLUMNS_BESIDE ? COLUMNS_DRIFT : v->columns;
        return;
    }
    struct beside *b = ready(w, now) ? beside_of(w, what, &e) : NULL;
    if (!b) {
        if (e.kind != ERROR_NONE)
            workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    snprintf(v->beside_name, sizeof v->beside_name, "%s", what);
    v->columns = COLUMNS_BESIDE;
    send(v, w, CHANNEL_BESIDE, &b->study, now);
}

static void take_beside(struct prompt_view *v, struct workbench *w, struct beside *b, double now) {
    const struct workspace *ws = workbench_workspace(w);
    if (v->beside)
        study_free(&v->beside->study);
    v->beside = b;
    if (ws && b->slots != ws->slots)
        workbench_say(w, STYLE_WARN, now, "%.100s has %zu vectors, this prompt %zu: compared by number",
                      v->beside_name, b->slots, ws->slots);
}

// ---- the map ----

static bool map_is_old(const struct prompt_view *v) {
    size_t past = v->in_past ? v->past_step : SIZE_MAX;
    return v->slots && (v->map_shape != v->shape || v->map_past != past);
}

double prompt_deadline(void *state) {
    const struct prompt_view *v = state;
    if (!v->map_drawn || v->waits[CHANNEL_MAP] || !map_is_old(v))
        return 0;
    return v->map_at > 0 ? v->map_at : 1e-6;
}

// Where the snapshot is gone by now (thinned away), the map stays as it was.
void prompt_tick(void *state, struct workbench *w, double now) {
    struct prompt_view *v = state;
    const struct snapshot *x = v->in_past ? snapshot_set_find(workbench_snapshots(w), v->past_step) : NULL;
    v->map_shape = v->shape;
    v->map_past = v->in_past ? v->past_step : SIZE_MAX;
    v->map_at = now + MAP_EVERY;
    v->map_drawn = false; // drawing says it again
    if (v->in_past && !x)
        return;
    const struct prompt_picture *shown = prompt_shown(v, w);
    struct projection *p = x && x->slots ? projection_make(x->vectors, x->slots, x->width, x->step, NULL)
                                         : projection_make(NULL, 0, 0,
                                                           x       ? x->step
                                                           : shown ? shown->step
                                                                   : 0,
                                                           NULL);
    if (p)
        send(v, w, CHANNEL_MAP, &p->study, now);
}

static void take_map(struct prompt_view *v, struct projection *p) {
    if (v->map)
        study_free(&v->map->study);
    v->map = p;
    v->map_error[0] = 0;
}

// ---- coming back ----

static enum prompt_channel channel_of(const struct study *s) {
    if (s->kind == &projection_kind)
        return CHANNEL_MAP;
    if (s->kind == &ablation_kind)
        return CHANNEL_WITHOUT;
    if (s->kind == &snap_kind)
        return CHANNEL_SNAP;
    return s->channel % STUDY_CHANNELS;
}

void prompt_studied(void *state, struct workbench *w, struct study *take, double now) {
    struct prompt_view *v = state;
    enum prompt_channel channel = channel_of(take);
    v->waits[channel] = workbench_studying(w, &view_prompt, channel, NULL, NULL);
    if (v->opened != workbench_opened(w) || take->error.kind != ERROR_NONE) {
        if (take->error.kind != ERROR_NONE && take->error.kind != ERROR_CANCELLED && channel != CHANNEL_MAP)
            workbench_say(w, STYLE_BAD, now, "%s", take->error.text);
        if (channel == CHANNEL_MAP && take->error.kind != ERROR_CANCELLED)
            snprintf(v->map_error, sizeof v->map_error, "%.180s", take->error.text);
        if (channel == CHANNEL_PAST && take->error.kind != ERROR_CANCELLED)
            prompt_leave_past(v);
        study_free(take);
        return;
    }
    switch (channel) {
    case CHANNEL_WITHOUT:
    case CHANNEL_SNAP:
        take_scores(v, w, (struct ablation *)take, now);
        break;
    case CHANNEL_MAP:
        take_map(v, (struct projection *)take);
        break;
    case CHANNEL_PAST:
        take_past(v, w, (struct beside *)take);
        break;
    case CHANNEL_BESIDE:
        take_beside(v, w, (struct beside *)take, now);
        break;
    case CHANNELS:
        break;
    }
    prompt_refresh(v, w, now);
}

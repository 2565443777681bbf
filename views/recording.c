// SPDX-License-Identifier: GPL-3.0-or-later
#include "recording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"

enum { MOST_BYTES = 64 << 20, QUEUE = 64 };

struct recording {
    cJSON **line; // owned, [lines]; line[0] is the head
    size_t lines, next, line_capacity;
    size_t study_at; // line of the last study that was answered
    int fd;
    enum engine_state state;

    struct engine_event queue[QUEUE]; // ring
    size_t first, queued;
    struct metric *metric; // the log so far
    size_t metrics, capacity, epoch;
    struct prompt_picture *picture; // newest that was not taken; NULL: none
    struct snapshot_set *snapshots;
    size_t snapshot_serial;

    // What the workspace points to.
    struct workspace workspace;
    struct task *task;
    struct split split;
    struct tokenizer *tokenizer;
    struct vocabulary_norms norms;
    bool open;
};

// ---- numbers and lists ----

static float number(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? (float)item->valuedouble : NAN;
}

static size_t whole(const cJSON *object, const char *key) {
    double x = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (cJSON_IsNumber(item))
        x = item->valuedouble;
    return x > 0 && x < 9e15 ? (size_t)x : 0;
}

// A list of exactly `count` numbers into out.
static bool floats(const cJSON *object, const char *key, float *out, size_t count, struct error *e) {
    const cJSON *list = NULL, *item = NULL;
    size_t i = 0;
    if (!json_get_array(object, key, true, &list, e))
        return false;
    if ((size_t)cJSON_GetArraySize(list) != count)
        return error_set(e, ERROR_INPUT, "recording: %s has %d numbers, not %zu", key,
                         cJSON_GetArraySize(list), count);
    cJSON_ArrayForEach(item, list) out[i++] = cJSON_IsNumber(item) ? (float)item->valuedouble : NAN;
    return true;
}

static void put_number(cJSON *object, const char *key, double x) {
    if (isfinite(x)) // NaN is no JSON: it is left out, and read back as NaN
        cJSON_AddNumberToObject(object, key, x);
}

// ---- metrics and evaluations, both ways: one table of members ----

static const struct {
    const char *key;
    size_t at;
} metric_member[] = {
    {"train_loss", offsetof(struct metric, train_loss)},
    {"train_accuracy", offsetof(struct metric, train_accuracy)},
    {"gradient_norm", offsetof(struct metric, gradient_norm)},
    {"update_norm", offsetof(struct metric, update_norm)},
    {"prompt_norm", offsetof(struct metric, prompt_norm)},
    {"rate", offsetof(struct metric, rate)},
    {"dev_loss", offsetof(struct metric, dev_loss)},
    {"dev_accuracy", offsetof(struct metric, dev_accuracy)},
    {"dev_f1", offsetof(struct metric, dev_f1)},
    {"seconds", offsetof(struct metric, seconds)},
};
enum { METRIC_MEMBERS = sizeof metric_member / sizeof *metric_member };

static struct metric metric_of(const cJSON *object, enum metric_kind kind) {
    struct metric m = {.kind = kind, .step = whole(object, "step")};
    for (size_t i = 0; i < METRIC_MEMBERS; i++) {
        float x = number(object, metric_member[i].key);
        memcpy((char *)&m + metric_member[i].at, &x, sizeof x);
    }
    m.best = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "best"));
    return m;
}

static bool evaluation_of(const cJSON *object, struct evaluation *v, struct error *e) {
    float cell[16 * 16];
    *v = (struct evaluation){.examples = whole(object, "examples"),
                             .correct = whole(object, "correct"),
                             .loss = number(object, "loss"),
                             .accuracy = number(object, "accuracy"),
                             .macro_f1 = number(object, "macro_f1"),
                             .classes = whole(object, "classes"),
                             .elsewhere = whole(object, "elsewhere")};
    if (v->classes > TASK_MOST_CLASSES)
        return error_set(e, ERROR_INPUT, "recording: an evaluation of %zu classes", v->classes);
    if (v->classes == 0 || v->classes > 16)
        return true;
    if (!floats(object, "confusion", cell, v->classes * v->classes, e))
        return false;
    for (size_t i = 0; i < v->classes * v->classes; i++)
        v->confusion[i] = cell[i] > 0 && cell[i] < 9e15f ? (size_t)cell[i] : 0;
    return true;
}

static cJSON *evaluation_object(const struct evaluation *v) {
    cJSON *o = cJSON_CreateObject(), *list = cJSON_CreateArray();
    cJSON_AddNumberToObject(o, "examples", (double)v->examples);
    cJSON_AddNumberToObject(o, "correct", (double)v->correct);
    put_number(o, "loss", v->loss);
    put_number(o, "accuracy", v->accuracy);
    put_number(o, "macro_f1", v->macro_f1);
    cJSON_AddNumberToObject(o, "classes", (double)v->classes);
    cJSON_AddNumberToObject(o, "elsewhere", (double)v->elsewhere);
    for (size_t i = 0; v->classes <= 16 && i < v->classes * v->classes; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)v->confusion[i]));
    cJSON_AddItemToObject(o, "confusion", list);
    return o;
}

// ---- the picture ----

// A token's id from a list of numbers; -1, which has no piece, for what is none.
static int32_t token_of(float x) {
    return x >= 0 && x < 0x1p31f ? (int32_t)x : -1;
}

static bool picture_near(struct prompt_picture *p, const cJSON *o, struct error *e) {
    size_t count = p->slots * NEAR_KINDS * p->k;
    float *pair = mem_calloc(count * 2, sizeof *pair, e);
    bool ok = pair && floats(o, "near", pair, count * 2, e);
    for (size_t i = 0; ok && i < count; i++)
        p->near[i] = (struct near_token){token_of(pair[2 * i]), pair[2 * i + 1]};
    free(pair);
    return ok;
}

static struct prompt_picture *picture_of(const cJSON *o, struct error *e) {
    struct prompt_picture *p = mem_calloc(1, sizeof *p, e);
    float *start = NULL;
    if (!p)
        return NULL;
    *p = (struct prompt_picture){.step = whole(o, "step"),
                                 .slots = whole(o, "slots"),
                                 .width = whole(o, "width"),
                                 .k = whole(o, "k"),
                                 .near_current = true};
    if (p->slots == 0 || p->slots > 4096 || p->k == 0 || p->k > NEAR_MOST) {
        error_set(e, ERROR_INPUT, "recording: a picture of %zu slots with %zu near tokens", p->slots, p->k);
        goto failed;
    }
    p->norm = mem_calloc(p->slots, sizeof(float), e);
    p->drift = mem_calloc(p->slots, sizeof(float), e);
    p->cosine_to_start = mem_calloc(p->slots, sizeof(float), e);
    p->near = mem_calloc(p->slots * NEAR_KINDS * p->k, sizeof *p->near, e);
    p->start_near = mem_calloc(p->slots, sizeof *p->start_near, e);
    p->frozen = mem_calloc(p->slots, sizeof *p->frozen, e);
    start = mem_calloc(p->slots, sizeof(float), e);
    if (!p->norm || !p->drift || !p->cosine_to_start || !p->near || !p->start_near || !p->frozen || !start ||
        !floats(o, "norm", p->norm, p->slots, e) || !floats(o, "drift", p->drift, p->slots, e) ||
        !floats(o, "cosine", p->cosine_to_start, p->slots, e) ||
        !floats(o, "start_near", start, p->slots, e) || !picture_near(p, o, e))
        goto failed;
    for (size_t i = 0; i < p->slots; i++)
        p->start_near[i] = token_of(start[i]);
    free(start);
    return p;
failed:
    free(start);
    prompt_picture_free(p);
    return NULL;
}

// ---- the player ----

static void wake(struct recording *r) {
    uint64_t one = 1;
    ssize_t ignored = write(r->fd, &one, sizeof one);
    (void)ignored;
}

static struct engine_event *push(struct recording *r, enum engine_event_kind kind) {
    if (r->queued == QUEUE) { // nobody reads: the oldest goes, as no state is lost with it
        study_free(r->queue[r->first].study);
        r->first = (r->first + 1) % QUEUE;
        r->queued--;
    }
    struct engine_event *event = &r->queue[(r->first + r->queued++) % QUEUE];
    *event = (struct engine_event){.kind = kind, .state = r->state};
    return event;
}

static void set_state(struct recording *r, enum engine_state state) {
    r->state = state;
    push(r, EVENT_STATE);
}

static enum engine_state state_of(const char *name) {
    for (int s = ENGINE_EMPTY; s <= ENGINE_DONE; s++)
        if (strcmp(engine_state_name((enum engine_state)s), name) == 0)
            return (enum engine_state)s;
    return ENGINE_READY;
}

static bool add_metric(struct recording *r, struct metric m) {
    if (!mem_grow(&r->metric, &r->capacity, r->metrics + 1, sizeof *r->metric, NULL))
        return false;
    r->metric[r->metrics++] = m;
    return true;
}

static void take_snapshot(struct recording *r, const struct metric *m) {
    struct snapshot *x = snapshot_make(++r->snapshot_serial, m->step, NULL, 0, 0, NULL);
    if (!x)
        return;
    x->dev_loss = m->dev_loss;
    x->dev_accuracy = m->dev_accuracy;
    x->dev_f1 = m->dev_f1;
    struct snapshot_set *next = snapshot_set_with(r->snapshots, x, m->best, NULL);
    if (next) {
        snapshot_set_release(r->snapshots);
        r->snapshots = next;
    }
}

static void play_eval(struct recording *r, const cJSON *o) {
    struct metric m = metric_of(o, METRIC_EVAL);
    take_snapshot(r, &m);
    const cJSON *detail = cJSON_GetObjectItemCaseSensitive(o, "evaluation");
    add_metric(r, m);
    struct engine_event *event = push(r, EVENT_EVALUATED);
    event->metric = m;
    if (!detail || !evaluation_of(detail, &event->evaluation, NULL))
        event->evaluation = (struct evaluation){0};
    if (m.best)
        push(r, EVENT_BEST)->metric = m;
}

static void play_report(struct recording *r, const cJSON *o) {
    struct step_report p = {.metric = r->metrics ? r->metric[r->metrics - 1] : (struct metric){0},
                            .loss_after = number(o, "loss_after"),
                            .accuracy_after = number(o, "accuracy_after"),
                            .batch = whole(o, "batch"),
                            .clip = (double)number(o, "clip")};
    const cJSON *list = NULL;
    float most[3 * STEP_REPORT_MOST];
    if (!json_get_array(o, "most", true, &list, NULL))
        return;
    p.moved = (size_t)cJSON_GetArraySize(list) / 3;
    if (p.moved > STEP_REPORT_MOST || !floats(o, "most", most, 3 * p.moved, NULL))
        return;
    for (size_t i = 0; i < p.moved; i++) {
        p.most[i].slot = most[3 * i] > 0 && most[3 * i] < 0x1p24f ? (size_t)most[3 * i] : 0;
        p.most[i].by = most[3 * i + 1];
        p.most[i].norm = most[3 * i + 2];
    }
    push(r, EVENT_STEPPED)->report = p;
}

static void play_estimate(struct recording *r, const cJSON *o) {
    push(r, EVENT_ESTIMATED)->estimate =
        (struct run_estimate){.step_seconds = (double)number(o, "step_seconds"),
                              .dev_seconds = (double)number(o, "dev_seconds"),
                              .pass_bytes = whole(o, "pass_bytes"),
                              .state_bytes = whole(o, "state_bytes"),
                              .snapshot_bytes = whole(o, "snapshot_bytes")};
}

// Plays one line; false when playing stops behind it.
static bool play_line(struct recording *r, const cJSON *line) {
    const cJSON *o = NULL;
    if ((o = cJSON_GetObjectItemCaseSensitive(line, "step"))) {
        add_metric(r, metric_of(o, METRIC_STEP));
    } else if ((o = cJSON_GetObjectItemCaseSensitive(line, "eval"))) {
        play_eval(r, o);
    } else if ((o = cJSON_GetObjectItemCaseSensitive(line, "rate"))) {
        add_metric(r, metric_of(o, METRIC_RATE));
    } else if ((o = cJSON_GetObjectItemCaseSensitive(line, "picture"))) {
        prompt_picture_free(r->picture);
        r->picture = picture_of(o, NULL);
    } else if ((o = cJSON_GetObjectItemCaseSensitive(line, "state"))) {
        if (cJSON_IsString(o))
            set_state(r, state_of(o->valuestring));
    } else if ((o = cJSON_GetObjectItemCaseSensitive(line, "estimate"))) {
        play_estimate(r, o);
    } else if ((o = cJSON_GetObjectItemCaseSensitive(line, "report"))) {
        play_report(r, o);
    } else if (cJSON_GetObjectItemCaseSensitive(line, "hold")) {
        return false;
    }
    return true;
}

static bool at_end(const struct recording *r) {
    return r->next == r->lines || cJSON_GetObjectItemCaseSensitive(r->line[r->next], "seed");
}

// Plays until a hold, the end, or (with one_step) to the line before the second step from here.
static void play(struct recording *r, bool one_step) {
    size_t steps = 0;
    for (; r->next < r->lines; r->next++) {
        const cJSON *line = r->line[r->next];
        if (cJSON_GetObjectItemCaseSensitive(line, "seed")) // another run
            break;
        if (one_step && cJSON_GetObjectItemCaseSensitive(line, "step") && ++steps == 2)
            break;
        if (!play_line(r, line)) {
            r->next++;
            break;
        }
    }
    if (one_step)
        set_state(r, ENGINE_PAUSED);
    else if (at_end(r) && r->state == ENGINE_RUNNING) {
        set_state(r, ENGINE_DONE);
        push(r, EVENT_FINISHED);
    }
    wake(r);
}

static void play_test(struct recording *r) {
    for (size_t i = 1; i < r->lines; i++) {
        const cJSON *o = cJSON_GetObjectItemCaseSensitive(r->line[i], "test");
        struct evaluation v;
        if (!o || !evaluation_of(o, &v, NULL))
            continue;
        struct engine_event *event = push(r, EVENT_TESTED);
        event->evaluation = v;
        event->metric.step = whole(o, "step");
        return;
    }
}

// Where the lines of a seed begin; a recording without such sections is of any seed.
static size_t section_of(const struct recording *r, uint64_t seed) {
    for (size_t i = 1; i < r->lines; i++)
        if (cJSON_GetObjectItemCaseSensitive(r->line[i], "seed") && whole(r->line[i], "seed") == seed)
            return i + 1;
    return 1;
}

static void restart(struct recording *r) {
    r->next = r->workspace.setup ? section_of(r, r->workspace.setup->settings.seed) : 1;
    r->metrics = 0;
    r->epoch++;
    prompt_picture_free(r->picture);
    r->picture = NULL;
    const struct metric start = {.dev_loss = NAN, .dev_accuracy = NAN, .dev_f1 = NAN};
    snapshot_set_release(r->snapshots);
    r->snapshots = NULL;
    take_snapshot(r, &start);
}

// ---- the workspace ----

static void workspace_drop(struct recording *r) {
    struct workspace *w = &r->workspace;
    free(w->model_folder);
    free(w->model_name);
    free(w->warnings);
    template_free(&w->template);
    verbalizer_free(&w->verbalizer);
    engine_setup_free(w->setup);
    *w = (struct workspace){0};
    split_free(&r->split);
    r->split = (struct split){0};
    task_free(r->task);
    tokenizer_free(r->tokenizer);
    r->task = NULL;
    r->tokenizer = NULL;
    r->open = false;
}

static bool bind_words(struct workspace *w, const struct engine_setup *s, const struct task *t,
                       struct error *e) {
    enum word_pieces rule = s->settings.pieces == RUN_PIECES_MEAN  ? WORD_MEAN
                            : s->settings.pieces == RUN_PIECES_MAX ? WORD_MAX
                                                                   : WORD_FIRST;
    if (!task_words(&w->verbalizer, t, s->label_words, s->settings.loss == LOSS_PAPER_CODE, e))
        return false;
    return verbalizer_bind(&w->verbalizer, w->tokenizer, rule, e) &&
           (w->warnings = verbalizer_warnings(&w->verbalizer, w->tokenizer, e)) != NULL;
}

static bool workspace_open(struct recording *r, struct engine_setup *s, struct error *e) {
    struct workspace *w = &r->workspace;
    struct pattern pattern = {0};
    workspace_drop(r);
    w->setup = s;
    struct split_request few = {.per_class = s->settings.shots,
                                .total = s->settings.total_shots,
                                .seed = s->settings.seed,
                                .dev_from_train = s->settings.dev_from_train,
                                .own_use = (enum split_own)s->settings.own};
    if (!task_load(&r->task, s->task_path, s->data_folder, e) || !task_set_own(r->task, s->own_examples, e))
        return false;
    few.own = &r->task->own;
    if (!split_make(&r->split, r->task, &few, e) || !tokenizer_load(&r->tokenizer, s->model_folder, e) ||
        !t5_config_read(&w->config, s->model_folder, e) ||
        !(w->model_folder = mem_strdup(s->model_folder, e)) ||
        !(w->model_name = mem_strdup(path_name(s->model_folder), e)))
        return false;
    w->tokenizer = r->tokenizer;
    w->task = w->original = r->task;
    w->split = &r->split;
    w->norms = &r->norms;
    w->parameters = whole(r->line[0], "parameters");
    w->weight_bytes = whole(r->line[0], "weight_bytes");
    const char *text = s->template_text     ? s->template_text
                       : r->task->templates ? r->task->template_text[0]
                                            : "";
    if (!template_parse(&w->template, text, (const char *const *)r->task->field, r->task->fields, NULL, e) ||
        !bind_words(w, s, r->task, e) || !pattern_bind(&pattern, &w->template, r->task, r->tokenizer, e))
        return false;
    w->slots = pattern.slots;
    pattern_free(&pattern);
    r->open = true;
    return true;
}

static void open_setup(struct recording *r, struct engine_setup *setup) {
    struct error e = {0};
    restart(r);
    r->next = section_of(r, setup->settings.seed);
    if (!workspace_open(r, setup, &e)) {
        r->state = ENGINE_EMPTY;
        push(r, EVENT_ERROR)->error = e;
        wake(r);
        return;
    }
    r->state = ENGINE_READY;
    push(r, EVENT_OPENED)->workspace = &r->workspace;
    play(r, false); // what is known before the first step, up to the first hold
}

static void undo(struct recording *r, const struct engine_command *c) {
    const struct snapshot *x = c->verb == ENGINE_UNDO_TO ? snapshot_set_find(r->snapshots, (size_t)c->number)
                               : r->snapshots->best != SIZE_MAX ? r->snapshots->at[r->snapshots->best]
                                                                : NULL;
    if (x)
        add_metric(r, (struct metric){.kind = METRIC_UNDO,
                                      .step = r->metrics ? r->metric[r->metrics - 1].step : 0,
                                      .rate = NAN,
                                      .undone_to = x->step});
    push(r, EVENT_STATE);
}

bool recording_send(struct recording *r, struct engine_command command, struct error *e) {
    prompt_edit_free(command.edit); // a recorded prompt stays as it is
    command.edit = NULL;
    if (command.verb != ENGINE_OPEN && !r->open) {
        engine_setup_free(command.setup);
        return error_set(e, ERROR_INPUT, "Nothing is open. Open a session or a task: :open NAME");
    }
    switch (command.verb) {
    case ENGINE_OPEN:
        open_setup(r, command.setup);
        return true;
    case ENGINE_RUN:
        if (r->state != ENGINE_DONE)
            set_state(r, ENGINE_RUNNING);
        play(r, false);
        return true;
    case ENGINE_STEP:
        play(r, true);
        return true;
    case ENGINE_PAUSE:
    case ENGINE_STOP:
        set_state(r, ENGINE_PAUSED);
        break;
    case ENGINE_TEST:
        play_test(r);
        break;
    case ENGINE_RESTART:
        restart(r);
        r->state = ENGINE_READY;
        play(r, false);
        return true;
    case ENGINE_UNDO_TO_BEST:
    case ENGINE_UNDO_TO:
        undo(r, &command);
        break;
    case ENGINE_SET_RATE:
        add_metric(r, (struct metric){.kind = METRIC_RATE,
                                      .step = r->metrics ? r->metric[r->metrics - 1].step : 0,
                                      .rate = (float)command.number});
        push(r, EVENT_STATE);
        break;
    default: // nothing a recording could answer beyond "heard"
        push(r, EVENT_STATE);
        break;
    }
    wake(r);
    return true;
}

static bool read_lines(struct recording *r, const char *path, bool include, struct error *e);

// {"include": "FILE"}: the lines of another recording in the same folder, which includes none itself.
static bool include_lines(struct recording *r, const char *path, const char *name, struct error *e) {
    char *folder = path_folder(path, e), *file = folder ? path_join(folder, name, e) : NULL;
    bool ok = file && (path_stays_inside(name) ||
                       error_set(e, ERROR_INPUT, "%s: \"%s\" is not a file beside it", path, name));
    ok = ok && read_lines(r, file, false, e);
    free(folder);
    free(file);
    return ok;
}

static bool read_lines(struct recording *r, const char *path, bool include, struct error *e) {
    char *text = NULL;
    size_t length = 0, number = 0;
    bool ok = file_read(path, MOST_BYTES, &text, &length, e);
    for (char *at = text; ok && *at;) {
        size_t bytes = strcspn(at, "\n");
        cJSON *line = NULL;
        const char *other = NULL;
        number++;
        if (bytes > 0)
            ok = (mem_grow(&r->line, &r->line_capacity, r->lines + 1, sizeof *r->line, e) &&
                  (line = json_parse(at, bytes, e)) &&
                  (!include || json_get_string(line, "include", false, &other, e))) ||
                 error_context(e, "%s: record %zu", path, number);
        if (ok && other) {
            ok = include_lines(r, path, other, e);
            cJSON_Delete(line);
        } else if (line) {
            r->line[r->lines++] = line;
        }
        at += bytes + (at[bytes] == '\n');
    }
    free(text);
    return ok;
}

bool recording_open(struct recording **out, const char *path, struct error *e) {
    struct recording *r = mem_calloc(1, sizeof *r, e);
    bool ok = false;
    if (!r)
        return false;
    r->fd = -1;
    if (!read_lines(r, path, true, e))
        goto done;
    if (r->lines == 0 || whole(r->line[0], "recording") != 1) {
        error_set(e, ERROR_INPUT, "%s: not a recording: its first line should have \"recording\": 1", path);
        goto done;
    }
    r->next = 1;
    const cJSON *norms = NULL;
    if (!json_get_array(r->line[0], "norms", true, &norms, e))
        goto done;
    r->norms.ids = (size_t)cJSON_GetArraySize(norms);
    r->norms.mean = number(r->line[0], "mean");
    r->norms.deviation = number(r->line[0], "deviation");
    r->norms.sorted = mem_calloc(r->norms.ids, sizeof(float), e);
    if (!r->norms.sorted || !floats(r->line[0], "norms", r->norms.sorted, r->norms.ids, e))
        goto done;
    r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ok = r->fd >= 0 || error_system(e, "an event descriptor could not be made");
done:
    if (ok)
        *out = r;
    else
        recording_close(r);
    return ok;
}

void recording_close(struct recording *r) {
    if (!r)
        return;
    for (size_t i = 0; i < r->queued; i++)
        study_free(r->queue[(r->first + i) % QUEUE].study);
    workspace_drop(r);
    for (size_t i = 0; i < r->lines; i++)
        cJSON_Delete(r->line[i]);
    free(r->line);
    free(r->metric);
    free(r->norms.sorted);
    prompt_picture_free(r->picture);
    snapshot_set_release(r->snapshots);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}

int recording_fd(const struct recording *r) {
    return r->fd;
}

void recording_acknowledge(struct recording *r) {
    uint64_t count;
    ssize_t ignored = read(r->fd, &count, sizeof count);
    (void)ignored;
}

bool recording_next_event(struct recording *r, struct engine_event *out) {
    if (r->queued == 0)
        return false;
    *out = r->queue[r->first];
    r->first = (r->first + 1) % QUEUE;
    r->queued--;
    return true;
}

size_t recording_metrics(struct recording *r, size_t from, struct metric *out, size_t most, size_t *epoch) {
    size_t count = from < r->metrics ? r->metrics - from : 0;
    if (count > most)
        count = most;
    if (count > 0)
        memcpy(out, r->metric + from, count * sizeof *out);
    if (epoch)
        *epoch = r->epoch;
    return count;
}

bool recording_take_picture(struct recording *r, struct prompt_picture **io) {
    if (!r->picture)
        return false;
    prompt_picture_free(*io);
    *io = r->picture;
    r->picture = NULL;
    return true;
}

bool recording_take_snapshots(struct recording *r, struct snapshot_set **io) {
    if (!r->snapshots || r->snapshots == *io)
        return false;
    snapshot_set_release(*io);
    *io = snapshot_set_hold(r->snapshots);
    return true;
}

static const cJSON *recorded_study(const struct recording *r, size_t line, const char *kind) {
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(r->line[line], "study");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(o, "kind");
    return cJSON_IsString(name) && strcmp(name->valuestring, kind) == 0
               ? cJSON_GetObjectItemCaseSensitive(o, "result")
               : NULL;
}

void recording_study(struct recording *r, struct study *take) {
    bool found = false, answered = false;
    for (size_t i = 0; !answered && take->kind->read && i < r->lines; i++) {
        r->study_at = r->study_at + 1 < r->lines ? r->study_at + 1 : 0;
        const cJSON *result = recorded_study(r, r->study_at, take->kind->name);
        found = found || result;
        answered = result && take->kind->read(take, result, &take->error);
    }
    if (answered)
        take->error = (struct error){0};
    else if (!found)
        error_set(&take->error, ERROR_INPUT, "this is a recorded run: nothing can be computed in it");
    if (r->queued == QUEUE) { // nobody listens
        study_free(take);
        return;
    }
    r->queue[(r->first + r->queued++) % QUEUE] = (struct engine_event){
        .kind = EVENT_STUDIED, .state = r->state, .channel = take->channel, .study = take};
    wake(r);
}

bool recording_idle(const struct recording *r) {
    return r->queued == 0;
}

// ---- writing ----

// Appends {key: take} as a line.
static bool write_line(struct buffer *text, const char *key, cJSON *take, struct error *e) {
    cJSON *line = cJSON_CreateObject();
    char *printed = NULL;
    bool ok = line && take && cJSON_AddItemToObject(line, key, take);
    if (!ok)
        cJSON_Delete(take);
    else
        ok = (printed = json_print(line, false, e)) != NULL;
    if (ok) {
        buffer_add_text(text, printed);
        if (text->length && text->data[text->length - 1] != '\n')
            buffer_add_char(text, '\n');
        ok = buffer_ok(text, e);
    }
    free(printed);
    cJSON_Delete(line);
    return ok;
}

// Four digits are as many as a screen shows, and keep the files small.
static double rounded(double x) {
    char digits[32];
    if (!isfinite(x))
        return 0;
    snprintf(digits, sizeof digits, "%.4g", x);
    return strtod(digits, NULL);
}

static cJSON *float_list(const float *x, size_t count) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(rounded(x[i])));
    return list;
}

bool recording_write_head(struct buffer *text, const struct workspace *w, struct error *e) {
    enum { QUANTILES = 101 };
    float quantile[QUANTILES];
    const struct vocabulary_norms *n = w->norms;
    for (size_t i = 0; i < QUANTILES; i++)
        quantile[i] = n->ids ? n->sorted[i * (n->ids - 1) / (QUANTILES - 1)] : 0;
    cJSON *head = cJSON_CreateObject(), *list = float_list(quantile, QUANTILES);
    cJSON_AddNumberToObject(head, "recording", 1);
    cJSON_AddNumberToObject(head, "parameters", (double)w->parameters);
    cJSON_AddNumberToObject(head, "weight_bytes", (double)w->weight_bytes);
    put_number(head, "mean", rounded(n->mean));
    put_number(head, "deviation", rounded(n->deviation));
    cJSON_AddItemToObject(head, "norms", list);
    char *printed = json_print(head, false, e);
    cJSON_Delete(head);
    if (!printed)
        return false;
    buffer_printf(text, "%s\n", printed);
    free(printed);
    return buffer_ok(text, e);
}

bool recording_write_state(struct buffer *text, enum engine_state state, struct error *e) {
    return write_line(text, "state", cJSON_CreateString(engine_state_name(state)), e);
}

bool recording_write_metric(struct buffer *text, const struct metric *m, const struct evaluation *detail,
                            struct error *e) {
    static const char *const name[] = {
        [METRIC_STEP] = "step", [METRIC_EVAL] = "eval", [METRIC_RATE] = "rate"};
    if ((size_t)m->kind >= sizeof name / sizeof *name) // what a recording does not play
        return true;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "step", (double)m->step);
    for (size_t i = 0; i < METRIC_MEMBERS; i++) {
        float x;
        memcpy(&x, (const char *)m + metric_member[i].at, sizeof x);
        if (isfinite(x))
            put_number(o, metric_member[i].key, rounded(x));
    }
    if (m->best)
        cJSON_AddTrueToObject(o, "best");
    if (detail)
        cJSON_AddItemToObject(o, "evaluation", evaluation_object(detail));
    return write_line(text, name[m->kind], o, e);
}

bool recording_write_picture(struct buffer *text, const struct prompt_picture *p, struct error *e) {
    cJSON *o = cJSON_CreateObject(), *start = cJSON_CreateArray(), *near = cJSON_CreateArray();
    cJSON_AddNumberToObject(o, "step", (double)p->step);
    cJSON_AddNumberToObject(o, "slots", (double)p->slots);
    cJSON_AddNumberToObject(o, "width", (double)p->width);
    cJSON_AddNumberToObject(o, "k", (double)p->k);
    cJSON_AddItemToObject(o, "norm", float_list(p->norm, p->slots));
    cJSON_AddItemToObject(o, "drift", float_list(p->drift, p->slots));
    cJSON_AddItemToObject(o, "cosine", float_list(p->cosine_to_start, p->slots));
    for (size_t i = 0; i < p->slots; i++)
        cJSON_AddItemToArray(start, cJSON_CreateNumber(p->start_near[i]));
    for (size_t i = 0; i < p->slots * NEAR_KINDS * p->k; i++) {
        cJSON_AddItemToArray(near, cJSON_CreateNumber(p->near[i].id));
        cJSON_AddItemToArray(near, cJSON_CreateNumber(rounded(p->near[i].value)));
    }
    cJSON_AddItemToObject(o, "start_near", start);
    cJSON_AddItemToObject(o, "near", near);
    return write_line(text, "picture", o, e);
}

bool recording_write_report(struct buffer *text, const struct step_report *p, struct error *e) {
    cJSON *o = cJSON_CreateObject(), *most = cJSON_CreateArray();
    put_number(o, "loss_after", rounded(p->loss_after));
    put_number(o, "accuracy_after", rounded(p->accuracy_after));
    cJSON_AddNumberToObject(o, "batch", (double)p->batch);
    put_number(o, "clip", p->clip);
    for (size_t i = 0; i < p->moved; i++) {
        cJSON_AddItemToArray(most, cJSON_CreateNumber((double)p->most[i].slot));
        cJSON_AddItemToArray(most, cJSON_CreateNumber(rounded(p->most[i].by)));
        cJSON_AddItemToArray(most, cJSON_CreateNumber(rounded(p->most[i].norm)));
    }
    cJSON_AddItemToObject(o, "most", most);
    return write_line(text, "report", o, e);
}

bool recording_write_estimate(struct buffer *text, const struct run_estimate *x, struct error *e) {
    cJSON *o = cJSON_CreateObject();
    put_number(o, "step_seconds", rounded(x->step_seconds));
    put_number(o, "dev_seconds", rounded(x->dev_seconds));
    cJSON_AddNumberToObject(o, "pass_bytes", (double)x->pass_bytes);
    cJSON_AddNumberToObject(o, "state_bytes", (double)x->state_bytes);
    cJSON_AddNumberToObject(o, "snapshot_bytes", (double)x->snapshot_bytes);
    return write_line(text, "estimate", o, e);
}

bool recording_write_test(struct buffer *text, const struct evaluation *test, size_t step, struct error *e) {
    cJSON *o = evaluation_object(test);
    cJSON_AddNumberToObject(o, "step", (double)step);
    return write_line(text, "test", o, e);
}

bool recording_write_study(struct buffer *text, const struct study *s, struct error *e) {
    if (!s->kind->write)
        return true;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "kind", s->kind->name);
    cJSON_AddItemToObject(o, "result", s->kind->write(s));
    return write_line(text, "study", o, e);
}

bool recording_write_hold(struct buffer *text, struct error *e) {
    return write_line(text, "hold", cJSON_CreateTrue(), e);
}

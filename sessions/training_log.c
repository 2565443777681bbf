// SPDX-License-Identifier: GPL-3.0-or-later
#include "sessions/training_log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"

enum { MOST_LINE = 1 << 20, MOST_AT_ONCE = 1 << 17, MOST_STEPS = 1 << 15 };

// ---- columns ----

static bool grow(struct training_log *l, bool step) {
    size_t need = (step ? l->step_count : l->validation_count) + 1;
    if (!(step ? mem_grow(&l->step_x, &l->step_capacity, need, sizeof(float), NULL)
               : mem_grow(&l->validation_x, &l->validation_capacity, need, sizeof(float), NULL)))
        return false;
    size_t from = step ? 0 : TRAINING_STEP_COLUMNS, to = step ? TRAINING_STEP_COLUMNS : TRAINING_COLUMNS;
    for (size_t c = from; c < to; c++)
        if (!mem_grow(&l->column[c], &l->capacity[c], need, sizeof(float), NULL))
            return false;
    return true;
}

// Leaves every second of the steps out.
static void thin(struct training_log *l) {
    size_t kept = 0;
    l->stride *= 2;
    for (size_t i = 0; i < l->step_count; i++) {
        if ((size_t)l->step_x[i] % l->stride)
            continue;
        l->step_x[kept] = l->step_x[i];
        for (size_t c = 0; c < TRAINING_STEP_COLUMNS; c++)
            l->column[c][kept] = l->column[c][i];
        kept++;
    }
    l->step_count = kept;
}

static void find_best(struct training_log *l) {
    l->best = NAN;
    for (size_t i = 0; i < l->validation_count; i++) {
        double loss = (double)l->column[TRAINING_VALIDATION_LOSS][i];
        if (!(loss < l->best) && !isnan(l->best))
            continue;
        l->best = loss;
        l->best_step = (size_t)l->validation_x[i];
    }
}

// What came after `step` did not happen for the run that goes on from there.
static void forget_after(struct training_log *l, size_t step) {
    while (l->step_count && (size_t)l->step_x[l->step_count - 1] > step)
        l->step_count--;
    while (l->validation_count && (size_t)l->validation_x[l->validation_count - 1] > step)
        l->validation_count--;
    while (l->marks && l->mark[l->marks - 1].step > step)
        l->marks--;
    l->last = step;
    l->end = TRAINING_OPEN;
    l->result[0] = l->failure[0] = '\0';
    find_best(l);
}

// ---- events ----

static double number(const cJSON *o, const char *name) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

static const char *text(const cJSON *o, const char *name) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsString(x) ? x->valuestring : "";
}

// A count that a file names: 0 for what is none.
static size_t count_of(const cJSON *o, const char *name) {
    double x = number(o, name);
    return x >= 0 && x < 0x1p53 ? (size_t)x : 0;
}

static void count_text(char *out, size_t size, size_t n) {
    if (n < 10000)
        snprintf(out, size, "%zu", n);
    else
        snprintf(out, size, n < 1000000 ? "%.0fk" : "%.1fM", (double)n / (n < 1000000 ? 1e3 : 1e6));
}

static void take_open(struct training_log *l, const cJSON *o, size_t step) {
    char n[32];
    const char *model = text(o, "model"), *slash = strrchr(model, '/');
    if (step == 0)
        l->stride = 1;
    forget_after(l, step);
    l->kind = text(o, "task")[0] ? TRAINING_PROMPT : TRAINING_MODEL;
    l->steps = count_of(o, "steps");
    if (l->kind == TRAINING_PROMPT) {
        snprintf(l->title, sizeof l->title, "%.40s prompt, %zu vectors", text(o, "task"),
                 count_of(o, "vectors"));
        snprintf(l->made_of, sizeof l->made_of, "on %.60s, %.40s loss", slash ? slash + 1 : model,
                 text(o, "loss"));
        if (number(o, "paper_code_rate") >= 0) // embeddings there are smaller, and rates with them
            snprintf(l->made_of + strlen(l->made_of), sizeof l->made_of - strlen(l->made_of),
                     ", rate %.6g (%.6g in the paper's code)", number(o, "rate"),
                     number(o, "paper_code_rate"));
    } else {
        count_text(n, sizeof n, count_of(o, "parameters"));
        snprintf(l->title, sizeof l->title, "language model, %s parameters", n);
        snprintf(l->made_of, sizeof l->made_of, "%.1f MB of text, %zu pieces, %zu examples held back",
                 number(o, "corpus_bytes") / 1e6, count_of(o, "vocabulary"),
                 count_of(o, "validation_examples"));
    }
}

static void take_step(struct training_log *l, const cJSON *o, size_t step) {
    double left = number(o, "seconds_left"), speed = number(o, "tokens_per_s");
    l->end = TRAINING_OPEN; // also one that was stopped and goes on
    l->left = left;
    if (step % l->stride || !grow(l, true))
        return;
    if (isnan(speed) && number(o, "seconds") > 0)
        speed = number(o, "examples") / number(o, "seconds");
    const double value[TRAINING_STEP_COLUMNS] = {[TRAINING_LOSS] = number(o, "loss"),
                                                 [TRAINING_ACCURACY] = number(o, "accuracy"),
                                                 [TRAINING_RATE] = number(o, "rate"),
                                                 [TRAINING_GRADIENT] = number(o, "gradient_norm"),
                                                 [TRAINING_SPEED] = speed};
    size_t i = l->step_count++;
    l->step_x[i] = (float)step;
    for (size_t c = 0; c < TRAINING_STEP_COLUMNS; c++)
        l->column[c][i] = (float)value[c];
    if (l->step_count >= MOST_STEPS)
        thin(l);
}

// The number of a part by its name, made when it is new; TRAINING_MOST_PARTS when there are too many.
static size_t part_of(struct training_log *l, enum training_parts kind, const char *name) {
    size_t i = 0;
    while (i < l->parts && (l->part_kind[i] != kind || strcmp(l->part_name[i], name) != 0))
        i++;
    if (i == l->parts && i < TRAINING_MOST_PARTS) {
        l->part_kind[i] = kind;
        snprintf(l->part_name[l->parts++], sizeof *l->part_name, "%s", name);
        for (size_t k = 0; k < l->validation_count; k++)
            l->column[TRAINING_PART + i][k] = l->column[TRAINING_PART_LOSS + i][k] = NAN;
    }
    return i;
}

static void take_parts(struct training_log *l, const cJSON *list, enum training_parts kind, size_t at) {
    const cJSON *part;
    cJSON_ArrayForEach(part, list) {
        char name[sizeof *l->part_name];
        snprintf(name, sizeof name, "%.31s", part->string ? part->string : "");
        size_t i = part_of(l, kind, name);
        if (i == TRAINING_MOST_PARTS)
            return;
        l->column[TRAINING_PART + i][at] = cJSON_IsNumber(part)
                                               ? (float)part->valuedouble
                                               : (float)(number(part, "correct") / number(part, "examples"));
        l->column[TRAINING_PART_LOSS + i][at] = (float)number(part, "loss");
    }
}

static void take_all_parts(struct training_log *l, const cJSON *o, const cJSON *score, size_t at) {
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(score, "options");
    for (size_t k = 0; k < TRAINING_MOST_PARTS; k++)
        l->column[TRAINING_PART + k][at] = l->column[TRAINING_PART_LOSS + k][at] = NAN;
    if (l->kind == TRAINING_MODEL) {
        take_parts(l, cJSON_GetObjectItemCaseSensitive(o, "loss_by_objective"), PARTS_BY_OBJECTIVE, at);
        return;
    }
    if (cJSON_GetArraySize(options) > 1)
        take_parts(l, options, PARTS_BY_OPTIONS, at);
    take_parts(l, cJSON_GetObjectItemCaseSensitive(score, "classes"), PARTS_BY_CLASS, at);
}

static void take_validation(struct training_log *l, const cJSON *o, size_t step) {
    const cJSON *score = cJSON_GetObjectItemCaseSensitive(o, "score");
    score = cJSON_IsObject(score) ? score : o;
    while (l->validation_count && (size_t)l->validation_x[l->validation_count - 1] >= step)
        l->validation_count--; // said again
    if (!grow(l, false))
        return;
    size_t i = l->validation_count;
    l->validation_x[i] = (float)step;
    l->column[TRAINING_VALIDATION_LOSS][i] = (float)number(score, "loss");
    l->column[TRAINING_VALIDATION_ACCURACY][i] = (float)number(score, "accuracy");
    take_all_parts(l, o, score, i);
    l->validation_count++;
    find_best(l);
}

static void take_rate(struct training_log *l, const cJSON *o, size_t step) {
    if (l->marks == TRAINING_MOST_MARKS)
        memmove(l->mark, l->mark + 1, --l->marks * sizeof *l->mark);
    l->mark[l->marks++] = (struct training_mark){step, number(o, "rate")};
}

static void take_event(struct training_log *l, const cJSON *o) {
    const char *event = text(o, "event");
    size_t step = count_of(o, "step");
    if (strcmp(event, "open") == 0)
        take_open(l, o, step);
    else if (strcmp(event, "step") == 0)
        take_step(l, o, step);
    else if (strcmp(event, "validation") == 0)
        take_validation(l, o, step);
    else if (strcmp(event, "rate") == 0)
        take_rate(l, o, step);
    else if (strcmp(event, "checkpoint") == 0)
        l->kept = step;
    else if (strcmp(event, "stopped") == 0)
        l->end = TRAINING_WAS_STOPPED;
    else if (strcmp(event, "failed") == 0) {
        l->end = TRAINING_HAS_FAILED;
        snprintf(l->failure, sizeof l->failure, "%.500s", text(o, "message"));
    } else if (strcmp(event, "done") == 0) {
        l->end = TRAINING_DONE;
        snprintf(l->result, sizeof l->result, "%.500s",
                 text(o, l->kind == TRAINING_MODEL ? "model" : "prompt"));
    }
    l->last = step > l->last ? step : l->last;
}

// ---- the file ----

static void take_line(struct training_log *l, const char *line, size_t length) {
    if (length == 0)
        return;
    cJSON *o = length <= MOST_LINE ? json_parse(line, length, NULL) : NULL;
    if (cJSON_IsObject(o) && text(o, "event")[0])
        take_event(l, o);
    else
        l->unreadable++;
    cJSON_Delete(o);
}

static void take_bytes(struct training_log *l, const char *bytes, size_t length) {
    while (length) {
        const char *end = memchr(bytes, '\n', length);
        size_t n = end ? (size_t)(end - bytes) : length;
        if (l->rest->length <= MOST_LINE) // more is no line of ours
            buffer_add(l->rest, bytes, n);
        if (end) {
            take_line(l, l->rest->data ? l->rest->data : "", l->rest->length);
            buffer_clear(l->rest);
        }
        n += end != NULL;
        bytes += n;
        length -= n;
    }
}

// From the beginning, as if nothing had been read.
static void read_anew(struct training_log *l) {
    l->at = 0;
    l->step_count = l->validation_count = l->parts = l->marks = l->unreadable = 0;
    l->last = l->steps = l->kept = 0;
    l->stride = 1;
    l->best = l->left = NAN;
    l->end = TRAINING_OPEN;
    buffer_clear(l->rest);
}

bool training_log_follow(struct training_log *l, bool *news, struct error *e) {
    static const size_t CHUNK = 1 << 16;
    struct stat st;
    char *bytes = mem_calloc(1, CHUNK, e);
    bool ok = bytes != NULL, some = false;
    if (ok && fstat(l->fd, &st) == 0 && (uint64_t)st.st_size < l->at) {
        read_anew(l);
        some = true;
    }
    size_t all = 0;
    while (ok && all < MOST_AT_ONCE) {
        ssize_t n = pread(l->fd, bytes, CHUNK, (off_t)l->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            ok = error_system(e, "cannot read %s", l->path);
        if (n <= 0)
            break;
        take_bytes(l, bytes, (size_t)n);
        l->at += (uint64_t)n;
        all += (size_t)n;
        some = true;
    }
    l->more = all >= MOST_AT_ONCE;
    free(bytes);
    if (news)
        *news = some;
    return ok;
}

char *training_log_path(const char *what, struct error *e) {
    static const char ending[] = ".safetensors";
    size_t n = strlen(what), m = sizeof ending - 1;
    if (file_is_folder(what))
        return path_join(what, "training.jsonl", e);
    const bool named = n > m && strcmp(what + n - m, ending) == 0;
    struct buffer b = {0};
    buffer_add(&b, what, named ? n - m : n);
    buffer_add_text(&b, ".training.jsonl");
    char *beside = buffer_take(&b, e);
    if (!beside || named || (!file_exists(what) && file_exists(beside))) // "--out nsp" makes nsp.safetensors
        return beside;
    free(beside);
    return mem_strdup(what, e);
}

bool training_log_open(struct training_log **out, const char *what, struct error *e) {
    *out = NULL;
    struct training_log *l = mem_calloc(1, sizeof *l, e);
    struct stat st;
    if (!l)
        return false;
    l->fd = -1;
    l->rest = mem_calloc(1, sizeof *l->rest, e);
    l->path = l->rest ? training_log_path(what, e) : NULL;
    bool ok = l->path != NULL;
    if (ok && (l->fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        ok = errno == ENOENT
                 ? error_set(e, ERROR_INPUT,
                             "there is no %s: name the folder of a model that prompter lm trains, or the "
                             "prompt of prompter pretrain",
                             l->path)
                 : error_system(e, "cannot read %s", l->path);
    if (ok && (fstat(l->fd, &st) != 0 || !S_ISREG(st.st_mode)))
        ok = error_set(e, ERROR_INPUT, "%s is not a file", l->path);
    if (ok)
        read_anew(l);
    ok = ok && training_log_follow(l, NULL, e);
    if (ok && l->unreadable && !l->title[0])
        ok = error_set(e, ERROR_INPUT, "%s is no log of a training: its lines are no events of one", l->path);
    if (!ok) {
        training_log_close(l);
        return false;
    }
    *out = l;
    return true;
}

void training_log_close(struct training_log *l) {
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    for (size_t c = 0; c < TRAINING_COLUMNS; c++)
        free(l->column[c]);
    free(l->step_x);
    free(l->validation_x);
    if (l->rest)
        buffer_free(l->rest);
    free(l->rest);
    free(l->path);
    free(l);
}

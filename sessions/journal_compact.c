// SPDX-License-Identifier: GPL-3.0-or-later
// New generations of a journal: which lines stay, and writing them under new numbers.
//
// What was taken back goes whole: if only a part of it went, the line that took it back could be thinned away
// and the rest would count again.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "crc.h"
#include "journal_inside.h"
#include "stamp.h"

enum { CURVES = 3, CHUNK = 1 << 16 };

struct line {
    const char *text; // in the mapped file
    size_t length;
    size_t step;
    float curve[CURVES]; // what is drawn over time
    char kind;           // of KIND_*
    bool keep;
};
enum { KIND_OTHER, KIND_STEP, KIND_EVAL, KIND_BEST, KIND_COMPACT };

struct generation {
    struct line *line;
    size_t lines, capacity;
    size_t *live; // lines of metrics that count, as journal_history has them
    size_t live_count, live_capacity;
    // What the "compact" record says: of all generations together.
    size_t number, steps, evaluations, taken_back, from, to;
    size_t records; // lines of the new generation
};

// ---- which lines stay ----

static void take_back(struct generation *g, size_t step, bool also_this) {
    while (g->live_count) {
        struct line *last = &g->line[g->live[g->live_count - 1]];
        if (!(last->step > step || (also_this && last->step == step)))
            return;
        last->keep = false;
        g->live_count--;
        g->taken_back++;
    }
}

static size_t member(const cJSON *o, const char *name) {
    size_t value = 0;
    return json_get_size(o, name, false, 0, (size_t)1 << 53, &value, NULL) ? value : 0;
}

// The record of the generation before, whose counts go on in the new one's.
static bool take_compact(struct generation *g, const struct journal_record *r, struct error *e) {
    cJSON *o = journal_record_json(r, e);
    if (!o)
        return false;
    g->number = member(o, "generation");
    g->steps += member(o, "steps");
    g->evaluations += member(o, "evaluations");
    g->taken_back += member(o, "taken_back");
    g->from = member(o, "from");
    g->to = member(o, "to");
    cJSON_Delete(o);
    return true;
}

static bool take_line(void *context, const struct journal_record *r, struct error *e) {
    struct generation *g = context;
    const struct metric *m = &r->metric;
    if (!mem_grow(&g->line, &g->capacity, g->lines + 1, sizeof *g->line, e) ||
        !mem_grow(&g->live, &g->live_capacity, g->live_count + 1, sizeof *g->live, e))
        return false;
    struct line *line = &g->line[g->lines];
    *line = (struct line){.text = r->line, .length = r->length, .step = m->step, .keep = true};
    if (r->is_metric) {
        bool is_step = m->kind == METRIC_STEP;
        take_back(g, m->step, is_step);
        line->kind = is_step                  ? KIND_STEP
                     : m->kind != METRIC_EVAL ? KIND_OTHER
                     : m->best                ? KIND_BEST
                                              : KIND_EVAL;
        line->curve[0] = is_step ? m->train_loss : m->dev_loss;
        line->curve[1] = is_step ? m->train_accuracy : m->dev_accuracy;
        line->curve[2] = is_step ? m->gradient_norm : m->dev_f1;
        g->live[g->live_count++] = g->lines;
    } else if (r->has_step) {
        take_back(g, m->step, false);
    } else if (strcmp(r->what, "compact") == 0) {
        line->kind = KIND_COMPACT;
        line->keep = false;
        if (!take_compact(g, r, e))
            return false;
    }
    g->lines++;
    return true;
}

// Of the lines from..to in `at`, one bucket, keeps the first and those with the extremes of each curve.
static void thin_bucket(struct generation *g, const size_t *at, size_t count) {
    for (size_t i = 1; i < count; i++)
        g->line[at[i]].keep = false;
    for (size_t c = 0; c < CURVES; c++) {
        size_t least = SIZE_MAX, most = SIZE_MAX;
        for (size_t i = 0; i < count; i++) {
            float x = g->line[at[i]].curve[c];
            if (!isfinite(x))
                continue;
            if (least == SIZE_MAX || x < g->line[at[least]].curve[c])
                least = i;
            if (most == SIZE_MAX || x > g->line[at[most]].curve[c])
                most = i;
        }
        if (least != SIZE_MAX)
            g->line[at[least]].keep = g->line[at[most]].keep = true;
    }
}

// Thins the lines of a kind but for the newest `recent`, in buckets of as many steps each. How many went.
static bool thin(struct generation *g, char kind, size_t most, size_t recent, size_t buckets, size_t *gone,
                 struct error *e) {
    size_t *at = mem_calloc(g->live_count, sizeof *at, e), count = 0;
    if (!at)
        return false;
    for (size_t i = 0; i < g->live_count; i++)
        if (g->line[g->live[i]].kind == kind)
            at[count++] = g->live[i];
    *gone = 0;
    if (count > most && count > recent) {
        size_t old = count - recent, first = g->line[at[0]].step, last = g->line[at[old - 1]].step;
        size_t width = (last - first) / (buckets ? buckets : 1) + 1;
        for (size_t i = 0, next; i < old; i = next) {
            size_t bucket = (g->line[at[i]].step - first) / width;
            for (next = i + 1; next < old && (g->line[at[next]].step - first) / width == bucket;)
                next++;
            thin_bucket(g, at + i, next - i);
        }
        for (size_t i = 0; i < old; i++)
            *gone += !g->line[at[i]].keep;
        if (kind == KIND_STEP) {
            g->from = g->from && g->from < first ? g->from : first;
            g->to = last;
        }
    }
    free(at);
    return true;
}

// ---- writing them ----

struct output {
    struct file_writer *file;
    struct buffer text;
    size_t bytes, records;
};

// Adds a sealed line: `rest` is what follows the number, from the comma on and without the sum.
static bool put_line(struct output *o, const char *rest, size_t length, struct error *e) {
    size_t begin = o->text.length;
    buffer_printf(&o->text, "{\"n\":%zu", ++o->records);
    buffer_add(&o->text, rest, length);
    if (!buffer_ok(&o->text, e))
        return false;
    uint32_t sum = crc_of(o->text.data + begin, o->text.length - begin);
    buffer_printf(&o->text, ",\"sum\":\"%08" PRIx32 "\"}\n", sum);
    if (!buffer_ok(&o->text, e))
        return false;
    if (o->text.length < CHUNK)
        return true;
    o->bytes += o->text.length;
    bool ok = file_writer_add(o->file, o->text.data, o->text.length, e);
    buffer_clear(&o->text);
    return ok;
}

static bool put_compact(const struct generation *g, struct output *o, time_t now, struct error *e) {
    char stamp[STAMP_SIZE], text[400];
    stamp_print(now, stamp);
    int n =
        snprintf(text, sizeof text,
                 ",\"t\":\"%s\",\"what\":\"compact\",\"generation\":%zu,\"steps\":%zu,\"evaluations\":%zu,"
                 "\"taken_back\":%zu,\"from\":%zu,\"to\":%zu",
                 stamp, g->number + 1, g->steps, g->evaluations, g->taken_back, g->from, g->to);
    return put_line(o, text, (size_t)n, e);
}

static bool put_all(const struct generation *g, struct output *o, time_t now, struct error *e) {
    // The first line says what the run is; the record of this generation comes behind it.
    bool ok = true, told = false;
    for (size_t i = 0; ok && i < g->lines; i++) {
        const struct line *line = &g->line[i];
        if (i > 0 && !told) {
            ok = put_compact(g, o, now, e);
            told = true;
        }
        const char *comma = line->keep ? memchr(line->text, ',', line->length) : NULL;
        if (ok && comma)
            ok = put_line(o, comma, line->length - JOURNAL_SUM_TAIL - (size_t)(comma - line->text), e);
    }
    o->bytes += o->text.length;
    return ok && file_writer_add(o->file, o->text.data ? o->text.data : "", o->text.length, e);
}

bool journal_compact(const char *path, const struct journal_limits *limits, time_t now, size_t *bytes,
                     uint64_t *records, struct error *e) {
    struct generation g = {0};
    struct journal_history end = {0};
    struct file_writer file = {0};
    struct output out = {.file = &file};
    size_t steps = 0, evaluations = 0;
    struct file_map map = {0};
    bool ok = false;
    // Lines point into a mapping of our own: that of journal_visit is gone behind it.
    if (!file_map_open(&map, path, e) ||
        !journal_visit_bytes(path, (const char *)map.bytes, map.length, take_line, &g, &end, e))
        goto done;
    if (end.damage != JOURNAL_WHOLE || end.bytes != *bytes) {
        error_set(e, ERROR_INPUT, "%s is not what was written", path);
        goto done;
    }
    if (!thin(&g, KIND_STEP, 0, limits->recent, limits->buckets, &steps, e) ||
        !thin(&g, KIND_EVAL, limits->evaluations, limits->recent, limits->buckets, &evaluations, e))
        goto done;
    g.steps += steps;
    g.evaluations += evaluations;
    if (!file_writer_open(&file, path, e) || !put_all(&g, &out, now, e) || !file_writer_commit(&file, e))
        goto done;
    *bytes = out.bytes;
    *records = out.records;
    ok = true;
done:
    file_writer_close(&file);
    file_map_close(&map);
    buffer_free(&out.text);
    free(g.line);
    free(g.live);
#ifdef __GLIBC__
    malloc_trim(0); // a compaction takes tens of megabytes for a moment; a long run should not keep them
#endif
    return ok;
}

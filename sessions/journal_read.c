// SPDX-License-Identifier: GPL-3.0-or-later
// Reading journals. Lines that pass their checksum are our own, so a scanner of flat objects is enough to
// read metrics; it trusts nothing about them all the same.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "crc.h"
#include "journal_inside.h"
#include "metric_fields.h"

#define MOST_EXACT ((size_t)1 << 53)

static bool sum_holds(const char *line, size_t length) {
    char wanted[JOURNAL_SUM_TAIL + 1];
    if (length < JOURNAL_SUM_TAIL + 2)
        return false;
    snprintf(wanted, sizeof wanted, ",\"sum\":\"%08" PRIx32 "\"}", crc_of(line, length - JOURNAL_SUM_TAIL));
    return memcmp(line + length - JOURNAL_SUM_TAIL, wanted, JOURNAL_SUM_TAIL) == 0;
}

// Reads "key": and leaves *p at the value. Keys have no escapes.
static bool scan_key(const char **p, const char *end, char *key, size_t size) {
    const char *q = *p;
    size_t n = 0;
    if (q >= end || (*q != '{' && *q != ','))
        return false;
    if (++q >= end || *q++ != '"')
        return false;
    while (q < end && *q != '"' && n + 1 < size)
        key[n++] = *q++;
    key[n] = '\0';
    if (end - q < 2 || q[0] != '"' || q[1] != ':')
        return false;
    *p = q + 2;
    return true;
}

// Reads "text" without escapes.
static bool scan_text(const char **p, const char *end, char *out, size_t size) {
    const char *q = *p;
    size_t n = 0;
    if (q >= end || *q++ != '"')
        return false;
    while (q < end && *q != '"' && *q != '\\' && n + 1 < size)
        out[n++] = *q++;
    out[n] = '\0';
    *p = q + 1;
    return q < end && *q == '"';
}

// The line's checksum tail follows what is scanned, so strtod stops inside the line.
static bool scan_number(const char **p, double *out) {
    char *end;
    if (**p != '-' && (**p < '0' || **p > '9'))
        return false;
    *out = strtod(*p, &end);
    *p = end;
    return isfinite(*out);
}

static bool scan_whole(const char **p, uint64_t *out) {
    double x;
    if (!scan_number(p, &x) || !(x >= 0 && x <= 9007199254740992.0) || floor(x) != x)
        return false;
    *out = (uint64_t)x;
    return true;
}

static void set_measured(struct metric *m, const char *key, float value) {
    for (size_t i = 0; i < METRIC_FIELDS; i++)
        if (strcmp(metric_field_table[i].name, key) == 0)
            metric_field_set(m, i, value);
}

// A name that this program does not know counts as the last kind: something was changed.
static enum edit_kind change_of(const char *name) {
    int k = 0;
    while (k + 1 < EDIT_KINDS && strcmp(edit_kind_name((enum edit_kind)k), name) != 0)
        k++;
    return (enum edit_kind)k;
}

// Reads the members of a metric or resume record, which are numbers, "best":true and "change":"...".
static bool scan_members(const char *p, const char *end, struct journal_record *r) {
    char key[32];
    while (p < end) {
        double x = 1;
        char text[24];
        if (!scan_key(&p, end, key, sizeof key))
            return false;
        if (strcmp(key, "change") == 0) {
            if (!scan_text(&p, end, text, sizeof text))
                return false;
            r->metric.edit = change_of(text);
            continue;
        }
        if (end - p >= 4 && memcmp(p, "true", 4) == 0)
            p += 4;
        else if (!scan_number(&p, &x))
            return false;
        if (strcmp(key, "step") == 0) {
            if (!(x >= 0 && x <= 9007199254740992.0))
                return false;
            r->has_step = true;
            r->metric.step = (size_t)x;
        } else if (strcmp(key, "to") == 0) {
            r->metric.undone_to = x >= 0 && x <= 9007199254740992.0 ? (size_t)x : SIZE_MAX;
        } else if (strcmp(key, "slot") == 0) {
            r->metric.edit_slot = x >= 0 && x <= 9007199254740992.0 ? (size_t)x : EDIT_EVERY_SLOT;
        } else if (strcmp(key, "best") == 0) {
            r->metric.best = x == 1;
        } else if (strcmp(key, "dev_examples") == 0) {
            if (!(x >= 0 && x <= 9007199254740992.0))
                return false;
            r->metric.dev_examples = (size_t)x;
        } else {
            set_measured(&r->metric, key, (float)x);
        }
    }
    return r->has_step;
}

static bool kind_of(const char *what, enum metric_kind *out) {
    for (int k = 0; metric_kind_name((enum metric_kind)k); k++) {
        if (strcmp(metric_kind_name((enum metric_kind)k), what) == 0) {
            *out = (enum metric_kind)k;
            return true;
        }
    }
    return false;
}

// n, t, what stand first; the rest matters for metrics and "resume" only.
static bool parse_record(const char *line, size_t length, struct journal_record *r) {
    const char *p = line, *end = line + length - JOURNAL_SUM_TAIL;
    char key[32];
    *r = (struct journal_record){.metric = metric_empty(), .line = line, .length = length};
    if (!scan_key(&p, end, key, sizeof key) || strcmp(key, "n") != 0 || !scan_whole(&p, &r->n))
        return false;
    if (!scan_key(&p, end, key, sizeof key) || strcmp(key, "t") != 0 ||
        !scan_text(&p, end, r->stamp, sizeof r->stamp))
        return false;
    if (!scan_key(&p, end, key, sizeof key) || strcmp(key, "what") != 0 ||
        !scan_text(&p, end, r->what, sizeof r->what))
        return false;
    r->is_metric = kind_of(r->what, &r->metric.kind);
    return (!r->is_metric && strcmp(r->what, "resume") != 0) || scan_members(p, end, r);
}

void journal_history_cut(struct journal_history *h, size_t step) {
    while (h->count && h->metric[h->count - 1].step > step)
        h->count--;
    if (h->test.step > step)
        h->test = (struct journal_test){0};
}

// A step that is not beyond the last one, or anything measured at an earlier step, means that the run went
// back. An evaluation that a resumed run begins with, at the step of the last one, is that one made once
// more.
static bool history_add(struct journal_history *h, const struct metric *m, struct error *e) {
    while (h->count && (h->metric[h->count - 1].step > m->step ||
                        (m->kind == METRIC_STEP && h->metric[h->count - 1].step == m->step)))
        h->count--;
    const struct metric *last = h->count ? &h->metric[h->count - 1] : NULL;
    if (h->resumed && last && last->kind == METRIC_EVAL && m->kind == METRIC_EVAL && last->step == m->step)
        h->count--;
    h->resumed = false;
    if (!mem_grow(&h->metric, &h->capacity, h->count + 1, sizeof *h->metric, e))
        return false;
    h->metric[h->count++] = *m;
    return true;
}

// Says what is wrong from `at` on. Only an end without a newline is a line that was being written; anything
// else is set aside rather than cut off when the journal goes on.
static void note_damage(struct journal_history *h, const char *path, const char *at, const char *end) {
    bool torn = !memchr(at, '\n', (size_t)(end - at));
    h->damage = torn ? JOURNAL_TORN : JOURNAL_DAMAGED;
    h->bad_line = h->records + 1;
    if (torn)
        snprintf(h->note, sizeof h->note, "%s: the last line (%zu) was torn and is dropped", path_name(path),
                 h->bad_line);
    else
        snprintf(h->note, sizeof h->note, "%s: line %zu is damaged; what stands before it is used",
                 path_name(path), h->bad_line);
}

bool journal_visit_bytes(const char *path, const char *text, size_t length, journal_visitor *visit,
                         void *context, struct journal_history *out, struct error *e) {
    const char *p = text, *end = text + length;
    *out = (struct journal_history){0};
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        struct journal_record r;
        if (!newline || !sum_holds(p, (size_t)(newline - p)) || !parse_record(p, (size_t)(newline - p), &r) ||
            r.n != out->last + 1) {
            note_damage(out, path, p, end);
            return true;
        }
        if (!visit(context, &r, e))
            return false;
        out->last = r.n;
        out->records++;
        p = newline + 1;
        out->bytes = (size_t)(p - text);
    }
    return true;
}

bool journal_visit(const char *path, journal_visitor *visit, void *context, struct journal_history *end,
                   struct error *e) {
    *end = (struct journal_history){0};
    if (!file_exists(path))
        return true;
    struct file_map map;
    if (!file_map_open(&map, path, e))
        return false;
    bool ok =
        !map.length || journal_visit_bytes(path, (const char *)map.bytes, map.length, visit, context, end, e);
    file_map_close(&map);
    return ok;
}

cJSON *journal_record_json(const struct journal_record *r, struct error *e) {
    return json_parse(r->line, r->length, e);
}

static void history_take_test(struct journal_history *h, const struct journal_record *r) {
    struct journal_test t = {.loss = NAN, .accuracy = NAN, .macro_f1 = NAN};
    cJSON *o = journal_record_json(r, NULL);
    bool ok = o && json_get_size(o, "step", true, 0, MOST_EXACT, &t.step, NULL) &&
              json_get_size(o, "examples", true, 1, MOST_EXACT, &t.examples, NULL) &&
              json_get_size(o, "correct", true, 0, t.examples, &t.correct, NULL) &&
              json_get_number(o, "accuracy", true, &t.accuracy, NULL) &&
              json_get_number(o, "loss", false, &t.loss, NULL) &&
              json_get_number(o, "macro_f1", false, &t.macro_f1, NULL);
    h->test = ok ? t : (struct journal_test){0};
    cJSON_Delete(o);
}

bool journal_history_take(void *history, const struct journal_record *r, struct error *e) {
    struct journal_history *h = history;
    if (r->is_metric)
        return history_add(h, &r->metric, e);
    if (r->has_step) {
        journal_history_cut(h, r->metric.step);
        h->resumed = true;
    } else if (strcmp(r->what, "test") == 0) {
        history_take_test(h, r);
    }
    return true;
}

bool journal_read(struct journal_history *out, const char *path, struct error *e) {
    struct journal_history metrics = {0};
    bool ok = journal_visit(path, journal_history_take, &metrics, out, e);
    out->metric = metrics.metric;
    out->count = metrics.count;
    out->capacity = metrics.capacity;
    out->test = metrics.test;
    if (!ok)
        journal_history_free(out);
    return ok;
}

void journal_history_free(struct journal_history *h) {
    if (h) {
        free(h->metric);
        *h = (struct journal_history){0};
    }
}

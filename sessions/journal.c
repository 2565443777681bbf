// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and appending. Lines that pass their checksum are our own, so a scanner of flat objects is enough
// to read metrics; it trusts nothing about them all the same.
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "crc.h"
#include "metric_fields.h"
#include "stamp.h"

enum { SUM_TAIL = 18, MOST_PENDING = 4 << 20 }; // ,"sum":"xxxxxxxx"}

// ---- reading ----

static bool sum_holds(const char *line, size_t length) {
    char wanted[SUM_TAIL + 1];
    if (length < SUM_TAIL + 2)
        return false;
    snprintf(wanted, sizeof wanted, ",\"sum\":\"%08" PRIx32 "\"}", crc_of(line, length - SUM_TAIL));
    return memcmp(line + length - SUM_TAIL, wanted, SUM_TAIL) == 0;
}

struct record {
    uint64_t n;
    char what[24];
    bool has_step;
    struct metric metric;
};

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

// Reads the members of a metric or resume record, which are numbers and "best":true.
static bool scan_members(const char *p, const char *end, struct record *r) {
    char key[32];
    while (p < end) {
        double x = 1;
        if (!scan_key(&p, end, key, sizeof key))
            return false;
        if (end - p >= 4 && memcmp(p, "true", 4) == 0)
            p += 4;
        else if (!scan_number(&p, &x))
            return false;
        if (strcmp(key, "step") == 0) {
            if (!(x >= 0 && x <= 9007199254740992.0))
                return false;
            r->has_step = true;
            r->metric.step = (size_t)x;
        } else if (strcmp(key, "best") == 0) {
            r->metric.best = x == 1;
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
static bool parse_record(const char *line, size_t length, struct record *r, bool *is_metric) {
    const char *p = line, *end = line + length - SUM_TAIL;
    char key[32], text[40];
    *r = (struct record){.metric = metric_empty()};
    if (!scan_key(&p, end, key, sizeof key) || strcmp(key, "n") != 0 || !scan_whole(&p, &r->n))
        return false;
    if (!scan_key(&p, end, key, sizeof key) || strcmp(key, "t") != 0 ||
        !scan_text(&p, end, text, sizeof text))
        return false;
    if (!scan_key(&p, end, key, sizeof key) || strcmp(key, "what") != 0 ||
        !scan_text(&p, end, r->what, sizeof r->what))
        return false;
    *is_metric = kind_of(r->what, &r->metric.kind);
    return (!*is_metric && strcmp(r->what, "resume") != 0) || scan_members(p, end, r);
}

void journal_history_cut(struct journal_history *h, size_t step) {
    while (h->count && h->metric[h->count - 1].step > step)
        h->count--;
}

// A step that is not beyond the last one, or anything measured at an earlier step, means that the run went
// back.
static bool history_add(struct journal_history *h, const struct metric *m, struct error *e) {
    while (h->count && (h->metric[h->count - 1].step > m->step ||
                        (m->kind == METRIC_STEP && h->metric[h->count - 1].step == m->step)))
        h->count--;
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

static bool read_lines(struct journal_history *h, const char *path, const char *text, size_t length,
                       struct error *e) {
    const char *p = text, *end = text + length;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        struct record r;
        bool is_metric = false;
        if (!newline || !sum_holds(p, (size_t)(newline - p)) ||
            !parse_record(p, (size_t)(newline - p), &r, &is_metric) || r.n != h->last + 1) {
            note_damage(h, path, p, end);
            return true;
        }
        if (is_metric && !history_add(h, &r.metric, e))
            return false;
        if (r.has_step && !is_metric)
            journal_history_cut(h, r.metric.step);
        h->last = r.n;
        h->records++;
        p = newline + 1;
        h->bytes = (size_t)(p - text);
    }
    return true;
}

bool journal_read(struct journal_history *out, const char *path, struct error *e) {
    *out = (struct journal_history){0};
    if (!file_exists(path))
        return true;
    struct file_map map;
    if (!file_map_open(&map, path, e))
        return false;
    bool ok = !map.length || read_lines(out, path, (const char *)map.bytes, map.length, e);
    file_map_close(&map);
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

// ---- appending ----

struct journal {
    pthread_mutex_t lock; // all that follows
    char *path;
    int fd;     // -1 until the first record
    off_t size; // of what was written whole
    uint64_t n; // of the last record made
    enum journal_damage damage;
    struct buffer pending; // whole lines
    bool unflushed;
};

bool journal_open(struct journal **out, const char *path, struct error *e) {
    struct journal_history h;
    *out = NULL;
    if (!journal_read(&h, path, e))
        return false;
    struct journal *j = mem_calloc(1, sizeof *j, e);
    if (j) {
        *j = (struct journal){.fd = -1, .size = (off_t)h.bytes, .n = h.last, .damage = h.damage};
        pthread_mutex_init(&j->lock, NULL);
        j->path = mem_strdup(path, e);
    }
    journal_history_free(&h);
    if (j && !j->path) {
        journal_free(j);
        j = NULL;
    }
    *out = j;
    return j != NULL;
}

// Gives the damaged file another name and puts its good part in its place. A crash in between leaves both
// names to the damaged file, and the same is done again.
static bool set_damaged_aside(struct journal *j, struct error *e) {
    struct file_map map = {0};
    struct buffer name = {0};
    bool ok = false, linked = false;
    for (unsigned i = 1; i < 1000 && !linked; i++) {
        buffer_clear(&name);
        buffer_printf(&name, "%s.damaged-%u", j->path, i);
        if (!buffer_ok(&name, e))
            goto done;
        linked = link(j->path, name.data) == 0;
        if (!linked && errno != EEXIST)
            break;
    }
    if (!linked) {
        error_system(e, "cannot set the damaged %s aside", j->path);
        goto done;
    }
    ok = file_map_open(&map, j->path, e) && (off_t)map.length >= j->size &&
         file_write_atomic(j->path, map.bytes, (size_t)j->size, e);
done:
    file_map_close(&map);
    buffer_free(&name);
    return ok;
}

static bool begin_writing(struct journal *j, struct error *e) {
    if (j->fd >= 0)
        return true;
    if (j->damage == JOURNAL_DAMAGED && !set_damaged_aside(j, e))
        return false;
    j->damage = JOURNAL_WHOLE;
    int fd = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_system(e, "cannot write %s", j->path);
    if (ftruncate(fd, j->size) != 0) { // a torn last line goes
        error_system(e, "cannot write %s", j->path);
        close(fd);
        return false;
    }
    j->fd = fd;
    return true;
}

// What is pending goes out in one write; when only a part went, it is taken back, so that lines stay whole.
static bool write_pending(struct journal *j, struct error *e) {
    if (!j->pending.length)
        return true;
    if (!begin_writing(j, e))
        return false;
    ssize_t n;
    do
        n = write(j->fd, j->pending.data, j->pending.length);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_system(e, "cannot write %s", j->path);
    if ((size_t)n != j->pending.length) {
        if (ftruncate(j->fd, j->size) != 0) { // begin_writing tries it again
            close(j->fd);
            j->fd = -1;
        }
        return error_set(
            e, ERROR_SYSTEM,
            "cannot write %s: the disk took only a part (is it full?); it is tried again with the "
            "next record",
            j->path);
    }
    j->size += n;
    buffer_clear(&j->pending);
    j->unflushed = true;
    return true;
}

// `members` is what stands between the first three members and the sum: empty, or beginning with a comma.
static bool add_line(struct journal *j, const char *what, const struct buffer *members, time_t now,
                     struct error *e) {
    struct buffer line = {0};
    char stamp[STAMP_SIZE];
    stamp_print(now, stamp);
    pthread_mutex_lock(&j->lock);
    buffer_printf(&line, "{\"n\":%" PRIu64 ",\"t\":\"%s\",\"what\":\"%s\"", j->n + 1, stamp, what);
    buffer_add(&line, members->data ? members->data : "", members->length);
    bool ok = buffer_ok(members, e) && buffer_ok(&line, e);
    if (ok) {
        buffer_printf(&line, ",\"sum\":\"%08" PRIx32 "\"}\n", crc_of(line.data, line.length));
        ok = buffer_ok(&line, e);
    }
    if (ok && j->pending.length + line.length > MOST_PENDING)
        ok = error_set(e, ERROR_SYSTEM, "%s cannot be written, and too much waits for it already", j->path);
    if (ok) {
        buffer_add(&j->pending, line.data, line.length);
        ok = buffer_ok(&j->pending, e);
        if (ok)
            j->n++;
    }
    ok = ok && write_pending(j, e);
    pthread_mutex_unlock(&j->lock);
    buffer_free(&line);
    return ok;
}

static void add_number(struct buffer *b, const char *key, double value) {
    if (isfinite(value))
        buffer_printf(b, ",\"%s\":%.9g", key, value);
}

bool journal_add_metric(struct journal *j, const struct metric *m, time_t now, struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b, ",\"step\":%zu", m->step);
    for (size_t i = 0; i < METRIC_FIELDS; i++)
        add_number(&b, metric_field_table[i].name, (double)metric_field_get(m, i));
    if (m->best)
        buffer_add_text(&b, ",\"best\":true");
    bool ok = add_line(j, metric_kind_name(m->kind), &b, now, e);
    buffer_free(&b);
    return ok;
}

bool journal_add_test(struct journal *j, const struct evaluation *test, size_t step, time_t now,
                      struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b, ",\"step\":%zu,\"examples\":%zu,\"correct\":%zu", step, test->examples, test->correct);
    add_number(&b, "loss", test->loss);
    add_number(&b, "accuracy", test->accuracy);
    add_number(&b, "macro_f1", test->macro_f1);
    bool ok = add_line(j, "test", &b, now, e);
    buffer_free(&b);
    return ok;
}

bool journal_add_event(struct journal *j, const char *what, const cJSON *members, time_t now,
                       struct error *e) {
    struct buffer b = {0};
    if (members && members->child) {
        char *text = json_print(members, false, e); // {...}: the braces go
        if (!text)
            return false;
        buffer_add_char(&b, ',');
        buffer_add(&b, text + 1, strlen(text) - 2);
        free(text);
    }
    bool ok = add_line(j, what, &b, now, e);
    buffer_free(&b);
    return ok;
}

bool journal_flush(struct journal *j, struct error *e) {
    pthread_mutex_lock(&j->lock);
    bool ok = write_pending(j, e);
    if (ok && j->unflushed) {
        ok = fsync(j->fd) == 0 || error_system(e, "cannot write %s", j->path);
        j->unflushed = !ok;
    }
    pthread_mutex_unlock(&j->lock);
    return ok;
}

uint64_t journal_records(struct journal *j) {
    pthread_mutex_lock(&j->lock);
    uint64_t n = j->n;
    pthread_mutex_unlock(&j->lock);
    return n;
}

void journal_free(struct journal *j) {
    if (!j)
        return;
    if (j->path)
        write_pending(j, NULL);
    if (j->fd >= 0)
        close(j->fd);
    buffer_free(&j->pending);
    pthread_mutex_destroy(&j->lock);
    free(j->path);
    free(j);
}

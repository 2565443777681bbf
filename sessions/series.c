// SPDX-License-Identifier: GPL-3.0-or-later
#include "series.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"

static const char file_name[] = "series.json";
enum { VERSION = 1, MOST_FILE = 8 << 20, MOST_POINTS = 1 << 20 };

void series_free(struct series *s) {
    for (size_t i = 0; s && i < s->count; i++)
        free(s->run[i].point);
    free(s);
}

// ---- the list of seeds ----

static bool read_seed(const char **text, uint64_t *out) {
    char *end;
    while (isspace((unsigned char)**text))
        (*text)++;
    if (!isdigit((unsigned char)**text))
        return false;
    errno = 0;
    unsigned long long x = strtoull(*text, &end, 10);
    while (isspace((unsigned char)*end))
        end++;
    *text = end;
    *out = x;
    return !errno && x <= (UINT64_C(1) << 53); // as settings have it
}

static bool add_seed(struct series *s, uint64_t seed, struct error *e) {
    for (size_t i = 0; i < s->count; i++)
        if (s->run[i].seed == seed)
            return error_set(e, ERROR_INPUT, "seed %llu is named twice", (unsigned long long)seed);
    if (s->count == SERIES_MOST)
        return error_set(e, ERROR_INPUT, "at most %d seeds make a series", SERIES_MOST);
    s->run[s->count++] =
        (struct series_run){.seed = seed, .best_accuracy = NAN, .best_loss = NAN, .last_accuracy = NAN};
    return true;
}

static bool parse_list(struct series *s, const char *text, struct error *e) {
    do {
        uint64_t from, to;
        if (!read_seed(&text, &from))
            return error_set(e, ERROR_INPUT, "seeds are whole numbers, e.g. :seed 1-5 or :seed 1,2,7");
        to = from;
        if (*text == '-' && (text++, !read_seed(&text, &to) || to < from))
            return error_set(e, ERROR_INPUT, "a range of seeds goes up, e.g. :seed 1-5");
        for (uint64_t seed = from; seed <= to; seed++)
            if (!add_seed(s, seed, e))
                return false;
    } while (*text == ',' && text++);
    if (*text)
        return error_set(e, ERROR_INPUT, "seeds are whole numbers, e.g. :seed 1-5 or :seed 1,2,7");
    return s->count > 1 || error_set(e, ERROR_INPUT, "a series has at least two seeds");
}

bool series_parse(struct series **out, const char *text, struct error *e) {
    struct series *s = mem_calloc(1, sizeof *s, e);
    bool ok = s && parse_list(s, text, e);
    if (!ok) {
        series_free(s);
        s = NULL;
    }
    *out = s;
    return ok;
}

// ---- what the runs scored ----

static bool add_point(struct series_run *r, size_t step, float loss, float accuracy, struct error *e) {
    if (r->points && r->point[r->points - 1].step == step) // scored again
        r->points--;
    if (!mem_grow(&r->point, &r->capacity, r->points + 1, sizeof *r->point, e))
        return false;
    r->point[r->points++] = (struct series_point){step, loss, accuracy};
    r->last_accuracy = accuracy;
    return true;
}

bool series_finish_run(struct series *s, const struct metric *history, size_t count, struct error *e) {
    if (s->done == s->count)
        return true;
    struct series_run *r = &s->run[s->done];
    r->points = 0;
    for (size_t i = 0; i < count; i++) {
        const struct metric *m = &history[i];
        if (m->kind != METRIC_EVAL)
            continue;
        if (!add_point(r, m->step, m->dev_loss, m->dev_accuracy, e))
            return false;
        if (m->best) {
            r->best_step = m->step;
            r->best_accuracy = m->dev_accuracy;
            r->best_loss = m->dev_loss;
        }
    }
    s->done++;
    return true;
}

static size_t spread(const double *x, size_t n, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    *mean = n ? sum / (double)n : NAN;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
    return n;
}

size_t series_best(const struct series *s, double *mean, double *deviation) {
    double x[SERIES_MOST];
    size_t n = 0;
    for (size_t i = 0; i < s->done; i++)
        if (isfinite(s->run[i].best_accuracy))
            x[n++] = (double)s->run[i].best_accuracy;
    return spread(x, n, mean, deviation);
}

size_t series_last(const struct series *s, double *mean, double *deviation) {
    double x[SERIES_MOST];
    size_t n = 0;
    for (size_t i = 0; i < s->done; i++)
        if (isfinite(s->run[i].last_accuracy))
            x[n++] = (double)s->run[i].last_accuracy;
    return spread(x, n, mean, deviation);
}

static const struct series_point *point_at(const struct series_run *r, size_t step) {
    for (size_t i = 0; i < r->points; i++)
        if (r->point[i].step == step)
            return &r->point[i];
    return NULL;
}

size_t series_band(const struct series *s, float *step, float *mean, float *low, float *high, size_t most) {
    size_t columns = 0;
    const struct series_run *longest = NULL;
    for (size_t i = 0; i < s->done; i++)
        if (!longest || s->run[i].points > longest->points)
            longest = &s->run[i];
    for (size_t k = 0; longest && k < longest->points && columns < most; k++) {
        double x[SERIES_MOST], m, d;
        size_t n = 0, at = longest->point[k].step;
        for (size_t i = 0; i < s->done; i++) {
            const struct series_point *p = point_at(&s->run[i], at);
            if (p && isfinite(p->accuracy))
                x[n++] = (double)p->accuracy;
        }
        if (!spread(x, n, &m, &d))
            continue;
        d = isfinite(d) ? d : 0;
        if (step)
            step[columns] = (float)at;
        if (mean)
            mean[columns] = (float)m;
        if (low)
            low[columns] = (float)fmax(0, m - d);
        if (high)
            high[columns] = (float)fmin(1, m + d);
        columns++;
    }
    return columns;
}

// ---- series.json ----

static cJSON *run_json(const struct series_run *r) {
    cJSON *o = cJSON_CreateObject(), *list = o ? cJSON_AddArrayToObject(o, "dev") : NULL;
    bool ok = list && cJSON_AddNumberToObject(o, "seed", (double)r->seed) &&
              cJSON_AddNumberToObject(o, "best_step", (double)r->best_step);
    for (size_t i = 0; ok && i < r->points; i++) {
        const double x[3] = {(double)r->point[i].step, (double)r->point[i].accuracy,
                             (double)r->point[i].loss};
        cJSON *triple = cJSON_CreateDoubleArray(x, isfinite(x[2]) ? 3 : 2);
        ok = triple && isfinite(x[1]) ? cJSON_AddItemToArray(list, triple)
                                      : (cJSON_Delete(triple), triple != NULL);
    }
    if (ok)
        return o;
    cJSON_Delete(o);
    return NULL;
}

bool series_write(const struct series *s, const char *folder, struct error *e) {
    char *path = path_join(folder, file_name, e), *text = NULL;
    if (!path)
        return false;
    if (!s) {
        bool gone = unlink(path) == 0 || errno == ENOENT || error_system(e, "cannot remove %s", path);
        free(path);
        return gone;
    }
    cJSON *o = cJSON_CreateObject(), *runs = o ? cJSON_AddArrayToObject(o, "runs") : NULL;
    bool ok = runs && cJSON_AddNumberToObject(o, "version", VERSION) &&
              cJSON_AddNumberToObject(o, "done", (double)s->done) &&
              cJSON_AddNumberToObject(o, "dev_count", (double)s->dev_count);
    for (size_t i = 0; ok && i < s->count; i++) {
        cJSON *run = run_json(&s->run[i]);
        ok = run && cJSON_AddItemToArray(runs, run);
    }
    if (!ok)
        error_set(e, ERROR_MEMORY, "no memory for the series of runs");
    ok = ok && (text = json_print(o, true, e)) && file_write_atomic(path, text, strlen(text), e);
    cJSON_Delete(o);
    free(text);
    free(path);
    return ok;
}

static bool wrong(struct error *e) {
    return error_set(e, ERROR_INPUT, "this is no list of a series' runs");
}

static bool read_run(struct series *s, const cJSON *o, struct error *e) {
    size_t seed, best_step;
    const cJSON *list = NULL, *item;
    if (!json_get_size(o, "seed", true, 0, (size_t)1 << 53, &seed, e) || !add_seed(s, seed, e) ||
        !json_get_size(o, "best_step", true, 0, (size_t)1 << 53, &best_step, e) ||
        !json_get_array(o, "dev", true, &list, e))
        return false;
    struct series_run *r = &s->run[s->count - 1];
    r->best_step = best_step;
    cJSON_ArrayForEach(item, list) {
        const cJSON *x = cJSON_GetArrayItem(item, 0), *y = cJSON_GetArrayItem(item, 1),
                    *z = cJSON_GetArrayItem(item, 2);
        bool ordered = cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < 0x1p53 &&
                       (!r->points || x->valuedouble > (double)r->point[r->points - 1].step);
        if (!ordered || !cJSON_IsNumber(y) || r->points == MOST_POINTS)
            return wrong(e);
        float loss = cJSON_IsNumber(z) ? (float)z->valuedouble : NAN;
        if (!add_point(r, (size_t)x->valuedouble, loss, (float)y->valuedouble, e))
            return false;
        if (r->point[r->points - 1].step == best_step) {
            r->best_accuracy = r->last_accuracy;
            r->best_loss = loss;
        }
    }
    return true;
}

static bool read_series(struct series *s, const cJSON *o, struct error *e) {
    size_t version;
    const cJSON *runs = NULL, *item;
    if (!json_get_size(o, "version", true, 1, VERSION, &version, e) ||
        !json_get_size(o, "dev_count", true, 0, (size_t)1 << 53, &s->dev_count, e) ||
        !json_get_array(o, "runs", true, &runs, e))
        return false;
    cJSON_ArrayForEach(item, runs) {
        if (!read_run(s, item, e))
            return false;
    }
    return json_get_size(o, "done", true, 0, s->count, &s->done, e);
}

bool series_read(struct series **out, const char *folder, struct error *e) {
    char *path = path_join(folder, file_name, e);
    *out = NULL;
    if (!path)
        return false;
    bool there = file_exists(path), ok = true;
    cJSON *o = there ? json_read_file(path, MOST_FILE, e) : NULL;
    if (there) {
        *out = o ? mem_calloc(1, sizeof **out, e) : NULL;
        ok = *out && (read_series(*out, o, e) || error_context(e, "%s", path));
    }
    if (!ok) {
        series_free(*out);
        *out = NULL;
    }
    cJSON_Delete(o);
    free(path);
    return ok;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Files of runs: a JSON object a line (report.h has its members).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "method.h"
#include "report_inside.h"
#include "session_inside.h"

enum { MOST_FILE = 256 << 20, MOST_POINTS = 1 << 20 };
static const double most_whole = 9007199254740992.0; // 2^53

// ---- reading ----

static bool read_text(char **at, const cJSON *o, const char *key, bool required, struct error *e) {
    const char *text = "";
    return json_get_string(o, key, required, &text, e) && report_set_text(at, text, e);
}

static bool read_size(size_t *out, const cJSON *o, const char *key, struct error *e) {
    return json_get_size(o, key, false, 0, (size_t)most_whole, out, e);
}

static bool read_time(time_t *out, const cJSON *o, const char *key, struct error *e) {
    const char *stamp = "";
    if (!json_get_string(o, key, false, &stamp, e))
        return false;
    *out = stamp_read(stamp);
    return !stamp[0] || *out ||
           error_set(e, ERROR_INPUT, "\"%s\" should be like 2026-11-23T15:54:01Z, but is \"%.60s\"", key,
                     stamp);
}

static bool read_share(double *out, const cJSON *o, const char *key, struct error *e) {
    return json_get_number(o, key, false, out, e) &&
           (isnan(*out) || (*out >= 0 && *out <= 1) ||
            error_set(e, ERROR_INPUT, "\"%s\" should be a share from 0 to 1, but is %g", key, *out));
}

static bool read_score(struct report_score *out, const cJSON *o, const char *key, const cJSON **node,
                       struct error *e) {
    if (!json_get_object(o, key, false, node, e))
        return false;
    if (!*node)
        return true;
    return (read_size(&out->examples, *node, "examples", e) && read_size(&out->step, *node, "step", e) &&
            read_share(&out->accuracy, *node, "accuracy", e) &&
            read_share(&out->macro_f1, *node, "macro_f1", e) &&
            json_get_number(*node, "loss", false, &out->loss, e)) ||
           error_context(e, "\"%s\"", key);
}

static bool read_classes(struct report_run *r, const cJSON *o, struct error *e) {
    const cJSON *list = NULL;
    if (!json_get_array(o, "classes", false, &list, e))
        return false;
    if (!list || !list->child)
        return true;
    if (!(r->class_name = mem_calloc((size_t)cJSON_GetArraySize(list), sizeof *r->class_name, e)))
        return false;
    for (const cJSON *c = list->child; c; c = c->next) {
        if (!cJSON_IsString(c))
            return error_set(e, ERROR_INPUT, "\"classes\" should hold strings, but holds %s",
                             json_type_name(c));
        if (!(r->class_name[r->classes] = mem_strdup(c->valuestring, e)))
            return false;
        r->classes++;
    }
    return true;
}

static bool wrong_confusion(struct error *e) {
    return error_set(e, ERROR_INPUT,
                     "\"confusion\" should hold a list for each of at most %d classes, with a count for each",
                     REPORT_MOST_CLASSES);
}

static bool read_confusion(struct report_run *r, const cJSON *test, struct error *e) {
    const cJSON *rows = NULL;
    if (!json_get_array(test, "confusion", false, &rows, e))
        return false;
    if (!rows)
        return true;
    size_t n = (size_t)cJSON_GetArraySize(rows), at = 0;
    if (n == 0 || n > REPORT_MOST_CLASSES || (r->classes && r->classes != n))
        return wrong_confusion(e);
    if (!(r->confusion = mem_calloc(n * n, sizeof *r->confusion, e)))
        return false;
    for (const cJSON *row = rows->child; row; row = row->next) {
        if (!cJSON_IsArray(row) || (size_t)cJSON_GetArraySize(row) != n)
            return wrong_confusion(e);
        for (const cJSON *x = row->child; x; x = x->next) {
            double v = x->valuedouble;
            if (!cJSON_IsNumber(x) || !(v >= 0 && v <= most_whole) || floor(v) != v)
                return wrong_confusion(e);
            r->confusion[at++] = (size_t)v;
        }
    }
    r->classes = n;
    return true;
}

// A list of numbers and nulls beside a list of ascending steps.
static bool read_list(float *out, size_t count, const cJSON *o, const char *key, struct error *e) {
    const cJSON *list = NULL;
    size_t at = 0;
    if (!json_get_array(o, key, false, &list, e))
        return false;
    if (list && (size_t)cJSON_GetArraySize(list) != count)
        return error_set(e, ERROR_INPUT, "\"%s\" should have as many numbers as there are steps", key);
    for (const cJSON *x = list ? list->child : NULL; x; x = x->next) {
        if (!cJSON_IsNumber(x) && !cJSON_IsNull(x))
            return error_set(e, ERROR_INPUT, "\"%s\" should hold numbers, but holds %s", key,
                             json_type_name(x));
        out[at++] = cJSON_IsNumber(x) && fabs(x->valuedouble) < 1e38 ? (float)x->valuedouble : NAN;
    }
    return true;
}

static bool read_curve(struct report_curve *c, const cJSON *o, const char *steps, const char *first,
                       const char *second, struct error *e) {
    const cJSON *list = NULL;
    double before = -1;
    if (!json_get_array(o, steps, false, &list, e))
        return false;
    if (list && cJSON_GetArraySize(list) > MOST_POINTS)
        return error_set(e, ERROR_INPUT, "\"%s\" is longer than %d", steps, MOST_POINTS);
    for (const cJSON *x = list ? list->child : NULL; x; x = x->next) {
        if (!cJSON_IsNumber(x) || !(x->valuedouble >= before && x->valuedouble <= 16777216) ||
            floor(x->valuedouble) != x->valuedouble) // 2^24: what a float holds exactly
            return error_set(e, ERROR_INPUT, "\"%s\" should hold steps in ascending order", steps);
        before = x->valuedouble;
        if (!report_curve_add(c, (float)before, NAN, NAN, e))
            return false;
    }
    return read_list(c->first, c->count, o, first, e) &&
           (!second || read_list(c->second, c->count, o, second, e));
}

static bool read_curves(struct report_run *r, const cJSON *o, struct error *e) {
    const cJSON *curves = NULL;
    if (!json_get_object(o, "curves", false, &curves, e))
        return false;
    return !curves || ((read_curve(&r->train, curves, "step", "train_loss", NULL, e) &&
                        read_curve(&r->evals, curves, "dev_step", "dev_loss", "dev_accuracy", e)) ||
                       error_context(e, "\"curves\""));
}

static bool read_settings(struct report_run *r, const cJSON *o, struct error *e) {
    const cJSON *settings = NULL;
    if (!json_get_object(o, "settings", false, &settings, e))
        return false;
    return !settings || session_settings_read(&r->settings, settings, NULL) ||
           error_set(e, ERROR_INPUT, "\"settings\" holds a value that the setting of that name cannot have");
}

static bool read_metric(struct report_run *r, const cJSON *o, struct error *e) {
    const char *metric = "accuracy";
    if (!json_get_string(o, "metric", false, &metric, e))
        return false;
    r->macro_f1 = strcmp(metric, "macro-f1") == 0;
    return r->macro_f1 || strcmp(metric, "accuracy") == 0 ||
           error_set(e, ERROR_INPUT, "\"metric\" should be \"accuracy\" or \"macro-f1\", but is \"%.60s\"",
                     metric);
}

static bool read_version(const cJSON *o, struct error *e) {
    size_t version = 0;
    if (!json_get_size(o, "version", true, 1, 1000000, &version, e))
        return false;
    return version <= REPORT_VERSION ||
           error_set(e, ERROR_INPUT,
                     "the run has version %zu, and this program knows %d; a newer one reads it", version,
                     REPORT_VERSION);
}

static bool read_plain(struct report_run *r, const cJSON *o, struct error *e) {
    if (!read_text(&r->template_text, o, "template", false, e) ||
        !read_text(&r->label_words, o, "label_words", false, e))
        return false;
    char *template = report_plain_template(r->template_text, e);
    char *words = report_plain_words(r->label_words, r->class_name, r->class_name, r->classes, e);
    bool ok = template && words && report_set_text(&r->template_text, template, e) &&
              report_set_text(&r->label_words, words, e);
    free(template);
    free(words);
    return ok;
}

static bool read_run(struct report_run *r, const cJSON *o, struct error *e) {
    const cJSON *dev = NULL, *test = NULL;
    if (!cJSON_IsObject(o))
        return error_set(e, ERROR_INPUT, "a run should be an object, but is %s", json_type_name(o));
    return read_version(o, e) && read_text(&r->session, o, "session", false, e) &&
           read_text(&r->folder, o, "folder", false, e) && read_text(&r->place, o, "place", false, e) &&
           read_text(&r->task, o, "task", true, e) && read_text(&r->model, o, "model", false, e) &&
           read_metric(r, o, e) && read_text(&r->note, o, "note", false, e) && read_settings(r, o, e) &&
           read_text(&r->chosen, o, "chosen", false, e) &&
           json_get_bool(o, "by_hand", false, &r->by_hand, e) && read_size(&r->steps, o, "steps", e) &&
           read_size(&r->evaluations, o, "evaluations", e) &&
           json_get_number(o, "seconds", false, &r->seconds, e) && read_time(&r->begun, o, "begun", e) &&
           read_time(&r->ended, o, "ended", e) && read_classes(r, o, e) && read_plain(r, o, e) &&
           read_score(&r->dev, o, "dev", &dev, e) && read_score(&r->test, o, "test", &test, e) &&
           (!test || read_confusion(r, test, e)) && read_curves(r, o, e) &&
           read_text(&r->method, o, "method", false, e) &&
           (r->method[0] || report_set_text(&r->method, method_title(r->template_text, &r->settings), e));
}

bool report_line_read(struct report_run *out, const char *line, size_t length, struct error *e) {
    *out = (struct report_run){0};
    cJSON *o = json_parse(line, length, e);
    bool ok = o && report_run_init(out, e) && read_run(out, o, e);
    if (!ok)
        report_run_free(out);
    cJSON_Delete(o);
    return ok;
}

// ---- a file of them ----

static bool add_wrong(struct report *all, const struct report_source *source, const char *place,
                      const char *why, struct error *e) {
    struct report_run *r = report_next(all, e);
    if (!r)
        return false;
    bool ok = report_set_text(&r->session, source->session, e) && report_set_text(&r->place, place, e) &&
              report_set_text(&r->note, why, e);
    if (ok)
        all->count++;
    else
        report_run_free(r);
    return ok;
}

static bool add_line(struct report *all, const struct report_source *source, const char *line, size_t length,
                     size_t number, struct error *e) {
    struct error why = {0};
    struct report_run run;
    char place[32];
    snprintf(place, sizeof place, "line %zu", number);
    if (!report_line_read(&run, line, length, &why))
        return why.kind == ERROR_MEMORY ? error_set(e, why.kind, "%s", why.text)
                                        : add_wrong(all, source, place, why.text, e);
    bool ok = (run.session[0] || report_set_text(&run.session, source->session, e)) &&
              (run.place[0] || run.folder[0] || report_set_text(&run.place, place, e)) &&
              mem_grow(&all->run, &all->capacity, all->count + 1, sizeof *all->run, e);
    if (ok)
        all->run[all->count++] = run;
    else
        report_run_free(&run);
    return ok;
}

bool report_read_lines(struct report *all, const struct report_source *source, struct error *e) {
    struct error why = {0};
    char *text = NULL;
    size_t length = 0, number = 0;
    if (!file_read(source->path, MOST_FILE, &text, &length, &why))
        return add_wrong(all, source, "", why.text, e);
    bool ok = true;
    for (const char *p = text, *end = text + length; ok && p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
        number++;
        if (strspn(p, " \t\r") < n)
            ok = add_line(all, source, p, n, number, e);
        p += n + (newline != NULL);
    }
    free(text);
    return ok;
}

// ---- writing ----

struct writing {
    struct buffer *out;
    bool first;
};

static void put_key(struct writing *w, const char *key) {
    buffer_printf(w->out, "%s\"%s\":", w->first ? "" : ",", key);
    w->first = false;
}

static void put_string(struct writing *w, const char *text) {
    cJSON *s = cJSON_CreateString(text);
    char *printed = s ? json_print(s, false, NULL) : NULL;
    if (printed)
        buffer_add_text(w->out, printed);
    else
        w->out->failed = true;
    free(printed);
    cJSON_Delete(s);
}

static void put_text(struct writing *w, const char *key, const char *text) {
    if (!text[0])
        return;
    put_key(w, key);
    put_string(w, text);
}

// In as few digits as read back to the same number.
static void put_double(struct buffer *b, double x) {
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    buffer_add_text(b, isfinite(x) ? text : "null");
}

static void put_float(struct buffer *b, float x) {
    char text[40];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x)
            break;
    }
    buffer_add_text(b, isfinite(x) ? text : "null");
}

static void put_number(struct writing *w, const char *key, double x) {
    if (!isfinite(x))
        return;
    put_key(w, key);
    put_double(w->out, x);
}

static void put_size(struct writing *w, const char *key, size_t n) {
    if (!n)
        return;
    put_key(w, key);
    buffer_printf(w->out, "%zu", n);
}

static void put_time(struct writing *w, const char *key, time_t t) {
    char stamp[STAMP_SIZE];
    if (!t)
        return;
    stamp_print(t, stamp);
    put_text(w, key, stamp);
}

static void put_confusion(struct writing *w, const struct report_run *r) {
    if (!r->confusion)
        return;
    put_key(w, "confusion");
    for (size_t i = 0; i < r->classes; i++) {
        buffer_add_text(w->out, i ? ",[" : "[[");
        for (size_t k = 0; k < r->classes; k++)
            buffer_printf(w->out, "%s%zu", k ? "," : "", r->confusion[i * r->classes + k]);
        buffer_add_char(w->out, ']');
    }
    buffer_add_char(w->out, ']');
}

static void put_score(struct writing *w, const char *key, const struct report_score *s,
                      const struct report_run *test_of) {
    if (!isfinite(s->accuracy) && !isfinite(s->macro_f1) && !(test_of && test_of->confusion))
        return;
    put_key(w, key);
    buffer_add_char(w->out, '{');
    struct writing inner = {w->out, true};
    put_size(&inner, "examples", s->examples);
    if (test_of && s->examples && isfinite(s->accuracy))
        put_number(&inner, "correct", round(s->accuracy * (double)s->examples));
    put_number(&inner, "accuracy", s->accuracy);
    put_number(&inner, "macro_f1", s->macro_f1);
    put_number(&inner, "loss", s->loss);
    put_size(&inner, "step", s->step);
    if (test_of)
        put_confusion(&inner, test_of);
    buffer_add_char(w->out, '}');
}

static void put_classes(struct writing *w, const struct report_run *r) {
    if (!r->class_name)
        return;
    put_key(w, "classes");
    for (size_t i = 0; i < r->classes; i++) {
        buffer_add_char(w->out, i ? ',' : '[');
        put_string(w, r->class_name[i]);
    }
    buffer_add_char(w->out, ']');
}

static void put_list(struct writing *w, const char *key, const float *x, size_t count) {
    put_key(w, key);
    buffer_add_char(w->out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_add_char(w->out, ',');
        put_float(w->out, x[i]);
    }
    buffer_add_char(w->out, ']');
}

static void put_curves(struct writing *w, const struct report_run *r) {
    if (!r->train.count && !r->evals.count)
        return;
    put_key(w, "curves");
    buffer_add_char(w->out, '{');
    struct writing inner = {w->out, true};
    if (r->train.count) {
        put_list(&inner, "step", r->train.step, r->train.count);
        put_list(&inner, "train_loss", r->train.first, r->train.count);
    }
    if (r->evals.count) {
        put_list(&inner, "dev_step", r->evals.step, r->evals.count);
        put_list(&inner, "dev_loss", r->evals.first, r->evals.count);
        put_list(&inner, "dev_accuracy", r->evals.second, r->evals.count);
    }
    buffer_add_char(w->out, '}');
}

static void put_settings(struct writing *w, const struct report_run *r) {
    cJSON *o = session_settings_json(&r->settings);
    char *text = o ? json_print(o, false, NULL) : NULL;
    put_key(w, "settings");
    if (text)
        buffer_add_text(w->out, text);
    else
        w->out->failed = true;
    free(text);
    cJSON_Delete(o);
}

void report_line_write(struct buffer *out, const struct report_run *r, bool curves) {
    struct writing w = {out, false};
    buffer_printf(out, "{\"version\":%d", REPORT_VERSION);
    put_text(&w, "session", r->session);
    put_text(&w, "folder", r->folder);
    put_text(&w, "place", r->place);
    put_key(&w, "task");
    put_string(&w, r->task);
    put_text(&w, "metric", r->macro_f1 ? "macro-f1" : "accuracy");
    put_text(&w, "model", r->model);
    put_text(&w, "method", r->method);
    put_text(&w, "template", r->template_text);
    put_text(&w, "label_words", r->label_words);
    put_classes(&w, r);
    put_settings(&w, r);
    put_text(&w, "chosen", r->chosen);
    if (r->by_hand) {
        put_key(&w, "by_hand");
        buffer_add_text(out, "true");
    }
    put_size(&w, "steps", r->steps);
    put_size(&w, "evaluations", r->evaluations);
    put_number(&w, "seconds", r->seconds);
    put_time(&w, "begun", r->begun);
    put_time(&w, "ended", r->ended);
    put_score(&w, "dev", &r->dev, NULL);
    put_score(&w, "test", &r->test, r);
    put_text(&w, "note", r->note);
    if (curves)
        put_curves(&w, r);
    buffer_add_text(out, "}\n");
}

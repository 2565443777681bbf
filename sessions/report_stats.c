// SPDX-License-Identifier: GPL-3.0-or-later
#include "report_stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- parts ----

enum { TEXT_PARTS = REPORT_PART_WORDS + 1 };
static const char *const text_part_name[TEXT_PARTS] = {"task", "model", "method", "template", "label words"};

// What was chosen as method is no part either: what the run is by its template and settings is one.
static bool is_no_part(size_t setting) {
    const char *name = run_setting_table[setting].name;
    return strcmp(name, "seed") == 0 || strcmp(name, "method") == 0;
}

// The setting of a part behind the texts.
static size_t setting_of(size_t part) {
    size_t left = part - TEXT_PARTS;
    for (size_t i = 0; i < run_setting_count; i++)
        if (!is_no_part(i) && left-- == 0)
            return i;
    return run_setting_count;
}

size_t report_part_count(void) {
    size_t n = TEXT_PARTS;
    for (size_t i = 0; i < run_setting_count; i++)
        n += !is_no_part(i);
    return n;
}

const char *report_part_name(size_t part) {
    return part < TEXT_PARTS ? text_part_name[part] : run_setting_table[setting_of(part)].name;
}

static bool has_effect(const struct run_settings *s, const char *name) {
    return strcmp(name, "start_text") == 0    ? s->start == START_TEXT
           : strcmp(name, "start_file") == 0  ? s->start == START_FILE
           : strcmp(name, "start_scale") == 0 ? s->start == START_NORMAL
           : strcmp(name, "total_shots") == 0 ? s->shots == 0
           : strcmp(name, "shots") == 0       ? s->shots > 0
                                              : true;
}

// Whether the name is one of those, apart by spaces, whose values dev chose.
static bool was_chosen(const struct report_run *r, const char *name) {
    size_t n = strlen(name);
    for (const char *at = r->chosen; *at;) {
        size_t length = strcspn(at, " ");
        if (length == n && strncmp(at, name, n) == 0)
            return true;
        at += length + strspn(at + length, " ");
    }
    return false;
}

const char *report_part(const struct report_run *r, size_t part, char room[RUN_SETTING_TEXT]) {
    switch (part) {
    case REPORT_PART_TASK:
        return r->task;
    case REPORT_PART_MODEL:
        return r->model;
    case REPORT_PART_METHOD:
        return r->method;
    case REPORT_PART_TEMPLATE:
        return r->template_text;
    case REPORT_PART_WORDS:
        return r->label_words;
    default:
        break;
    }
    const char *name = run_setting_table[setting_of(part)].name;
    if (was_chosen(r, name))
        return "by dev";
    if (!has_effect(&r->settings, name) || !run_settings_get(&r->settings, name, room, RUN_SETTING_TEXT))
        room[0] = '\0';
    return room;
}

static bool same_part(const struct report_run *a, const struct report_run *b, size_t part) {
    char one[RUN_SETTING_TEXT], two[RUN_SETTING_TEXT];
    const char *x = report_part(a, part, one), *y = report_part(b, part, two);
    // Where only one of them has an effect, another part says so: start, with start_text, start_scale, ...
    bool implied = strncmp(report_part_name(part), "start_", 6) == 0 && (!x[0] || !y[0]);
    return implied || strcmp(x, y) == 0;
}

void report_parts_differ(const struct report *r, const size_t *which, size_t count, bool *differs) {
    const struct report_run *first = NULL;
    for (size_t p = 0; p < report_part_count(); p++)
        differs[p] = false;
    for (size_t i = 0; i < count; i++) {
        const struct report_run *run = &r->run[which ? which[i] : i];
        if (run->note[0]) // what could not be read differs in everything, which says nothing
            continue;
        bool same_settings = first && strcmp(first->chosen, run->chosen) == 0 &&
                             run_settings_equal(&first->settings, &run->settings);
        for (size_t p = 0; first && p < (same_settings ? TEXT_PARTS : report_part_count()); p++)
            differs[p] = differs[p] || !same_part(first, run, p);
        first = first ? first : run;
    }
}

// ---- filters ----

static bool word_matches(const struct report_run *r, const char *word) {
    char room[RUN_SETTING_TEXT], seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)r->settings.seed);
    const char *equals = strchr(word, '=');
    size_t name = equals && equals > word ? (size_t)(equals - word) : 0;
    const char *wanted = name ? equals + 1 : word;
    bool known = false;
    if (name && strncasecmp("session", word, name) == 0)
        return strcasestr(r->session, wanted) != NULL;
    if (name == 4 && strncasecmp("seed", word, name) == 0)
        return strcmp(seed, wanted) == 0;
    for (size_t p = 0; p < report_part_count(); p++) {
        bool named = name && strncasecmp(report_part_name(p), word, name) == 0;
        known |= named;
        if ((named || !name) && strcasestr(report_part(r, p, room), wanted))
            return true;
    }
    if (known)
        return false;
    // No name of ours: the text as it stands.
    return strcasestr(r->session, word) || strcasestr(r->place, word) || strcasestr(r->note, word) ||
           strcmp(seed, word) == 0 || strcasestr(r->template_text, word);
}

bool report_run_matches(const struct report_run *r, const char *filter) {
    char word[256];
    for (const char *at = filter + strspn(filter, " \t"); *at;) {
        size_t n = strcspn(at, " \t");
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), at);
        if (!word_matches(r, word))
            return false;
        at += n + strspn(at + n, " \t");
    }
    return true;
}

// ---- groups ----

char *report_setting_key(const struct report_run *r, struct error *e) {
    struct buffer b = {0};
    char room[RUN_SETTING_TEXT];
    for (size_t p = 0; p < report_part_count(); p++)
        buffer_printf(&b, "%s\x1f", report_part(r, p, room));
    if (r->by_hand || r->note[0])
        buffer_printf(&b, "%s\x1f%s\x1f%s\x1f%lld", r->folder, r->session, r->place, (long long)r->begun);
    return buffer_take(&b, e);
}

static bool group_add(struct report_groups *out, const char *const *key, size_t *group_of, size_t at,
                      size_t *first, struct error *e) {
    for (size_t g = 0; g < out->count; g++) {
        if (strcmp(key[first[g]], key[at]) == 0) {
            group_of[at] = g;
            out->group[g].runs++;
            return true;
        }
    }
    if (!mem_grow(&out->group, &out->capacity, out->count + 1, sizeof *out->group, e))
        return false;
    out->group[out->count] = (struct report_group){.runs = 1};
    first[out->count] = at;
    group_of[at] = out->count++;
    return true;
}

static bool earlier(const struct report_run *a, const struct report_run *b) {
    return a->settings.seed != b->settings.seed ? a->settings.seed < b->settings.seed : a->begun < b->begun;
}

// Sorted by seed, then by time; equal ones stay in order.
static void put_member(struct report_group *g, const struct report *r, size_t run) {
    size_t at = g->runs++;
    for (; at > 0 && earlier(&r->run[run], &r->run[g->run[at - 1]]); at--)
        g->run[at] = g->run[at - 1];
    g->run[at] = run;
    g->finished += report_run_finished(&r->run[run]);
}

bool report_group(struct report_groups *out, const struct report *r, const size_t *which, size_t count,
                  struct error *e) {
    size_t *group_of = mem_calloc(count, sizeof *group_of, e), *first = mem_calloc(count, sizeof *first, e);
    char **key = mem_calloc(count, sizeof *key, e);
    *out = (struct report_groups){0};
    bool ok = group_of && first && key;
    for (size_t i = 0; ok && i < count; i++) {
        size_t run = which ? which[i] : i;
        ok = (key[i] = report_setting_key(&r->run[run], e)) &&
             group_add(out, (const char *const *)key, group_of, i, first, e);
    }
    for (size_t g = 0; ok && g < out->count; g++) {
        ok = (out->group[g].run = mem_calloc(out->group[g].runs, sizeof *out->group[g].run, e)) != NULL;
        out->group[g].runs = 0;
    }
    for (size_t i = 0; ok && i < count; i++)
        put_member(&out->group[group_of[i]], r, which ? which[i] : i);
    for (size_t i = 0; key && i < count; i++)
        free(key[i]);
    free(key);
    free(first);
    free(group_of);
    if (!ok)
        report_groups_free(out);
    return ok;
}

void report_groups_free(struct report_groups *g) {
    for (size_t i = 0; i < g->count; i++)
        free(g->group[i].run);
    free(g->group);
    *g = (struct report_groups){0};
}

// ---- statistics ----

struct report_mean report_mean_of(const double *x, size_t n) {
    struct report_mean m = {.n = n, .mean = NAN, .sd = NAN};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    if (n)
        m.mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - m.mean) * (x[i] - m.mean);
    if (n > 1)
        m.sd = sqrt(squares / (double)(n - 1));
    return m;
}

// The score of each seed, ascending; returns how many.
struct seed_score {
    size_t run;
    double score;
};
static size_t seed_scores(const struct report *r, const struct report_group *g, enum report_split split,
                          struct seed_score *out) {
    size_t n = 0;
    for (size_t i = 0; i < g->runs; i++) {
        const struct report_run *run = &r->run[g->run[i]];
        double score = report_run_score(run, split);
        if (!report_run_finished(run) || !isfinite(score))
            continue;
        bool again = n && r->run[out[n - 1].run].settings.seed == run->settings.seed;
        n -= again; // of one seed the newest
        out[n++] = (struct seed_score){g->run[i], score};
    }
    return n;
}

struct report_mean report_group_mean(const struct report *r, const struct report_group *g,
                                     enum report_split split) {
    struct seed_score *s = mem_calloc(g->runs, sizeof *s, NULL);
    double *x = mem_calloc(g->runs, sizeof *x, NULL);
    size_t n = s && x ? seed_scores(r, g, split, s) : 0;
    for (size_t i = 0; i < n; i++)
        x[i] = s[i].score;
    struct report_mean m = report_mean_of(x, n);
    free(s);
    free(x);
    return m;
}

void report_group_examples(const struct report *r, const struct report_group *g, enum report_split split,
                           size_t *least, size_t *most) {
    *least = *most = 0;
    for (size_t i = 0; i < g->runs; i++) {
        const struct report_run *run = &r->run[g->run[i]];
        size_t n = split == REPORT_DEV ? run->dev.examples : run->test.examples;
        if (!n)
            continue;
        *least = !*least || n < *least ? n : *least;
        *most = n > *most ? n : *most;
    }
}

// The newest run of each seed that has a dev curve, by seed; returns how many.
static size_t curve_runs(const struct report *r, const struct report_group *g, bool finished, size_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < g->runs; i++) {
        const struct report_run *run = &r->run[g->run[i]];
        if (!run->evals.count || (finished && !report_run_finished(run)))
            continue;
        n -= n && r->run[out[n - 1]].settings.seed == run->settings.seed;
        out[n++] = g->run[i];
    }
    return n;
}

static size_t find_step(const struct report_curve *c, float step) {
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->step[middle] < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->count && c->step[low] == step ? low : SIZE_MAX;
}

size_t report_group_curve(struct report_curve *out, const struct report *r, const struct report_group *g) {
    *out = (struct report_curve){0};
    size_t *run = mem_calloc(g->runs, sizeof *run, NULL);
    size_t n = run ? curve_runs(r, g, g->finished > 0, run) : 0;
    const struct report_curve *first = n ? &r->run[run[0]].evals : NULL;
    for (size_t i = 0; first && i < first->count; i++) {
        double loss = 0, accuracy = 0;
        size_t have = 0;
        for (size_t k = 0; k < n; k++) {
            const struct report_curve *c = &r->run[run[k]].evals;
            size_t at = find_step(c, first->step[i]);
            if (at == SIZE_MAX)
                break;
            loss += (double)c->first[at];
            accuracy += (double)c->second[at];
            have++;
        }
        if (have == n && !report_curve_add(out, first->step[i], (float)(loss / (double)n),
                                           (float)(accuracy / (double)n), NULL))
            break;
    }
    free(run);
    return out->count ? n : 0;
}

struct report_difference report_group_difference(const struct report *r, const struct report_group *a,
                                                 const struct report_group *b, enum report_split split) {
    struct report_difference d = {.mean = NAN, .half = NAN};
    const struct report_run *one = &r->run[a->run[0]], *two = &r->run[b->run[0]];
    if (strcmp(one->task, two->task) != 0 || one->macro_f1 != two->macro_f1)
        return d;
    struct seed_score *s = mem_calloc(a->runs, sizeof *s, NULL), *t = mem_calloc(b->runs, sizeof *t, NULL);
    double *x = mem_calloc(a->runs, sizeof *x, NULL);
    size_t n = s && t && x ? seed_scores(r, a, split, s) : 0, m = n ? seed_scores(r, b, split, t) : 0;
    for (size_t i = 0, k = 0; i < n && k < m;) { // both ascend by seed
        uint64_t left = r->run[s[i].run].settings.seed, right = r->run[t[k].run].settings.seed;
        if (left == right)
            x[d.n++] = s[i].score - t[k].score;
        i += left <= right;
        k += right <= left;
    }
    struct report_mean mean = report_mean_of(x, d.n);
    d.mean = mean.mean;
    if (d.n > 1)
        d.half = report_student(0.95, d.n - 1) * mean.sd / sqrt((double)d.n);
    free(s);
    free(t);
    free(x);
    return d;
}

// The probability that |T| <= tan(angle) sqrt(freedom): A(t|freedom) of 26.7.3 (odd) and 26.7.4 (even).
static double student_inside(double angle, size_t freedom) {
    double sine = sin(angle), cosine = cos(angle), square = cosine * cosine;
    bool odd = freedom % 2 == 1;
    double term = odd ? cosine : 1, sum = freedom == 1 ? 0 : term;
    for (size_t k = odd ? 3 : 2; k + 2 <= freedom; k += 2) {
        term *= square * (double)(k - 1) / (double)k;
        sum += term;
    }
    return odd ? 2 / acos(-1) * (angle + sine * sum) : sine * sum;
}

double report_student(double share, size_t freedom) {
    double low = 0, high = acos(-1) / 2;
    for (int i = 0; i < 200 && low < high; i++) {
        double middle = low + (high - low) / 2;
        if (middle == low || middle == high)
            break;
        if (student_inside(middle, freedom) < share)
            low = middle;
        else
            high = middle;
    }
    return tan(low + (high - low) / 2) * sqrt((double)freedom);
}

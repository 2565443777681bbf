// SPDX-License-Identifier: GPL-3.0-or-later
// The selected setting or run in full: scores with their n, the difference from the baseline, the pattern,
// the confusion, every setting. Lines scroll.
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "views/views.h"

#include "compare_inside.h"
#include "parts.h"

// Draws what falls into the area; `row` counts all lines.
struct lines {
    struct grid *g;
    struct area area;
    int row, top, indent;
    enum style style;
    const char *open; // the folder of the open session, or NULL
};

enum { GAP = 10 };

static bool put_line(void *context, const char *text, size_t length) {
    struct lines *l = context;
    grid_put_bytes(l->g, l->area, l->row++ - l->top, l->indent, l->style, text, length);
    return true;
}

static void put_text(struct lines *l, const char *label, enum style style, const char *text) {
    int room = l->area.columns - GAP - 2;
    int first = l->row;
    l->indent = GAP + 1;
    l->style = style;
    if (room < 12) { // too narrow for labels beside
        l->indent = 1;
        room = l->area.columns - 2;
    } else if (first >= l->top) {
        grid_put_cut(l->g, l->area, first - l->top, 1, GAP - 1, STYLE_DIM, label);
    }
    text_wrap(text, strlen(text), room > 1 ? room : 1, put_line, l);
    if (l->row == first)
        l->row++;
}

static void __attribute__((format(printf, 4, 5)))
put(struct lines *l, const char *label, enum style style, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text[utf8_boundary(text, strlen(text), strlen(text))] = 0;
    utf8_make_plain(text);
    put_text(l, label, style, text);
}

// ---- scores ----

static void put_run_score(struct lines *l, const struct report_run *r, enum report_split split) {
    const struct report_score *s = split == REPORT_DEV ? &r->dev : &r->test;
    const char *label = split == REPORT_DEV ? "dev" : "test";
    char score[REPORT_CELL] = "-", rest[128] = "";
    if (!isfinite(s->accuracy) && !isfinite(s->macro_f1)) {
        if (split == REPORT_DEV)
            put(l, label, STYLE_DIM, "not scored");
        else
            put(l, label, STYLE_DIM, "not scored; %s on screen %s does so", PART_KEY(TEST, WHERE_RUN),
                PART_KEY(SCREEN_RUN, WHERE_COMPARE));
        return;
    }
    report_print_score(score, r, split);
    if (r->macro_f1 && isfinite(s->accuracy))
        snprintf(rest, sizeof rest, ", accuracy %.3f", s->accuracy);
    else if (isfinite(s->macro_f1))
        snprintf(rest, sizeof rest, ", macro-F1 %.3f", s->macro_f1);
    size_t used = strlen(rest);
    if (isfinite(s->loss))
        snprintf(rest + used, sizeof rest - used, ", loss %.3g", s->loss);
    if (split == REPORT_DEV)
        put(l, label, STYLE_STRONG, "%s %s at step %zu, the best of %zu scoring%s%s",
            r->macro_f1 ? "macro-F1" : "accuracy", score, s->step, r->evaluations,
            r->evaluations == 1 ? "" : "s", rest);
    else
        put(l, label, STYLE_STRONG, "%s %s with the prompt of step %zu%s",
            r->macro_f1 ? "macro-F1" : "accuracy", score, s->step, rest);
}

static void put_group_score(struct lines *l, const struct compare_view *v, size_t group,
                            enum report_split split) {
    const struct report_group *g = &v->groups.group[group];
    const struct report_mean *m = &v->group[group].mean[split];
    const char *label = split == REPORT_DEV ? "dev" : "test";
    const char *metric = v->report.run[g->run[0]].macro_f1 ? "macro-F1" : "accuracy";
    const char *sign = l->g->ascii ? "+-" : "±";
    size_t least, most;
    char examples[64] = "";
    report_group_examples(&v->report, g, split, &least, &most);
    if (most && least == most)
        snprintf(examples, sizeof examples, ", %zu examples each", most);
    else if (most)
        snprintf(examples, sizeof examples, ", %zu to %zu examples", least, most);
    if (m->n == 0)
        put(l, label, STYLE_DIM, "no finished run was scored");
    else if (m->n == 1)
        put(l, label, STYLE_STRONG, "%s %.3f, n = 1 seed%s", metric, m->mean, examples);
    else
        put(l, label, STYLE_STRONG, "%s %.3f %s %.3f (mean %s sample std, n = %zu seeds)%s", metric, m->mean,
            sign, m->sd, sign, m->n, examples);
}

static void put_difference(struct lines *l, const struct compare_view *v, const struct compare_row *row,
                           enum report_split split) {
    struct report_difference d = compare_row_difference(v, row, split);
    const char *label = split == REPORT_DEV ? "dev diff" : "test diff";
    if (v->baseline == SIZE_MAX || (compare_row_is_group(row) && row->group == v->baseline))
        return;
    if (d.n == 0)
        put(l, label, STYLE_DIM, "no seed has both this and the baseline");
    else if (d.n == 1)
        put(l, label, STYLE_PLAIN, "%+.3f from the baseline, n = 1 seed: no interval", d.mean);
    else
        put(l, label, STYLE_PLAIN,
            "%+.3f from the baseline, 95 %% interval %+.3f to %+.3f (paired, n = %zu seeds): %s", d.mean,
            d.mean - d.half, d.mean + d.half, d.n,
            d.mean - d.half > 0   ? "better"
            : d.mean + d.half < 0 ? "worse"
                                  : "may be chance, 0 lies inside");
}

// ---- confusion ----

static void put_confusion(struct lines *l, const struct report_run *r) {
    enum { MOST = 16 };
    int name = 4, number = 2;
    for (size_t i = 0; i < r->classes && i < MOST; i++) {
        int w = r->class_name ? text_width(r->class_name[i], strlen(r->class_name[i])) : 1;
        name = w > name ? w : name;
        for (size_t k = 0; k < r->classes; k++) {
            int digits = snprintf(NULL, 0, "%zu", r->confusion[i * r->classes + k]);
            number = digits > number ? digits : number;
        }
    }
    name = name > 16 ? 16 : name;
    put(l, "confusion", STYLE_DIM,
        "test examples: rows are the true class, columns what was predicted, in the same order");
    for (size_t i = 0; i < r->classes && i < MOST; i++, l->row++) {
        int row = l->row - l->top, at = GAP + 1;
        if (row < 0)
            continue;
        grid_put_cut(l->g, l->area, row, at, name, STYLE_PLAIN, r->class_name ? r->class_name[i] : "");
        at += name;
        for (size_t k = 0; k < r->classes; k++) {
            char text[32];
            at += number + 2;
            snprintf(text, sizeof text, "%zu", r->confusion[i * r->classes + k]);
            grid_put_right(l->g, l->area, row, at, i == k ? STYLE_GOOD : STYLE_PLAIN, text);
        }
    }
}

// ---- settings ----

// What differs between the runs first.
static void put_settings(struct lines *l, const struct compare_view *v, const struct report_run *r) {
    struct buffer text[2] = {0};
    char room[RUN_SETTING_TEXT];
    for (size_t p = REPORT_PART_WORDS + 1; p < report_part_count(); p++) {
        const char *value = report_part(r, p, room);
        struct buffer *b = &text[!v->differs[p]];
        if (value[0])
            buffer_printf(b, "%s%s %s", b->length ? ", " : "", report_part_name(p), value);
    }
    for (int i = 0; i < 2; i++) {
        if (text[i].data && buffer_ok(&text[i], NULL))
            put(l, i ? "settings" : "differ", i ? STYLE_DIM : STYLE_ACCENT, "%s", text[i].data);
        buffer_free(&text[i]);
    }
}

static void put_pattern(struct lines *l, const struct report_run *r) {
    put(l, "template", STYLE_PLAIN, "%s", r->template_text[0] ? r->template_text : "unknown");
    put(l, "words", STYLE_PLAIN, "%s", r->label_words[0] ? r->label_words : "unknown");
}

// ---- the whole ----

// Where it is kept, and the key that leads there.
static void put_session(struct lines *l, const struct report_run *r) {
    char key[KEYMAP_KEYS];
    const char *way = keymap_way(REQUEST_RUN_OPEN, WHERE_COMPARE, key);
    bool open = l->open && strcmp(l->open, r->folder) == 0;
    if (!r->folder[0] || (open && !r->place[0]))
        put(l, "session", STYLE_PLAIN, "%s%s%s", r->session, r->place[0] ? ", " : "", r->place);
    else if (open)
        put(l, "session", STYLE_PLAIN, "%s, %s; %s goes on from its best prompt", r->session, r->place, way);
    else
        put(l, "session", STYLE_PLAIN, "%s%s%s; %s opens it", r->session, r->place[0] ? ", " : "", r->place,
            way);
}

static void put_run(struct lines *l, const struct compare_view *v, const struct compare_row *row) {
    const struct report_run *r = &v->report.run[row->run];
    char time[PART_SHORT], when[40] = "";
    struct tm local;
    if (r->note[0])
        put(l, "damaged", STYLE_BAD, "%s", r->note);
    if (!r->task[0]) {
        put(l, "session", STYLE_PLAIN, "%s%s%s", r->session, r->place[0] ? ", " : "", r->place);
        return;
    }
    put_run_score(l, r, REPORT_DEV);
    put_run_score(l, r, REPORT_TEST);
    put_difference(l, v, row, REPORT_DEV);
    put_difference(l, v, row, REPORT_TEST);
    part_seconds(time, r->seconds);
    if (r->begun && localtime_r(&r->begun, &local))
        strftime(when, sizeof when, ", begun %Y-%m-%d %H:%M", &local);
    put(l, "run", STYLE_PLAIN, "%zu of %zu steps, %s%s%s%s", r->steps, r->settings.steps,
        isfinite(r->seconds) ? time : "time unknown", when,
        report_run_finished(r) ? "" : "; not finished: it does not count in means",
        r->by_hand ? "; changed by hand while it ran: a setting of its own" : "");
    put_session(l, r);
    put(l, "task", STYLE_PLAIN, "%s, model %s", r->task, r->model[0] ? r->model : "unknown");
    put_pattern(l, r);
    if (r->confusion)
        put_confusion(l, r);
    put_settings(l, v, r);
}

static void put_group(struct lines *l, const struct compare_view *v, const struct compare_row *row) {
    const struct report_group *g = &v->groups.group[row->group];
    const struct report_run *r = compare_row_run(v, row);
    struct buffer seeds = {0};
    if (r->note[0]) { // stands alone
        put_run(l, v, &(struct compare_row){row->group, g->run[0]});
        return;
    }
    put_group_score(l, v, row->group, REPORT_DEV);
    put_group_score(l, v, row->group, REPORT_TEST);
    put_difference(l, v, row, REPORT_DEV);
    put_difference(l, v, row, REPORT_TEST);
    for (size_t i = 0; i < g->runs; i++)
        buffer_printf(&seeds, "%s%llu%s", i ? ", " : "",
                      (unsigned long long)v->report.run[g->run[i]].settings.seed,
                      report_run_finished(&v->report.run[g->run[i]]) ? "" : " (not finished)");
    if (buffer_ok(&seeds, NULL) && seeds.data)
        put(l, "seeds", STYLE_PLAIN, "%s", seeds.data);
    buffer_free(&seeds);
    put(l, "task", STYLE_PLAIN, "%s, model %s", r->task, r->model[0] ? r->model : "unknown");
    put_pattern(l, r);
    put_settings(l, v, r);
}

static void put_all(struct lines *l, const struct compare_view *v, const struct compare_row *row) {
    if (compare_row_is_group(row))
        put_group(l, v, row);
    else
        put_run(l, v, row);
}

void compare_draw_detail(struct compare_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct session *s = workbench_session(w);
    const struct compare_row *row = compare_row_now(v);
    char title[200] = "details", note[48];
    struct lines l = {.g = g, .open = s ? session_folder(s) : NULL};
    if (row)
        compare_row_label(v, row, title, 160);
    utf8_make_plain(title);
    l.area = area_inset(a, 1);
    l.top = 1 << 20; // only counts
    if (row)
        put_all(&l, v, row);
    v->detail_last = l.row > l.area.rows ? l.row - l.area.rows : 0;
    if (v->detail_top > v->detail_last)
        v->detail_top = v->detail_last;
    snprintf(note, sizeof note, "%d-%d of %d lines", v->detail_top + 1, v->detail_top + l.area.rows, l.row);
    l.area = grid_frame(g, a, v->panes.focus == PANE_DETAIL, title, v->detail_last ? note : NULL);
    l.row = 0;
    l.top = v->detail_top;
    if (row)
        put_all(&l, v, row);
}

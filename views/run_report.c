// SPDX-License-Identifier: GPL-3.0-or-later
// What one update did: shown after a single step until the run goes on.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"
#include "run_inside.h"

enum { LINES = 5 + STEP_REPORT_MOST };
struct lines {
    struct {
        const char *label;
        enum style style;
        char value[96];
    } line[LINES];
    size_t count;
};

__attribute__((format(printf, 4, 5))) static void add(struct lines *l, const char *label, enum style style,
                                                      const char *format, ...) {
    va_list args;
    va_start(args, format);
    l->line[l->count].label = label;
    l->line[l->count].style = style;
    vsnprintf(l->line[l->count++].value, sizeof l->line[0].value, format, args);
    va_end(args);
}

static void share_text(char *out, size_t size, double part, double of) {
    double percent = of > 0 ? 100 * part / of : NAN;
    if (!isfinite(percent))
        snprintf(out, size, "-");
    else if (percent >= 0.1)
        snprintf(out, size, "%.2g %%", percent);
    else
        snprintf(out, size, "%.0e %%", percent);
}

static void add_loss(struct lines *l, const struct step_report *p, const char *arrow) {
    char a[16], b[16];
    plot_number(a, sizeof a, p->metric.train_loss);
    plot_number(b, sizeof b, p->loss_after);
    if (isnan(p->loss_after))
        add(l, "loss", STYLE_STRONG, "%s before it", a);
    else
        add(l, "loss", p->loss_after < p->metric.train_loss ? STYLE_GOOD : STYLE_WARN, "%s %s %s", a, arrow,
            b);
}

static void add_accuracy(struct lines *l, const struct step_report *p, const char *arrow) {
    double n = (double)p->batch, before = round((double)p->metric.train_accuracy * n);
    double after = round((double)p->accuracy_after * n);
    if (isfinite(before) && isfinite(after))
        add(l, "right", STYLE_STRONG, "%.0f/%zu %s %.0f/%zu", before, p->batch, arrow, after, p->batch);
    else if (isfinite(before))
        add(l, "right", STYLE_STRONG, "%.0f/%zu before it", before, p->batch);
}

static void add_update(struct lines *l, const struct step_report *p) {
    char of[16], share[32];
    plot_number(of, sizeof of, p->metric.prompt_norm);
    share_text(share, sizeof share, (double)p->metric.update_norm, (double)p->metric.prompt_norm);
    add(l, "update", STYLE_STRONG, "%s of %s", share, of);
}

static void add_gradient(struct lines *l, const struct step_report *p) {
    char norm[16];
    plot_number(norm, sizeof norm, p->metric.gradient_norm);
    if (p->clip > 0 && (double)p->metric.gradient_norm > p->clip)
        add(l, "gradient", STYLE_STRONG, "%s, cut to %.3g (clip)", norm, p->clip);
    else
        add(l, "gradient", STYLE_STRONG, "%s", norm);
}

static void add_moved(struct lines *l, const struct step_report *p, size_t most) {
    for (size_t i = 0; i < p->moved && i < most; i++) {
        char by[16], share[32];
        plot_number(by, sizeof by, p->most[i].by);
        share_text(share, sizeof share, (double)p->most[i].by, (double)p->most[i].norm);
        add(l, i == 0 ? "moved" : "", STYLE_SOFT, "v%-3zu %s, by %s", p->most[i].slot, share, by);
    }
}

// What there is no room for goes from the end.
void run_draw_report(const struct workbench *w, struct grid *g, struct area a) {
    const struct step_report *p = workbench_report(w);
    struct lines l = {.count = 0};
    char rate[16];
    const char *arrow = part_symbol(g, SYMBOL_ARROW);
    if (!p)
        return;
    add_loss(&l, p, arrow);
    add_update(&l, p);
    add_gradient(&l, p);
    add_accuracy(&l, p, arrow);
    plot_number(rate, sizeof rate, p->metric.rate);
    add(&l, "rate", STYLE_STRONG, "%s", rate);
    size_t rows = a.rows > 0 ? (size_t)a.rows : 0;
    if (rows < l.count + 1 && rows > 1) // rather which vector moved than the rate
        l.count = rows - 1;
    add_moved(&l, p, STEP_REPORT_MOST);
    for (size_t i = 0; i < l.count && i < rows; i++)
        part_field(g, a, (int)i, 1, 10, a.columns - 2, l.line[i].label, l.line[i].style, l.line[i].value);
}

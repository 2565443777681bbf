// SPDX-License-Identifier: GPL-3.0-or-later
// The table and the curves of the Compare screen as files.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/report_svg.h"
#include "views/views.h"

#include "compare_inside.h"
#include "parts.h"

// The runs that show, in the order of the rows.
static size_t *runs_in_order(const struct compare_view *v) {
    size_t *run = mem_calloc(v->shown_count, sizeof *run, NULL), n = 0;
    for (size_t i = 0; run && !v->grouped && i < v->rows; i++)
        run[n++] = v->row[i].run;
    for (size_t i = 0; run && v->grouped && i < v->groups.count; i++) {
        const struct report_group *g = &v->groups.group[v->group_order[i]];
        for (size_t k = 0; k < g->runs; k++)
            run[n++] = g->run[k];
    }
    return run;
}

static bool print_table(const struct compare_view *v, enum report_format format, struct buffer *out,
                        struct error *e) {
    size_t *run = runs_in_order(v);
    struct report_groups ordered = {.group = mem_calloc(v->groups.count, sizeof *ordered.group, e),
                                    .count = v->groups.count};
    struct report_table table = {.report = &v->report,
                                 .run = run,
                                 .runs = v->shown_count,
                                 .groups = v->grouped ? &ordered : NULL,
                                 .all_parts = v->all_parts,
                                 .width = text_width};
    for (size_t i = 0; ordered.group && i < ordered.count; i++) {
        ordered.group[i] = v->groups.group[v->group_order[i]]; // the arrays stay the view's
        if (v->group_order[i] == v->baseline)
            table.baseline = &ordered.group[i];
    }
    bool ok = run && ordered.group ? report_table_print(out, &table, format, e)
                                   : error_set(e, ERROR_MEMORY, "no memory for the table");
    free(run);
    free(ordered.group);
    return ok;
}

static bool export_table(const struct compare_view *v, const char *path, struct error *e) {
    struct buffer out = {0};
    enum report_format format;
    bool ok = report_format_of(&format, path, e) && print_table(v, format, &out, e) &&
              file_write_atomic(path, out.data, out.length, e);
    buffer_free(&out);
    return ok;
}

static bool export_curves(const struct compare_view *v, const char *path, size_t *count, struct error *e) {
    struct compare_curve c[COMPARE_MARKS];
    struct report_shown shown[COMPARE_MARKS];
    struct buffer out = {0};
    size_t length = strlen(path);
    if (length < 5 || strcmp(path + length - 4, ".svg") != 0)
        return error_set(e, ERROR_INPUT, "%.300s: curves are written as a picture, .svg", path);
    *count = compare_curves(v, c);
    for (size_t i = 0; i < *count; i++)
        shown[i] = (struct report_shown){c[i].label, c[i].curve};
    bool ok = report_svg_print(&out, shown, *count, e) && file_write_atomic(path, out.data, out.length, e);
    compare_curves_free(c, *count);
    buffer_free(&out);
    return ok;
}

void compare_export(struct compare_view *v, struct workbench *w, const char *what, double now) {
    struct error e = {0};
    bool table = strncmp(what, "table", 5) == 0;
    const char *path = what + (table ? 5 : 6);
    size_t count = 0;
    path += strspn(path, " \t");
    if (!v->rows) {
        workbench_say(w, STYLE_WARN, now, "there is nothing to export: screen %s shows no runs",
                      PART_KEY(SCREEN_COMPARE, WHERE_COMPARE));
    } else if (!*path) {
        workbench_say(w, STYLE_BAD, now, "usage: :export %s",
                      table ? "table FILE.csv (or .md, .tex, .txt)" : "curves FILE.svg");
    } else if (table ? !export_table(v, path, &e) : !export_curves(v, path, &count, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    } else if (table) {
        size_t rows = v->grouped ? v->groups.count : v->shown_count;
        workbench_say(w, STYLE_GOOD, now, "the table (%zu %s%s) is in %s", rows,
                      v->grouped ? "setting" : "run", rows == 1 ? "" : "s", path);
    } else {
        workbench_say(w, STYLE_GOOD, now, "%zu curve%s in %s", count, count == 1 ? " is" : "s are", path);
    }
}

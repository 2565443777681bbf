// SPDX-License-Identifier: GPL-3.0-or-later
// prompter session compare: runs of sessions as a table, by setting, against a baseline, and their curves.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "sessions/report_stats.h"
#include "sessions/report_svg.h"
#include "sessions/report_table.h"
#include "tui/cli_options.h"
#include "tui/grid.h"

struct comparing {
    bool group, csv, markdown, latex, json;
    const char *baseline, *filter, *svg;
    struct report all;
    size_t *run, runs;           // those that pass the filter
    struct report_groups groups; // of these
    const struct report_group *base;
};

// ---- reading ----

static bool read_runs(struct comparing *c, const char *const *what, size_t count, struct error *e) {
    struct report_sources sources = {0};
    bool ok = report_find(&sources, what, count, e);
    for (size_t i = 0; ok && i < sources.count; i++)
        ok = report_read(&c->all, &sources.source[i], e);
    report_sources_free(&sources);
    ok = ok && (c->run = mem_calloc(c->all.count, sizeof *c->run, e));
    for (size_t i = 0; ok && i < c->all.count; i++)
        if (report_run_matches(&c->all.run[i], c->filter ? c->filter : ""))
            c->run[c->runs++] = i;
    return ok && report_group(&c->groups, &c->all, c->run, c->runs, e);
}

static void group_label(const struct comparing *c, size_t g, char out[256]) {
    report_group_label(out, 256, &c->all, &c->groups, g);
}

// "--baseline" names no setting, or several: which there are.
static bool no_baseline(const struct comparing *c, const char *how, struct error *e) {
    struct buffer list = {0};
    char label[256];
    for (size_t g = 0; g < c->groups.count && g < 12; g++) {
        group_label(c, g, label);
        buffer_printf(&list, "%s%zu: %s", g ? "; " : "", g + 1, label);
    }
    error_set(e, ERROR_INPUT, "--baseline %.100s: %s. Give its number, or words that only it has: %s",
              c->baseline, how, list.data ? list.data : "there are no runs");
    buffer_free(&list);
    return false;
}

static bool find_baseline(struct comparing *c, struct error *e) {
    char *end;
    size_t found = 0, which = 0, number = strtoul(c->baseline, &end, 10);
    if (*c->baseline && !*end) {
        found = number >= 1 && number <= c->groups.count;
        which = number - 1;
    }
    for (size_t g = 0; (!*c->baseline || *end) && g < c->groups.count; g++) {
        if (report_run_matches(&c->all.run[c->groups.group[g].run[0]], c->baseline)) {
            found++;
            which = g;
        }
    }
    bool ok = found == 1 || no_baseline(c, found ? "several settings match" : "no setting matches", e);
    if (ok)
        c->base = &c->groups.group[which];
    return ok;
}

// ---- JSON ----

static void put_number(cJSON *o, const char *key, double x) {
    if (x == x)
        cJSON_AddNumberToObject(o, key, x);
}

static void put_split(cJSON *o, const struct comparing *c, const struct report_group *g,
                      enum report_split split) {
    struct report_mean m = report_group_mean(&c->all, g, split);
    size_t least, most;
    cJSON *to = cJSON_AddObjectToObject(o, split == REPORT_DEV ? "dev" : "test");
    report_group_examples(&c->all, g, split, &least, &most);
    cJSON_AddNumberToObject(to, "n", (double)m.n);
    put_number(to, "mean", m.mean);
    put_number(to, "std", m.sd);
    if (most && least == most)
        cJSON_AddNumberToObject(to, "examples", (double)most);
    if (!c->base)
        return;
    struct report_difference d = report_group_difference(&c->all, g, c->base, split);
    cJSON *difference = cJSON_AddObjectToObject(to, "difference");
    cJSON_AddNumberToObject(difference, "n", (double)d.n);
    put_number(difference, "mean", d.mean);
    put_number(difference, "low", d.mean - d.half);
    put_number(difference, "high", d.mean + d.half);
}

static bool print_group_json(const struct comparing *c, const struct report_group *g, struct buffer *out,
                             struct error *e) {
    const struct report_run *r = &c->all.run[g->run[0]];
    char room[RUN_SETTING_TEXT];
    cJSON *o = cJSON_CreateObject(), *parts = cJSON_AddObjectToObject(o, "setting"),
          *seeds = cJSON_AddArrayToObject(o, "seeds");
    for (size_t p = 0; p < report_part_count(); p++) {
        const char *text = report_part(r, p, room);
        if (text[0])
            cJSON_AddStringToObject(parts, report_part_name(p), text);
    }
    for (size_t i = 0; i < g->runs; i++)
        cJSON_AddItemToArray(seeds, cJSON_CreateNumber((double)c->all.run[g->run[i]].settings.seed));
    cJSON_AddNumberToObject(o, "runs", (double)g->runs);
    cJSON_AddNumberToObject(o, "finished", (double)g->finished);
    cJSON_AddStringToObject(o, "metric", r->macro_f1 ? "macro-f1" : "accuracy");
    put_split(o, c, g, REPORT_DEV);
    put_split(o, c, g, REPORT_TEST);
    char *line = json_print(o, false, e);
    if (line)
        buffer_printf(out, "%s\n", line);
    free(line);
    cJSON_Delete(o);
    return line != NULL;
}

static bool print_json(const struct comparing *c, struct buffer *out, struct error *e) {
    bool ok = true;
    for (size_t g = 0; c->group && ok && g < c->groups.count; g++)
        ok = print_group_json(c, &c->groups.group[g], out, e);
    for (size_t i = 0; !c->group && i < c->runs; i++)
        report_line_write(out, &c->all.run[c->run[i]], true);
    return ok && buffer_ok(out, e);
}

// ---- the rest ----

static bool in_group(const struct report_group *g, size_t run) {
    for (size_t i = 0; i < g->runs; i++)
        if (g->run[i] == run)
            return true;
    return false;
}

// A curve for each setting, or for each run.
static bool write_svg(const struct comparing *c, struct error *e) {
    struct report_shown shown[REPORT_MOST_SHOWN];
    struct report_curve mean[REPORT_MOST_SHOWN] = {0};
    char label[REPORT_MOST_SHOWN][300];
    size_t most = c->group ? c->groups.count : c->runs, n = 0;
    struct buffer out = {0};
    for (size_t i = 0; i < most && n < REPORT_MOST_SHOWN; i++) {
        size_t g, run = c->group ? 0 : c->run[i];
        for (g = c->group ? i : 0; !c->group && !in_group(&c->groups.group[g], run);)
            g++;
        size_t seeds = c->group ? report_group_curve(&mean[n], &c->all, &c->groups.group[g]) : 1;
        shown[n] = (struct report_shown){label[n], c->group ? &mean[n] : &c->all.run[run].evals};
        group_label(c, g, label[n]);
        if (c->group)
            snprintf(label[n] + strlen(label[n]), 40, ", mean of n=%zu", seeds);
        else
            snprintf(label[n] + strlen(label[n]), 40, ", seed %llu",
                     (unsigned long long)c->all.run[run].settings.seed);
        n += shown[n].curve->count > 0;
    }
    bool ok = report_svg_print(&out, shown, n, e) && file_write_atomic(c->svg, out.data, out.length, e);
    if (ok && most > n)
        fprintf(stderr, "%s shows %zu of %zu curves; --filter chooses others\n", c->svg, n, most);
    for (size_t i = 0; i < REPORT_MOST_SHOWN; i++)
        report_curve_free(&mean[i]);
    buffer_free(&out);
    return ok;
}

static bool print_all(struct comparing *c, struct buffer *out, struct error *e) {
    enum report_format format = c->csv        ? REPORT_CSV
                                : c->markdown ? REPORT_MARKDOWN
                                : c->latex    ? REPORT_LATEX
                                              : REPORT_TEXT;
    if (c->baseline && !find_baseline(c, e))
        return false;
    const struct report_table table = {.report = &c->all,
                                       .run = c->run,
                                       .runs = c->runs,
                                       .groups = c->group ? &c->groups : NULL,
                                       .baseline = c->base,
                                       .width = text_width};
    return (c->json ? print_json(c, out, e) : report_table_print(out, &table, format, e)) &&
           (!c->svg || write_svg(c, e));
}

static int run_compare(int argc, char **argv) {
    struct comparing c = {0};
    const struct cli_option options[] = {
        {.name = "group",
         .help = "a row for each setting: mean, sample deviation and n over its seeds",
         .flag = &c.group},
        {.name = "baseline",
         .argument = "SETTING",
         .help = "differences from it, paired by seed: its number with --group, or words it alone has",
         .text = &c.baseline},
        {.name = "filter",
         .argument = "TEXT",
         .help = "only runs that have all these words, e.g. 'task=sentiment method=hybrid seed=3'",
         .text = &c.filter},
        {.name = "csv", .help = "every part and number, for programs", .flag = &c.csv},
        {.name = "md", .help = "Markdown", .flag = &c.markdown},
        {.name = "latex", .help = "LaTeX, with booktabs", .flag = &c.latex},
        {.name = "json",
         .help = "a JSON object a line (sessions/report.h); can be read again as FILE",
         .flag = &c.json},
        {.name = "svg", .argument = "FILE", .help = "draw the dev curves, too", .text = &c.svg},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_compare, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    if (c.csv + c.markdown + c.latex + c.json > 1) {
        cli_complain(cli_compare.name, "give one of --csv, --md, --latex and --json");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct buffer out = {0};
    bool ok = read_runs(&c, (const char *const *)argv, count, &e);
    if (ok && !c.runs)
        fprintf(stderr, c.all.count ? "No run matches the filter.\n"
                                    : "There are no runs yet; prompter tune makes some.\n");
    else
        ok = ok && print_all(&c, &out, &e);
    if (ok && out.data)
        fputs(out.data, stdout);
    if (!ok)
        cli_complain(cli_compare.name, e.text);
    buffer_free(&out);
    report_groups_free(&c.groups);
    report_free(&c.all);
    free(c.run);
    return cli_finish(cli_compare.name, ok ? CLI_OK : CLI_FAILED);
}

const struct cli_command cli_compare = {
    .name = "session compare",
    .operands = "[SESSION... | FOLDER | FILE]",
    .summary = "Put runs side by side: settings, dev and test scores, means over seeds, differences.",
    .details =
        "Reads the present and the kept runs of sessions, of all sessions in a folder, or of a file of runs\n"
        "(*.jsonl); with nothing named, of all sessions. Only what differs between the runs gets a column.\n"
        "Means and differences are over seeds, of runs that did all their steps; the newest of a seed "
        "counts.",
    .example = "  $ prompter session compare sentiment --group --baseline 'vanilla'\n"
               "  $ prompter session compare --filter task=sentiment --group --latex >table.tex",
    .most = 1000,
    .run = run_compare,
};

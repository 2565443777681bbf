// SPDX-License-Identifier: GPL-3.0-or-later
#include "story.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "metric_fields.h"
#include "paths.h"
#include "session_inside.h"

enum { MOST_SESSION_FILE = 4 << 20, TIME_SIZE = 32 };

// ---- from records to entries ----

// A stretch of steps that nothing interrupts.
struct stretch {
    size_t from, to, evaluations;
    double first_loss, last_loss;
    struct metric best;
    bool has_steps, has_best;
    char begun[40], until[40]; // stamps
};
struct telling {
    cJSON *list;
    cJSON *begin;       // the last entry of that kind, as long as nothing was measured; in the list
    const char *folder; // of the journal, below the session's
    size_t run, last_step;
    struct stretch stretch;
    bool failed; // without memory
};

static void print_local(const char *stamp, bool with_offset, char out[TIME_SIZE]) {
    time_t when = stamp_read(stamp);
    struct tm parts;
    char offset[8];
    out[0] = '\0';
    if (!when || !localtime_r(&when, &parts) ||
        !strftime(out, TIME_SIZE, with_offset ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts))
        return;
    if (with_offset && strftime(offset, sizeof offset, "%z", &parts) == 5)
        snprintf(out + strlen(out), TIME_SIZE - strlen(out), "%.3s:%s", offset, offset + 3);
}

static void put_text(struct telling *t, cJSON *o, const char *key, const char *text) {
    t->failed |= !cJSON_AddStringToObject(o, key, text);
}

static void put_number(struct telling *t, cJSON *o, const char *key, double value) {
    if (isfinite(value))
        t->failed |= !cJSON_AddNumberToObject(o, key, value);
}

// The nearest double of few digits: a float of the journal prints as it was meant.
static double short_number(float x) {
    char text[32];
    snprintf(text, sizeof text, "%.7g", (double)x);
    return strtod(text, NULL);
}

static cJSON *new_entry(struct telling *t, const char *stamp, const char *what) {
    char time[TIME_SIZE];
    cJSON *o = cJSON_CreateObject();
    print_local(stamp, true, time);
    put_text(t, o, "time", time);
    put_number(t, o, "run", (double)t->run);
    put_text(t, o, "what", what);
    t->failed |= !cJSON_AddItemToArray(t->list, o);
    return o;
}

static cJSON *last_entry(const struct telling *t, const char *what) {
    int n = cJSON_GetArraySize(t->list);
    cJSON *o = n ? cJSON_GetArrayItem(t->list, n - 1) : NULL;
    const char *is = "";
    return o && json_get_string(o, "what", true, &is, NULL) && strcmp(is, what) == 0 ? o : NULL;
}

// What happens before a run has done anything comes before its beginning.
static void begin_after(struct telling *t) {
    if (!t->begin)
        return;
    cJSON *begin = cJSON_DetachItemViaPointer(t->list, t->begin);
    if (!begin || !cJSON_AddItemToArray(t->list, begin)) {
        cJSON_Delete(begin);
        t->begin = NULL;
        t->failed = true;
    }
}

// Tells of the steps that came so far.
static void end_stretch(struct telling *t) {
    const struct stretch *s = &t->stretch;
    char until[TIME_SIZE];
    if (s->has_steps || s->evaluations) {
        cJSON *o = new_entry(t, s->begun, "steps");
        put_number(t, o, "from", (double)s->from);
        put_number(t, o, "to", (double)s->to);
        print_local(s->until, true, until);
        put_text(t, o, "until", until);
        put_number(t, o, "first_loss", s->first_loss);
        put_number(t, o, "last_loss", s->last_loss);
        if (s->evaluations)
            put_number(t, o, "evaluations", (double)s->evaluations);
        cJSON *best = s->has_best ? cJSON_AddObjectToObject(o, "best") : NULL;
        if (best) {
            put_number(t, best, "step", (double)s->best.step);
            put_number(t, best, "dev_accuracy", short_number(s->best.dev_accuracy));
            put_number(t, best, "dev_loss", short_number(s->best.dev_loss));
        }
    }
    t->stretch = (struct stretch){.first_loss = NAN, .last_loss = NAN};
}

static void add_measured(struct telling *t, const struct journal_record *r) {
    struct stretch *s = &t->stretch;
    const struct metric *m = &r->metric;
    t->begin = NULL;
    if (s->has_steps && m->step < s->to) // started over
        end_stretch(t);
    if (!s->begun[0])
        snprintf(s->begun, sizeof s->begun, "%s", r->stamp);
    snprintf(s->until, sizeof s->until, "%s", r->stamp);
    if (m->kind == METRIC_STEP) {
        s->from = s->has_steps ? s->from : m->step;
        s->first_loss = s->has_steps ? s->first_loss : short_number(m->train_loss);
        s->last_loss = short_number(m->train_loss);
        s->has_steps = true;
    } else {
        s->from = s->has_steps || s->evaluations ? s->from : m->step;
        s->evaluations++;
        if (m->best) {
            s->best = *m;
            s->has_best = true;
        }
    }
    s->to = t->last_step = m->step;
}

static void add_metric(struct telling *t, const struct journal_record *r) {
    const struct metric *m = &r->metric;
    if (m->kind == METRIC_STEP || m->kind == METRIC_EVAL) {
        add_measured(t, r);
        return;
    }
    end_stretch(t);
    cJSON *o = m->kind == METRIC_RATE ? last_entry(t, "rate") : NULL; // a key held down
    if (o)
        cJSON_DeleteItemFromObjectCaseSensitive(o, "rate");
    if (!o) {
        o = new_entry(t, r->stamp, metric_kind_name(m->kind));
        put_number(t, o, "step", (double)m->step);
    }
    if (m->kind == METRIC_RATE)
        put_number(t, o, "rate", short_number(m->rate));
    else if (m->kind == METRIC_EDIT) {
        put_text(t, o, "change", edit_kind_name(m->edit));
        if (m->edit_slot != EDIT_EVERY_SLOT)
            put_number(t, o, "slot", (double)m->edit_slot);
    } else if (m->undone_to != SIZE_MAX)
        put_number(t, o, "to", (double)m->undone_to);
}

static const char *text_in(const cJSON *o, const char *key) {
    const char *text = "";
    return json_get_string(o, key, false, &text, NULL) ? text : "";
}

static double number_in(const cJSON *o, const char *key) {
    double x = NAN;
    return json_get_number(o, key, false, &x, NULL) ? x : NAN;
}

// The settings of a "begin" record that differ from those that come with the program.
static void put_settings(struct telling *t, cJSON *o, const cJSON *record) {
    struct run_settings common, had;
    const cJSON *settings = NULL;
    cJSON *list = cJSON_AddObjectToObject(o, "settings");
    run_settings_default(&common);
    had = common;
    if (!json_get_object(record, "settings", false, &settings, NULL) || !settings ||
        !session_settings_read(&had, settings, NULL))
        return;
    for (size_t i = 0; i < run_setting_count; i++) {
        char a[RUN_SETTING_TEXT], b[RUN_SETTING_TEXT];
        const char *name = run_setting_table[i].name;
        if (run_settings_get(&common, name, a, sizeof a) && run_settings_get(&had, name, b, sizeof b) &&
            strcmp(a, b) != 0)
            put_text(t, list, name, b);
    }
}

static void add_begin(struct telling *t, const struct journal_record *r, const cJSON *record) {
    static const char *const texts[] = {"model", "task", "template", "label_words"};
    cJSON *o = new_entry(t, r->stamp, "begin");
    put_text(t, o, "folder", t->folder);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_text(t, o, texts[i], text_in(record, texts[i]));
    put_settings(t, o, record);
    t->begin = o;
    t->last_step = 0;
}

// What was edited before anything was measured is part of what the run began with.
static void begin_with(struct telling *t, const char *time, const char *part, const char *to) {
    static const char prefix[] = "settings.";
    bool setting = strncmp(part, prefix, sizeof prefix - 1) == 0;
    cJSON *o = setting ? cJSON_GetObjectItemCaseSensitive(t->begin, "settings") : t->begin;
    const char *key = setting ? part + sizeof prefix - 1 : part;
    struct run_settings common;
    char usual[RUN_SETTING_TEXT];
    run_settings_default(&common);
    if (setting && run_settings_get(&common, key, usual, sizeof usual) && strcmp(usual, to) == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(o, key);
        return;
    }
    if (!json_put(o, key, cJSON_CreateString(to), NULL) ||
        !json_put(t->begin, "time", cJSON_CreateString(time), NULL))
        t->failed = true;
}

// Changes of one edit stand one behind the other: the entry that the record belongs to, if there is one.
static cJSON *edit_before(const struct telling *t, double number, const char *as) {
    cJSON *o = t->begin ? t->begin->prev : last_entry(t, "edit");
    if (!o || (t->begin && (t->begin == t->list->child || strcmp(text_in(o, "what"), "edit") != 0)))
        return NULL;
    return isfinite(number) && number_in(o, "edit") == number && strcmp(text_in(o, "as"), as) == 0 ? o : NULL;
}

static void add_edit(struct telling *t, const struct journal_record *r, const cJSON *record) {
    const char *as = text_in(record, "as");
    double number = number_in(record, "edit");
    cJSON *o = edit_before(t, number, as);
    if (!o) {
        o = new_entry(t, r->stamp, "edit");
        put_number(t, o, "edit", number);
        if (*as)
            put_text(t, o, "as", as);
        t->failed |= !cJSON_AddArrayToObject(o, "changes");
        begin_after(t);
    }
    if (t->begin)
        begin_with(t, text_in(o, "time"), text_in(record, "part"), text_in(record, "to"));
    cJSON *change = cJSON_CreateObject();
    put_text(t, change, "part", text_in(record, "part"));
    put_text(t, change, "from", text_in(record, "from"));
    put_text(t, change, "to", text_in(record, "to"));
    t->failed |= !cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(o, "changes"), change);
}

static void add_numbers(struct telling *t, const struct journal_record *r, const cJSON *record) {
    static const char *const names[] = {"step", "examples", "correct", "accuracy", "macro_f1", "loss"};
    cJSON *o = new_entry(t, r->stamp, r->what);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_number(t, o, names[i], number_in(record, names[i]));
    if (strcmp(r->what, "resume") == 0) {
        put_number(t, o, "lost", t->last_step > r->metric.step ? (double)(t->last_step - r->metric.step) : 0);
        t->last_step = r->metric.step;
    }
}

static bool tell(void *context, const struct journal_record *r, struct error *e) {
    struct telling *t = context;
    if (r->is_metric) {
        add_metric(t, r);
        return !t->failed || error_set(e, ERROR_MEMORY, "no memory for the story");
    }
    cJSON *record = journal_record_json(r, NULL), *o;
    end_stretch(t);
    if (strcmp(r->what, "begin") == 0)
        add_begin(t, r, record);
    else if (strcmp(r->what, "edit") == 0)
        add_edit(t, r, record);
    else if (strcmp(r->what, "test") == 0 || strcmp(r->what, "resume") == 0)
        add_numbers(t, r, record);
    else if (strcmp(r->what, "fork") == 0) {
        o = new_entry(t, r->stamp, "fork");
        put_text(t, o, "from", text_in(record, "from"));
        put_number(t, o, "step", number_in(record, "step"));
    } else if (strcmp(r->what, "open") == 0)
        new_entry(t, r->stamp, "open"), begin_after(t);
    else if (strcmp(r->what, "compact") == 0) {
        o = new_entry(t, r->stamp, "thinned");
        put_number(t, o, "steps", number_in(record, "steps"));
        put_number(t, o, "evaluations", number_in(record, "evaluations"));
    }
    cJSON_Delete(record);
    return !t->failed || error_set(e, ERROR_MEMORY, "no memory for the story");
}

static bool tell_journal(struct telling *t, const char *session, const char *folder, struct error *e) {
    struct journal_history end = {0};
    char *inner = path_join(session, folder, e), *path = inner ? path_join(inner, "journal.jsonl", e) : NULL;
    bool ok = path != NULL;
    if (ok && file_exists(path)) {
        t->run++;
        t->begin = NULL;
        t->folder = folder;
        ok = journal_visit(path, tell, t, &end, e);
        end_stretch(t);
    }
    if (ok && end.note[0])
        put_text(t, new_entry(t, "", "damage"), "note", end.note);
    free(inner);
    free(path);
    return ok && (!t->failed || error_set(e, ERROR_MEMORY, "no memory for the story"));
}

static bool tell_kept(struct telling *t, const char *session, struct error *e) {
    struct name_list list = {0};
    char *kept = path_join(session, "kept", e);
    bool ok = kept && name_list_read(&list, kept, "journal.jsonl", e);
    for (size_t i = 0; ok && i < list.count; i++) {
        struct buffer folder = {0};
        buffer_printf(&folder, "kept/%s", list.name[i]);
        ok = buffer_ok(&folder, e) && tell_journal(t, session, folder.data, e);
        buffer_free(&folder);
    }
    name_list_free(&list);
    free(kept);
    return ok;
}

static bool print_head(struct buffer *head, const char *folder, struct error *e) {
    char *path = path_join(folder, session_file_name, e), made[TIME_SIZE];
    cJSON *tree = path ? json_read_file(path, MOST_SESSION_FILE, e) : NULL;
    if (tree) {
        print_local(text_in(tree, "created"), false, made);
        buffer_printf(head, "%s%s%s, in %s\n", path_name(folder), made[0] ? ", made " : "", made, folder);
    }
    bool ok = tree && buffer_ok(head, e);
    cJSON_Delete(tree);
    free(path);
    return ok;
}

bool session_story(cJSON **out, struct buffer *head, const char *what, struct error *e) {
    char *found = session_find(what, e), *folder = found ? path_real(found, e) : NULL;
    struct telling t = {.list = cJSON_CreateArray(), .stretch = {.first_loss = NAN, .last_loss = NAN}};
    bool ok = folder && (t.list || error_set(e, ERROR_MEMORY, "no memory for the story")) &&
              (!head || print_head(head, folder, e)) && tell_kept(&t, folder, e) &&
              tell_journal(&t, folder, "", e);
    free(found);
    free(folder);
    if (!ok) {
        cJSON_Delete(t.list);
        t.list = NULL;
    }
    *out = t.list;
    return ok;
}

// ---- for people ----

static const char *part_name(const char *part) {
    static const char prefix[] = "settings.";
    return strcmp(part, "own_examples") == 0               ? "own examples"
           : strcmp(part, "label_words") == 0              ? "label words"
           : strncmp(part, prefix, sizeof prefix - 1) == 0 ? part + sizeof prefix - 1
                                                           : part;
}

// A text in quotes, numbers and names as they are, "" as what it means.
static void print_value(struct buffer *b, const char *part, const char *text) {
    bool setting = strncmp(part, "settings.", 9) == 0;
    if (!text[0])
        buffer_add_text(b, setting ? "nothing" : "the task's own");
    else
        buffer_printf(b, setting ? "%s" : "\"%s\"", text);
}

static void print_begin(struct buffer *b, const cJSON *o) {
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(o, "settings"), *s;
    const char *folder = text_in(o, "folder");
    buffer_printf(b, "run %.0f began%s%s: task %s, model %s", number_in(o, "run"),
                  folder[0] ? ", now in " : "", folder, text_in(o, "task"), text_in(o, "model"));
    buffer_add_text(b, "\n template ");
    print_value(b, "template", text_in(o, "template"));
    buffer_add_text(b, "\n label words ");
    print_value(b, "label_words", text_in(o, "label_words"));
    if (settings && settings->child)
        buffer_add_text(b, "\n settings ");
    cJSON_ArrayForEach(s, settings) {
        buffer_printf(b, "%s%s ", s == settings->child ? "" : ", ", s->string);
        print_value(b, "settings.", s->valuestring);
    }
}

static void print_edit(struct buffer *b, const cJSON *o) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "changes"), *c;
    const char *as = text_in(o, "as");
    buffer_printf(b, "%s edit %.0f",
                  strcmp(as, "undo") == 0   ? "undid"
                  : strcmp(as, "redo") == 0 ? "redid"
                                            : "made",
                  isfinite(number_in(o, "edit")) ? number_in(o, "edit") : 0.0);
    cJSON_ArrayForEach(c, list) {
        const char *part = text_in(c, "part");
        buffer_printf(b, "%s%s from ", c == list->child ? ": " : "\n ", part_name(part));
        print_value(b, part, text_in(c, "from"));
        buffer_add_text(b, " to ");
        print_value(b, part, text_in(c, "to"));
    }
}

static void print_steps(struct buffer *b, const cJSON *o) {
    const cJSON *best = cJSON_GetObjectItemCaseSensitive(o, "best");
    double first = number_in(o, "first_loss"), last = number_in(o, "last_loss");
    double from = number_in(o, "from"), to = number_in(o, "to");
    if (!isfinite(first))
        buffer_printf(b, "dev was scored at step %.0f", to);
    else if (from == to)
        buffer_printf(b, "step %.0f: loss %.4g", to, last);
    else
        buffer_printf(b, "steps %.0f to %.0f: loss from %.4g to %.4g", from, to, first, last);
    if (best)
        buffer_printf(b, "; the best so far on dev at step %.0f: accuracy %.4g, loss %.4g",
                      number_in(best, "step"), number_in(best, "dev_accuracy"), number_in(best, "dev_loss"));
}

// A change of the prompt by hand: "vector v3 frozen".
static void print_change(struct buffer *b, const cJSON *o) {
    static const struct {
        const char *change, *said;
    } table[] = {{"freeze", "frozen"},
                 {"thaw", "no longer frozen"},
                 {"reset", "back to the start"},
                 {"words", "set to words"},
                 {"load", "loaded from a file"}};
    const char *change = text_in(o, "change"), *said = NULL;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(change, table[i].change) == 0)
            said = table[i].said;
    if (!said)
        buffer_add_text(b, "a change of the prompt taken back");
    else if (isfinite(number_in(o, "slot")))
        buffer_printf(b, "vector v%.0f %s by hand", number_in(o, "slot"), said);
    else
        buffer_printf(b, "all vectors %s by hand", said);
    buffer_printf(b, ", after step %.0f", number_in(o, "step"));
}

static void print_rest(struct buffer *b, const char *what, const cJSON *o) {
    double lost = number_in(o, "lost");
    if (strcmp(what, "open") == 0)
        buffer_add_text(b, "opened again");
    else if (strcmp(what, "fork") == 0)
        buffer_printf(b, "begins with the prompt of session %s at step %.0f", text_in(o, "from"),
                      number_in(o, "step"));
    else if (strcmp(what, "rate") == 0)
        buffer_printf(b, "learning rate %.6g by hand, after step %.0f", number_in(o, "rate"),
                      number_in(o, "step"));
    else if (strcmp(what, "undo") == 0 && isfinite(number_in(o, "to")))
        buffer_printf(b, "back to the prompt of step %.0f, after step %.0f", number_in(o, "to"),
                      number_in(o, "step"));
    else if (strcmp(what, "prompt") == 0)
        print_change(b, o);
    else if (strcmp(what, "undo") == 0)
        buffer_printf(b, "back to the best prompt, after step %.0f", number_in(o, "step"));
    else if (strcmp(what, "test") == 0)
        buffer_printf(b, "test: accuracy %.4g = %.0f/%.0f, macro-F1 %.4g, with the prompt of step %.0f",
                      number_in(o, "accuracy"), number_in(o, "correct"), number_in(o, "examples"),
                      number_in(o, "macro_f1"), number_in(o, "step"));
    else if (strcmp(what, "resume") == 0 && lost > 0)
        buffer_printf(b, "the run went on from step %.0f; %.0f step%s after it had not been kept",
                      number_in(o, "step"), lost, lost == 1 ? "" : "s");
    else if (strcmp(what, "resume") == 0)
        buffer_printf(b, "the run went on from step %.0f", number_in(o, "step"));
    else if (strcmp(what, "thinned") == 0)
        buffer_printf(b, "the journal was thinned: %.0f steps and %.0f evaluations are not in it any more",
                      number_in(o, "steps"), number_in(o, "evaluations"));
    else
        buffer_add_text(b, text_in(o, "note"));
}

// Further lines are indented under the first; texts of files lose what a terminal would obey.
void story_print(const cJSON *entry, struct buffer *text) {
    const char *what = text_in(entry, "what"), *time = text_in(entry, "time");
    struct buffer b = {0};
    if (strcmp(what, "begin") == 0)
        print_begin(&b, entry);
    else if (strcmp(what, "edit") == 0)
        print_edit(&b, entry);
    else if (strcmp(what, "steps") == 0)
        print_steps(&b, entry);
    else
        print_rest(&b, what, entry);
    if (buffer_ok(&b, NULL) && b.data) {
        char *line = b.data;
        buffer_printf(text, "%s%-10.10s %-8.8s", strcmp(what, "begin") == 0 ? "\n" : "", time,
                      strlen(time) > 11 ? time + 11 : "");
        for (char *next; line; line = next) {
            next = strchr(line, '\n');
            if (next)
                *next++ = '\0';
            utf8_make_plain(line);
            buffer_printf(text, line == b.data ? "  %s\n" : "                       %s\n", line);
        }
    }
    buffer_free(&b);
}

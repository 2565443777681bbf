// SPDX-License-Identifier: GPL-3.0-or-later
// Lines typed behind ":": finding the request, checking its argument, and completing what is half typed.
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/suggest.h"
#include "engine/base/utf8.h"
#include "sessions/prompt_file.h"
#include "tui/keymap.h"
#include "tui/loop.h"
#include "tui/theme.h"

#include "parts.h"
#include "workbench_state.h"

enum { NAME_BYTES = 48, SETTING_BYTES = 600 };

// Cuts the first word off: returns where the rest begins.
static const char *first_word(const char *text, char *word, size_t size) {
    size_t n = 0;
    while (*text == ' ' || *text == '\t')
        text++;
    for (; *text && *text != ' ' && *text != '\t'; text++)
        if (n + 1 < size)
            word[n++] = *text;
    word[n] = 0;
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static bool takes_nothing(const struct request_info *info) {
    return info->argument[0] == 0;
}

static bool may_be_alone(enum request r) {
    const struct request_info *info = request_info(r);
    return takes_nothing(info) || info->argument[0] == '[' || r == REQUEST_SET;
}

// Several begin so, or none: the one that was probably meant.
static void say_unknown(struct workbench *w, const char *name, double now) {
    const char *names[REQUEST_COUNT];
    struct buffer several = {0};
    size_t count = 0;
    for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++) {
        names[count] = request_info((enum request)r)->name;
        if (strncmp(names[count], name, strlen(name)) == 0)
            buffer_printf(&several, "%s%s", several.length ? ", " : "", names[count]);
        count++;
    }
    const char *near = suggest_nearest(name, names, count);
    if (several.length && !several.failed)
        workbench_say(w, STYLE_BAD, now, "no command \"%s\", several begin so: %s", name, several.data);
    else if (near)
        workbench_say(w, STYLE_BAD, now, "no command \"%s\"; did you mean :%s?", name, near);
    else
        workbench_say(w, STYLE_BAD, now, "no command \"%s\"; Tab lists them, :help explains", name);
    buffer_free(&several);
}

// "~/a" is in the home folder, where a file or a session is named; owned.
static char *copy_argument(const struct request_info *info, const char *text) {
    const char *home = getenv("HOME");
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    char *copy = mem_strndup(text, length, NULL), *path = NULL;
    if (!copy || !home || strncmp(copy, "~/", 2) != 0 ||
        (!strstr(info->argument, "FILE") && !strstr(info->argument, "SESSION")))
        return copy;
    path = path_join(home, copy + 2, NULL);
    free(copy);
    return path;
}

void command_run(struct workbench *w, const char *line, double now) {
    char name[NAME_BYTES], *argument = NULL;
    const char *rest = first_word(line, name, sizeof name);
    enum request r = request_find(name);
    const struct request_info *info = request_info(r);
    w->dirty = true;
    if (!name[0])
        return;
    if (r == REQUEST_NONE) {
        say_unknown(w, name, now);
        return;
    }
    if (!(argument = copy_argument(info, rest)))
        return;
    if (*argument && takes_nothing(info))
        workbench_say(w, STYLE_BAD, now, "%s takes nothing behind it", info->name);
    else if (!*argument && !may_be_alone(r))
        workbench_say(w, STYLE_BAD, now, "usage: :%s %s  (%s)", info->name, info->argument, info->help);
    else
        workbench_request(w, r, *argument ? argument : NULL, now);
    free(argument);
}

// ---- :set ----

// The value as people read it: a rate with what it is in the scale of the paper's code.
static void print_setting(const struct run_settings *s, const char *name, char *value, size_t size) {
    if (strcmp(name, "rate") == 0)
        preset_print_rate(value, size, s);
    else if (!run_settings_get(s, name, value, size))
        snprintf(value, size, "-");
}

// What it is, what it can be, and what it does.
static void say_setting(struct workbench *w, const char *name, double now) {
    const char *names[64];
    char value[SETTING_BYTES];
    size_t count = 0;
    for (; count < run_setting_count && count < 64; count++) {
        const struct run_setting *s = &run_setting_table[count];
        names[count] = s->name;
        if (strcmp(s->name, name) != 0)
            continue;
        print_setting(&w->wanted, name, value, sizeof value);
        workbench_say(w, STYLE_PLAIN, now, "%s is %.200s, of %s: %s", name, value[0] ? value : "empty",
                      s->values, s->help);
        return;
    }
    const char *near = suggest_nearest(name, names, count);
    workbench_say(w, STYLE_BAD, now, "there is no setting \"%s\"%s%s%s; :set lists them", name,
                  near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
}

static void list_setting(struct buffer *text, const struct run_setting *s, const char *value,
                         const char *running) {
    enum { WIDE = 50 }; // of what it can be, beside the name and the value at 80 columns
    char key[KEYMAP_KEYS];
    const char *when = s->live ? "at once" : "new run";
    if (strlen(value) <= 12 && strlen(s->values) + strlen(when) + 2 <= WIDE - 4)
        buffer_printf(text, "%-15s %-12s  %s; %s\n", s->name, value[0] ? value : "-", s->values, when);
    else
        buffer_printf(text, "%-15s %s\n%16s%s; %s\n", s->name, value[0] ? value : "-", "", s->values, when);
    if (running)
        buffer_printf(text, "%16swaits for %s; this run has %s\n", "",
                      keymap_key(REQUEST_APPLY, WHERE_PATTERN, key), running[0] ? running : "-");
    buffer_printf(text, "%16s%s\n", "", s->help);
}

// All settings; those that wait for a new run come first.
static void list_settings(struct workbench *w) {
    struct buffer text = {0};
    char value[SETTING_BYTES], running[SETTING_BYTES];
    const struct run_settings *present = w->session ? session_settings(w->session) : &w->wanted;
    for (int waiting = 1; waiting >= 0; waiting--) {
        for (size_t i = 0; i < run_setting_count; i++) {
            const struct run_setting *s = &run_setting_table[i];
            bool known = run_settings_get(&w->wanted, s->name, value, sizeof value) &&
                         run_settings_get(present, s->name, running, sizeof running);
            if (known && (strcmp(value, running) != 0) == waiting)
                list_setting(&text, s, value, waiting ? running : NULL);
        }
    }
    if (buffer_ok(&text, NULL) && text.data)
        workbench_show(w, "settings: change one with :set NAME VALUE", text.data);
    buffer_free(&text);
}

static bool setting_is_live(const char *name) {
    for (size_t i = 0; i < run_setting_count; i++)
        if (strcmp(run_setting_table[i].name, name) == 0)
            return run_setting_table[i].live;
    return false;
}

// Rate and steps reach the present run; true when `name` is one of those and was sent.
static bool send_live(struct workbench *w, const char *name, double now) {
    struct engine_command command = {0};
    struct run_settings s;
    if (!w->session || !w->workspace || !setting_is_live(name))
        return false;
    s = *session_settings(w->session);
    if (strcmp(name, "rate") == 0) {
        command = (struct engine_command){.verb = ENGINE_SET_RATE, .number = s.rate = w->wanted.rate};
    } else if (strcmp(name, "steps") == 0) {
        s.steps = w->wanted.steps;
        command = (struct engine_command){.verb = ENGINE_SET_STEPS, .number = (double)s.steps};
    } else {
        return false;
    }
    session_set_settings(w->session, &s);
    session_commit_edits(w->session, NULL); // without memory for it, it is part of the next edit
    return workbench_send(w, command, now);
}

void command_set(struct workbench *w, const char *argument, double now) {
    char name[NAME_BYTES], value[SETTING_BYTES], old[SETTING_BYTES], key[KEYMAP_KEYS];
    struct error e = {0};
    if (!argument) {
        list_settings(w);
        return;
    }
    const char *rest = first_word(argument, name, sizeof name);
    if (!*rest) {
        say_setting(w, name, now);
        return;
    }
    if (strcmp(name, "method") == 0) {
        command_method(w, rest, now);
        return;
    }
    struct run_settings s = w->wanted;
    if (!run_settings_set(&s, name, rest, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    w->wanted = s;
    workbench_refresh(w, now);
    print_setting(&s, name, value, sizeof value);
    if (send_live(w, name, now))
        workbench_say(w, STYLE_GOOD, now, "%s is %.200s now", name, value);
    else if (w->session && run_settings_equal(&s, session_settings(w->session)))
        workbench_say(w, STYLE_PLAIN, now, "%s is %.200s, as in this run", name, value);
    else if (w->session && !part_last(w->history, w->history_count, METRIC_STEP) &&
             run_settings_get(session_settings(w->session), name, old, sizeof old))
        // Nothing is made that could be kept: what matters is which of the two the space bar takes.
        workbench_say(w, STYLE_WARN, now, "%s will be %.80s once %s starts a run; %s tunes with %.80s", name,
                      value, keymap_key(REQUEST_APPLY, WHERE_PATTERN, key), PART_KEY(RUN_PAUSE, WHERE_RUN),
                      old[0] ? old : "none");
    else
        workbench_say(w, STYLE_WARN, now, "%s will be %.200s in a new run: %s starts it, this one is kept",
                      name, value, keymap_key(REQUEST_APPLY, WHERE_PATTERN, key));
}

// ---- :theme, :mouse ----

void command_theme(struct workbench *w, const char *argument, double now) {
    const char *names[8];
    size_t count = 0;
    for (; count < 8 && theme_at(count); count++)
        names[count] = theme_at(count)->name;
    if (!argument) {
        workbench_say(w, STYLE_PLAIN, now, "the theme is %s, %s; others: %s", theme_now()->name,
                      theme_now()->help, theme_names());
    } else if (theme_set(argument)) {
        loop_redraw();
        workbench_say(w, STYLE_PLAIN, now, "%s: %s; the configuration file keeps it (theme = %s)", argument,
                      theme_now()->help, argument);
    } else {
        const char *near = suggest_nearest(argument, names, count);
        workbench_say(w, STYLE_BAD, now, "there is no theme \"%.60s\"%s%s%s (themes: %s)", argument,
                      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", theme_names());
    }
}

void command_mouse(struct workbench *w, const char *argument, double now) {
    bool on = argument && strcmp(argument, "on") == 0;
    if (!argument || (!on && strcmp(argument, "off") != 0)) {
        workbench_say(w, STYLE_BAD, now, "mouse is on or off (%s now), e.g. :mouse on",
                      loop_mouse() ? "on" : "off");
        return;
    }
    loop_set_mouse(on);
    workbench_say(w, STYLE_PLAIN, now, "%s",
                  on ? "the mouse is ours: press on screens, panes and rows; with Shift the terminal selects"
                     : "the mouse is the terminal's");
}

// ---- :undo-edit, :redo-edit ----

static const char *setting_of(const struct history_change *c) {
    static const char prefix[] = "settings.";
    return strncmp(c->part, prefix, sizeof prefix - 1) == 0 ? c->part + sizeof prefix - 1 : NULL;
}

static bool is_own(const struct history_change *c) {
    return strcmp(c->part, "own_examples") == 0;
}

// Puts the text of a part where a person edits it; nothing is applied.
static void wish(struct workbench *w, const struct history_change *c, const char *text, double now) {
    if (is_own(c))
        session_set_own_examples(w->session, text, NULL); // kept at once, as when it was typed
    else if (setting_of(c))
        run_settings_set(&w->wanted, setting_of(c), text, NULL);
    else
        workbench_request(w, strcmp(c->part, "template") == 0 ? REQUEST_TEMPLATE : REQUEST_WORDS, text, now);
}

static void name_change(struct buffer *said, const struct history_change *c, const char *text, bool alone) {
    enum { MOST = 60 };
    const char *name = setting_of(c)                    ? setting_of(c)
                       : strcmp(c->part, "label_words") ? c->part
                                                        : "label words";
    const char *verb = strcmp(c->part, "label_words") ? "is" : "are";
    size_t shown = utf8_boundary(text, strlen(text), MOST);
    if (said->length)
        buffer_add_text(said, ", ");
    if (is_own(c)) {
        buffer_add_text(said, "own examples");
        return;
    }
    buffer_add_text(said, name);
    if (alone && !*text)
        buffer_printf(said, " %s %s", verb, setting_of(c) ? "empty" : "the task's own");
    else if (alone)
        buffer_printf(said, " %s %.*s%s", verb, (int)shown, text, text[shown] ? "..." : "");
}

// What follows from an edit that is taken back or made again, and what becomes of the steps made since: none
// is lost.
static void say_steps(const struct workbench *w, bool live, char *out, size_t size) {
    const struct metric *last = part_last(w->history, w->history_count, METRIC_STEP);
    const size_t steps = last ? last->step : 0;
    char key[KEYMAP_KEYS];
    keymap_key(REQUEST_APPLY, WHERE_RUN, key);
    const char *apply = key[0] ? key : ":apply";
    if (live && steps)
        snprintf(out, size, " now; the %zu step%s made stay%s", steps, steps > 1 ? "s" : "",
                 steps > 1 ? " as they are" : "s as it is");
    else if (live)
        snprintf(out, size, " now");
    else if (steps)
        snprintf(out, size, "; %s tunes with it in a new run; this one's %zu step%s kept", apply, steps,
                 steps > 1 ? "s are" : " is");
    else
        snprintf(out, size, "; %s tunes with it", apply);
}

// An edit of rate and steps alone is taken back in the run that is there; everything else waits for Ctrl-S,
// as the edit itself did, and so does what is taken back after that.
void command_undo(struct workbench *w, bool redo, double now) {
    struct buffer said = {0};
    bool live;
    struct run_settings settings;
    if (!w->session || !w->workspace) {
        workbench_say(w, STYLE_WARN, now, "nothing is open yet");
        return;
    }
    live = !session_edits_wait(w->session);
    const struct history_edit *edit = redo ? session_redo_edit(w->session) : session_undo_edit(w->session);
    if (!edit) {
        workbench_say(w, STYLE_PLAIN, now, redo ? "no edit was taken back" : "there is no edit to take back");
        return;
    }
    settings = *session_settings(w->session);
    for (size_t i = 0; i < edit->count; i++) {
        const struct history_change *c = &edit->change[i];
        if (setting_of(c))
            run_settings_set(&settings, setting_of(c), redo ? c->to : c->from, NULL);
        wish(w, c, redo ? c->to : c->from, now);
        name_change(&said, c, redo ? c->to : c->from, edit->count == 1);
        live &= is_own(c) || (setting_of(c) && setting_is_live(setting_of(c)));
    }
    // All of it together, so that the next commit finds the session as the edit left it.
    if (live && session_accept_edits(w->session, NULL))
        session_set_settings(w->session, &settings);
    for (size_t i = 0, count = live ? edit->count : 0; i < count; i++)
        if (setting_of(&edit->change[i]))
            send_live(w, setting_of(&edit->change[i]), now);
    if (live && !w->recording && session_changed(w->session))
        session_save(w->session, NULL); // what cannot be saved now stays marked as changed
    workbench_refresh(w, now);
    char then[KEYMAP_KEYS + 100];
    say_steps(w, live, then, sizeof then);
    if (buffer_ok(&said, NULL))
        workbench_say(w, live ? STYLE_GOOD : STYLE_WARN, now, "%s: %s%s", redo ? "redone" : "undone",
                      said.data, !live && !workbench_pending(w) ? ", as in this run" : then);
    buffer_free(&said);
}

// ---- :export ----

void command_export(struct workbench *w, const char *argument, bool here, double now) {
    struct prompt_matrix best = {0};
    struct error e = {0};
    char *path = NULL, shape[PART_SHORT];
    bool kept = false;
    if (!w->session || !w->workspace || !w->picture) {
        workbench_say(w, STYLE_WARN, now, "there is no prompt to export yet");
        return;
    }
    if (part_fine_tunes(w->workspace)) {
        workbench_say(w, STYLE_WARN, now,
                      "fine-tuning has no soft prompt to export; the session keeps the weights");
        return;
    }
    path = path_join(session_folder(w->session), "prompts/best.safetensors", &e);
    kept = !here && path && file_exists(path) && !w->recording && part_best(w->history, w->history_count);
    if (kept && !prompt_file_read(&best, path, &e))
        goto done;
    if (!kept && w->picture->vectors)
        best = (struct prompt_matrix){w->picture->vectors, w->picture->slots, w->picture->width};
    if (!best.value)
        error_set(&e, ERROR_INPUT, "a recording holds no vectors to export");
    else if (prompt_file_write(argument, &best, w->workspace->model_name, &e)) {
        snprintf(shape, sizeof shape, "%zu x %zu", best.rows, best.columns);
        workbench_say(w, STYLE_GOOD, now, "the %s prompt (%s) is in %s", kept ? "best" : "present", shape,
                      argument);
    }
done:
    if (e.kind != ERROR_NONE)
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    if (kept)
        prompt_matrix_free(&best);
    free(path);
}

// ---- completion ----

struct completing {
    const char *word;
    size_t length;
    void (*add)(void *sink, const char *candidate);
    void *sink;
};

static void offer(const struct completing *c, const char *candidate) {
    if (strncmp(candidate, c->word, c->length) == 0)
        c->add(c->sink, candidate);
}

static void offer_requests(const struct completing *c) {
    for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++)
        offer(c, request_info((enum request)r)->name);
}

static void offer_settings(const struct completing *c) {
    for (size_t i = 0; i < run_setting_count; i++)
        offer(c, run_setting_table[i].name);
}

// The values of a setting that is one of several: "clean | paper-code".
static void offer_values(const struct completing *c, const char *name) {
    char value[NAME_BYTES];
    const char *list = NULL;
    for (size_t i = 0; i < run_setting_count; i++)
        if (strcmp(run_setting_table[i].name, name) == 0)
            list = run_setting_table[i].values;
    if (!list || !strchr(list, '|'))
        return;
    while (*list) {
        size_t length = strcspn(list, "|"), from = 0, to = length;
        while (from < to && list[from] == ' ')
            from++;
        while (to > from && list[to - 1] == ' ')
            to--;
        snprintf(value, sizeof value, "%.*s", (int)(to - from), list + from);
        offer(c, value);
        list += length + (list[length] == '|');
    }
}

static void offer_sessions(const struct completing *c) {
    char **name = NULL;
    size_t count = 0;
    if (!session_list(&name, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        offer(c, name[i]);
    session_list_free(name, count);
}

static void offer_tasks(const struct completing *c) {
    char *folder = share_folder("tasks", NULL);
    DIR *d = folder ? opendir(folder) : NULL;
    for (struct dirent *entry; d && (entry = readdir(d));)
        if (entry->d_name[0] != '.')
            offer(c, entry->d_name);
    if (d)
        closedir(d);
    free(folder);
}

static void offer_files(const struct completing *c) {
    char folder[PATH_MAX], place[2 * PATH_MAX], candidate[PATH_MAX + 300], path[2 * PATH_MAX + 300];
    const char *slash = memrchr(c->word, '/', c->length), *home = getenv("HOME");
    size_t kept = slash ? (size_t)(slash - c->word) + 1 : 0;
    snprintf(folder, sizeof folder, "%.*s", (int)kept, c->word);
    // "~/" stays in the line; where it leads to is looked at.
    if (home && strncmp(folder, "~/", 2) == 0)
        snprintf(place, sizeof place, "%s/%s", home, folder + 2);
    else
        snprintf(place, sizeof place, "%s", kept ? folder : "./");
    DIR *d = opendir(place);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        bool hidden = entry->d_name[0] == '.';
        if (hidden && c->length == kept)
            continue;
        snprintf(candidate, sizeof candidate, "%s%s", folder, entry->d_name);
        snprintf(path, sizeof path, "%s%s", place, entry->d_name);
        if (file_is_folder(path))
            strncat(candidate, "/", sizeof candidate - strlen(candidate) - 1);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            offer(c, candidate);
    }
    if (d)
        closedir(d);
}

// Whole words of the vocabulary, in place of what stands behind the last comma or semicolon.
static void offer_pieces(const struct workbench *w, const struct completing *c) {
    static const char mark[] = "\xe2\x96\x81";
    enum { MOST = 60, MOST_WORD = 256 };
    const struct tokenizer *t = w->workspace ? w->workspace->tokenizer : NULL;
    size_t kept = c->length, found = 0;
    while (kept > 0 && c->word[kept - 1] != ',' && c->word[kept - 1] != ';')
        kept--;
    if (!t || kept == c->length || kept > MOST_WORD)
        return;
    for (size_t id = 0; id < tokenizer_pieces(t) && found < MOST; id++) {
        const char *piece = tokenizer_piece(t, (int32_t)id);
        char candidate[2 * MOST_WORD];
        if (strncmp(piece, mark, sizeof mark - 1) != 0 ||
            strncmp(piece + sizeof mark - 1, c->word + kept, c->length - kept) != 0)
            continue;
        snprintf(candidate, sizeof candidate, "%.*s%.200s", (int)kept, c->word, piece + sizeof mark - 1);
        offer(c, candidate);
        found++;
    }
}

static void offer_templates(const struct workbench *w, const struct completing *c) {
    const struct task *t = w->workspace ? w->workspace->task : NULL;
    for (size_t i = 0; t && i < t->templates; i++)
        offer(c, t->template_text[i]);
}

static void offer_sections(const struct completing *c, const char *const *word, size_t words) {
    for (size_t i = 0; i < words; i++)
        offer(c, word[i]);
}

// Steps of which the prompt was kept.
static void offer_steps(const struct workbench *w, const struct completing *c) {
    char text[32];
    for (size_t i = 0; w->snapshots && i < w->snapshots->count; i++) {
        snprintf(text, sizeof text, "%zu", w->snapshots->at[i]->step);
        offer(c, text);
    }
}

// What the views know of the argument, which may have blanks in it.
struct phrases {
    const struct completing *c;
    const char *argument;
};

static void offer_phrase(void *sink, const char *phrase) {
    const struct phrases *p = sink;
    size_t length = strlen(p->argument), kept = (size_t)(p->c->word - p->argument);
    if (strncmp(phrase, p->argument, length) == 0 && strlen(phrase) > kept)
        p->c->add(p->c->sink, phrase + kept);
}

static void offer_of_views(const struct workbench *w, const struct completing *c, enum request r,
                           const char *argument) {
    struct phrases p = {c, argument};
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->complete)
            view_list[i]->complete(w->view_state[i], w, r, offer_phrase, &p);
}

void command_complete(void *workbench, const char *line, size_t word_at,
                      void (*add)(void *sink, const char *candidate), void *sink) {
    const struct workbench *w = workbench;
    char name[NAME_BYTES], setting[NAME_BYTES];
    const char *rest = first_word(line, name, sizeof name);
    struct completing c = {line + word_at, strlen(line + word_at), add, sink};
    static const char *const exports[] = {"table", "curves", "template", "words"};
    enum request r = request_find(name);
    if (rest == line || (size_t)(rest - line) > word_at || !*name) { // still in the first word
        offer_requests(&c);
        return;
    }
    switch (r) {
    case REQUEST_HELP:
        offer_requests(&c);
        break;
    case REQUEST_SET:
        if ((size_t)(rest - line) == word_at)
            offer_settings(&c);
        else {
            first_word(rest, setting, sizeof setting);
            if (strcmp(setting, "start_file") == 0)
                offer_files(&c);
            else
                offer_values(&c, setting);
        }
        break;
    case REQUEST_OPEN:
        offer_sessions(&c);
        offer_tasks(&c);
        if (c.length > 0 && strchr("/.~", c.word[0]))
            offer_files(&c);
        break;
    case REQUEST_WORDS:
        offer_pieces(w, &c);
        break;
    case REQUEST_WRITE:
        offer_sessions(&c);
        break;
    case REQUEST_EXPORT:
        if ((size_t)(rest - line) == word_at)
            offer_sections(&c, exports, sizeof exports / sizeof *exports);
        offer_files(&c);
        break;
    case REQUEST_LOAD:
        command_offer_kept(w, c.word, add, sink);
        offer_files(&c);
        break;
    case REQUEST_IMPORT:
    case REQUEST_LOAD_HERE:
    case REQUEST_EXPORT_HERE:
        offer_files(&c);
        break;
    case REQUEST_THEME:
        for (size_t i = 0; theme_at(i); i++)
            offer(&c, theme_at(i)->name);
        break;
    case REQUEST_MOUSE:
        offer(&c, "on");
        offer(&c, "off");
        break;
    case REQUEST_BESIDE:
        command_offer_prompts(w, c.word, add, sink);
        offer_files(&c);
        break;
    case REQUEST_SET_WORD:
        command_offer_pieces(w, c.word, add, sink);
        break;
    case REQUEST_METHOD:
        offer_values(&c, "method");
        break;
    case REQUEST_PRESET:
        for (int p = 0; p < PRESETS; p++)
            offer(&c, preset_table[p].name);
        break;
    case REQUEST_TEMPLATE:
        offer_templates(w, &c);
        break;
    case REQUEST_SNAP:
    case REQUEST_FREEZE:
    case REQUEST_RESET_VECTOR:
        offer(&c, "all");
        break;
    case REQUEST_PREDICT:
        offer(&c, "best");
        offer(&c, "present");
        break;
    case REQUEST_SWEEP:
        if ((size_t)(rest - line) == word_at)
            offer(&c, "rate");
        break;
    case REQUEST_UNDO_TO:
        offer_steps(w, &c);
        break;
    default:
        offer_of_views(w, &c, r, rest);
        break;
    }
}

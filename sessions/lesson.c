// SPDX-License-Identifier: GPL-3.0-or-later
// Reading lessons, line by line.
#include "sessions/lesson.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "sessions/paths.h"
#include "sessions/series.h"
#include "sessions/session.h"

enum { MOST_BYTES = 1 << 20 };
static const char suffix[] = ".lesson";

void lesson_free(struct lesson *l) {
    if (!l)
        return;
    for (size_t i = 0; i < l->steps; i++) {
        struct lesson_step *s = &l->step[i];
        for (size_t k = 0; k < s->blocks; k++)
            free(s->block[k].text);
        for (size_t k = 0; k < s->commands; k++)
            free(s->command[k]);
        free(s->block);
        free(s->command);
        free(s->title);
        free(s->show);
        free(s->task);
        free(s->needs);
        free(s->seed);
        free(s->press);
        free(s->result);
    }
    for (size_t i = 0; i < l->settings; i++)
        free(l->setting[i]);
    free(l->setting);
    free(l->step);
    free(l->name);
    free(l->title);
    free(l->about);
    free(l->task);
    free(l->template);
    free(l->words);
    *l = (struct lesson){0};
}

// ---- lines ----

struct reader {
    struct lesson *out;
    size_t line;
    bool open; // the last block goes on with the next line
    struct error *e;
};

static bool wrong(struct reader *r, const char *why) {
    return error_set(r->e, ERROR_INPUT, "line %zu: %s", r->line, why);
}

static struct lesson_step *step_now(struct reader *r) {
    return r->out->steps ? &r->out->step[r->out->steps - 1] : NULL;
}

static bool add_block(struct reader *r, enum lesson_block_kind kind, const char *text, size_t length) {
    struct lesson_step *s = step_now(r);
    if (!s)
        return wrong(r, "text belongs to a step; begin one with \"## Title\"");
    if (!mem_grow(&s->block, &s->block_capacity, s->blocks + 1, sizeof *s->block, r->e))
        return false;
    char *copy = mem_strndup(text, length, r->e);
    if (!copy)
        return false;
    s->block[s->blocks++] = (struct lesson_block){.kind = kind, .text = copy};
    return r->open = true;
}

// Puts the line behind the last block's text.
static bool go_on(struct reader *r, char between, const char *text, size_t length) {
    struct lesson_step *s = step_now(r);
    char **last = &s->block[s->blocks - 1].text;
    struct buffer b = {0};
    buffer_add_text(&b, *last);
    buffer_add_char(&b, between);
    buffer_add(&b, text, length);
    char *joined = buffer_take(&b, r->e);
    if (!joined)
        return false;
    free(*last);
    *last = joined;
    return true;
}

static bool add_text(struct reader *r, char ***list, size_t *count, size_t *capacity, const char *text) {
    if (!mem_grow(list, capacity, *count + 1, sizeof **list, r->e))
        return false;
    char *copy = mem_strdup(text, r->e);
    if (copy)
        (*list)[(*count)++] = copy;
    return copy != NULL;
}

static bool set_once(struct reader *r, char **to, const char *text) {
    if (*to)
        return wrong(r, "this stands here a second time");
    return (*to = mem_strdup(text, r->e)) != NULL;
}

static bool set_goal(struct reader *r, struct lesson_step *s, const char *text) {
    char *end;
    bool dev = strncmp(text, "dev ", 4) == 0, steps = strncmp(text, "steps ", 6) == 0;
    double x = dev || steps ? strtod(text + (dev ? 4 : 6), &end) : NAN;
    if (!(x > 0) || !isfinite(x) || *end || (dev && x > 1))
        return wrong(r, "a goal is \"steps NUMBER\" or \"dev ACCURACY\" between 0 and 1");
    s->goal = dev ? GOAL_DEV : GOAL_STEPS;
    s->goal_value = x;
    return true;
}

static bool set_seeds(struct reader *r, struct lesson_step *s, const char *text) {
    struct series *list = NULL;
    if (s->seed)
        return wrong(r, "this stands here a second time");
    if (!series_parse(&list, text, r->e))
        return error_context(r->e, "line %zu", r->line);
    s->seed = mem_calloc(list->count, sizeof *s->seed, r->e);
    for (size_t i = 0; s->seed && i < list->count; i++)
        s->seed[s->seeds++] = list->run[i].seed;
    series_free(list);
    return s->seed != NULL;
}

static bool add_guess(struct reader *r, struct lesson_step *s, const char *text) {
    return lesson_guess(s) ? wrong(r, "a step asks for one guess")
                           : add_block(r, LESSON_GUESS, text, strlen(text));
}

// In a model's folder, so that a lesson cannot look elsewhere.
static bool set_needs(struct reader *r, struct lesson_step *s, const char *text) {
    return text[0] == '/' || strstr(text, "..")
               ? wrong(r, "needs: a path in the model's folder, e.g. prompts/cls.safetensors")
               : set_once(r, &s->needs, text);
}

static bool known_screen(const char *name) {
    static const char *const names[] = {"pattern", "data", "run", "prompt", "try", "compare"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

// "key: value" in the head of the lesson.
static bool head_line(struct reader *r, const char *key, const char *value) {
    struct lesson *l = r->out;
    if (strcmp(key, "set") == 0)
        return strchr(value, ' ') ? add_text(r, &l->setting, &l->settings, &l->setting_capacity, value)
                                  : wrong(r, "a setting is \"NAME VALUE\", e.g. set: steps 60");
    char **to = strcmp(key, "about") == 0      ? &l->about
                : strcmp(key, "task") == 0     ? &l->task
                : strcmp(key, "template") == 0 ? &l->template
                : strcmp(key, "words") == 0    ? &l->words
                                               : NULL;
    return to ? set_once(r, to, value)
              : wrong(r, "before the first step stand about:, task:, template:, words:, set:");
}

// The keys of a step; *known is false for any other word with a colon, which is then text.
static bool step_line(struct reader *r, struct lesson_step *s, const char *key, const char *value,
                      bool *known) {
    *known = true;
    if (strcmp(key, "show") == 0)
        return known_screen(value) ? set_once(r, &s->show, value)
                                   : wrong(r, "show: pattern, data, run, prompt, try or compare");
    if (strcmp(key, "do") == 0)
        return add_text(r, &s->command, &s->commands, &s->command_capacity, value);
    if (strcmp(key, "seeds") == 0)
        return set_seeds(r, s, value);
    if (strcmp(key, "needs") == 0)
        return set_needs(r, s, value);
    if (strcmp(key, "guess") == 0)
        return add_guess(r, s, value);
    if (strcmp(key, "table") == 0)
        return add_block(r, LESSON_TABLE, value, strlen(value));
    char **to = strcmp(key, "press") == 0    ? &s->press
                : strcmp(key, "result") == 0 ? &s->result
                : strcmp(key, "task") == 0   ? &s->task
                                             : NULL;
    if (to)
        return set_once(r, to, value);
    if (strcmp(key, "goal") == 0)
        return set_goal(r, s, value);
    if (strcmp(key, "ask") == 0)
        return add_block(r, LESSON_QUESTION, value, strlen(value));
    if (strcmp(key, "answer") == 0)
        return (s->blocks && s->block[s->blocks - 1].kind == LESSON_QUESTION) ||
                       wrong(r, "an answer follows its question (ask:)")
                   ? add_block(r, LESSON_ANSWER, value, strlen(value))
                   : false;
    *known = false;
    return true;
}

// Splits "key: value" where key is one lower-case word; false for any other line.
static bool keyed(const char *line, size_t length, char key[16], const char **value) {
    size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz");
    if (n == 0 || n >= 16 || n + 1 >= length || line[n] != ':' || line[n + 1] != ' ')
        return false;
    memcpy(key, line, n);
    key[n] = 0;
    *value = line + n + 1 + strspn(line + n + 1, " ");
    return **value != 0;
}

static bool begin_step(struct reader *r, const char *title) {
    struct lesson *l = r->out;
    if (!l->title)
        return wrong(r, "a lesson begins with its title: \"# Title\"");
    if (!mem_grow(&l->step, &l->step_capacity, l->steps + 1, sizeof *l->step, r->e))
        return false;
    l->step[l->steps] = (struct lesson_step){0};
    l->step[l->steps].title = mem_strdup(title, r->e);
    return l->step[l->steps++].title != NULL;
}

static bool text_line(struct reader *r, const char *line, size_t length) {
    struct lesson_step *s = step_now(r);
    bool verbatim = length > 4 && strncmp(line, "    ", 4) == 0;
    enum lesson_block_kind last = r->open && s ? s->block[s->blocks - 1].kind : LESSON_TEXT;
    if (verbatim && r->open && last == LESSON_VERBATIM)
        return go_on(r, '\n', line + 4, length - 4);
    if (verbatim && !r->open)
        return add_block(r, LESSON_VERBATIM, line + 4, length - 4);
    size_t blanks = strspn(line, " ");
    if (strncmp(line, "- ", 2) == 0)
        return add_block(r, LESSON_ITEM, line + 2, length - 2);
    return r->open && last != LESSON_VERBATIM ? go_on(r, ' ', line + blanks, length - blanks)
                                              : add_block(r, LESSON_TEXT, line + blanks, length - blanks);
}

static bool one_line(struct reader *r, const char *line, size_t length) {
    char key[16];
    const char *value;
    struct lesson_step *s = step_now(r);
    bool known = false;
    if (length == 0) {
        r->open = false;
        return true;
    }
    if (strncmp(line, "## ", 3) == 0) {
        r->open = false;
        return begin_step(r, line + 3);
    }
    if (strncmp(line, "# ", 2) == 0)
        return set_once(r, &r->out->title, line + 2);
    if (keyed(line, length, key, &value)) {
        if (!s)
            return head_line(r, key, value);
        if (!step_line(r, s, key, value, &known) || known)
            return known && r->e->kind == ERROR_NONE;
    }
    return text_line(r, line, length);
}

static bool tests(const struct lesson_step *s) {
    for (size_t i = 0; i < s->commands; i++)
        if (strcmp(s->command[i], "test") == 0)
            return true;
    return false;
}

static bool complete(struct reader *r) {
    const struct lesson *l = r->out;
    if (!l->title || !l->task || !l->steps)
        return error_set(r->e, ERROR_INPUT, "%s",
                         !l->title  ? "there is no title; begin with \"# Title\""
                         : !l->task ? "it names no task; write e.g. task: sentiment before the first step"
                                    : "it has no step; begin one with \"## Title\"");
    for (size_t i = 0; i < l->steps; i++) {
        const struct lesson_step *s = &l->step[i];
        if (!s->press && (s->commands || s->seeds || s->result || s->needs || lesson_guess(s)))
            return error_set(r->e, ERROR_INPUT,
                             "step \"%s\": do:, seeds:, needs:, guess: and result: need a \"press:\" that "
                             "says what Enter does",
                             s->title);
        if (s->result && !tests(s))
            return error_set(r->e, ERROR_INPUT, "step \"%s\": a result: is what a \"do: test\" scores",
                             s->title);
    }
    return true;
}

bool lesson_parse(struct lesson *out, const char *name, const char *text, size_t length, struct error *e) {
    struct error mine = {0};
    struct reader r = {.out = out, .e = e ? e : &mine};
    *out = (struct lesson){0};
    r.e->kind = ERROR_NONE;
    bool ok = (out->name = mem_strdup(name, r.e)) != NULL;
    ok = ok && (utf8_valid(text, length, NULL) || error_set(r.e, ERROR_INPUT, "it is not UTF-8 text"));
    ok = ok && (!memchr(text, 0, length) || error_set(r.e, ERROR_INPUT, "it holds a zero byte"));
    for (size_t at = 0; ok && at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t bytes = end ? (size_t)(end - text) - at : length - at, kept = bytes;
        while (kept && strchr(" \t\r", text[at + kept - 1]))
            kept--;
        char *line = mem_strndup(text + at, kept, r.e);
        r.line++;
        ok = line && one_line(&r, line, kept);
        free(line);
        at += bytes + 1;
    }
    ok = ok && complete(&r);
    if (!ok) {
        error_context(r.e, "lesson %s", name);
        lesson_free(out);
    }
    return ok;
}

// "…/1-soft-prompt.lesson" -> "1-soft-prompt". Owned.
static char *name_of(const char *path, struct error *e) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name), s = sizeof suffix - 1;
    return mem_strndup(name, n > s && strcmp(name + n - s, suffix) == 0 ? n - s : n, e);
}

bool lesson_read(struct lesson *out, const char *path, struct error *e) {
    char *text = NULL, *name = name_of(path, e);
    size_t length;
    *out = (struct lesson){0};
    bool ok =
        name && file_read(path, MOST_BYTES, &text, &length, e) && lesson_parse(out, name, text, length, e);
    free(text);
    free(name);
    return ok;
}

const char *lesson_guess(const struct lesson_step *s) {
    for (size_t i = 0; i < s->blocks; i++)
        if (s->block[i].kind == LESSON_GUESS)
            return s->block[i].text;
    return NULL;
}

char *lesson_command(const char *command, const char *model_folder, struct error *e) {
    static const char mark[] = "{model}";
    struct buffer b = {0};
    for (const char *at; (at = strstr(command, mark)); command = at + sizeof mark - 1) {
        buffer_add(&b, command, (size_t)(at - command));
        buffer_add_text(&b, model_folder);
    }
    buffer_add_text(&b, command);
    return buffer_take(&b, e);
}

// ---- sessions ----

static bool set_up(const struct lesson *l, bool own, struct session *s, struct error *e) {
    struct run_settings settings = *session_settings(s);
    for (size_t i = 0; i < l->settings; i++) {
        char *name = mem_strdup(l->setting[i], e), *blank = name ? strchr(name, ' ') : NULL;
        if (blank)
            *blank = 0;
        bool ok = blank && run_settings_set(&settings, name, blank + 1 + strspn(blank + 1, " "), e);
        free(name);
        if (!ok)
            return false;
    }
    session_set_settings(s, &settings);
    return (!own || !l->template || session_set_template(s, l->template, e)) &&
           (!own || !l->words || session_set_label_words(s, l->words, e)) && session_save(s, e);
}

static bool listed(const char *name) {
    char **names;
    size_t count;
    bool found = false;
    if (!session_list(&names, &count, NULL))
        return false;
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(names[i], name) == 0;
    session_list_free(names, count);
    return found;
}

const char *lesson_task(const struct lesson *l, size_t step) {
    for (size_t i = step + 1; i-- > 0;)
        if (l->step[i].task)
            return l->step[i].task;
    return l->task;
}

char *lesson_session(const struct lesson *l, size_t step, struct error *e) {
    const char *task = lesson_task(l, step), *slash = strrchr(task, '/');
    const bool own = strcmp(task, l->task) == 0; // the template and the label words are for this one
    struct buffer b = {0};
    struct session *s = NULL;
    buffer_printf(&b, "lesson-%s", l->name);
    if (!own)
        buffer_printf(&b, "-%s", slash ? slash + 1 : task);
    char *name = buffer_take(&b, e);
    if (!name || listed(name))
        return name;
    if (!session_create(&s, name, NULL, task, NULL, e) || !set_up(l, own, s, e)) {
        error_context(e, "the lesson's session");
        free(name);
        name = NULL;
    }
    session_free(s);
    return name;
}

bool lesson_list(char ***paths, size_t *count, struct error *e) {
    struct name_list names = {0};
    char *folder = share_folder("lessons", e);
    bool ok = folder && name_list_read(&names, folder, NULL, e);
    *paths = NULL;
    *count = 0;
    ok = ok && (*paths = mem_calloc(names.count + 1, sizeof **paths, e));
    for (size_t i = 0; ok && i < names.count; i++) {
        size_t n = strlen(names.name[i]), s = sizeof suffix - 1;
        if (n <= s || strcmp(names.name[i] + n - s, suffix) != 0)
            continue;
        ok = ((*paths)[*count] = path_join(folder, names.name[i], e)) != NULL;
        *count += ok;
    }
    if (!ok)
        session_list_free(*paths, *count), *paths = NULL, *count = 0;
    name_list_free(&names);
    free(folder);
    return ok;
}

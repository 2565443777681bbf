// SPDX-License-Identifier: GPL-3.0-or-later
// The session's edits: finding out what was changed, telling the journal, and reading them back when the
// session is opened again. What somebody changed in session.json with an editor counts as an edit, too.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "paths.h"
#include "session_inside.h"

enum { MOST_CHANGES = 64 };
static const char setting_prefix[] = "settings.";

// ---- what differs ----

struct changes {
    struct history_change list[MOST_CHANGES]; // owned texts
    size_t count;
};

static void changes_free(struct changes *c) {
    for (size_t i = 0; i < c->count; i++) {
        free(c->list[i].part);
        free(c->list[i].from);
        free(c->list[i].to);
    }
    c->count = 0;
}

static bool differ(struct changes *c, const char *part, const char *from, const char *to, struct error *e) {
    if (strcmp(from, to) == 0 || c->count == MOST_CHANGES)
        return true;
    struct history_change *one = &c->list[c->count++];
    *one = (struct history_change){mem_strdup(part, e), mem_strdup(from, e), mem_strdup(to, e)};
    return one->part && one->from && one->to;
}

// What was set since the saved state. Under parts_lock.
static bool compare(const struct session *s, struct changes *c, struct error *e) {
    const struct session_parts *p = &s->parts;
    bool ok = differ(c, "template", s->saved_template, p->template_text, e) &&
              differ(c, "label_words", s->saved_label_words, p->label_words, e) &&
              differ(c, "own_examples", s->saved_own ? s->saved_own : "", p->own_examples, e);
    for (size_t i = 0; ok && i < run_setting_count; i++) {
        char from[RUN_SETTING_TEXT], to[RUN_SETTING_TEXT], part[64];
        const char *name = run_setting_table[i].name;
        snprintf(part, sizeof part, "%s%s", setting_prefix, name);
        ok = run_settings_get(&s->saved_settings, name, from, sizeof from) &&
             run_settings_get(&p->settings, name, to, sizeof to) && differ(c, part, from, to, e);
    }
    return ok;
}

static bool remember(struct session *s, struct error *e) {
    char *t = mem_strdup(s->parts.template_text, e), *w = t ? mem_strdup(s->parts.label_words, e) : NULL;
    char *own = w ? mem_strdup(s->parts.own_examples, e) : NULL;
    if (!own) {
        free(t);
        free(w);
        return false;
    }
    free(s->saved_own);
    s->saved_own = own;
    free(s->saved_template);
    free(s->saved_label_words);
    s->saved_template = t;
    s->saved_label_words = w;
    s->saved_settings = s->parts.settings;
    return true;
}

bool session_remember_saved(struct session *s, struct error *e) {
    pthread_mutex_lock(&s->parts_lock);
    bool ok = remember(s, e);
    pthread_mutex_unlock(&s->parts_lock);
    return ok;
}

bool session_commit_edits(struct session *s, struct error *e) {
    struct changes c = {0};
    pthread_mutex_lock(&s->parts_lock);
    bool ok = !s->saved_template ||
              (compare(s, &c, e) && history_push(&s->history, c.list, c.count, time(NULL), e));
    ok = ok && (!c.count || remember(s, e));
    pthread_mutex_unlock(&s->parts_lock);
    changes_free(&c);
    return ok;
}

// ---- back and forth ----

const struct history_edit *session_undo_edit(struct session *s) {
    pthread_mutex_lock(&s->parts_lock);
    const struct history_edit *edit = history_undo(&s->history);
    pthread_mutex_unlock(&s->parts_lock);
    return edit;
}

const struct history_edit *session_redo_edit(struct session *s) {
    pthread_mutex_lock(&s->parts_lock);
    const struct history_edit *edit = history_redo(&s->history);
    pthread_mutex_unlock(&s->parts_lock);
    return edit;
}

bool session_edits_wait(struct session *s) {
    pthread_mutex_lock(&s->parts_lock);
    bool wait = s->history.at != s->history.done;
    pthread_mutex_unlock(&s->parts_lock);
    return wait;
}

static bool set_text(char **at, const char *text, struct error *e) {
    char *copy = mem_strdup(text, e);
    if (!copy)
        return false;
    free(*at);
    *at = copy;
    return true;
}

// Sets a part of the saved state; one that does not exist here is passed over.
static bool set_saved(struct session *s, const char *part, const char *text, struct error *e) {
    if (strcmp(part, "template") == 0)
        return set_text(&s->saved_template, text, e);
    if (strcmp(part, "label_words") == 0)
        return set_text(&s->saved_label_words, text, e);
    if (strcmp(part, "own_examples") == 0)
        return set_text(&s->saved_own, text, e);
    if (strncmp(part, setting_prefix, sizeof setting_prefix - 1) == 0)
        run_settings_set(&s->saved_settings, part + sizeof setting_prefix - 1, text, NULL);
    return true;
}

bool session_accept_edits(struct session *s, struct error *e) {
    const struct history_edit *edit;
    struct error failure = {0};
    bool undone;
    pthread_mutex_lock(&s->parts_lock);
    while (s->saved_template && (edit = history_accept(&s->history, &undone, &failure)))
        for (size_t i = 0; i < edit->count && !failure.kind; i++)
            set_saved(s, edit->change[i].part, undone ? edit->change[i].from : edit->change[i].to, &failure);
    history_settle(&s->history);
    pthread_mutex_unlock(&s->parts_lock);
    return !failure.kind || error_set(e, failure.kind, "%s", failure.text);
}

// ---- the journal ----

// `take` back in front of what has come since.
static void put_back(struct session *s, cJSON *take) {
    pthread_mutex_lock(&s->parts_lock);
    cJSON *since = s->history.unwritten;
    s->history.unwritten = take;
    while (since && since->child)
        cJSON_AddItemToArray(take, cJSON_DetachItemFromArray(since, 0));
    cJSON_Delete(since);
    pthread_mutex_unlock(&s->parts_lock);
}

bool session_flush_edits(struct session *s, struct error *e) {
    pthread_mutex_lock(&s->parts_lock);
    cJSON *list = s->history.unwritten;
    s->history.unwritten = NULL;
    pthread_mutex_unlock(&s->parts_lock);
    if (!list)
        return true;
    bool ok = session_need_journal(s, e);
    if (!s->journal) {
        put_back(s, list);
        return false;
    }
    // What cannot be written now is pending in the journal.
    for (const cJSON *record = list->child; record; record = record->next)
        ok = journal_add_event(s->journal, "edit", record, time(NULL), ok ? e : NULL) && ok;
    cJSON_Delete(list);
    return ok;
}

// ---- reading it again ----

struct known {
    struct session *s;
    bool begun; // a "begin" record said what the session was
};

static bool know_settings(struct session *s, const cJSON *settings) {
    run_settings_default(&s->saved_settings);
    return session_settings_read(&s->saved_settings, settings, NULL);
}

static bool know(void *context, const struct journal_record *r, struct error *e) {
    struct known *k = context;
    bool begin = strcmp(r->what, "begin") == 0;
    if (!begin && strcmp(r->what, "edit") != 0)
        return true;
    cJSON *o = journal_record_json(r, NULL);
    const char *template = "", *words = "", *own = "", *part = "", *to = "";
    const cJSON *settings = NULL;
    bool ok = true;
    if (o && begin) {
        k->begun = json_get_string(o, "template", true, &template, NULL) &&
                   json_get_string(o, "label_words", true, &words, NULL) &&
                   json_get_object(o, "settings", true, &settings, NULL) && know_settings(k->s, settings);
        json_get_string(o, "own_examples", false, &own, NULL);
        ok = set_text(&k->s->saved_template, template, e) && set_text(&k->s->saved_label_words, words, e) &&
             set_text(&k->s->saved_own, own, e);
    } else if (o && json_get_string(o, "part", true, &part, NULL) &&
               json_get_string(o, "to", true, &to, NULL)) {
        ok = set_saved(k->s, part, to, e);
    }
    ok = ok && (!o || history_replay(&k->s->history, r->what, o, stamp_read(r->stamp), e));
    cJSON_Delete(o);
    return ok;
}

// The newest journal in kept/: there is none beside it between the end of a run and the first step of the
// next.
static char *newest_kept(const struct session *s) {
    struct name_list list = {0};
    char *kept = session_path(s, "kept", NULL), *folder = NULL, *path = NULL;
    if (kept && name_list_read(&list, kept, "journal.jsonl", NULL) && list.count)
        folder = path_join(kept, list.name[list.count - 1], NULL);
    path = folder ? path_join(folder, "journal.jsonl", NULL) : NULL;
    name_list_free(&list);
    free(folder);
    free(kept);
    return path;
}

bool session_load_edits(struct session *s, struct error *e) {
    struct journal_history end = {0};
    struct known k = {.s = s};
    char *path = session_path(s, "journal.jsonl", e);
    bool ok = path && session_remember_saved(s, e) && journal_visit(path, know, &k, &end, e);
    if (ok && !end.records) {
        free(path);
        path = newest_kept(s);
        ok = !path || journal_visit(path, know, &k, &end, e);
    }
    free(path);
    // Without a beginning nothing is known of what session.json said before.
    if (ok && !k.begun)
        ok = session_remember_saved(s, e);
    return ok && session_commit_edits(s, e);
}

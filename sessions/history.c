// SPDX-License-Identifier: GPL-3.0-or-later
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"

static void change_free(struct history_change *c) {
    free(c->part);
    free(c->from);
    free(c->to);
    *c = (struct history_change){0};
}

static void edit_free(struct history_edit *edit) {
    for (size_t i = 0; i < edit->count; i++)
        change_free(&edit->change[i]);
    free(edit->change);
    *edit = (struct history_edit){0};
}

void history_free(struct history *h) {
    for (size_t i = 0; i < h->count; i++)
        edit_free(&h->edit[i]);
    free(h->edit);
    cJSON_Delete(h->unwritten);
    *h = (struct history){0};
}

static bool edit_add(struct history_edit *edit, const char *part, const char *from, const char *to,
                     struct error *e) {
    if (!mem_grow(&edit->change, &edit->capacity, edit->count + 1, sizeof *edit->change, e))
        return false;
    struct history_change c = {mem_strdup(part, e), mem_strdup(from, e), mem_strdup(to, e)};
    if (!c.part || !c.from || !c.to) {
        change_free(&c);
        return false;
    }
    edit->change[edit->count++] = c;
    return true;
}

static bool edit_has(const struct history_edit *edit, const char *part) {
    for (size_t i = 0; i < edit->count; i++)
        if (strcmp(edit->change[i].part, part) == 0)
            return true;
    return false;
}

// ---- the list ----

static void forget_redo(struct history *h) {
    while (h->count > h->done)
        edit_free(&h->edit[--h->count]);
    h->at = h->done;
}

static size_t edit_bytes(const struct history_edit *edit) {
    size_t bytes = 0;
    for (size_t i = 0; i < edit->count; i++)
        bytes += strlen(edit->change[i].from) + strlen(edit->change[i].to);
    return bytes;
}

// The oldest edits that are in force go when there are too many, or too long ones.
static void forget_oldest(struct history *h) {
    size_t bytes = 0, from = h->count;
    while (from && h->count - from < HISTORY_MOST_EDITS) {
        size_t next = edit_bytes(&h->edit[from - 1]);
        if (bytes + next > HISTORY_MOST_BYTES && from < h->count)
            break;
        bytes += next;
        from--;
    }
    if (from > h->done)
        from = h->done;
    for (size_t i = 0; i < from; i++)
        edit_free(&h->edit[i]);
    memmove(h->edit, h->edit + from, (h->count - from) * sizeof *h->edit);
    h->count -= from;
    h->done -= from;
    h->at = h->at > from ? h->at - from : 0;
}

// An empty edit at the end, in force.
static struct history_edit *append(struct history *h, size_t number, time_t when, struct error *e) {
    forget_redo(h);
    if (!mem_grow(&h->edit, &h->capacity, h->count + 1, sizeof *h->edit, e))
        return NULL;
    struct history_edit *edit = &h->edit[h->count++];
    *edit = (struct history_edit){.number = number, .when = when};
    h->done = h->at = h->count;
    if (number > h->last_number)
        h->last_number = number;
    return edit;
}

static void drop_last(struct history *h) {
    edit_free(&h->edit[--h->count]);
    h->done = h->at = h->count;
}

// ---- what journals have not heard yet ----

static cJSON *record_of(const struct history_edit *edit, const struct history_change *c, const char *as) {
    cJSON *o = cJSON_CreateObject();
    const char *from = as && strcmp(as, "undo") == 0 ? c->to : c->from;
    const char *to = as && strcmp(as, "undo") == 0 ? c->from : c->to;
    if (o && cJSON_AddStringToObject(o, "part", c->part) && cJSON_AddStringToObject(o, "from", from) &&
        cJSON_AddStringToObject(o, "to", to) && cJSON_AddNumberToObject(o, "edit", (double)edit->number) &&
        (!as || cJSON_AddStringToObject(o, "as", as)))
        return o;
    cJSON_Delete(o);
    return NULL;
}

static bool tell(struct history *h, const struct history_edit *edit, const char *as, struct error *e) {
    if (!h->unwritten)
        h->unwritten = cJSON_CreateArray();
    for (size_t i = 0; h->unwritten && i < edit->count; i++) {
        cJSON *o = record_of(edit, &edit->change[i], as);
        if (!cJSON_AddItemToArray(h->unwritten, o)) {
            cJSON_Delete(o);
            return error_set(e, ERROR_MEMORY, "no memory for the history of edits");
        }
    }
    return h->unwritten || error_set(e, ERROR_MEMORY, "no memory for the history of edits");
}

// Holding a key down changes the learning rate many times: one edit, as long as no journal has it.
static bool grows_last(struct history *h, const struct history_change *c, size_t count, time_t now) {
    struct history_edit *last = h->done ? &h->edit[h->done - 1] : NULL;
    int told = cJSON_GetArraySize(h->unwritten);
    cJSON *record = told ? cJSON_GetArrayItem(h->unwritten, told - 1) : NULL;
    size_t number = 0;
    if (!last || h->done != h->count || h->at != h->done || count != 1 || last->count != 1 ||
        strcmp(last->change[0].part, c->part) != 0 || now < last->when || now - last->when > HISTORY_TOGETHER)
        return false;
    if (!json_get_size(record, "edit", true, 0, (size_t)1 << 53, &number, NULL) || number != last->number ||
        cJSON_HasObjectItem(record, "as"))
        return false;
    char *to = mem_strdup(c->to, NULL);
    if (!to || !json_put(record, "to", cJSON_CreateString(c->to), NULL)) {
        free(to);
        return false;
    }
    free(last->change[0].to);
    last->change[0].to = to;
    last->when = now;
    return true;
}

bool history_push(struct history *h, const struct history_change *change, size_t count, time_t now,
                  struct error *e) {
    if (!count || grows_last(h, change, count, now))
        return true;
    struct history_edit *edit = append(h, h->last_number + 1, now, e);
    bool ok = edit != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = edit_add(edit, change[i].part, change[i].from, change[i].to, e);
    ok = ok && tell(h, edit, NULL, e);
    if (!ok && edit)
        drop_last(h);
    forget_oldest(h);
    return ok;
}

// ---- back and forth ----

const struct history_edit *history_undo(struct history *h) {
    return h->at ? &h->edit[--h->at] : NULL;
}

const struct history_edit *history_redo(struct history *h) {
    return h->at < h->count ? &h->edit[h->at++] : NULL;
}

const struct history_edit *history_accept(struct history *h, bool *undone, struct error *e) {
    *undone = h->at < h->done;
    if (h->at == h->done)
        return NULL;
    const struct history_edit *edit = &h->edit[*undone ? h->done - 1 : h->done];
    if (!tell(h, edit, *undone ? "undo" : "redo", e))
        return NULL;
    h->done += *undone ? (size_t)-1 : 1;
    return edit;
}

void history_settle(struct history *h) {
    h->at = h->done;
}

// ---- records ----

static cJSON *edit_json(const struct history_edit *edit) {
    cJSON *o = cJSON_CreateObject(), *list = o ? cJSON_AddArrayToObject(o, "changes") : NULL;
    bool ok = list && cJSON_AddNumberToObject(o, "edit", (double)edit->number);
    for (size_t i = 0; ok && i < edit->count; i++) {
        const struct history_change *c = &edit->change[i];
        cJSON *change = cJSON_CreateObject();
        ok = change && cJSON_AddStringToObject(change, "part", c->part) &&
             cJSON_AddStringToObject(change, "from", c->from) && cJSON_AddStringToObject(change, "to", c->to);
        if (!ok || !cJSON_AddItemToArray(list, change)) {
            cJSON_Delete(change);
            ok = false;
        }
    }
    if (ok)
        return o;
    cJSON_Delete(o);
    return NULL;
}

bool history_put(const struct history *h, cJSON *begin, struct error *e) {
    if (!h->count)
        return true;
    cJSON *list = cJSON_AddArrayToObject(begin, "edits");
    bool ok = list && cJSON_AddNumberToObject(begin, "edits_done", (double)h->done);
    for (size_t i = 0; ok && i < h->count; i++) {
        cJSON *o = edit_json(&h->edit[i]);
        ok = o && cJSON_AddItemToArray(list, o);
        if (!ok)
            cJSON_Delete(o);
    }
    return ok || error_set(e, ERROR_MEMORY, "no memory for the history of edits");
}

static bool texts_of(const cJSON *o, const char *text[3]) {
    static const char *const key[3] = {"part", "from", "to"};
    for (size_t i = 0; i < 3; i++)
        if (!json_get_string(o, key[i], true, &text[i], NULL))
            return false;
    return true;
}

static size_t number_of(const cJSON *o, const char *key) {
    size_t n = 0;
    return json_get_size(o, key, true, 0, (size_t)1 << 53, &n, NULL) ? n : 0;
}

// The list of the journal before this one.
static bool replay_begin(struct history *h, const cJSON *record, struct error *e) {
    const cJSON *list = NULL, *item, *change;
    if (!json_get_array(record, "edits", false, &list, NULL) || !list)
        return true;
    cJSON *unwritten = h->unwritten;
    h->unwritten = NULL;
    history_free(h);
    h->unwritten = unwritten;
    cJSON_ArrayForEach(item, list) {
        const cJSON *changes = NULL;
        size_t number = number_of(item, "edit");
        if (number <= h->last_number || !json_get_array(item, "changes", true, &changes, NULL))
            continue;
        struct history_edit *edit = append(h, number, 0, e);
        if (!edit)
            return false;
        cJSON_ArrayForEach(change, changes) {
            const char *text[3];
            if (texts_of(change, text) && !edit_add(edit, text[0], text[1], text[2], e))
                return false;
        }
    }
    size_t done = number_of(record, "edits_done");
    h->done = h->at = done < h->count ? done : h->count;
    return true;
}

static bool replay_edit(struct history *h, const cJSON *record, time_t when, struct error *e) {
    const char *text[3], *as = "";
    size_t number = number_of(record, "edit");
    struct history_edit *last = h->done ? &h->edit[h->done - 1] : NULL;
    if (!texts_of(record, text))
        return true;
    json_get_string(record, "as", false, &as, NULL);
    if (strcmp(as, "undo") == 0) { // once for all changes of the edit
        h->done -= last && last->number == number;
    } else if (strcmp(as, "redo") == 0) {
        h->done += h->done < h->count && h->edit[h->done].number == number;
    } else if (last && number && last->number == number) {
        if (!edit_has(last, text[0]) && !edit_add(last, text[0], text[1], text[2], e))
            return false;
    } else if (!number || number > h->last_number) {
        last = append(h, number ? number : h->last_number + 1, when, e);
        if (!last)
            return false;
        if (!edit_add(last, text[0], text[1], text[2], e)) {
            drop_last(h);
            return false;
        }
        forget_oldest(h);
    }
    h->at = h->done;
    return true;
}

bool history_replay(struct history *h, const char *what, const cJSON *record, time_t when, struct error *e) {
    if (strcmp(what, "begin") == 0)
        return replay_begin(h, record, e);
    return strcmp(what, "edit") != 0 || replay_edit(h, record, when, e);
}

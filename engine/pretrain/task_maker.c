// SPDX-License-Identifier: GPL-3.0-or-later
// See task_maker.h.
#include "engine/pretrain/task_maker.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/random.h"

// DOCUMENTS_EACH: written in the search for one example, before giving up.
enum { LEAST_WORDS = 3, DOCUMENTS_EACH = 3000, RANDOM_STREAM = 0x7a5c };

struct example_line {
    char *json; // owned
    uint64_t hash;
    size_t class;
};
struct maker {
    const struct grammar_task *t;
    struct generator *generator, *other; // the second for sentences of other documents
    struct random random;
    uint64_t number;
    struct example_line *line;
    size_t lines, capacity;
    size_t count[GRAMMAR_MOST_CLASSES];
    struct error *e;
};

// With an end that no text has, so that "a", "bc" are others than "ab", "c".
static uint64_t hash_text(uint64_t h, const char *text) {
    return hash_byte(hash_bytes(h, text, strlen(text)), 0xff);
}

static size_t word_count(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += *text != ' ' && (text[1] == ' ' || !text[1]);
    return n;
}

static bool is_fresh(const struct generated_sentence *s) {
    return s->held || word_count(s->text) < LEAST_WORDS;
}

// ---- one example as JSON ----

static bool add_value(cJSON *o, const char *key, const char *text, bool list) {
    cJSON *old = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!old)
        return list ? cJSON_AddItemToArray(cJSON_AddArrayToObject(o, key), cJSON_CreateString(text))
                    : cJSON_AddStringToObject(o, key, text) != NULL;
    return cJSON_IsArray(old) && cJSON_AddItemToArray(old, cJSON_CreateString(text));
}

// Sentences of one value are joined by blanks. A key that comes twice is a list.
static bool is_list(const struct generated *d, const char *key) {
    size_t starts = 0;
    for (size_t i = 0; i < d->count; i++)
        starts += d->sentence[i].starts && strcmp(d->sentence[i].key, key) == 0;
    return starts > 1;
}

static cJSON *make_object(struct maker *m, const struct generated *d) {
    cJSON *o = cJSON_CreateObject();
    struct buffer b = {0};
    bool ok = o != NULL;
    for (size_t i = 0; ok && i < d->count;) {
        const char *key = d->sentence[i].key;
        buffer_clear(&b);
        do {
            buffer_printf(&b, "%s%s", b.length ? " " : "", d->sentence[i].text);
            i++;
        } while (i < d->count && !d->sentence[i].starts && strcmp(d->sentence[i].key, key) == 0);
        ok = buffer_ok(&b, m->e) && add_value(o, key, b.data, is_list(d, key));
    }
    buffer_free(&b);
    if (ok)
        return o;
    cJSON_Delete(o);
    error_set(m->e, ERROR_MEMORY, "no memory for an example");
    return NULL;
}

static size_t find_class(const struct grammar_task *t, const char *value) {
    for (size_t i = 0; i < t->classes; i++)
        if (strcmp(t->class_name[i], value) == 0)
            return i;
    return GRAMMAR_MOST_CLASSES;
}

// ---- taking examples ----

static size_t wanted_each(const struct grammar_task *t) {
    return (t->train + t->classes - 1) / t->classes + (t->test + t->classes - 1) / t->classes;
}

static bool is_known(const struct maker *m, uint64_t hash) {
    for (size_t i = 0; i < m->lines; i++)
        if (m->line[i].hash == hash)
            return true;
    return false;
}

// Takes the object's line where it is wanted. The object stays the caller's.
static bool take_line(struct maker *m, const cJSON *o, size_t class, uint64_t hash) {
    if (m->count[class] >= wanted_each(m->t) || is_known(m, hash))
        return true;
    if (!mem_grow(&m->line, &m->capacity, m->lines + 1, sizeof *m->line, m->e))
        return false;
    char *json = json_print(o, false, m->e);
    if (!json)
        return false;
    m->line[m->lines++] = (struct example_line){json, hash, class};
    m->count[class]++;
    return true;
}

static bool try_written(struct maker *m) {
    struct generated d;
    uint64_t hash = HASH_START;
    const char *label = NULL;
    if (!generator_document(m->generator, m->t->rule, m->number++, &d, m->e))
        return false;
    for (size_t i = 0; i < d.count; i++) {
        const struct generated_sentence *s = &d.sentence[i];
        if (!s->key[0])
            return error_set(m->e, ERROR_INPUT, "the rule \"%s\" writes \"%.60s\" before any @key",
                             m->t->rule, s->text);
        if (strcmp(s->key, m->t->label) == 0) {
            label = s->text;
            continue;
        }
        if (!is_fresh(s))
            return true;
        hash = hash_text(hash, s->text);
    }
    if (!label)
        return error_set(m->e, ERROR_INPUT, "the rule \"%s\" writes no @%s", m->t->rule, m->t->label);
    size_t class = find_class(m->t, label);
    if (class == GRAMMAR_MOST_CLASSES)
        return error_set(m->e, ERROR_INPUT,
                         "the rule \"%s\" writes @%s %.60s, which is no class of the task \"%s\"", m->t->rule,
                         m->t->label, label, m->t->name);
    cJSON *o = make_object(m, &d);
    bool ok = o && take_line(m, o, class, hash);
    cJSON_Delete(o);
    return ok;
}

// ---- the sentence that goes on ----

// A fresh sentence of the document that is none of at-1 .. at+1, or NULL.
static const char *far_sentence(struct maker *m, const struct generated *d, size_t at) {
    for (size_t tries = 0; tries < 8; tries++) {
        size_t i = random_below(&m->random, d->count);
        if (i + 1 >= at && i <= at + 2)
            continue;
        if (is_fresh(&d->sentence[i]))
            return d->sentence[i].text;
    }
    return NULL;
}

// A fresh sentence of another document, owned; NULL where there is none or on an error.
static char *other_sentence(struct maker *m, bool *ok) {
    struct generated d;
    *ok = generator_document(m->other, m->t->rule, m->number++, &d, m->e);
    for (size_t tries = 0; *ok && d.count && tries < 8; tries++) {
        size_t i = random_below(&m->random, d.count);
        if (!is_fresh(&d.sentence[i]))
            continue;
        char *text = mem_strdup(d.sentence[i].text, m->e);
        *ok = text != NULL;
        return text;
    }
    return NULL;
}

static bool options_differ(char *const *option, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (strcmp(option[i], option[j]) == 0)
                return false;
    return true;
}

static bool take_choice(struct maker *m, const struct generated *d, size_t at, char **option) {
    size_t order[GRAMMAR_MOST_OPTIONS], answer = 0;
    for (size_t i = 0; i < m->t->next; i++)
        order[i] = i;
    random_shuffle(&m->random, order, m->t->next);
    cJSON *o = cJSON_CreateObject(), *list = cJSON_CreateArray();
    struct buffer b = {0};
    buffer_printf(&b, "%s %s", d->sentence[at - 1].text, d->sentence[at].text);
    bool ok = buffer_ok(&b, m->e) && o && list && cJSON_AddStringToObject(o, "text", b.data);
    uint64_t hash = hash_text(HASH_START, ok ? b.data : "");
    for (size_t i = 0; ok && i < m->t->next; i++) {
        ok = cJSON_AddItemToArray(list, cJSON_CreateString(option[order[i]]));
        answer = order[i] == 0 ? i : answer;
    }
    if (!o || !cJSON_AddItemToObject(o, "option", list))
        cJSON_Delete(list);
    ok = ok && cJSON_AddStringToObject(o, m->t->label, m->t->class_name[answer]) &&
         take_line(m, o, answer, hash);
    cJSON_Delete(o);
    buffer_free(&b);
    return ok;
}

static bool try_next(struct maker *m) {
    struct generated d;
    char *option[GRAMMAR_MOST_OPTIONS] = {0};
    if (!generator_document(m->generator, m->t->rule, m->number++, &d, m->e))
        return false;
    if (d.count < 5)
        return true;
    size_t at = 1 + random_below(&m->random, d.count - 2), count = 0;
    const char *far = far_sentence(m, &d, at);
    if (!far || !is_fresh(&d.sentence[at - 1]) || !is_fresh(&d.sentence[at]) ||
        !is_fresh(&d.sentence[at + 1]))
        return true;
    bool ok = (option[count++] = mem_strdup(d.sentence[at + 1].text, m->e)) &&
              (option[count++] = mem_strdup(far, m->e));
    while (ok && count < m->t->next && (option[count] = other_sentence(m, &ok)))
        count++;
    if (ok && count == m->t->next && options_differ(option, count))
        ok = take_choice(m, &d, at, option);
    for (size_t i = 0; i < GRAMMAR_MOST_OPTIONS; i++)
        free(option[i]);
    return ok;
}

// ---- the files ----

static bool is_full(const struct maker *m) {
    for (size_t i = 0; i < m->t->classes; i++)
        if (m->count[i] < wanted_each(m->t))
            return false;
    return true;
}

static bool gather(struct maker *m) {
    uint64_t most = (uint64_t)DOCUMENTS_EACH * wanted_each(m->t) * m->t->classes;
    while (!is_full(m)) {
        if (!(m->t->next ? try_next(m) : try_written(m)))
            return false;
        for (size_t i = 0; m->number > most && i < m->t->classes; i++)
            if (m->count[i] < wanted_each(m->t))
                return error_set(
                    m->e, ERROR_INPUT,
                    "%s:%zu: of class \"%s\" there are only %zu different examples of %zu; the rule "
                    "\"%s\" needs more forms with something held back in every sentence",
                    m->t->file, m->t->line, m->t->class_name[i], m->count[i], wanted_each(m->t), m->t->rule);
    }
    return true;
}

// In an order of its own, each class in turn to test until it has enough there, then to train.
static bool write_files(struct maker *m, struct made_task *out) {
    size_t *order = mem_calloc(m->lines, sizeof *order, m->e), tested[GRAMMAR_MOST_CLASSES] = {0};
    if (!order)
        return false;
    for (size_t i = 0; i < m->lines; i++)
        order[i] = i;
    random_shuffle(&m->random, order, m->lines);
    size_t each = (m->t->test + m->t->classes - 1) / m->t->classes;
    for (size_t i = 0; i < m->lines; i++) {
        const struct example_line *l = &m->line[order[i]];
        struct buffer *b = tested[l->class] < each ? &out->test : &out->train;
        tested[l->class]++;
        buffer_add_text(b, l->json);
        buffer_add_char(b, '\n');
    }
    free(order);
    return buffer_ok(&out->train, m->e) && buffer_ok(&out->test, m->e);
}

bool task_make(struct made_task *out, const struct grammar *g, const struct grammar_task *t, uint64_t seed,
               struct error *e) {
    struct maker m = {.t = t, .e = e};
    *out = (struct made_task){0};
    random_seed(&m.random, seed, RANDOM_STREAM);
    bool ok = generator_create(&m.generator, g, GRAMMAR_TASKS, seed, e) &&
              generator_create(&m.other, g, GRAMMAR_TASKS, seed, e) && gather(&m) && write_files(&m, out);
    out->documents = (size_t)m.number;
    if (!ok) {
        error_context(e, "task %s", t->name);
        made_task_free(out);
    }
    for (size_t i = 0; i < m.lines; i++)
        free(m.line[i].json);
    free(m.line);
    generator_free(m.generator);
    generator_free(m.other);
    return ok;
}

void made_task_free(struct made_task *m) {
    buffer_free(&m->train);
    buffer_free(&m->test);
    *m = (struct made_task){0};
}

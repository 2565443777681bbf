// SPDX-License-Identifier: GPL-3.0-or-later
// Label words as text: reading and printing both forms, and the warnings.
#include "verbalizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"

enum { VERBALIZER_MOST_BYTES = 1 << 20, MOST_WORDS = 1024, MOST_LETTERS = 26 };

static const char bare_mark[] = "<!>";

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static void word_free(struct label_word *w) {
    free(w->text);
    free(w->id);
    free(w->logit);
}

void verbalizer_free(struct verbalizer *v) {
    for (size_t c = 0; v->label && c < v->classes; c++) {
        for (size_t w = 0; w < v->label[c].words; w++)
            word_free(&v->label[c].word[w]);
        free(v->label[c].word);
        free(v->label[c].name);
    }
    free(v->label);
    free(v->id);
    memset(v, 0, sizeof *v);
}

static bool make_classes(struct verbalizer *v, char *const *name, size_t classes, struct error *e) {
    memset(v, 0, sizeof *v);
    if (!(v->label = mem_calloc(classes, sizeof *v->label, e)))
        return false;
    for (; v->classes < classes; v->classes++)
        if (!(v->label[v->classes].name = mem_strdup(name[v->classes], e)))
            return false;
    return true;
}

static void trim(const char **text, size_t *length) {
    while (*length && (is_blank(**text) || **text == '\n')) {
        ++*text;
        --*length;
    }
    while (*length && (is_blank((*text)[*length - 1]) || (*text)[*length - 1] == '\n'))
        --*length;
}

// Takes blanks and "<!>" off and appends the word. `where` is for messages.
static bool add_word(struct label_class *c, const char *text, size_t length, const char *where,
                     struct error *e) {
    trim(&text, &length); // blanks do not count, in front of the mark either
    bool bare = length >= strlen(bare_mark) && memcmp(text, bare_mark, strlen(bare_mark)) == 0;
    if (bare) {
        text += strlen(bare_mark);
        length -= strlen(bare_mark);
        trim(&text, &length);
    }
    if (!length)
        return error_set(e, ERROR_INPUT, "the class \"%s\" has an empty word%s", c->name, where);
    if (c->words == MOST_WORDS)
        return error_set(e, ERROR_INPUT, "the class \"%s\" has more than %d words%s", c->name, MOST_WORDS,
                         where);
    struct label_word *grown = realloc(c->word, (c->words + 1) * sizeof *grown);
    if (!grown)
        return error_set(e, ERROR_MEMORY, "no memory for the label words");
    c->word = grown;
    c->word[c->words] = (struct label_word){.text = mem_strndup(text, length, e), .bare = bare};
    return c->word[c->words].text && ++c->words;
}

// ---- JSON ----

static bool json_words(struct label_class *c, const cJSON *node, struct error *e) {
    if (cJSON_IsString(node))
        return add_word(c, node->valuestring, strlen(node->valuestring), "", e);
    if (!cJSON_IsArray(node))
        return error_set(e, ERROR_INPUT, "the class \"%s\" should have a word or a list of words, but has %s",
                         c->name, json_type_name(node));
    for (const cJSON *w = node->child; w; w = w->next) {
        if (!cJSON_IsString(w))
            return error_set(e, ERROR_INPUT, "the words of the class \"%s\" should be texts, but there is %s",
                             c->name, json_type_name(w));
        if (!add_word(c, w->valuestring, strlen(w->valuestring), "", e))
            return false;
    }
    return true;
}

static bool wrong_count(const struct verbalizer *v, size_t count, struct error *e) {
    struct buffer names = {0};
    for (size_t c = 0; c < v->classes; c++)
        buffer_printf(&names, "%s%s", c ? ", " : "", v->label[c].name);
    error_set(e, ERROR_INPUT, "there are words for %zu class%s, but the task has %zu: %s", count,
              count == 1 ? "" : "es", v->classes, names.data ? names.data : "");
    buffer_free(&names);
    return false;
}

static bool json_object(struct verbalizer *v, const cJSON *root, char *const *value, struct error *e) {
    for (const cJSON *node = root->child; node; node = node->next) {
        size_t c = 0;
        while (c < v->classes && strcmp(node->string, v->label[c].name) != 0)
            c++;
        for (size_t i = 0; c == v->classes && value && i < v->classes; i++)
            if (strcmp(node->string, value[i]) == 0)
                c = i;
        if (c == v->classes) {
            wrong_count(v, (size_t)cJSON_GetArraySize(root), e);
            return error_context(e, "\"%.100s\" is no class of the task", node->string);
        }
        if (v->label[c].words)
            return error_set(e, ERROR_INPUT, "the class \"%s\" stands twice, by name and by value",
                             v->label[c].name);
        if (!json_words(&v->label[c], node, e))
            return false;
    }
    return true;
}

static bool json_list(struct verbalizer *v, const cJSON *root, struct error *e) {
    size_t count = (size_t)cJSON_GetArraySize(root), c = 0;
    if (count != v->classes)
        return wrong_count(v, count, e);
    for (const cJSON *node = root->child; node; node = node->next)
        if (!json_words(&v->label[c++], node, e))
            return false;
    return true;
}

// A file may hold several verbalizers in a list; one alone is taken.
static bool is_list_of_verbalizers(const cJSON *root) {
    const cJSON *first = cJSON_IsArray(root) ? root->child : NULL;
    return first && (cJSON_IsObject(first) || (cJSON_IsArray(first) && cJSON_IsArray(first->child)));
}

static bool parse_json(struct verbalizer *v, const char *text, char *const *value, struct error *e) {
    cJSON *root = json_parse(text, strlen(text), e);
    if (!root)
        return false;
    const cJSON *one = root;
    bool ok = true;
    if (is_list_of_verbalizers(root)) {
        one = root->child;
        if (one->next)
            ok = error_set(e, ERROR_INPUT, "this holds %d verbalizers; keep the one that is wanted",
                           cJSON_GetArraySize(root));
    }
    ok = ok && (cJSON_IsObject(one) ? json_object(v, one, value, e) : json_list(v, one, e));
    cJSON_Delete(root);
    return ok;
}

// ---- lines ----

struct lines {
    struct verbalizer *v;
    const char *text;
    size_t at, line, line_begin;
    size_t label; // class being read
};

static void describe_place(const struct lines *l, size_t at, char out[64]) {
    size_t column = 1;
    for (size_t i = l->line_begin; i < at; i++)
        column += ((unsigned char)l->text[i] & 0xc0) != 0x80;
    snprintf(out, 64, " (line %zu, column %zu)", l->line, column);
}

// A word in quotes; l->at is on the opening one.
static bool read_quoted_word(struct lines *l, struct buffer *b, struct error *e) {
    char where[64];
    describe_place(l, l->at, where);
    for (l->at++;; l->at++) {
        char c = l->text[l->at];
        if (!c)
            return error_set(e, ERROR_INPUT, "this quote is never closed%s", where);
        if (c == '"' && l->text[++l->at] != '"')
            break;
        buffer_add_char(b, l->text[l->at]);
    }
    while (is_blank(l->text[l->at]))
        l->at++;
    return l->text[l->at] == '\0' || strchr(",;\n", l->text[l->at])
               ? true
               : error_set(e, ERROR_INPUT, "a comma belongs behind the closing quote%s", where);
}

// One word of the current class, up to its separator.
static bool read_word(struct lines *l, struct error *e) {
    char where[64];
    struct buffer b = {0};
    while (is_blank(l->text[l->at]))
        l->at++;
    describe_place(l, l->at, where);
    bool ok = true;
    if (l->text[l->at] == '"')
        ok = read_quoted_word(l, &b, e);
    else
        while (l->text[l->at] && !strchr(",;\n", l->text[l->at]))
            buffer_add_char(&b, l->text[l->at++]);
    ok = ok && buffer_ok(&b, e) && add_word(&l->v->label[l->label], b.data ? b.data : "", b.length, where, e);
    buffer_free(&b);
    return ok;
}

static void new_line(struct lines *l) {
    l->at++;
    l->line++;
    l->line_begin = l->at;
}

// Is there nothing but blanks and line ends from here on?
static bool rest_blank(const char *text) {
    return text[strspn(text, " \t\r\n")] == '\0';
}

static size_t count_classes(const char *text) {
    size_t count = 1;
    bool quoted = false;
    for (; *text; text++) {
        quoted ^= *text == '"';
        if (!quoted && (*text == ';' || *text == '\n') && !rest_blank(text + 1))
            count++;
    }
    return count;
}

static bool read_class(struct lines *l, struct error *e) {
    for (;;) {
        if (!read_word(l, e))
            return false;
        if (l->text[l->at] != ',')
            break;
        l->at++;
    }
    l->label++;
    return true;
}

static bool parse_lines(struct verbalizer *v, const char *text, struct error *e) {
    struct lines l = {.v = v, .text = text, .line = 1};
    while (l.text[l.at + strspn(l.text + l.at, " \t\r")] == '\n') { // empty lines first
        l.at += strspn(l.text + l.at, " \t\r");
        new_line(&l);
    }
    while (!rest_blank(l.text + l.at)) {
        if (l.label == v->classes)
            return wrong_count(v, count_classes(text), e);
        if (!read_class(&l, e))
            return false;
        if (l.text[l.at] == ';')
            l.at++;
        if (l.text[l.at + strspn(l.text + l.at, " \t\r")] != '\n')
            continue;
        l.at += strspn(l.text + l.at, " \t\r");
        new_line(&l);
        if (l.text[l.at + strspn(l.text + l.at, " \t\r")] == '\n' && !rest_blank(l.text + l.at))
            return error_set(e, ERROR_INPUT,
                             "line %zu is empty, and a second verbalizer follows it; keep one", l.line);
    }
    return l.label == v->classes || wrong_count(v, l.label, e);
}

// ---- both ----

bool verbalizer_parse(struct verbalizer *out, const char *text, char *const *class_name,
                      char *const *class_value, size_t classes, struct error *e) {
    size_t length = strlen(text), first = strspn(text, " \t\r\n");
    memset(out, 0, sizeof *out);
    if (length > VERBALIZER_MOST_BYTES)
        return error_set(e, ERROR_INPUT, "the label words are longer than %d bytes", VERBALIZER_MOST_BYTES);
    if (!utf8_valid(text, length, NULL))
        return error_set(e, ERROR_INPUT, "the label words are not UTF-8");
    bool json = text[first] == '{' || text[first] == '[';
    bool ok = make_classes(out, class_name, classes, e) &&
              (json ? parse_json(out, text, class_value, e) : parse_lines(out, text, e));
    for (size_t c = 0; ok && c < classes; c++)
        if (!out->label[c].words)
            ok = error_set(e, ERROR_INPUT, "the class \"%s\" has no word", out->label[c].name);
    if (!ok)
        verbalizer_free(out);
    return ok;
}

bool verbalizer_letters(struct verbalizer *out, size_t classes, struct error *e) {
    memset(out, 0, sizeof *out);
    if (classes > MOST_LETTERS)
        return error_set(e, ERROR_INPUT, "there are letters for %d options, not for %zu", MOST_LETTERS,
                         classes);
    bool ok = (out->label = mem_calloc(classes, sizeof *out->label, e)) != NULL;
    for (; ok && out->classes < classes; out->classes++) {
        char letter[2] = {(char)('A' + (int)out->classes), 0};
        struct label_class *c = &out->label[out->classes];
        ok = (c->name = mem_strdup(letter, e)) && add_word(c, letter, 1, "", e);
    }
    if (!ok)
        verbalizer_free(out);
    return ok;
}

void verbalizer_bare_letters(struct verbalizer *v) {
    for (size_t k = 0; k < v->classes; k++)
        for (size_t i = 0; i < v->label[k].words; i++) {
            struct label_word *w = &v->label[k].word[i];
            w->bare |= w->text[0] >= 'A' && w->text[0] <= 'Z' && !w->text[1];
        }
}

static void add_plain_word(struct buffer *b, const struct label_word *w, bool very_first) {
    bool quote = strpbrk(w->text, ",;\n\"") || (very_first && !w->bare && strchr("{[", w->text[0]));
    if (!quote) {
        buffer_printf(b, "%s%s", w->bare ? bare_mark : "", w->text);
        return;
    }
    buffer_printf(b, "\"%s", w->bare ? bare_mark : "");
    for (const char *c = w->text; *c; c++)
        buffer_printf(b, *c == '"' ? "\"%c" : "%c", *c);
    buffer_add_char(b, '"');
}

static char *print_lines(const struct verbalizer *v, struct error *e) {
    struct buffer b = {0};
    for (size_t c = 0; c < v->classes; c++) {
        for (size_t w = 0; w < v->label[c].words; w++) {
            buffer_add_text(&b, w ? ", " : "");
            add_plain_word(&b, &v->label[c].word[w], c == 0 && w == 0);
        }
        buffer_add_text(&b, c + 1 < v->classes ? "; " : "");
    }
    return buffer_take(&b, e);
}

static char *print_json(const struct verbalizer *v, struct error *e) {
    cJSON *root = cJSON_CreateObject();
    bool ok = root != NULL;
    for (size_t c = 0; ok && c < v->classes; c++) {
        cJSON *words = cJSON_CreateArray();
        ok = words && json_put(root, v->label[c].name, words, e);
        for (size_t w = 0; ok && w < v->label[c].words; w++) {
            const struct label_word *word = &v->label[c].word[w];
            struct buffer b = {0};
            buffer_printf(&b, "%s%s", word->bare ? bare_mark : "", word->text);
            ok = !b.failed && cJSON_AddItemToArray(words, cJSON_CreateString(b.data));
            buffer_free(&b);
        }
    }
    char *text = ok ? json_print(root, false, e) : NULL;
    if (!ok)
        error_set(e, ERROR_MEMORY, "no memory for the label words");
    cJSON_Delete(root);
    return text;
}

char *verbalizer_print(const struct verbalizer *v, enum verbalizer_form form, struct error *e) {
    return form == VERBALIZER_JSON ? print_json(v, e) : print_lines(v, e);
}

// ---- warnings ----

static void warn_pieces(struct buffer *b, const struct verbalizer *v, const struct label_class *c,
                        const struct label_word *w, const struct tokenizer *t) {
    bool unknown = false;
    for (size_t i = 0; i < w->pieces; i++)
        unknown |= w->id[i] == tokenizer_unk(t);
    if (unknown)
        buffer_printf(b, "\"%s\" (%s) holds a character that this model does not know\n", w->text, c->name);
    if (w->pieces < 2)
        return;
    buffer_printf(b, "\"%s\" (%s) is %zu pieces:", w->text, c->name, w->pieces);
    for (size_t i = 0; i < w->pieces; i++)
        buffer_printf(b, " %s", tokenizer_piece(t, w->id[i]));
    buffer_add_text(b, v->pieces == WORD_FIRST  ? "; only the first counts\n"
                       : v->pieces == WORD_MEAN ? "; their mean counts\n"
                                                : "; the largest counts\n");
}

// Words of two classes that are the same, or begin with the same piece.
static void warn_pair(struct buffer *b, const struct label_class *c, const struct label_class *d,
                      const struct tokenizer *t) {
    for (size_t i = 0; i < c->words; i++)
        for (size_t k = 0; k < d->words; k++) {
            const struct label_word *x = &c->word[i], *y = &d->word[k];
            if (strcmp(x->text, y->text) == 0 && x->bare == y->bare)
                buffer_printf(b, "\"%s\" is a word of both %s and %s\n", x->text, c->name, d->name);
            else if (x->pieces && y->pieces && x->id[0] == y->id[0])
                buffer_printf(b, "\"%s\" (%s) and \"%s\" (%s) begin with the same piece: %s\n", x->text,
                              c->name, y->text, d->name, tokenizer_piece(t, x->id[0]));
        }
}

char *verbalizer_warnings(const struct verbalizer *v, const struct tokenizer *t, struct error *e) {
    struct buffer b = {0};
    for (size_t c = 0; c < v->classes; c++)
        for (size_t w = 0; w < v->label[c].words; w++)
            warn_pieces(&b, v, &v->label[c], &v->label[c].word[w], t);
    for (size_t c = 0; c < v->classes; c++)
        for (size_t d = c + 1; d < v->classes; d++)
            warn_pair(&b, &v->label[c], &v->label[d], t);
    if (b.length)
        b.data[--b.length] = 0; // the last line end
    return buffer_take(&b, e);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A grammar as a thing: its messages, finding names in it, releasing it.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pretrain/grammar_inside.h"

bool grammar_fail(const struct grammar *g, struct place at, struct error *e, const char *format, ...) {
    char text[700];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return error_set(e, ERROR_INPUT, "%s:%zu:%zu: %s", at.file < g->files ? g->file[at.file] : "?", at.line,
                     at.column, text);
}

// ---- names ----

size_t grammar_find_rule(const struct grammar *g, const char *name) {
    for (size_t i = 0; i < g->rules; i++)
        if (strcmp(g->rule[i].name, name) == 0)
            return i;
    return GRAMMAR_NONE;
}
size_t grammar_find_list(const struct grammar *g, const char *name) {
    for (size_t i = 0; i < g->lists; i++)
        if (strcmp(g->list[i].name, name) == 0)
            return i;
    return GRAMMAR_NONE;
}
size_t grammar_find_slot(const struct grammar *g, const char *name) {
    for (size_t i = 0; i < g->slots; i++)
        if (strcmp(g->slot[i].name, name) == 0)
            return i;
    return GRAMMAR_NONE;
}
size_t grammar_find_name(const struct grammar *g, const char *name) {
    for (size_t i = 0; i < g->names; i++)
        if (strcmp(g->name[i], name) == 0)
            return i;
    return GRAMMAR_NONE;
}
size_t list_find_column(const struct list *l, size_t name) {
    for (size_t i = 0; i < l->columns; i++)
        if (l->column[i] == name)
            return i;
    return GRAMMAR_NONE;
}

// ---- releasing ----

static void list_free(struct list *l) {
    for (size_t i = 0; i < l->rows; i++) {
        for (size_t c = 0; l->row[i].cell && c < l->columns; c++)
            free(l->row[i].cell[c]);
        free(l->row[i].cell);
    }
    free(l->row);
    free(l->column);
    free(l->name);
}

void grammar_free(struct grammar *g) {
    if (!g)
        return;
    for (size_t i = 0; i < g->files; i++)
        free(g->file[i]);
    for (size_t i = 0; i < g->names; i++)
        free(g->name[i]);
    for (size_t i = 0; i < g->rules; i++) {
        choice_free(&g->rule[i].choice);
        free(g->rule[i].name);
    }
    for (size_t i = 0; i < g->lists; i++)
        list_free(&g->list[i]);
    for (size_t i = 0; i < g->slots; i++) {
        free(g->slot[i].name);
        free(g->slot[i].list);
    }
    for (size_t i = 0; i < g->irregulars; i++) {
        free(g->irregular[i].from);
        free(g->irregular[i].to);
    }
    for (size_t i = 0; i < g->tasks; i++) {
        free((char *)g->task[i].name);
        free((char *)g->task[i].rule);
        free((char *)g->task[i].label);
        for (size_t c = 0; c < g->task[i].classes; c++)
            free((char *)g->task[i].class_name[c]);
    }
    free(g->file);
    free(g->name);
    free(g->rule);
    free(g->list);
    free(g->slot);
    free(g->irregular);
    free(g->task);
    free(g->task_at);
    free(g);
}

bool grammar_has_rule(const struct grammar *g, const char *name) {
    return grammar_find_rule(g, name) != GRAMMAR_NONE;
}

size_t grammar_tasks(const struct grammar *g, const struct grammar_task **out) {
    *out = g->task;
    return g->tasks;
}

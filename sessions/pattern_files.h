// SPDX-License-Identifier: GPL-3.0-or-later
// Patterns from files: OpenPrompt's template and verbalizer files, both ways, and the gallery.
//
// Template file (.txt): one template a line, in OpenPrompt's syntax or the short form; empty lines do not
// count. Verbalizer file: .json with one verbalizer or a list of them, .jsonl with one a line, or .txt and
// .csv with one class a line and words separated by commas, an empty line before the next verbalizer. What a
// file holds is told from its contents: templates have a mask.
//
// Gallery file: a template file in which a line that begins with "#" says where the next template comes from.
#ifndef PROMPTER_SESSIONS_PATTERN_FILES_H
#define PROMPTER_SESSIONS_PATTERN_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/data/task.h"
#include "engine/pvp/template.h"
#include "engine/pvp/verbalizer.h"

struct pattern_entry {
    char *text, *note; // owned; note: "" where there is none
};
struct pattern_list { // zero-initialise; release with pattern_list_free
    struct pattern_entry *entry;
    size_t count, capacity;
};
void pattern_list_free(struct pattern_list *l);
bool pattern_list_add(struct pattern_list *l, const char *text, size_t length, const char *note,
                      struct error *e);

// Every template, or every verbalizer, of a file, as texts that template_parse or verbalizer_parse reads.
// *words: which it was. An error where the file holds none.
bool pattern_file_read(struct pattern_list *out, const char *path, bool *words, struct error *e);
// Appends the gallery's templates for a family; none where there is no file of it.
bool gallery_read(struct pattern_list *out, enum task_family family, struct error *e);

// In OpenPrompt's syntax, on one line.
bool template_file_write(const char *path, const struct template *t, struct error *e);
// By extension: .json and .jsonl as JSON, .txt and .csv as lines; another one is an error.
bool words_file_write(const char *path, const struct verbalizer *v, struct error *e);

#endif

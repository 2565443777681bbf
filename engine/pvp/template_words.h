// SPDX-License-Identifier: GPL-3.0-or-later
// The words of the template language, shared by its reader, printer and highlighter.
#ifndef PROMPTER_ENGINE_PVP_TEMPLATE_WORDS_H
#define PROMPTER_ENGINE_PVP_TEMPLATE_WORDS_H

#include <stdbool.h>

enum template_key {
    KEY_PLACEHOLDER,
    KEY_META,
    KEY_MASK,
    KEY_TEXT,
    KEY_SPECIAL,
    KEY_SOFT,
    KEY_DUPLICATE,
    KEY_SAME,
    KEY_SOFT_ID,
    KEY_SHORTENABLE,
    KEY_ADD_PREFIX_SPACE,
    KEY_POST_PROCESSING,
    TEMPLATE_KEYS
};
extern const char *const template_keys[TEMPLATE_KEYS];

bool template_is_placeholder(const char *name); // text_a and text_b, the short form's placeholders
bool template_is_blank(char c);                 // blank, tab, line end: white space of a template

#endif

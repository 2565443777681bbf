// SPDX-License-Identifier: GPL-3.0-or-later
// ":" lines about prompts in files: beginning a run with one, taking one into the present run; and what can
// be named where a prompt or a piece is asked for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/kept.h"
#include "sessions/paths.h"
#include "sessions/prompt_file.h"

#include "parts.h"
#include "workbench_state.h"

// Reads it, and sees whether it goes with what is open.
static bool read_fitting(struct workbench *w, const char *path, struct prompt_matrix *out, struct error *e) {
    const struct workspace *ws = w->workspace;
    if (!ws || !w->session)
        return error_set(e, ERROR_INPUT,
                         "nothing is open yet; open a session or a task, e.g. :open sentiment");
    if (!prompt_file_read(out, path, e))
        return false;
    if (out->columns != ws->config.d_model)
        return error_set(
            e, ERROR_INPUT,
            "%.300s has vectors of %zu numbers, this model's have %zu: it was made for another model", path,
            out->columns, ws->config.d_model);
    return true;
}

// ":load kept/007": as that run of the session was, from its best prompt.
static void load_kept(struct workbench *w, const char *name, double now) {
    struct kept_prompt k = {0};
    struct error e = {0};
    char *path = NULL;
    bool ok = kept_prompt_find(&k, w->session, name, &e) && (path = kept_prompt_path(w->session, name, &e)) &&
              run_settings_set(&k.settings, "start", "file", &e) &&
              run_settings_set(&k.settings, "start_file", path, &e) &&
              session_set_template(w->session, k.template_text, &e) &&
              session_set_label_words(w->session, k.label_words, &e);
    if (ok) {
        k.settings.own = w->wanted.own; // the examples are the session's, not the run's
        w->wanted = k.settings;
        workbench_apply(w, now);
        workbench_say(w, STYLE_GOOD, now,
                      "as kept/%s was: seed %llu, its best prompt of step %zu; %s on screen %s scores it",
                      name, (unsigned long long)k.settings.seed, k.step, PART_KEY(EVALUATE, WHERE_RUN),
                      PART_KEY(SCREEN_RUN, WHERE_COMPARE));
    } else {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    }
    kept_prompt_free(&k);
    free(path);
}

void command_load(struct workbench *w, const char *path, double now) {
    static const char kept[] = "kept/";
    if (w->session && !w->recording && strncmp(path, kept, sizeof kept - 1) == 0 && !file_exists(path)) {
        load_kept(w, path + sizeof kept - 1, now);
        return;
    }
    struct prompt_matrix m = {0};
    struct error e = {0};
    struct run_settings s = w->wanted;
    char *real = read_fitting(w, path, &m, &e) ? path_real(path, &e) : NULL;
    bool ok =
        real && run_settings_set(&s, "start", "file", &e) && run_settings_set(&s, "start_file", real, &e);
    if (ok && m.rows != w->workspace->slots)
        ok = error_set(&e, ERROR_INPUT,
                       "%.300s has %zu vectors, the template has room for %zu: write {soft:%zu} on screen "
                       "%s (%s applies it), then load it",
                       path, m.rows, w->workspace->slots, m.rows, PART_KEY(SCREEN_PATTERN, WHERE_PATTERN),
                       PART_KEY(APPLY, WHERE_PATTERN));
    if (ok) {
        w->wanted = s;
        workbench_apply(w, now);
    } else {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    }
    prompt_matrix_free(&m);
    free(real);
}

void command_load_here(struct workbench *w, const char *path, double now) {
    struct prompt_matrix m = {0};
    struct error e = {0};
    struct prompt_edit *edit = NULL;
    if (read_fitting(w, path, &m, &e) &&
        (edit = prompt_edit_make(EDIT_VECTORS, EDIT_EVERY_SLOT, m.rows, m.columns, &e))) {
        memcpy(edit->vectors, m.value, m.rows * m.columns * sizeof *m.value);
        workbench_send(w, (struct engine_command){.verb = ENGINE_EDIT, .edit = edit}, now);
    } else {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    }
    prompt_matrix_free(&m);
}

// ---- completion ----

// Pieces that begin a word without their mark, others behind a "+".
void command_offer_pieces(const struct workbench *w, const char *word, void (*add)(void *, const char *),
                          void *sink) {
    enum { MOST = 400 };
    static const char mark[] = "\xe2\x96\x81";
    const struct tokenizer *t = w->workspace ? w->workspace->tokenizer : NULL;
    size_t length = strlen(word), found = 0;
    for (size_t i = 0; t && length > 0 && i < tokenizer_pieces(t) && found < MOST; i++) {
        char text[160];
        const char *piece = tokenizer_piece(t, (int32_t)i);
        if (tokenizer_is_special(t, (int32_t)i))
            continue;
        bool begins = strncmp(piece, mark, sizeof mark - 1) == 0;
        snprintf(text, sizeof text, "%s%.150s", begins ? "" : "+", begins ? piece + sizeof mark - 1 : piece);
        if (text[begins ? 0 : 1] && strncmp(text, word, length) == 0) {
            add(sink, text);
            found++;
        }
    }
}

void command_offer_kept(const struct workbench *w, const char *word, void (*add)(void *, const char *),
                        void *sink) {
    struct name_list kept = {0};
    char text[200];
    char *folder = w->session ? path_join(session_folder(w->session), "kept", NULL) : NULL;
    if (folder && name_list_read(&kept, folder, "prompts/best.safetensors", NULL))
        for (size_t i = 0; i < kept.count; i++) {
            snprintf(text, sizeof text, "kept/%.180s", kept.name[i]);
            if (strncmp(text, word, strlen(word)) == 0)
                add(sink, text);
        }
    name_list_free(&kept);
    free(folder);
}

// Prompts that have a name: "best", "start", those of earlier runs.
void command_offer_prompts(const struct workbench *w, const char *word, void (*add)(void *, const char *),
                           void *sink) {
    static const char *const names[] = {"best", "start", "off"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(names[i], word, strlen(word)) == 0)
            add(sink, names[i]);
    command_offer_kept(w, word, add, sink);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "kept.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/safetensors.h"
#include "paths.h"
#include "session_inside.h"

void kept_prompt_free(struct kept_prompt *k) {
    free(k->name);
    prompt_matrix_free(&k->prompt);
    free(k->template_text);
    free(k->label_words);
    *k = (struct kept_prompt){0};
}

void kept_prompts_free(struct kept_prompts *k) {
    for (size_t i = 0; i < k->count; i++)
        kept_prompt_free(&k->prompt[i]);
    free(k->prompt);
    *k = (struct kept_prompts){0};
}

// The first line of a run's journal says what it was; no other is needed.
static bool take_begin(void *context, const struct journal_record *r, struct error *e) {
    struct kept_prompt *k = context;
    const cJSON *settings = NULL;
    const char *template = "", *words = "";
    cJSON *o = strcmp(r->what, "begin") == 0 ? journal_record_json(r, NULL) : NULL;
    if (o && json_get_string(o, "template", true, &template, NULL) &&
        json_get_string(o, "label_words", true, &words, NULL) &&
        json_get_object(o, "settings", true, &settings, NULL) &&
        session_settings_read(&k->settings, settings, NULL)) {
        k->template_text = mem_strdup(template, e);
        k->label_words = mem_strdup(words, e);
    }
    cJSON_Delete(o);
    return false;
}

static double number_in(const struct safetensors *file, const char *key) {
    const char *text = safetensors_metadata(file, key);
    char *end = NULL;
    double x = text ? strtod(text, &end) : (double)NAN;
    return end && end != text ? x : (double)NAN;
}

static bool read_prompt(struct kept_prompt *k, const char *path) {
    struct safetensors *file = NULL;
    if (!prompt_file_read(&k->prompt, path, NULL) || !safetensors_open(&file, path, NULL))
        return false;
    double step = number_in(file, "step");
    k->step = step >= 0 && step < 1e15 ? (size_t)step : 0;
    k->dev_accuracy = number_in(file, "dev_accuracy");
    safetensors_close(file);
    return true;
}

// False where its files do not say enough.
static bool read_kept(struct kept_prompt *k, const char *folder, const char *name) {
    struct journal_history end;
    struct buffer journal = {0}, best = {0};
    *k = (struct kept_prompt){.name = mem_strdup(name, NULL)};
    run_settings_default(&k->settings);
    buffer_printf(&journal, "%s/%s/journal.jsonl", folder, name);
    buffer_printf(&best, "%s/%s/prompts/best.safetensors", folder, name);
    bool ok = k->name && buffer_ok(&journal, NULL) && buffer_ok(&best, NULL);
    if (ok)
        journal_visit(journal.data, take_begin, k, &end, NULL);
    ok = ok && k->template_text && k->label_words && read_prompt(k, best.data);
    buffer_free(&journal);
    buffer_free(&best);
    if (!ok)
        kept_prompt_free(k);
    return ok;
}

bool kept_prompts_read(struct kept_prompts *out, const struct session *s, struct error *e) {
    struct name_list list = {0};
    char *folder = session_path(s, "kept", e);
    *out = (struct kept_prompts){0};
    bool ok = folder && name_list_read(&list, folder, "prompts/best.safetensors", e);
    size_t first = list.count > KEPT_MOST ? list.count - KEPT_MOST : 0;
    out->left_out = first;
    for (size_t i = first; ok && i < list.count; i++) {
        ok = mem_grow(&out->prompt, &out->capacity, out->count + 1, sizeof *out->prompt, e);
        if (ok && read_kept(&out->prompt[out->count], folder, list.name[i]))
            out->count++;
        else
            out->left_out++;
    }
    name_list_free(&list);
    free(folder);
    if (!ok)
        kept_prompts_free(out);
    return ok;
}

char *kept_prompt_path(const struct session *s, const char *name, struct error *e) {
    struct buffer below = {0};
    buffer_printf(&below, "kept/%s/prompts/best.safetensors", name);
    char *path = buffer_ok(&below, e) ? session_path(s, below.data, e) : NULL;
    buffer_free(&below);
    return path;
}

bool kept_prompt_find(struct kept_prompt *out, const struct session *s, const char *name, struct error *e) {
    char *folder = session_path(s, "kept", e), *path = NULL;
    bool ok = folder != NULL, plain = *name && !strchr(name, '/') && name[0] != '.';
    *out = (struct kept_prompt){0};
    if (ok && !(plain && read_kept(out, folder, name))) {
        path = plain ? kept_prompt_path(s, name, NULL) : NULL;
        ok = error_set(e, ERROR_INPUT,
                       path && !file_exists(path)
                           ? "kept/%s has no best prompt: there is no such run, or dev was never scored in it"
                           : "kept/%s cannot be read",
                       name);
    }
    free(path);
    free(folder);
    return ok;
}

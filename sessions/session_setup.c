// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine opens: the parts of the session, the prompt file of a start from a file, and the kept run.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc.h"
#include "engine/base/file.h"
#include "prompt_file.h"
#include "session_inside.h"

enum { MARK_DIGITS = 8 };

// Adds the last name of a path, "/task.json" aside, with a NUL behind it. Names, not whole paths: a session
// that was moved with its model and task is the same run.
static void add_name(struct buffer *b, const char *path) {
    size_t n = strlen(path), from;
    static const char file[] = "/task.json";
    if (n >= sizeof file - 1 && strcmp(path + n - (sizeof file - 1), file) == 0)
        n -= sizeof file - 1;
    for (from = n; from && path[from - 1] != '/';)
        from--;
    buffer_add(b, path + from, n - from);
    buffer_add_char(b, '\0');
}

void session_mark(const struct session *s, char out[CHECKPOINT_SETUP]) {
    const struct session_parts *p = &s->parts;
    struct buffer b = {0};
    add_name(&b, p->model);
    add_name(&b, p->task);
    buffer_add(&b, p->template_text, strlen(p->template_text) + 1);
    buffer_add(&b, p->label_words, strlen(p->label_words) + 1);
    for (size_t i = 0; i < run_setting_count; i++) {
        char value[RUN_SETTING_TEXT];
        if (run_setting_table[i].live)
            continue;
        run_settings_get(&p->settings, run_setting_table[i].name, value, sizeof value);
        buffer_printf(&b, "%s=%s", run_setting_table[i].name, value);
        buffer_add_char(&b, '\0');
    }
    char rate[RUN_SETTING_TEXT];
    run_settings_get(&p->settings, "rate", rate, sizeof rate);
    snprintf(out, CHECKPOINT_SETUP, "%0*" PRIx32 " %.22s", MARK_DIGITS,
             b.failed ? 0 : crc_of(b.data, b.length), rate);
    buffer_free(&b);
}

static bool read_start(const struct session *s, struct engine_setup *setup, struct error *e) {
    const struct run_settings *settings = &s->parts.settings;
    if (settings->start != START_FILE)
        return true;
    if (!settings->start_file[0])
        return error_set(e, ERROR_INPUT, "the prompt starts from a file, but start_file names none");
    char *inside = session_path(s, settings->start_file, e);
    struct prompt_matrix m = {0};
    bool ok = inside && prompt_file_read(&m, file_exists(inside) ? inside : settings->start_file, e);
    free(inside);
    if (!ok)
        return error_context(e, "start_file");
    setup->start_vectors = m.value;
    setup->start_count = m.rows;
    setup->start_width = m.columns;
    return true;
}

static bool copy_text(char **out, const char *text, struct error *e) {
    *out = text && text[0] ? mem_strdup(text, e) : NULL;
    return *out || !text || !text[0];
}

// The history up to the checkpoint's step.
static bool read_history(struct session *s, struct engine_setup *setup, struct error *e) {
    struct journal_history h;
    char *path = session_path(s, "journal.jsonl", e);
    bool ok = path && journal_read(&h, path, e);
    free(path);
    if (!ok)
        return false;
    if (h.note[0])
        session_note(s, "%s", h.note);
    journal_history_cut(&h, setup->resume->step);
    setup->history = h.metric;
    setup->history_count = h.count;
    return true;
}

// Reads the kept run if it is one of this setup. What is not resumed is said in the notes and moves to kept/
// later; it is no error, since the session itself is whole.
static bool read_kept(struct session *s, struct engine_setup *setup, const char *wanted, struct error *e) {
    char *path = session_path(s, "prompts/last.safetensors", e), mark[CHECKPOINT_SETUP];
    struct run_checkpoint *c = path ? mem_calloc(1, sizeof *c, e) : NULL;
    struct error why = {0};
    bool ok = c != NULL;
    if (!ok || !file_exists(path))
        goto done;
    if (!checkpoint_read(c, mark, path, &why)) {
        session_note(s, "%s; the run begins anew, and these files move to kept/", why.text);
        s->begin_pending = true;
        goto done;
    }
    if (strncmp(mark, wanted, MARK_DIGITS) != 0) {
        session_note(s,
                     "the kept run had another model, template, label words or settings: a new run begins, "
                     "and the kept one moves to kept/");
        s->begin_pending = true;
        checkpoint_release(c);
        goto done;
    }
    // The run goes on with the rate it had, which may have been changed while it ran; unless the session was
    // given another one since.
    if (strcmp(mark, wanted) != 0)
        c->rate = s->parts.settings.rate;
    setup->resume = c;
    c = NULL;
    s->resume_pending = true;
    s->resume_step = setup->resume->step;
    ok = read_history(s, setup, e);
done:
    free(c);
    free(path);
    return ok;
}

// The run that is kept on the disk, if any, is not what the engine will open.
static bool anything_kept(const struct session *s) {
    char *path = session_path(s, "prompts", NULL);
    bool there = path && file_exists(path);
    free(path);
    return there;
}

struct engine_setup *session_setup(struct session *s, bool fresh, struct error *e) {
    const struct session_parts *p = &s->parts;
    struct engine_setup *setup = mem_calloc(1, sizeof *setup, e);
    if (!setup)
        return NULL;
    pthread_mutex_lock(&s->disk_lock);
    setup->settings = p->settings;
    bool ok = copy_text(&setup->model_folder, p->model, e) && copy_text(&setup->task_path, p->task, e) &&
              copy_text(&setup->data_folder, p->data, e) &&
              copy_text(&setup->template_text, p->template_text, e) &&
              copy_text(&setup->label_words, p->label_words, e) && read_start(s, setup, e);
    char mark[CHECKPOINT_SETUP];
    session_mark(s, mark);
    s->resume_pending = false;
    if (ok && fresh && anything_kept(s) && s->active) // what the engine still has is told apart from now on
        ok = session_move_kept(s, e);
    else if (ok && fresh)
        s->begin_pending |= anything_kept(s);
    else if (ok && !s->begin_pending)
        ok = read_kept(s, setup, mark, e);
    if (ok)
        snprintf(s->mark, sizeof s->mark, "%s", mark); // after the move, which still needs the old one
    pthread_mutex_unlock(&s->disk_lock);
    if (ok)
        return setup;
    engine_setup_free(setup);
    return NULL;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine opens: the parts of the session, the prompt file of a start from a file, and the kept run.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc.h"
#include "engine/base/file.h"
#include "method.h"
#include "prompt_file.h"
#include "session_inside.h"
#include "snapshot_files.h"

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
        if (run_setting_table[i].live || strcmp(run_setting_table[i].name, "own") == 0 ||
            strcmp(run_setting_table[i].name, "method") == 0)
            continue;
        run_settings_get(&p->settings, run_setting_table[i].name, value, sizeof value);
        const char *shown = strcmp(run_setting_table[i].name, "start_file") == 0 ? path_name(value) : value;
        buffer_printf(&b, "%s=%s", run_setting_table[i].name, shown);
        buffer_add_char(&b, '\0');
    }
    if (p->settings.method == METHOD_UNIFIED_PPT ||
        p->settings.method == METHOD_FINE_TUNING) // the others are what template and start say
        buffer_printf(&b, "method=%d", (int)p->settings.method);
    if (p->settings.own != RUN_OWN_NONE) { // otherwise they make no difference
        buffer_printf(&b, "own=%d", (int)p->settings.own);
        buffer_add(&b, p->own_examples, strlen(p->own_examples) + 1);
    }
    char rate[RUN_SETTING_TEXT];
    run_settings_get(&p->settings, "rate", rate, sizeof rate);
    snprintf(out, CHECKPOINT_SETUP, "%0*" PRIx32 " %.22s", MARK_DIGITS,
             b.failed ? 0 : crc_of(b.data, b.length), rate);
    buffer_free(&b);
}

static bool read_start(const struct session *s, struct engine_setup *setup, struct error *e) {
    const struct run_settings *settings = &s->parts.settings;
    if (settings->start != START_FILE && settings->start != START_PRETRAINED)
        return true;
    bool pretrained = settings->start == START_PRETRAINED;
    if (!pretrained && !settings->start_file[0])
        return error_set(e, ERROR_INPUT, "the prompt starts from a file, but start_file names none");
    char *inside = pretrained ? method_start_path(s->parts.model, s->parts.task, settings, e)
                              : session_path(s, settings->start_file, e);
    struct prompt_matrix m = {0};
    bool ok =
        inside && prompt_file_read(&m, pretrained || file_exists(inside) ? inside : settings->start_file, e);
    free(inside);
    if (!ok)
        return error_context(e, pretrained ? "start" : "start_file");
    setup->start_vectors = m.value;
    setup->start_count = m.rows;
    setup->start_width = m.columns;
    return true;
}

static bool copy_text(char **out, const char *text, struct error *e) {
    *out = text && text[0] ? mem_strdup(text, e) : NULL;
    return *out || !text || !text[0];
}

// The newest checkpoint that counts.
struct kept_run {
    struct run_checkpoint checkpoint;
    struct checkpoint_origin origin;
    bool found;
    uint64_t highest;      // serial of all that could be read
    size_t step_file;      // which of them it is; STEP_FILES: last.safetensors
    struct error unusable; // why last.safetensors is not
};

// Whether the journal tells of the step that was kept. Where it does not, the machine stopped before the disk
// had it, or it was lost.
static bool reaches(const struct journal_history *h, size_t step) {
    return step == 0 || (h->count && h->metric[h->count - 1].step >= step);
}

// A step's checkpoint counts when the journal reaches it; last.safetensors counts without that as well, as it
// is all that is left where a journal was lost.
static bool look_at(struct session *s, struct kept_run *k, size_t which, const struct journal_history *h,
                    struct error *e) {
    char name[64];
    struct run_checkpoint c;
    struct checkpoint_origin o;
    bool is_step = which < STEP_FILES;
    snprintf(name, sizeof name, "prompts/%s", is_step ? step_file_names[which] : "last.safetensors");
    char *path = session_path(s, name, e);
    if (!path)
        return false;
    struct error why = {0};
    bool ok = file_exists(path) &&
              (is_step ? step_file_read(&c, &o, path, &why) : checkpoint_read_from(&c, &o, path, &why));
    free(path);
    if (!ok && (why.kind == ERROR_MEMORY || why.kind == ERROR_SYSTEM)) { // it may be read another time
        if (e)
            *e = why;
        return false;
    }
    if (!ok && !is_step)
        k->unusable = why;
    if (!ok)
        return true;
    if (o.serial > k->highest)
        k->highest = o.serial;
    if ((is_step && !reaches(h, c.step)) || (k->found && o.serial < k->origin.serial)) {
        checkpoint_release(&c);
        return true;
    }
    checkpoint_release(&k->checkpoint);
    k->checkpoint = c;
    k->origin = o;
    k->step_file = which;
    k->found = true;
    return true;
}

// The snapshots of the run that goes on. Those beyond its step do not count, and their files go with the next
// write. What cannot be read is left out: the run itself needs none of them.
static bool read_snapshots(struct session *s, struct run_checkpoint *c, struct error *e) {
    size_t slots = 0, width = 0;
    for (size_t i = 0; i < c->arrays; i++)
        if (strcmp(c->array[i].name, "prompt") == 0) {
            slots = c->array[i].rows;
            width = c->array[i].columns;
        }
    char *prompts = session_path(s, "prompts", e);
    snapshot_set_release(s->snapshots);
    s->snapshots = NULL;
    bool ok = prompts && snapshot_files_read(&s->snapshots, prompts, slots, width,
                                             c->has_best ? &c->best : NULL, NULL, e);
    c->snapshots = snapshot_set_hold(s->snapshots);
    free(prompts);
    return ok;
}

// Hands checkpoint and history over to the setup.
static bool resume(struct session *s, struct engine_setup *setup, struct kept_run *k,
                   struct journal_history *h, const char *wanted, struct error *e) {
    setup->resume = mem_calloc(1, sizeof *setup->resume, e);
    if (!setup->resume)
        return false;
    // The run goes on with the rate it had, which may have been changed while it ran; unless the session was
    // given another one since.
    if (strcmp(k->origin.setup, wanted) != 0)
        k->checkpoint.rate = s->parts.settings.rate;
    *setup->resume = k->checkpoint;
    k->checkpoint = (struct run_checkpoint){0};
    if (!read_snapshots(s, setup->resume, e))
        return false;
    s->resume_pending = true;
    s->resume_step = setup->resume->step;
    journal_history_cut(h, setup->resume->step);
    const struct metric *last = h->count ? &h->metric[h->count - 1] : NULL;
    if (last && last->kind == METRIC_EVAL && last->step == setup->resume->step &&
        setup->resume->scored_step != last->step)
        h->count--; // not yet scored when it was kept: the run scores it again
    s->tested = h->test;
    setup->history = h->metric;
    setup->history_count = h->count;
    *h = (struct journal_history){0};
    return true;
}

// Reads the kept run if it is one of this setup. What is not resumed is said in the notes and moves to kept/
// later; it is no error, since the session itself is whole.
static bool read_kept(struct session *s, struct engine_setup *setup, const char *wanted, struct error *e) {
    struct kept_run k = {0};
    struct journal_history h = {0};
    char *path = session_path(s, "journal.jsonl", e);
    bool ok = path && journal_read(&h, path, e);
    for (size_t i = 0; ok && i <= STEP_FILES; i++)
        ok = look_at(s, &k, i, &h, e);
    if (!ok)
        goto done;
    s->serial = k.highest;
    step_files_close(&s->steps);
    step_files_reset(&s->steps, k.found && k.step_file < STEP_FILES ? k.step_file + 1 : 0);
    if (k.unusable.text[0] && k.found)
        session_note(s, "%s; the run goes on from where it was kept after a step", k.unusable.text);
    if (k.unusable.text[0] && !k.found) {
        session_note(s, "%s; the run begins anew, and these files move to kept/", k.unusable.text);
        s->begin_pending = true;
    } else if (k.found && strncmp(k.origin.setup, wanted, MARK_DIGITS) != 0) {
        session_note(s,
                     "the kept run had another model, template, label words or settings: a new run begins, "
                     "and the kept one moves to kept/");
        s->begin_pending = true;
    } else if (k.found) {
        if (h.note[0] && !s->read_only) // another program may be writing its last line
            session_note(s, "%s", h.note);
        ok = resume(s, setup, &k, &h, wanted, e);
    } else if (h.count) { // killed before anything was kept: from the beginning
        s->resume_pending = true;
        s->resume_step = 0;
    }
done:
    checkpoint_release(&k.checkpoint);
    journal_history_free(&h);
    free(path);
    return ok;
}

// The run that is kept on the disk, if any, is not what the engine will open.
static bool anything_kept(const struct session *s, bool *there, struct error *e) {
    char *path = session_path(s, "prompts", e);
    *there = path && file_exists(path);
    free(path);
    return path != NULL;
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
              copy_text(&setup->label_words, p->label_words, e) &&
              copy_text(&setup->own_examples, p->own_examples, e) && read_start(s, setup, e);
    char mark[CHECKPOINT_SETUP];
    session_mark(s, mark);
    s->resume_pending = false;
    s->tested = (struct journal_test){0};
    bool kept = false;
    if (ok && fresh)
        ok = anything_kept(s, &kept, e);
    if (ok && fresh && kept && s->active) // what the engine still has is told apart from now on
        ok = session_move_kept(s, e);
    else if (ok && fresh)
        s->begin_pending |= kept;
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

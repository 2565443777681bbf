// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions of the workbench: opened, saved, forked, begun anew with other settings, closed.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sessions/prompt_file.h"

#include "workbench_state.h"

void workbench_tell_notes(struct workbench *w, const char *more, double now) {
    const char *notes = session_notes(w->session), *why = session_read_only(w->session);
    struct buffer b = {0};
    if (why)
        buffer_printf(&b, "read-only: %s%s", why, notes[0] ? "\n" : "");
    buffer_add_text(&b, notes);
    if (more)
        buffer_printf(&b, "%s%s", b.length ? "\n" : "", more);
    if (b.length && !b.failed && frame_message_rows(b.data, w->columns > 0 ? w->columns : 80) <= MESSAGE_ROWS)
        workbench_say(w, STYLE_WARN, now, "%s", b.data);
    else if (b.length && !b.failed)
        workbench_show(w, more ? "please read" : "about this session", b.data);
    buffer_free(&b);
}

bool workbench_send_session(struct workbench *w, bool fresh, double now) {
    struct error e = {0};
    struct engine_setup *setup = session_setup(w->session, fresh, &e);
    if (!setup) {
        workbench_complain(w, e.text, now);
        w->lost = !w->workspace;
        return false;
    }
    return workbench_send(w, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}, now);
}

// The loop watches one descriptor for as long as it runs; what it stands for changes with the session.
static bool watch(struct workbench *w, int fd, struct error *e) {
    if (w->fd >= 0 ? dup2(fd, w->fd) >= 0 : (w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0)
        return true;
    return error_system(e, "the engine's news cannot be listened for");
}

bool workbench_start_engine(struct workbench *w, struct error *e) {
    const struct engine_options options = {
        .threads = w->threads, .keeper = session_keeper(w->session), .openblas = w->openblas};
    if (w->recording)
        return watch(w, recording_fd(w->recording), e);
    return engine_create(&w->engine, &options, e) && watch(w, engine_fd(w->engine), e);
}

void workbench_close_session(struct workbench *w) {
    struct error e = {0};
    if (!w->recording)
        workspace_release(w->workspace);
    w->workspace = NULL;
    w->opened++;
    engine_close(w->engine);
    w->engine = NULL;
    workbench_forget_studies(w);
    // A recording is a picture of a run, not a run: nothing of it is kept.
    if (w->session && !w->recording && !session_read_only(w->session) && session_changed(w->session) &&
        !session_save(w->session, &e))
        fprintf(stderr, "prompter: the session could not be saved: %s\n", e.text);
    session_free(w->session);
    w->session = NULL;
    series_end(w, false, 0);
    prompt_picture_free(w->picture);
    w->picture = NULL;
    snapshot_set_release(w->snapshots);
    w->snapshots = NULL;
    w->history_count = w->history_read = w->history_epoch = 0;
    w->has_dev = w->has_test = false;
    w->state = ENGINE_EMPTY;
}

void workbench_open(struct workbench *w, const char *what, double now) {
    struct session *next = NULL;
    struct error e = {0};
    if (what && w->session && strcmp(what, session_name(w->session)) == 0) {
        workbench_say(w, STYLE_PLAIN, now, "%s is open already", what);
        return;
    }
    if (!session_open_reading(&next, what, NULL, &e) || !session_begin_with(next, &w->first, &e)) {
        session_free(next);
        workbench_complain(w, e.text, now);
        return;
    }
    workbench_close_session(w);
    w->session = next;
    w->wanted = *session_settings(next);
    if (!workbench_start_engine(w, &e)) {
        workbench_complain(w, e.text, now);
        return;
    }
    workbench_refresh(w, now);
    if (workbench_send_session(w, false, now)) {
        workbench_say(w, STYLE_PLAIN, now, "opening %s", session_name(next));
        workbench_tell_notes(w, NULL, now);
        series_load(w, now);
    }
}

bool workbench_pending(const struct workbench *w) {
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->unsaved && view_list[i]->unsaved(w->view_state[i], w))
            return true;
    return w->session && !run_settings_equal(&w->wanted, session_settings(w->session));
}

bool workbench_begin_anew(struct workbench *w, double now) {
    struct error e = {0};
    if (!w->recording && (!session_begin_run(w->session, &e) || !session_save(w->session, &e))) {
        workbench_complain(w, e.text, now);
        return false;
    }
    return workbench_send_session(w, true, now);
}

void workbench_apply(struct workbench *w, double now) {
    struct error e = {0};
    if (!w->session) {
        workbench_say(w, STYLE_WARN, now, "Nothing is open. Open a session or a task: :open NAME");
        return;
    }
    if (!w->series_applying)
        series_end(w, true, now);
    session_set_settings(w->session, &w->wanted);
    w->wanted = *session_settings(w->session); // the session has a file below its folder by its place there
    if (!session_accept_edits(w->session, &e) || !session_commit_edits(w->session, &e)) {
        workbench_complain(w, e.text, now);
        return;
    }
    if (workbench_begin_anew(w, now))
        workbench_say(w, STYLE_GOOD, now,
                      "a new run with these settings; the old one is kept in the session");
}

bool workbench_set_own(struct workbench *w, const char *text, double now) {
    struct error e = {0};
    if (!w->session)
        return false;
    const char *why = session_read_only(w->session);
    bool ok = why ? error_set(&e, ERROR_INPUT, "read-only: %s; :write NAME saves a copy", why)
                  : session_set_own_examples(w->session, text, &e) && session_commit_edits(w->session, &e) &&
                        (w->recording || session_save(w->session, &e));
    if (!ok)
        workbench_complain(w, e.text, now);
    workbench_refresh(w, now);
    return ok;
}

bool workbench_own_waits(const struct workbench *w) {
    const char *has = w->workspace && w->workspace->setup ? w->workspace->setup->own_examples : NULL;
    return w->session && w->workspace && w->wanted.own != RUN_OWN_NONE &&
           strcmp(session_own_examples(w->session), has ? has : "") != 0;
}

void workbench_save(struct workbench *w, const char *name, double now) {
    struct error e = {0};
    if (!w->session) {
        workbench_say(w, STYLE_WARN, now, "nothing is open that could be saved");
        return;
    }
    if (w->recording) {
        workbench_say(w, STYLE_WARN, now, "this is a recording: it cannot be saved");
        return;
    }
    if (name ? !session_save_as(w->session, name, &e) : !session_save(w->session, &e)) {
        workbench_complain(w, e.text, now);
        return;
    }
    if (w->workspace)
        workbench_send_verb(w, ENGINE_KEEP, now);
    workbench_say(w, STYLE_GOOD, now, "saved in %s", session_folder(w->session));
}

void workbench_fork(struct workbench *w, const char *name, double now) {
    struct error e = {0};
    char *made = NULL;
    if (!w->session || !w->workspace || !w->picture || !w->picture->vectors) {
        workbench_say(w, STYLE_WARN, now,
                      w->recording ? "a recording has no vectors to begin with"
                                   : "there is no prompt to begin with yet");
        return;
    }
    const struct prompt_matrix prompt = {w->picture->vectors, w->picture->slots, w->picture->width};
    size_t step = w->picture->step;
    if (!session_fork(w->session, name, &prompt, step, &made, &e)) {
        workbench_complain(w, e.text, now);
        return;
    }
    workbench_open(w, made, now);
    workbench_say(w, STYLE_GOOD, now,
                  "%s begins with the prompt of step %zu; the session before is as you left it", made, step);
    free(made);
}

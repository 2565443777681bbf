// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine's thread keeps: checkpoints and best prompts in prompts/, every metric in the journal; and
// how a finished run makes room for the next.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "paths.h"
#include "session_inside.h"
#include "snapshot_files.h"

enum { MOST_WAITING = 1 << 16 };
static const char journal_name[] = "journal.jsonl", prompts_name[] = "prompts";

// ---- moving an earlier run away ----

static bool is_kept(const struct session *s, const char *name, bool *there, struct error *e) {
    char *path = session_path(s, name, e);
    *there = path && file_exists(path);
    free(path);
    return path != NULL;
}

// Makes the first kept/NNN that is not there yet; mkdir is what makes sure that it is ours.
static char *make_kept_folder(const struct session *s, struct error *e) {
    char *kept = session_path(s, "kept", e);
    if (!kept || !file_make_folders(kept, e)) {
        free(kept);
        return NULL;
    }
    char *made = NULL;
    for (unsigned n = 1; n < 100000 && !made; n++) {
        char name[16];
        snprintf(name, sizeof name, "%03u", n);
        char *path = path_join(kept, name, e);
        if (path && mkdir(path, 0777) == 0) {
            made = path;
            break;
        }
        bool taken = path && errno == EEXIST;
        if (path && !taken)
            error_system(e, "cannot make %s", path);
        free(path);
        if (!taken)
            break;
    }
    free(kept);
    return made;
}

static bool move_into(const struct session *s, const char *name, const char *folder, struct error *e) {
    bool there;
    if (!is_kept(s, name, &there, e))
        return false;
    if (!there)
        return true;
    char *from = session_path(s, name, e), *to = path_join(folder, name, e);
    bool ok = from && to && (rename(from, to) == 0 || error_system(e, "cannot move %s to %s", from, to));
    free(from);
    free(to);
    return ok;
}

// Both or none: what was moved before the failure goes back.
static bool move_run(const struct session *s, const char *folder, struct error *e) {
    if (!move_into(s, prompts_name, folder, e))
        return false;
    if (move_into(s, journal_name, folder, e))
        return true;
    char *moved = path_join(folder, prompts_name, NULL), *home = session_path(s, prompts_name, NULL);
    if (moved && home && rename(moved, home) == 0)
        rmdir(folder);
    free(moved);
    free(home);
    return false;
}

static void forget_retired(struct session *s) {
    journal_free(s->retired.journal);
    free(s->retired.folder);
    snapshot_set_release(s->retired.snapshots);
    s->retired.snapshots = NULL;
    s->retired.journal = NULL;
    s->retired.folder = NULL;
}

// The prompts go first: a checkpoint without its journal can be resumed, the other way round it is lost.
bool session_move_kept(struct session *s, struct error *e) {
    bool journal_there, prompts_there;
    if (!is_kept(s, journal_name, &journal_there, e) || !is_kept(s, prompts_name, &prompts_there, e))
        return false;
    if (!journal_there && !prompts_there) {
        s->begin_pending = false;
        return true;
    }
    if (journal_there && !session_flush_edits(s, e)) // the edits that end this run
        return false;
    if (s->journal && !journal_flush(s->journal, e))
        return false;
    char *to = make_kept_folder(s, e);
    if (!to || !move_run(s, to, e)) {
        free(to);
        return false;
    }
    forget_retired(s);
    if (s->active && s->last_step > 1) {
        s->retired.folder = to;
        s->retired.journal = s->journal;
        s->retired.snapshots = s->snapshots;
        s->snapshots = NULL;
        snprintf(s->retired.mark, sizeof s->retired.mark, "%s", s->mark);
    } else {
        journal_free(s->journal);
        free(to);
    }
    s->journal = NULL;
    step_files_close(&s->steps);
    snapshot_set_release(s->snapshots); // the next run's folder is empty
    s->snapshots = NULL;
    s->serial = 0;
    s->active = s->begin_pending = s->resume_pending = false;
    return true;
}

bool session_begin_run(struct session *s, struct error *e) {
    if (!session_may_write(s, e) || !session_commit_edits(s, e))
        return false;
    pthread_mutex_lock(&s->disk_lock);
    bool ok = !s->written || session_move_kept(s, e);
    pthread_mutex_unlock(&s->disk_lock);
    return ok;
}

// ---- the journal ----

// The first record says what the run is, so that an earlier run in kept/ speaks for itself.
static bool add_begin(struct session *s, struct error *e) {
    const struct session_parts *p = &s->parts;
    cJSON *o = cJSON_CreateObject();
    pthread_mutex_lock(&s->parts_lock);
    char *model = stored_path_print(p->model, s->folder, "models", e);
    char *task = model ? stored_path_print(p->task, s->folder, "tasks", e) : NULL;
    bool ok = o && task && cJSON_AddNumberToObject(o, "version", SESSION_VERSION) &&
              cJSON_AddStringToObject(o, "session", s->name) && cJSON_AddStringToObject(o, "model", model) &&
              cJSON_AddStringToObject(o, "task", task) &&
              cJSON_AddStringToObject(o, "template", p->template_text) &&
              cJSON_AddStringToObject(o, "label_words", p->label_words) &&
              (!p->own_examples[0] || cJSON_AddStringToObject(o, "own_examples", p->own_examples)) &&
              json_put(o, "settings", session_settings_json(&p->settings), e) &&
              history_put(&s->history, o, e);
    pthread_mutex_unlock(&s->parts_lock);
    ok = ok ? journal_add_event(s->journal, "begin", o, time(NULL), e)
            : error_set(e, ERROR_MEMORY, "no memory for the journal");
    free(model);
    free(task);
    cJSON_Delete(o);
    return ok;
}

static bool add_resume(struct session *s, struct error *e) {
    cJSON *o = cJSON_CreateObject();
    bool ok = o && cJSON_AddNumberToObject(o, "step", (double)s->resume_step)
                  ? journal_add_event(s->journal, "resume", o, time(NULL), e)
                  : error_set(e, ERROR_MEMORY, "no memory for the journal");
    cJSON_Delete(o);
    return ok;
}

bool session_need_journal(struct session *s, struct error *e) {
    if (s->journal)
        return true;
    char *path = session_path(s, journal_name, e);
    bool ok = path && journal_open(&s->journal, path, e);
    free(path);
    if (!ok)
        return false;
    // What cannot be written now is pending.
    if (!journal_records(s->journal))
        ok = add_begin(s, e);
    else if (!s->told_open)
        ok = journal_add_event(s->journal, "open", NULL, s->opened, e);
    s->told_open = true;
    return ok;
}

// False where the journal did not even take it: what it took and could not write yet it writes later.
static bool journal_takes(struct journal *j, const struct metric *m, struct error *e) {
    uint64_t before = journal_records(j);
    return journal_add_metric(j, m, time(NULL), e) || journal_records(j) > before;
}

// What waited goes before what comes; and what was lost is told once.
static bool add_waiting(struct session *s, struct error *e) {
    size_t done = 0, lost = s->lost;
    while (s->journal && done < s->waits && journal_takes(s->journal, &s->waiting[done], e))
        done++;
    s->waits -= done;
    if (done)
        memmove(s->waiting, s->waiting + done, s->waits * sizeof *s->waiting);
    if (s->waits)
        return false;
    s->lost = 0;
    return !lost || error_set(e, ERROR_MEMORY, "there was no memory for %zu lines of the journal", lost);
}

// A metric that the journal does not take waits for the next call.
static void add_metric(struct session *s, const struct metric *m) {
    if (s->journal && !s->waits && journal_takes(s->journal, m, NULL))
        return;
    if (s->waits < MOST_WAITING && mem_grow(&s->waiting, &s->waiting_capacity, s->waits + 1, sizeof *m, NULL))
        s->waiting[s->waits++] = *m;
    else
        s->lost++;
}

// Everything that has to be there before the engine's thread writes. What fails is tried again at the next
// call. Without folder and lock there is no journal either: it could be another program's.
static bool make_ready(struct session *s, struct error *e) {
    if ((s->begin_pending && !session_move_kept(s, e)) || !session_write(s, false, e))
        return false;
    bool ok = session_need_journal(s, e) && session_flush_edits(s, e);
    if (s->journal && s->resume_pending) {
        s->resume_pending = false;
        ok = add_resume(s, ok ? e : NULL) && ok;
    }
    return add_waiting(s, ok ? e : NULL) && ok;
}

// Whether this comes from a run that has just begun: one is retired only beyond its first step.
static bool is_new_run(size_t step) {
    return step <= 1;
}

void session_keep_metric(struct session *s, const struct metric *m) {
    pthread_mutex_lock(&s->disk_lock);
    if (s->read_only) {
        pthread_mutex_unlock(&s->disk_lock);
        return;
    }
    if (s->retired.folder && is_new_run(m->step))
        forget_retired(s);
    if (s->retired.folder) {
        if (s->retired.journal)
            journal_add_metric(s->retired.journal, m, time(NULL), NULL);
    } else {
        make_ready(s, NULL); // what could not be written is told by the next keep
        s->active = true;
        s->last_step = m->step;
        add_metric(s, m);
    }
    pthread_mutex_unlock(&s->disk_lock);
}

void session_keep_test(struct session *s, const struct evaluation *test, size_t step) {
    pthread_mutex_lock(&s->disk_lock);
    if (!s->retired.folder && !s->read_only)
        make_ready(s, NULL);
    struct journal *j = s->retired.folder ? s->retired.journal : s->journal;
    if (j && journal_add_test(j, test, step, time(NULL), NULL))
        journal_flush(j, NULL);
    pthread_mutex_unlock(&s->disk_lock);
}

// ---- checkpoints ----

static struct checkpoint_origin next_origin(struct session *s, const char *mark) {
    struct checkpoint_origin o = {.serial = ++s->serial};
    snprintf(o.setup, sizeof o.setup, "%s", mark);
    return o;
}

static bool write_prompts(struct session *s, const char *folder, const struct checkpoint_origin *origin,
                          bool with_best, const struct run_checkpoint *c, struct error *e) {
    char *prompts = path_join(folder, prompts_name, e);
    char *best = prompts ? path_join(prompts, "best.safetensors", e) : NULL;
    char *last = best ? path_join(prompts, "last.safetensors", e) : NULL;
    bool ok = last && file_make_folders(prompts, e);
    if (ok && c->has_best && checkpoint_has_prompt(c) &&
        (with_best || s->best_unwritten || !file_exists(best))) {
        s->best_unwritten = !checkpoint_write_best(best, c, path_name(s->parts.model), e);
        ok = !s->best_unwritten;
    }
    ok = ok && checkpoint_write_from(last, c, origin, e);
    struct snapshot_set **disk = folder == s->folder ? &s->snapshots : &s->retired.snapshots;
    ok = ok && snapshot_files_write(prompts, c->snapshots, disk, true, path_name(s->parts.model), e);
    free(prompts);
    free(best);
    free(last);
    return ok;
}

// The journal's lines go first: a checkpoint counts only where they are.
static bool write_step(struct session *s, const struct run_checkpoint *c, struct error *e) {
    if (!make_ready(s, e) || !journal_write(s->journal, e))
        return false;
    char *prompts = session_path(s, prompts_name, e);
    struct checkpoint_origin origin = next_origin(s, s->mark);
    bool ok = prompts && step_files_write(&s->steps, prompts, c, &origin, e) &&
              snapshot_files_write(prompts, c->snapshots, &s->snapshots, false, path_name(s->parts.model), e);
    free(prompts);
    return ok;
}

void session_let_go(struct session *s) {
    pthread_mutex_lock(&s->disk_lock); // and never unlocked: what the engine still tells comes too late
    if (s->journal)
        journal_flush(s->journal, NULL);
    session_lock_release(&s->lock);
}

bool session_step_due(struct session *s) {
    pthread_mutex_lock(&s->disk_lock);
    bool due = step_files_due(&s->steps, clock_seconds());
    pthread_mutex_unlock(&s->disk_lock);
    return due;
}

static bool write_synced(struct session *s, bool with_best, const struct run_checkpoint *c, struct error *e) {
    struct checkpoint_origin origin = next_origin(s, s->mark);
    return write_prompts(s, s->folder, &origin, with_best, c, e) && journal_flush(s->journal, e);
}

static bool keep_locked(struct session *s, enum keep_reason why, const struct run_checkpoint *c,
                        struct error *e) {
    if (s->retired.folder && is_new_run(c->step))
        forget_retired(s);
    bool ok;
    if (s->retired.folder && why == KEEP_STEP)
        return true;
    if (s->retired.folder) {
        struct checkpoint_origin origin = next_origin(s, s->retired.mark);
        ok = write_prompts(s, s->retired.folder, &origin, why == KEEP_BEST, c, e) &&
             (!s->retired.journal || journal_flush(s->retired.journal, e));
        if (why == KEEP_CLOSE)
            forget_retired(s);
        return ok;
    }
    ok = why == KEEP_STEP ? write_step(s, c, e) : make_ready(s, e) && write_synced(s, why == KEEP_BEST, c, e);
    s->active = why != KEEP_CLOSE;
    s->last_step = c->step;
    return ok;
}

bool session_keep_checkpoint(struct session *s, enum keep_reason why, const struct run_checkpoint *c,
                             struct error *e) {
    pthread_mutex_lock(&s->disk_lock);
    bool ok =
        s->read_only || keep_locked(s, why, c, e) || error_context(e, "the session %s was not kept", s->name);
    pthread_mutex_unlock(&s->disk_lock);
    return ok;
}

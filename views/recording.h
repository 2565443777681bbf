// SPDX-License-Identifier: GPL-3.0-or-later
// Recorded runs: what an engine told, as JSON lines, and a player that stands in for the engine, so that
// screens can be tested without training anything.
//
// Lines, in the order things happened:
//   {"recording": 1, "parameters": N, "weight_bytes": N, "norms": [...], "mean": x, "deviation": x}   first
//   {"state": "ready"}                     engine_state_name
//   {"step": {...}} {"eval": {...}} {"rate": {...}}        struct metric; eval with its evaluation
//   {"picture": {...}}                     struct prompt_picture, without the vectors
//   {"estimate": {...}} {"report": {...}}  struct run_estimate; struct step_report, behind the step it is of
//   {"test": {...}}                        an evaluation; played when the test is asked for
//   {"study": {"kind": "zero-shot", "result": {...}}}      as the kind writes it; not played, but looked up
//   {"include": "FILE"}                    the lines of another recording in the same folder
//   {"seed": N}                            what follows is another run, played when a run with that seed is
//   opened
//   {"hold": true}                         playing stops here, as if the moment stood still
// Task, tokenizer, split, template and label words are not recorded: they come from the session's files, so
// a recording goes with one session. Playing follows the commands: ENGINE_RUN plays to the next hold or the
// end, ENGINE_STEP to the next step. All of it belongs to the UI thread.
#ifndef PROMPTER_VIEWS_RECORDING_H
#define PROMPTER_VIEWS_RECORDING_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/memory.h"
#include "engine/engine.h"

struct recording;

// The player. The functions answer like their namesakes of engine.h.
bool recording_open(struct recording **out, const char *path, struct error *e);
void recording_close(struct recording *r);
bool recording_send(struct recording *r, struct engine_command command, struct error *e); // takes the setup
int recording_fd(const struct recording *r);
void recording_acknowledge(struct recording *r);
// The workspace of EVENT_OPENED belongs to the recording.
bool recording_next_event(struct recording *r, struct engine_event *out);
size_t recording_metrics(struct recording *r, size_t from, struct metric *out, size_t most, size_t *epoch);
bool recording_take_picture(struct recording *r, struct prompt_picture **io);
// Answers with the next recorded study of its kind that its `read` takes, beginning anew after the last: a
// kind that writes down what it was asked for refuses the others. With an error if there is none. It comes
// back with EVENT_STUDIED.
void recording_study(struct recording *r, struct study *take);
// One at the start and at each evaluation, with its scores and without vectors.
bool recording_take_snapshots(struct recording *r, struct snapshot_set **io);
bool recording_idle(const struct recording *r); // nothing more comes before the next command

// Writing one: each call appends a line to *text.
bool recording_write_head(struct buffer *text, const struct workspace *w, struct error *e);
bool recording_write_state(struct buffer *text, enum engine_state state, struct error *e);
bool recording_write_metric(struct buffer *text, const struct metric *m, const struct evaluation *detail,
                            struct error *e);
bool recording_write_picture(struct buffer *text, const struct prompt_picture *p, struct error *e);
bool recording_write_report(struct buffer *text, const struct step_report *p, struct error *e);
bool recording_write_estimate(struct buffer *text, const struct run_estimate *x, struct error *e);
bool recording_write_test(struct buffer *text, const struct evaluation *test, size_t step, struct error *e);
bool recording_write_study(struct buffer *text, const struct study *s, struct error *e);
bool recording_write_hold(struct buffer *text, struct error *e);

#endif

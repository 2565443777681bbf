// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench: what all screens share (session, engine, history, latest picture), the frame around them,
// and the way from a key or a ":" command to a request. Views draw from it and send requests to it; they
// never see each other.
//
// Everything here belongs to the UI thread. Drawing never changes data.
#ifndef PROMPTER_VIEWS_WORKBENCH_H
#define PROMPTER_VIEWS_WORKBENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "sessions/series.h"
#include "sessions/session.h"
#include "tui/grid.h"
#include "tui/key.h"
#include "tui/loop.h"
#include "tui/request.h"

#include "panes.h"

struct workbench;

struct inner_view {
    enum request screen; // REQUEST_SCREEN_*
    struct area area;
    bool keys; // keys, hints and requests go to it first
};

// A screen. One file each; views.h lists them.
struct view {
    const char *name;    // "Run"
    enum request screen; // the request that shows it
    unsigned where;      // its WHERE_* bit
    const char *purpose; // one sentence, for help
    // State of the view: created once, freed with the workbench. May be NULL.
    bool (*create)(void **state, struct error *e);
    void (*free)(void *state);
    void (*draw)(void *state, const struct workbench *w, struct grid *g, struct area a, double now);
    // True when handled. `argument` is NULL for keys, the text after the name for commands.
    bool (*request)(void *state, struct workbench *w, enum request r, const char *argument, double now);
    // Raw keys before the key map, for editors: true when taken. NULL: none.
    bool (*key)(void *state, struct workbench *w, struct key k, double now);
    // For help, while the screen stands over something else than the session: what a request does there, ""
    // for one that does nothing, and for REQUEST_NONE what the screen is then. NULL, also as an answer: as
    // ever.
    const char *(*means)(void *state, const struct workbench *w, enum request r);
    // Requests for the hint row, most important first; ends with REQUEST_NONE.
    const enum request *(*hints)(void *state, const struct workbench *w);
    // Workspace, history or picture changed, or the view became the present one. May be NULL.
    void (*refresh)(void *state, struct workbench *w, double now);
    // Edits that are not part of the present run yet: they are marked in the tab and asked about before
    // leaving. NULL: never.
    bool (*unsaved)(void *state, const struct workbench *w);
    // An editor takes the characters now: hints name keys that still reach the program. NULL: never.
    bool (*typing)(void *state);
    // How an area of this size is divided, and the state of the panes (panes.h). NULL: a single pane, or one
    // that deals with focus, zoom and sizes itself.
    const struct pane_spec *(*panes)(void *state, struct area a, struct panes **panes);
    // The mouse (KEY_CODE_MOUSE) over the view's area `a`: true when handled. Otherwise a press gives the
    // pane there the focus and the wheel becomes UP or DOWN, some rows at once. NULL: just that.
    bool (*mouse)(void *state, struct workbench *w, struct area a, struct key k, double now);
    // A study that this view sent with workbench_study is done, failed or was cancelled: now the view's. The
    // workbench shows no message about it. NULL: the view sends none.
    void (*studied)(void *state, struct workbench *w, struct study *take, double now);
    // Another screen inside this one, in a part of its area: drawn there by the frame, after this one. NULL:
    // never; false: not now.
    bool (*inner)(void *state, struct area a, struct inner_view *out);
    // An example of the open task that another screen sends here, borrowed for the call, to be looked at with
    // a prompt; `from` names it ("test 12"). NULL: the screen takes none.
    void (*take_example)(void *state, struct workbench *w, const struct example *x, const char *from,
                         enum lens_kind prompt, double now);
    // What the argument of a request of this screen can be, told one by one, whole; the command line leaves
    // out what does not go on from what is typed. NULL: nothing.
    void (*complete)(void *state, const struct workbench *w, enum request r,
                     void (*offer)(void *sink, const char *argument), void *sink);
    // The screen comes to the front. NULL: it need not know.
    void (*shown)(void *state, struct workbench *w, double now);
    // When something is to be done without a key or news, e.g. a moment after the last one typed: the time,
    // or 0; and what is called then, which has to set another time or 0. NULL: never.
    double (*deadline)(void *state);
    void (*tick)(void *state, struct workbench *w, double now);
};

struct workbench_options {
    const char *what, *model_folder; // as session_open takes them
    size_t threads;
    bool openblas; // OpenBLAS does the large products
    // For recorded screens: read events from a recording instead of an engine (views/recording.h); NULL:
    // live. Overrides model_folder.
    const char *recording;
    // Where sizes of panes are kept from one start to the next; NULL: not kept. Read at the beginning only.
    const char *state_folder;
    const struct run_settings *settings; // what sessions that are new begin with; NULL: the defaults
    const char *notes;                   // to be read at the beginning, lines; NULL: nothing
    // The Run screen over a training, borrowed, and where its log is (training_log_open); then no session is
    // opened at the beginning. NULL: none.
    struct training *training;
    const char *watch;
    // For making recordings: called with every study that comes back without an error. NULL: nobody.
    void (*studied)(void *context, const struct study *s);
    void *context;
};
bool workbench_create(struct workbench **out, const struct workbench_options *options, struct error *e);
void workbench_free(struct workbench *w); // saves what is unsaved
struct loop_client workbench_client(struct workbench *w);

// ---- what views read ----
const struct workspace *workbench_workspace(const struct workbench *w); // NULL until opened
size_t workbench_opened(const struct workbench *w); // grows with every workspace: what was borrowed from an
                                                    // older one is gone
// How many times something was opened, test was scored, and the engine told of an error: who asked for one of
// these sees by them that it came.
struct workbench_answers {
    size_t opened, tested, failed;
};
struct workbench_answers workbench_answers(const struct workbench *w);
enum engine_state workbench_state(const struct workbench *w);
bool workbench_opening(const struct workbench *w); // a workspace is on its way
const struct metric *workbench_history(const struct workbench *w, size_t *count);
const struct prompt_picture *workbench_picture(const struct workbench *w); // NULL until there is one
// The prompt at the start and at every evaluation so far (engine/tune/snapshots.h); NULL until something is
// open. Held by the workbench: who reads it from elsewhere than drawing and refresh takes a reference. In a
// recording they have no vectors.
struct snapshot_set *workbench_snapshots(const struct workbench *w);
// Runs with several seeds; NULL: none. The present run is of it while done < count.
const struct series *workbench_series(const struct workbench *w);
// What the last single step did, until the run goes on; NULL: there is none.
const struct step_report *workbench_report(const struct workbench *w);
// What the run will cost, measured before its first step; NULL: not known (yet).
const struct run_estimate *workbench_estimate(const struct workbench *w);
// Seconds of a step and of a scoring of dev (0: unknown), as the last steps of a real run here took them that
// had the same model, task, batch, vectors and loss; false: there was none.
bool workbench_pace(const struct workbench *w, double *step, double *dev);
const struct evaluation *workbench_dev(const struct workbench *w); // of the last evaluation; NULL if none
const struct evaluation *workbench_test(const struct workbench *w, size_t *step);
struct session *workbench_session(const struct workbench *w);
double workbench_step_seconds(const struct workbench *w); // median of the last steps; NaN before the first
// What the next run will use: the session's settings with what ":set" changed since.
const struct run_settings *workbench_settings(const struct workbench *w);
const char *workbench_state_folder(const struct workbench *w); // of the options; NULL: nothing is kept
struct training *workbench_training(const struct workbench *w, const char **watch); // of the options
bool workbench_shows(const struct workbench *w, const struct view *v);              // also inside another
// The screen that help was opened from.
const struct view *workbench_behind(const struct workbench *w);
const enum request *workbench_behind_hints(const struct workbench *w);         // its hints; NULL: it has none
const char *workbench_behind_means(const struct workbench *w, enum request r); // view.means; NULL: as ever

// ---- what views ask for ----
// Sends a study of the view (engine/inspect/study.h). channel: the view's own count, below STUDY_CHANNELS; an
// older study of the view on that channel is cancelled. It always comes back through view.studied, unless the
// workbench ends before.
enum { STUDY_CHANNELS = 16 };
void workbench_study(struct workbench *w, const struct view *sender, unsigned channel, struct study *take,
                     double now);
void workbench_cancel_study(struct workbench *w, const struct view *sender, unsigned channel);
// How far the study on that channel is; false when there is none.
bool workbench_studying(const struct workbench *w, const struct view *sender, unsigned channel, size_t *done,
                        size_t *total);
// For a thread of a view that has news: has view.refresh called soon. From any thread, as long as the
// workbench lives.
void workbench_nudge(const struct workbench *w);
// Keeps the session's own examples (JSON Lines) with it at once, as an edit that can be undone.
bool workbench_set_own(struct workbench *w, const char *text, double now);
// Whether the open run has other own examples than the session, and the next one will use them.
bool workbench_own_waits(const struct workbench *w);
// Goes to the Try screen with an example of the open task in its fields (borrowed for the call).
void workbench_try(struct workbench *w, const struct example *x, const char *from, enum lens_kind prompt,
                   double now);
// What the title row and the state below it say while the Run screen is over another run than the session's.
struct run_shown {
    char name[80], detail[160]; // name "": the session's run
    unsigned symbol;            // enum part_symbol, before the state
    enum style style;
    char state[64];
};
void workbench_show_run(struct workbench *w, const struct run_shown *run); // NULL: the session's again
// Handles a request wherever it belongs: the present view first, then the workbench.
void workbench_request(struct workbench *w, enum request r, const char *argument, double now);
// One line at the bottom for some seconds; the style says what it is (GOOD, WARN, BAD, PLAIN).
void workbench_say(struct workbench *w, enum style style, double now, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// A text to scroll through over the screen, until Esc or q.
void workbench_show(struct workbench *w, const char *title, const char *text);
// Does what a line after ":" says.
void workbench_do(struct workbench *w, const char *line, double now);
// Nothing is being opened, no answer of the engine or of the person is waited for; a run or a study may go
// on.
bool workbench_settled(const struct workbench *w);
bool workbench_send(struct workbench *w, struct engine_command command, double now); // says why if it fails
// Opens the session's template and label words with workbench_settings in the engine: a run of its own from
// step 0. What was there before is kept in the session's folder.
void workbench_apply(struct workbench *w, double now);

#endif

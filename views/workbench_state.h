// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of the workbench, for the files that make it up (workbench*.c, command*.c, frame.c): no view
// includes this.
#ifndef PROMPTER_VIEWS_WORKBENCH_STATE_H
#define PROMPTER_VIEWS_WORKBENCH_STATE_H

#include "views/views.h"
#include "views/workbench.h"

#include "recording.h"

enum question { QUESTION_NONE, QUESTION_QUIT, QUESTION_RESTART, QUESTION_OPEN, QUESTION_LOAD };

// What a step and a scoring of dev took in the last run that made steps here, and what that depends on.
struct run_pace {
    double step, dev; // seconds, medians; 0: none
    size_t batch, slots, dev_count;
    bool fine_tunes, whole_vocabulary;
    char model[256], task[128];
};

struct workbench {
    // Where the numbers come from: one of the two, or neither when nothing could be opened.
    struct engine *engine;
    struct recording *recording;
    struct session *session;
    size_t threads;
    bool openblas;

    // Copies of what the engine told.
    struct workspace *workspace;
    size_t opened, tested, failed; // workbench_answers
    enum engine_state state;
    struct metric *history; // thinned in a long run (thinning.h)
    size_t history_count, history_capacity, history_epoch;
    size_t history_read; // how many the engine gave in this epoch
    struct prompt_picture *picture;
    struct snapshot_set *snapshots;
    struct evaluation dev, test;
    struct step_report report;
    struct run_estimate estimate;
    bool has_dev, has_test, has_report, has_estimate;
    struct run_pace pace;
    size_t test_step;
    char progress[128];
    size_t progress_done, progress_total;
    int fd; // stands for the engine's descriptor, or the recording's
    // Studies on their way, by channel: how many, and how far the present one is.
    struct {
        size_t count, done, total;
    } study[VIEW_COUNT * STUDY_CHANNELS];
    size_t studies;
    double awaiting; // until when an answer to a command is waited for; 0: none
    bool lost;       // the last ENGINE_OPEN failed

    struct run_settings first;                        // what new sessions begin with
    struct series *series;                            // with several seeds; NULL: none
    bool series_go, series_finished, series_applying; // run once opened; its run is done; its own new run

    struct run_settings wanted; // the session's settings with changes that wait for a new run

    // The screen.
    void *view_state[VIEW_COUNT];
    size_t screen, behind, previous; // behind: under help; previous: where "back" leads otherwise
    struct {
        char text[1024];
        enum style style;
        double until;
        double undrawn; // how long it stays once it is drawn, for one from before the first drawing; 0: until
    } message;
    struct run_shown run_shown;
    struct training *training; // of the options
    char *watch;               // owned
    enum question question;
    char *question_argument; // of QUESTION_OPEN and QUESTION_LOAD
    struct {
        char *title, *text;
        size_t top;
    } overlay;
    // Of the last drawing: the screen's area, and that of the view which has the keys, maybe one inside it.
    struct area whole, content;
    char *state_folder;           // of the options, owned
    char *pane_path, *pane_sizes; // where sizes are kept, and what was there; owned, NULL: none
    bool resized;                 // a border was moved
    bool dirty, finished, pasting;
    bool arrived; // the present screen was gone to, and its view does not know it yet
    void (*studied)(void *context, const struct study *s); // of the options
    void *studied_context;
    double turn_at; // when the spinner turns next
    // How much fitted at the last drawing: what a page is, and where scrolling ends. Set by drawing, read by
    // scrolling.
    int rows, columns, overlay_last;
};

// frame.c: everything around a view.
void frame_draw(struct workbench *w, struct grid *g, double now);
// Rows a message takes below the view, and how many it gets at most; longer ones are shown in an overlay.
enum { MESSAGE_ROWS = 3 };
int frame_message_rows(const char *text, int columns);
// The screen whose tab is drawn at a cell, or -1.
int frame_tab_at(const struct workbench *w, int row, int column);
bool frame_animated(const struct workbench *w); // something turns without news from the engine

// command.c: ":" lines.
void command_run(struct workbench *w, const char *line, double now);
void command_complete(void *workbench, const char *line, size_t word_at,
                      void (*add)(void *sink, const char *candidate), void *sink);
void command_set(struct workbench *w, const char *argument, double now);
void command_undo(struct workbench *w, bool redo, double now);
void command_theme(struct workbench *w, const char *argument, double now);
void command_mouse(struct workbench *w, const char *argument, double now);
// The best prompt, or the present one as it is now.
void command_export(struct workbench *w, const char *argument, bool here, double now);
// command_method.c: begins a run with a method, or shows what there is.
void command_method(struct workbench *w, const char *name, double now);
// command_preset.c: sets what a preset sets, for the next run, or shows what there is.
void command_preset(struct workbench *w, const char *name, double now);
// command_prompt.c
void command_load(struct workbench *w, const char *path, double now);
void command_load_here(struct workbench *w, const char *path, double now);
void command_offer_pieces(const struct workbench *w, const char *word, void (*add)(void *, const char *),
                          void *sink);
void command_offer_kept(const struct workbench *w, const char *word, void (*add)(void *, const char *),
                        void *sink);
void command_offer_prompts(const struct workbench *w, const char *word, void (*add)(void *, const char *),
                           void *sink);

// workbench_panes.c: focus, zoom and sizes of the present view's panes.
bool workbench_pane_request(struct workbench *w, enum request r);
// From a folder (may be NULL); a file that cannot be read counts as none.
void workbench_panes_load(struct workbench *w, const char *folder);
void workbench_panes_save(struct workbench *w); // if a border was moved; frees what was loaded
// The panes of a view (by its place in view_list) with their kept sizes; NULL where it has none.
const struct pane_spec *workbench_panes(struct workbench *w, size_t at, struct area a, struct panes **panes);

// workbench_mouse.c: what the mouse did, in the coordinates of the screen.
void workbench_mouse(struct workbench *w, struct key k, double now);

// workbench_series.c
bool series_begin(struct workbench *w, const char *list, double now); // false: a single seed
void series_end(struct workbench *w, bool forget, double now);
bool series_waits(const struct workbench *w);
bool series_go_on(struct workbench *w, double now); // from a finished run to the next; false: nothing to do
void series_follow(struct workbench *w, double now);
void series_load(struct workbench *w, double now);

// workbench.c
void workbench_complain(struct workbench *w, const char *text,
                        double now); // an error; long ones over the screen
void workbench_close_overlay(struct workbench *w);

// workbench_news.c: the engine, or a recording of one. workbench_send is in workbench.h.
bool workbench_send_verb(struct workbench *w, enum engine_verb verb, double now);
void workbench_receive(struct workbench *w, double now); // takes what has come, and tells the views
void workbench_keep_pace(struct workbench *w);           // of the run that is open, once it has made a step
void workbench_wake(void *workbench, double now);        // the descriptor became readable
void workbench_refresh(struct workbench *w, double now); // tells the views that something changed
// Those that the closed engine has not given back are gone with it.
void workbench_forget_studies(struct workbench *w);

// workbench_open.c
bool workbench_start_engine(struct workbench *w, struct error *e); // for the session; its news comes to w->fd
// The session's setup to the engine; fresh: from step 0, whatever was trained. false: it was said why.
bool workbench_send_session(struct workbench *w, bool fresh, double now);
// What opening the session brought to light, and more (may be NULL).
void workbench_tell_notes(struct workbench *w, const char *more, double now);
// Ends the engine before its session: the keeper runs to the end.
void workbench_close_session(struct workbench *w);
void workbench_open(struct workbench *w, const char *what, double now);
bool workbench_pending(const struct workbench *w); // settings or edits that wait for a new run
// Another run of what the session has now, from step 0; the one there was moves to the session's kept/.
bool workbench_begin_anew(struct workbench *w, double now);
void workbench_save(struct workbench *w, const char *name, double now); // NULL: under its own name
// What was trained here stays here; the new session begins with the prompt as it is now.
void workbench_fork(struct workbench *w, const char *name, double now);

// workbench_run.c: what belongs to the run, whatever is on the screen. false: nothing of that.
bool workbench_run_request(struct workbench *w, enum request r, const char *argument, double now);

// workbench_request.c
void workbench_key(void *workbench, struct key k, double now);
void workbench_cancel(struct workbench *w, double now); // what goes on, or the question that is asked
// The view that has the keys: the screen's, or one inside it.
size_t workbench_keys(const struct workbench *w);
bool workbench_inner(const struct workbench *w, struct area a, struct inner_view *out, size_t *at);

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
// The one table of what a person can ask for. It makes the enum, the key map, the hint row, the help screen,
// the ":" commands and the manual page.
//
//   X(ID, "name", "keys", "argument", where, "hint", "help")
// keys: space-separated key names (tui/key.h), the first is shown; argument: what follows the name after ":"
// ("" none,
// "[X]" optional); where: WHERE_* bit set of screens on which the key is bound; hint: one or two words for
// the hint row.
#ifndef PROMPTER_TUI_REQUEST_H
#define PROMPTER_TUI_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum request_where {
    WHERE_ALL = 0xff,
    WHERE_PATTERN = 1,
    WHERE_RUN = 2,
    WHERE_PROMPT = 4,
    WHERE_HELP = 8,
    WHERE_DATA = 16,
    WHERE_TRY = 32,
    WHERE_COMPARE = 64,
    WHERE_LEARN = 128,
    WHERE_LISTS = WHERE_DATA | WHERE_PROMPT | WHERE_COMPARE | WHERE_HELP, // screens that are searched
};

#define REQUEST_TABLE(X)                                                                                     \
    X(NONE, "", "", "", 0, "", "")                                                                           \
    X(SCREEN_PATTERN, "pattern", "1", "", WHERE_ALL, "Pattern", "go to the Pattern screen")                  \
    X(SCREEN_DATA, "data", "2", "", WHERE_ALL, "Data", "go to the Data screen")                              \
    X(SCREEN_RUN, "run-screen", "3", "", WHERE_ALL, "Run", "go to the Run screen")                           \
    X(SCREEN_PROMPT, "prompt", "4", "", WHERE_ALL, "Prompt", "go to the Prompt screen")                      \
    X(SCREEN_TRY, "try", "5", "", WHERE_ALL, "Try", "go to the Try screen")                                  \
    X(SCREEN_COMPARE, "compare", "6", "", WHERE_ALL, "Compare", "go to the Compare screen")                  \
    X(SCREEN_LEARN, "learn", "7", "", WHERE_ALL, "Learn", "go to the Learn screen")                          \
    X(HELP, "help", "? h F1", "[NAME]", WHERE_ALL, "help", "keys of this screen, or help on one command")    \
    X(COMMAND, "command", ":", "", WHERE_ALL, "command", "open the command line")                            \
    X(BACK, "back", "q Esc", "", WHERE_ALL, "back", "leave help or an editor; go back a screen")             \
    X(QUIT, "quit", "Q", "", WHERE_ALL, "quit", "save and leave")                                            \
    X(REDRAW, "redraw", "Ctrl-L", "", WHERE_ALL, "", "draw the screen anew")                                 \
    X(CANCEL, "cancel", "Ctrl-C", "", WHERE_ALL, "", "cancel what is going on; nothing trained is lost")     \
    X(FOCUS_NEXT, "focus", "Tab", "", WHERE_ALL, "next pane", "move the focus to the next pane")             \
    X(FOCUS_PREVIOUS, "focus-back", "Shift-Tab", "", WHERE_ALL, "", "move the focus to the previous pane")   \
    X(ZOOM, "zoom", "z", "", WHERE_ALL, "zoom", "give the focused pane the whole screen, or give it back")   \
    X(WIDER, "wider", "> Ctrl-Right", "", WHERE_ALL, "", "make the focused pane wider; sizes are kept")      \
    X(NARROWER, "narrower", "< Ctrl-Left", "", WHERE_ALL, "", "make the focused pane narrower")              \
    X(TALLER, "taller", "Ctrl-Down", "", WHERE_ALL, "", "make the focused pane taller")                      \
    X(SHORTER, "shorter", "Ctrl-Up", "", WHERE_ALL, "", "make the focused pane shorter")                     \
    X(PANE_SIZES, "pane-sizes", "", "", 0, "", "give the panes of this screen their first sizes again")      \
    X(UP, "up", "Up k", "", WHERE_ALL, "", "up")                                                             \
    X(DOWN, "down", "Down j", "", WHERE_ALL, "", "down")                                                     \
    X(LEFT, "left", "Left", "", WHERE_ALL, "", "left")                                                       \
    X(RIGHT, "right", "Right l", "", WHERE_ALL, "", "right")                                                 \
    X(PAGE_UP, "page-up", "PgUp Ctrl-U", "", WHERE_ALL, "", "up by a page")                                  \
    X(PAGE_DOWN, "page-down", "PgDn Ctrl-D", "", WHERE_ALL, "", "down by a page")                            \
    X(FIRST, "first", "g Home", "", WHERE_ALL, "", "to the first row")                                       \
    X(LAST, "last", "G End", "", WHERE_ALL, "", "to the last row")                                           \
    X(RUN_PAUSE, "run", "Space", "", WHERE_ALL, "run/pause", "start tuning, or pause it after this step")    \
    X(STEP, "step", "s", "", WHERE_RUN | WHERE_PROMPT | WHERE_PATTERN, "step", "one update, then pause")     \
    X(STOP, "stop", "S", "", WHERE_RUN | WHERE_PROMPT, "stop", "stop at once")                               \
    X(RATE_UP, "rate-up", "+ =", "", WHERE_RUN, "rate up", "learning rate times 1.25")                       \
    X(RATE_DOWN, "rate-down", "-", "", WHERE_RUN, "rate down", "learning rate divided by 1.25")              \
    X(RATE, "rate", "", "NUMBER", WHERE_RUN, "", "set the learning rate")                                    \
    X(EVALUATE, "evaluate", "e", "", WHERE_RUN | WHERE_PROMPT, "evaluate", "score the dev set now")          \
    X(TEST, "test", "t", "", WHERE_RUN, "test", "score the test set with the best prompt")                   \
    X(UNDO_TO_BEST, "undo", "u", "", WHERE_RUN | WHERE_PROMPT, "undo to best",                               \
      "back to the prompt that was best on dev")                                                             \
    X(FORK, "fork", "", "[NAME]", 0, "", "go on in a new session that begins with the present prompt")       \
    X(SWEEP, "sweep", "", "rate [LOW HIGH]", 0, "",                                                          \
      "try learning rates from LOW to HIGH on a copy of the run, and suggest one; the run stays as it is")   \
    X(TAKE, "take", "y", "", WHERE_RUN, "take it", "take the learning rate that a sweep suggests")           \
    X(UNDO_TO, "undo-to", "U", "[STEP]", WHERE_RUN | WHERE_PROMPT, "undo to here",                           \
      "back to the prompt of the step at the cursor, or of the step named; dev was scored there")            \
    X(RESTART, "restart", "R", "", WHERE_RUN, "restart", "start the run over from step 0")                   \
    X(LOG_SCALE, "log", "L", "", WHERE_RUN, "log scale", "loss on a logarithmic scale, or not")              \
    X(SMOOTH, "smooth", "m", "", WHERE_RUN, "smooth", "smooth the curves more, or not at all")               \
    X(STEPS_FEWER, "steps-fewer", "i", "", WHERE_RUN, "", "show fewer steps, from nearer (Up does so too)")  \
    X(STEPS_MORE, "steps-more", "o", "", WHERE_RUN, "", "show more steps, from farther off (also Down)")     \
    X(STEPS_EARLIER, "steps-earlier", "[", "", WHERE_RUN, "", "show earlier steps")                          \
    X(STEPS_LATER, "steps-later", "]", "", WHERE_RUN, "", "show later steps")                                \
    X(EDIT, "edit", "Enter i", "", WHERE_PATTERN | WHERE_TRY | WHERE_DATA, "edit",                           \
      "edit the focused template, label words, text or own example")                                         \
    X(FORM, "form", "f", "", WHERE_PATTERN, "syntax",                                                        \
      "switch between the short form and OpenPrompt's syntax")                                               \
    X(EXAMPLE_NEXT, "next", "n ]", "", WHERE_PATTERN | WHERE_TRY, "next example", "show the next example")   \
    X(EXAMPLE_PREVIOUS, "previous", "p [", "", WHERE_PATTERN | WHERE_TRY, "", "show the previous example")   \
    X(SUGGEST_WORDS, "suggest-words", "w", "", WHERE_PATTERN, "find words",                                  \
      "find label words for each class in the training examples")                                            \
    X(GALLERY, "gallery", "b", "", WHERE_PATTERN, "gallery", "choose from a gallery of patterns")            \
    X(IMPORT, "import", "", "FILE [NUMBER]", 0, "",                                                          \
      "take a template or label words from an OpenPrompt file")                                              \
    X(CALIBRATE, "calibrate", "c", "", WHERE_PATTERN, "calibrate",                                           \
      "divide out what the model says about empty inputs, or not")                                           \
    X(TEMPLATE_NEXT, "template-next", "T", "", WHERE_PATTERN, "next template",                               \
      "take the task's next suggested template")                                                             \
    X(APPLY, "apply", "Ctrl-S", "", WHERE_ALL, "apply",                                                      \
      "a new run with the edited pattern, label words and settings")                                         \
    X(UNDO_EDIT, "undo-edit", "Ctrl-_", "", WHERE_PATTERN | WHERE_DATA, "undo edit",                         \
      "take back the last applied edit")                                                                     \
    X(REDO_EDIT, "redo-edit", "Alt-_", "", WHERE_PATTERN | WHERE_DATA, "",                                   \
      "make an edit again that was taken back")                                                              \
    X(METRIC, "metric", "m", "", WHERE_PROMPT, "metric", "nearest by cosine, dot product or L2")             \
    X(SORT, "sort", "o", "", WHERE_PROMPT | WHERE_DATA, "sort",                                              \
      "order vectors by number, loss, drift or norm; examples by place, length or doubt")                    \
    X(ABLATE, "ablate", "a", "", WHERE_PROMPT, "ablate", "score dev without each vector in turn")            \
    X(SNAP_TRY, "snap-try", "x", "", WHERE_PROMPT, "snap?",                                                  \
      "score dev with the nearest word in each vector's place")                                              \
    X(SNAP, "snap", "Enter", "[all]", WHERE_PROMPT, "snap",                                                  \
      "put the nearest word in this vector's place; :snap all")                                              \
    X(SNAP_ALL, "snap-all", "X", "", WHERE_PROMPT, "snap all",                                               \
      "put the nearest words in all vectors' places")                                                        \
    X(FREEZE, "freeze", "f", "[all]", WHERE_PROMPT, "freeze",                                                \
      "tuning leaves this vector alone, or no longer; :freeze all")                                          \
    X(RESET_VECTOR, "reset", "r", "[all]", WHERE_PROMPT, "reset",                                            \
      "put this vector back where it started; :reset all")                                                   \
    X(SET_WORD, "word", "W", "PIECE", WHERE_PROMPT, "to a word",                                             \
      "put a word in this vector's place, e.g. :word good")                                                  \
    X(TAKE_BACK, "take-back", "b Ctrl-_", "", WHERE_PROMPT, "take back",                                     \
      "the prompt as it was before the last change by hand")                                                 \
    X(EARLIER, "earlier", ",", "", WHERE_PROMPT, "earlier",                                                  \
      "the prompt as it was at an evaluation before (Left too)")                                             \
    X(LATER, "later", ".", "", WHERE_PROMPT, "",                                                             \
      "the prompt at the next evaluation, up to the present (Right too)")                                    \
    X(BESIDE, "beside", "c", "PROMPT", WHERE_PROMPT, "compare",                                              \
      "another prompt beside this: best, start, step 5, kept/001, a file; off")                              \
    X(COLUMNS, "columns", "v", "", WHERE_PROMPT, "columns",                                                  \
      "show drift, what dev says, or the other prompt")                                                      \
    X(MAP_NEARER, "map-nearer", "+ =", "", WHERE_PROMPT, "",                                                 \
      "the map from nearer; arrows move it while it has the focus")                                          \
    X(MAP_FARTHER, "map-farther", "-", "", WHERE_PROMPT, "", "the map from farther off")                     \
    X(LESSON_DO, "lesson-do", "Enter", "", WHERE_LEARN, "go", "do what this step says; open the lesson")     \
    X(LESSON_NEXT, "lesson-next", "n ]", "", WHERE_LEARN, "next", "the next step")                           \
    X(LESSON_PREVIOUS, "lesson-back", "p [", "", WHERE_LEARN, "back", "the step before")                     \
    X(LESSON_ANSWER, "lesson-answer", "a", "", WHERE_LEARN, "answer", "show or hide the answers")            \
    X(LESSON, "lesson", "", "NUMBER", 0, "", "open a lesson")                                                \
    X(GUESS, "guess", "", "[TEXT]", 0, "", "what you think a lesson's step will show; then it is done")      \
    X(TRY_TEXT, "text", "", "TEXT", 0, "", "put a text into the first field of the Try screen")              \
    X(LAYER, "layer", "y", "[NUMBER]", WHERE_TRY, "layer",                                                   \
      "attention of the next decoder layer, or of the one named; 0: the mean of all")                        \
    X(HEAD, "head", "Y", "[NUMBER]", WHERE_TRY, "head",                                                      \
      "attention of the next head, or of the one named; 0: the mean of all")                                 \
    X(DETAIL, "detail", "d", "", WHERE_TRY, "numbers", "words with their pieces and numbers, or as a text")  \
    X(FILTER_CLASS, "class", "c", "[NAME]", WHERE_DATA, "class",                                             \
      "show examples of the next class, or of one")                                                          \
    X(FILTER_PART, "part", "s", "[NAME]", WHERE_DATA, "split",                                               \
      "show the next part of the split, or one: train, dev, test, rest, all")                                \
    X(FILTER_WRONG, "wrong", "e", "", WHERE_DATA, "errors", "show only what is predicted wrongly, or all")   \
    X(PREDICT, "predict", "p", "[best|present]", WHERE_DATA, "predict",                                      \
      "predict the examples that are listed with the best prompt, or the present one")                       \
    X(TRY_EXAMPLE, "try-example", "T", "", WHERE_DATA, "try it",                                             \
      "put this example into the fields of the Try screen, to see what decides about it")                    \
    X(SHOTS_MORE, "shots-more", "+ =", "", WHERE_DATA, "more", "more training examples in the next run")     \
    X(SHOTS_FEWER, "shots-fewer", "-", "", WHERE_DATA, "", "fewer training examples in the next run")        \
    X(SHOTS_UNIT, "shots-unit", "t", "", WHERE_DATA, "", "count training examples a class, or in all")       \
    X(OWN_ADD, "own-add", "a", "", WHERE_DATA, "add", "type an example of your own")                         \
    X(OWN_REMOVE, "own-remove", "D", "", WHERE_DATA, "", "remove the selected own example")                  \
    X(OWN_SWITCH, "own-switch", "m", "", WHERE_DATA, "", "own example for dev instead of train, or back")    \
    X(OWN_USE, "own-use", "O", "", WHERE_DATA, "", "use own examples not, added to the split, or alone")     \
    X(DRAW_AGAIN, "draw-again", "r", "", WHERE_DATA, "draw again", "draw the split with the next seed")      \
    X(SEARCH, "search", "/", "TEXT", WHERE_LISTS, "search", "find the next row that has this text")          \
    X(SEARCH_NEXT, "search-next", "n", "", WHERE_LISTS, "", "the next row that has the text")                \
    X(SEARCH_PREVIOUS, "search-back", "N", "", WHERE_LISTS, "", "the row before that has the text")          \
    X(RUN_OPEN, "show-run", "Enter", "", WHERE_COMPARE, "fold/open",                                         \
      "fold or unfold a setting's runs; open a run's session, or go on from an earlier run's best prompt")   \
    X(MARK_RUN, "mark", "m", "", WHERE_COMPARE, "mark", "mark the row, so that its curve is drawn, or not")  \
    X(MARK_NONE, "unmark", "M", "", WHERE_COMPARE, "", "take all marks away")                                \
    X(BASELINE, "baseline", "b", "", WHERE_COMPARE, "baseline",                                              \
      "compare all settings with this one, seed by seed, or no more")                                        \
    X(GROUP, "group", "v", "", WHERE_COMPARE, "group", "runs by setting, with their means, or one by one")   \
    X(ORDER, "order", "o", "[COLUMN]", WHERE_COMPARE, "sort",                                                \
      "sort by dev, then by the next column; or by this one")                                                \
    X(ORDER_BACK, "reverse", "O", "", WHERE_COMPARE, "", "sort the other way round")                         \
    X(DIFFERING, "differing", "d", "", WHERE_COMPARE, "all settings",                                        \
      "columns for what differs between the runs alone, or for every setting")                               \
    X(FILTER, "filter", "f", "TEXT", WHERE_COMPARE, "filter",                                                \
      "only runs with all these words, e.g. task=sentiment method=hybrid seed=3 good")                       \
    X(FILTER_NONE, "unfilter", "F", "", WHERE_COMPARE, "show all", "show all runs again")                    \
    X(THIS_TASK, "this-task", "t", "", WHERE_COMPARE, "this task", "only runs of the open task, or of all")  \
    X(CURVE, "curve", "c", "", WHERE_COMPARE, "loss", "draw dev accuracy, or dev loss")                      \
    X(RELOAD, "reload", "r", "", WHERE_COMPARE, "reload", "read the runs again")                             \
    X(SET, "set", "", "NAME [VALUE]", 0, "", "show or change a setting")                                     \
    X(METHOD, "method", "", "[NAME]", 0, "",                                                                 \
      "begin a run with a method of the paper: sets template, start and rate; without a name lists them")    \
    X(TEMPLATE, "template", "", "TEXT", 0, "", "set the template")                                           \
    X(WORDS, "words", "", "TEXT", 0, "", "set the label words, e.g. :words bad; good, great")                \
    X(SEED, "seed", "", "NUMBER or LIST", 0, "",                                                             \
      "set the seed of split, start and order; several (1-5, or 1,2,7): a run with each, mean and spread")   \
    X(THEME, "theme", "", "[NAME]", 0, "", "colours of the screen: default, high-contrast, monochrome")      \
    X(MOUSE, "mouse", "", "on | off", 0, "",                                                                 \
      "on: click on screens, panes and rows, scroll with the wheel; off: the terminal has it")               \
    X(OPEN, "open", "", "SESSION", 0, "", "open a session or a task")                                        \
    X(WATCH, "watch", "", "FILE or off", 0, "",                                                              \
      "curves of a training: the folder of prompter lm, the prompt of prompter pretrain; off: this session") \
    X(NEW_TASK, "new-task", "", "NAME LABEL, LABEL ... [; FIELD, ...]", 0, "",                               \
      "a task of your own without files: its examples are typed on the Data screen, e.g. :new-task moods "   \
      "sad, happy")                                                                                          \
    X(WRITE, "write", "w", "[NAME]", WHERE_RUN | WHERE_PROMPT, "save",                                       \
      "save the session now, or under another name")                                                         \
    X(LOAD, "load", "", "FILE or kept/N", 0, "",                                                             \
      "a new run that starts from the prompt in a file, or as an earlier run was, from its best prompt")     \
    X(LOAD_HERE, "load-here", "", "FILE", 0, "",                                                             \
      "put the prompt in a file in this run's place; :take-back undoes that")                                \
    X(EXPORT_HERE, "export-here", "", "FILE", 0, "",                                                         \
      "write the prompt as it is now to a file, with what was changed by hand")                              \
    X(EXPORT, "export", "", "FILE", 0, "",                                                                   \
      "write the best prompt (.safetensors, .npy); or \"table FILE\": Compare's table (.csv, .md, .tex), "   \
      "\"curves FILE\": its curves (.svg); \"template FILE\", \"words FILE\": for OpenPrompt")               \
    X(PRESET, "preset", "", "[NAME]", 0, "",                                                                 \
      "all of paper-code, or of clean, in a new run: loss, start, rate and more; without a name lists them")

// Help on one screen, for requests that mean something of its own there.
#define REQUEST_HELP_TABLE(X)                                                                                \
    X(EDIT, WHERE_PATTERN, "edit the template or the label words, whichever has the focus")                  \
    X(EDIT, WHERE_TRY, "type into the text")                                                                 \
    X(EDIT, WHERE_DATA, "edit the selected example, if it is an own one")                                    \
    X(SORT, WHERE_PROMPT, "order vectors by number, loss, drift or norm")                                    \
    X(SORT, WHERE_DATA, "order examples by place, length or doubt")                                          \
    X(STEP, WHERE_RUN, "one update, then pause; shows what it did")                                          \
    X(EXAMPLE_NEXT, WHERE_PATTERN, "render the next example")                                                \
    X(EXAMPLE_NEXT, WHERE_TRY, "the next example of dev, then of train")                                     \
    X(UNDO_TO, WHERE_RUN, "back to the prompt of the step at the cursor")                                    \
    X(UNDO_TO, WHERE_PROMPT, "back to the prompt that is shown, where that is an earlier one")               \
    X(UP, WHERE_RUN, "show fewer steps, from nearer")                                                        \
    X(DOWN, WHERE_RUN, "show more steps, from farther off")                                                  \
    X(LEFT, WHERE_RUN, "the cursor to an earlier step, and its numbers")                                     \
    X(RIGHT, WHERE_RUN, "the cursor to a later step")                                                        \
    X(PAGE_UP, WHERE_RUN, "the cursor to the scoring before")                                                \
    X(PAGE_DOWN, WHERE_RUN, "the cursor to the next scoring")                                                \
    X(FIRST, WHERE_RUN, "the cursor to step 0")                                                              \
    X(LAST, WHERE_RUN, "the cursor to the last step")                                                        \
    X(SEARCH, WHERE_DATA, "find the next example that has this text")                                        \
    X(SEARCH, WHERE_PROMPT, "find the next vector that lies near this piece")                                \
    X(SEARCH, WHERE_COMPARE, "find the next run that has this text in its row")                              \
    X(SEARCH, WHERE_HELP, "find the next line of help that has this text")

enum request {
#define REQUEST_ENUM(id, name, keys, argument, where, hint, help) REQUEST_##id,
    REQUEST_TABLE(REQUEST_ENUM)
#undef REQUEST_ENUM
        REQUEST_COUNT
};

struct request_info {
    const char *name, *keys, *argument, *hint, *help;
    unsigned where;
};
const struct request_info *request_info(enum request r);
// What it does on a screen (a WHERE_* bit), where that differs from screen to screen; otherwise its help.
const char *request_help(enum request r, unsigned where);
// By exact name or unambiguous beginning; REQUEST_NONE if there is none or there are several.
enum request request_find(const char *name);

#endif

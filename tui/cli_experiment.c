// SPDX-License-Identifier: GPL-3.0-or-later
// prompter experiment: a grid of runs in several processes side by side, with a table that tells how far it
// is. Results are appended, a line a cell, to a file of runs (sessions/report.h) as they come; cells that are
// there already are not run again.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/threads.h"
#include "engine/tensor/gemm.h"
#include "sessions/experiment_table.h"
#include "sessions/session.h"
#include "tui/cli_board.h"
#include "tui/cli_options.h"
#include "tui/cli_progress.h"
#include "tui/grid.h"

enum { KEY = 512, MOST_JOBS = 64 };

struct worker {
    pid_t pid; // 0: none
    int fd;    // its line comes here
    size_t cell;
    struct buffer line;
};

struct driver {
    const char *path, *out, *model, *only; // model, only: NULL if not given
    bool reading;                          // nothing is run or written
    struct experiment x;
    struct experiment_cell *cell;
    size_t cells;
    enum board_state *state; // of each cell
    size_t finished, failed;
    struct worker worker[MOST_JOBS];
    size_t jobs, threads;
    int fd; // of the results, for appending
    atomic_bool *cancel;
    struct cli_progress progress;
    char last[KEY + 64]; // result
    double began;
    size_t began_with;
};

// ---- results ----

static size_t find_cell(const struct driver *d, const char *key) {
    char mine[KEY];
    for (size_t i = 0; i < d->cells; i++) {
        experiment_cell_key(&d->x, &d->cell[i], mine, sizeof mine);
        if (strcmp(mine, key) == 0)
            return i;
    }
    return d->cells;
}

// What an earlier call has done. A last line that was cut off by a crash is dropped from the file; one that
// is only looked at may be in the middle of being written.
static bool read_results(struct driver *d, struct error *e) {
    char *text = NULL;
    size_t length = 0, whole = 0, number = 0;
    if (!file_exists(d->out))
        return true;
    if (!file_read(d->out, (size_t)1 << 30, &text, &length, e))
        return false;
    bool ok = true;
    for (char *at = text, *end; ok && (end = memchr(at, '\n', length - (size_t)(at - text))); at = end + 1) {
        struct report_run r;
        number++;
        whole = (size_t)(end + 1 - text);
        if (end == at)
            continue;
        ok = report_line_read(&r, at, (size_t)(end - at), e) ||
             error_context(e, "%s: line %zu", d->out, number);
        size_t i = ok && strcmp(r.session, d->x.name) == 0 ? find_cell(d, r.place) : d->cells;
        if (i < d->cells && d->state[i] != BOARD_DONE) {
            d->state[i] = BOARD_DONE;
            d->finished++;
        }
        if (ok)
            report_run_free(&r);
    }
    if (ok && !d->reading && whole < length && truncate(d->out, (off_t)whole) != 0)
        ok = error_system(e, "%s ends in half a line that cannot be taken away", d->out);
    free(text);
    return ok;
}

static bool append(struct driver *d, const struct buffer *line, struct error *e) {
    for (size_t at = 0; at < line->length;) {
        ssize_t n = write(d->fd, line->data + at, line->length - at);
        if (n < 0 && errno != EINTR)
            return error_system(e, "the result cannot be written to %s", d->out);
        at += n > 0 ? (size_t)n : 0;
    }
    return fsync(d->fd) == 0 || errno == EINVAL || error_system(e, "%s", d->out); // a pipe cannot be flushed
}

// ---- workers ----

static void write_all(int fd, const char *text, size_t length) {
    while (length) {
        ssize_t n = write(fd, text, length);
        if (n <= 0 && errno != EINTR)
            _exit(1);
        text += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
}

// In a process of its own: the line of a cell, or "!" and what went wrong.
static void work(struct driver *d, size_t cell, int fd) {
    struct error e = {0};
    struct thread_pool *pool = NULL;
    struct report_run r;
    struct buffer b = {0};
    bool ok = thread_pool_create(&pool, d->threads, &e) &&
              experiment_run(&d->x, &d->cell[cell], pool, d->cancel, &r, &e);
    if (ok)
        report_line_write(&b, &r, true);
    if (ok && !buffer_ok(&b, &e))
        ok = false;
    if (!ok)
        buffer_printf(&b, "!%s\n", e.text);
    write_all(fd, b.data, b.length);
    _exit(e.kind == ERROR_CANCELLED ? 2 : ok ? 0 : 1);
}

static bool start_worker(struct driver *d, struct worker *w, size_t cell, struct error *e) {
    int fd[2];
    if (pipe(fd) != 0)
        return error_system(e, "a pipe for a run cannot be made");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        close(fd[0]);
        close(fd[1]);
        return error_system(e, "a process for a run cannot be started");
    }
    if (pid == 0) {
        close(fd[0]);
        work(d, cell, fd[1]);
    }
    close(fd[1]);
    *w = (struct worker){.pid = pid, .fd = fd[0], .cell = cell};
    d->state[cell] = BOARD_RUNS;
    return true;
}

// On a terminal with room for it a table, which is looked after all the time; else a line with each result.
static void tell(struct driver *d, bool result) {
    char left[32] = "", failed[40] = "", line[KEY + 256];
    size_t made = d->finished - d->began_with, columns, rows;
    double each = made ? (clock_seconds() - d->began) / (double)made : 0;
    struct buffer table = {0};
    if (made && d->finished + d->failed < d->cells)
        cli_duration(each * (double)(d->cells - d->finished - d->failed), left, sizeof left);
    if (d->failed)
        snprintf(failed, sizeof failed, ", %zu failed", d->failed);
    snprintf(line, sizeof line, "%zu of %zu runs%s%s%s  %s", d->finished, d->cells, failed,
             left[0] ? ", left: " : "", left, d->last);
    // One column is left free: a terminal that has written its last one is about to go to the next line.
    if (cli_progress_room(&columns, &rows) &&
        cli_board_print(&table, &d->x, d->cell, d->state, d->cells, line, columns - 1, rows))
        cli_progress_show(&d->progress, table.data);
    else if (result)
        cli_progress_say(&d->progress, false, "%s", line);
    buffer_free(&table);
}

// A worker's end: its line goes to the file.
static bool collect(struct driver *d, struct worker *w, struct error *e) {
    char key[KEY];
    int status = 0;
    bool ok = true;
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(w->fd);
    experiment_cell_key(&d->x, &d->cell[w->cell], key, sizeof key);
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && w->line.length;
    if (good) {
        struct report_run r;
        ok = append(d, &w->line, e);
        d->finished++;
        d->state[w->cell] = BOARD_DONE;
        snprintf(d->last, sizeof d->last, "%s", key);
        if (report_line_read(&r, w->line.data, w->line.length - 1, NULL)) {
            // The numbers first: what does not fit is cut at the end.
            snprintf(d->last, sizeof d->last, "dev %.3f, test %.3f: %s", r.dev.accuracy, r.test.accuracy,
                     key);
            report_run_free(&r);
        }
        tell(d, true);
    } else if (!(WIFEXITED(status) && WEXITSTATUS(status) == 2)) { // not cancelled
        d->failed++;
        d->state[w->cell] = BOARD_FAILED;
        bool said = w->line.length > 1 && w->line.data[0] == '!';
        if (said) // without its newline
            w->line.data[w->line.length - 1] = '\0';
        cli_progress_say(&d->progress, true, "failed: %s%s%.600s", said ? "" : key, said ? "" : ": ",
                         said ? w->line.data + 1 : "its process ended without a result");
    }
    buffer_free(&w->line);
    *w = (struct worker){0};
    return ok;
}

static bool listen(struct driver *d, struct error *e) {
    struct pollfd p[MOST_JOBS];
    char bytes[1 << 14];
    for (size_t i = 0; i < d->jobs; i++)
        p[i] = (struct pollfd){.fd = d->worker[i].pid ? d->worker[i].fd : -1, .events = POLLIN};
    if (poll(p, d->jobs, 200) < 0)
        return errno == EINTR || error_system(e, "waiting for runs");
    bool ok = true;
    for (size_t i = 0; ok && i < d->jobs; i++) {
        struct worker *w = &d->worker[i];
        if (!w->pid || !p[i].revents)
            continue;
        ssize_t n = read(w->fd, bytes, sizeof bytes);
        if (n > 0)
            buffer_add(&w->line, bytes, (size_t)n);
        else if (n == 0 || errno != EINTR)
            ok = collect(d, w, e);
    }
    return ok;
}

static size_t running(const struct driver *d) {
    size_t n = 0;
    for (size_t i = 0; i < d->jobs; i++)
        n += d->worker[i].pid != 0;
    return n;
}

static bool run_grid(struct driver *d, struct error *e) {
    size_t next = 0;
    bool ok = true, told = false;
    d->began = clock_seconds();
    d->began_with = d->finished;
    for (;;) {
        bool stopping = atomic_load(d->cancel) || !ok;
        for (size_t i = 0; ok && !stopping && i < d->jobs; i++) {
            while (next < d->cells && d->state[next] == BOARD_DONE)
                next++;
            if (!d->worker[i].pid && next < d->cells)
                ok = start_worker(d, &d->worker[i], next++, e);
        }
        if (stopping && !told) { // a person's Ctrl-C reaches them, too; a program's signal does not
            for (size_t i = 0; i < d->jobs; i++)
                if (d->worker[i].pid)
                    kill(d->worker[i].pid, SIGTERM);
            told = true;
        }
        if (!running(d))
            break;
        tell(d, false);
        if (!listen(d, e))
            ok = false;
    }
    cli_progress_clear(&d->progress); // the results come in its place
    return ok;
}

// ---- the table ----

static bool print_table(const struct driver *d, const char *path, enum report_format format,
                        struct error *e) {
    struct report report = {0};
    struct buffer b = {0};
    const struct report_source source = {.session = d->x.name,
                                         .folder = (char *)"",
                                         .place = (char *)"",
                                         .path = (char *)d->out,
                                         .lines = true};
    bool ok = report_read(&report, &source, e) &&
              experiment_table_print(&b, &d->x, &report, REPORT_TEST, format, text_width, e);
    if (ok && path)
        ok = file_write_atomic(path, b.data ? b.data : "", b.length, e) && printf("%s\n", path) > 0;
    else if (ok)
        fputs(b.data ? b.data : "", stdout);
    buffer_free(&b);
    report_free(&report);
    return ok;
}

// ---- the command ----

// Another model in place of the experiment's.
static bool take_model(struct driver *d, struct error *e) {
    char *model = d->model ? session_find_model(d->model, e) : NULL; // from here, not from the file
    if (!d->model)
        return true;
    free(d->x.model);
    d->x.model = model;
    return model != NULL;
}

// Leaves the cells whose key has the text of --only.
static bool choose_cells(struct driver *d, struct error *e) {
    size_t kept = 0;
    char key[KEY];
    for (size_t i = 0; i < d->cells; i++) {
        experiment_cell_key(&d->x, &d->cell[i], key, sizeof key);
        if (!d->only || strstr(key, d->only))
            d->cell[kept++] = d->cell[i];
    }
    d->cells = kept;
    return kept || error_set(e, ERROR_INPUT, "no run of %s has \"%.80s\" in its name; --list shows them all",
                             d->path, d->only);
}

// Two on one file would each run all cells: the second is told. The kernel's lock goes with the process, and
// with the workers that one leaves behind that is killed; a file system or a pipe without locks has none.
static bool open_results(struct driver *d, struct error *e) {
    d->fd = open(d->out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (d->fd < 0)
        return error_system(e, "%s cannot be written", d->out);
    return flock(d->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
           error_set(e, ERROR_INPUT,
                     "another prompter experiment is writing %s; wait for it, or name another file with "
                     "--out (more runs side by side: --jobs N)",
                     d->out);
}

static bool open_grid(struct driver *d, struct error *e) {
    return experiment_read(&d->x, d->path, e) && take_model(d, e) &&
           experiment_cells(&d->x, &d->cell, &d->cells, e) && choose_cells(d, e) &&
           (d->state = mem_calloc(d->cells, sizeof *d->state, e)) &&
           (d->reading ||
            ((experiment_check(&d->x, e) || error_context(e, "%s", d->path)) && open_results(d, e))) &&
           read_results(d, e);
}

// Beside an experiment of one's own; of a shipped one among the sessions, where Compare finds them, or, to be
// looked at, those that came with it.
static char *default_out(const char *path, bool shipped, bool look, struct error *e) {
    size_t n = strlen(path), s = sizeof ".json" - 1;
    const char *name = strrchr(path, '/');
    char *home = NULL, *beside;
    struct buffer b = {0};
    n -= n > s && strcmp(path + n - s, ".json") == 0 ? s : 0;
    buffer_printf(&b, "%.*s.runs.jsonl", (int)n, path);
    beside = buffer_take(&b, e);
    if (!shipped || !beside)
        return beside;
    if ((home = session_home(e)) && (look || file_make_folders(home, e)))
        buffer_printf(&b, "%s%s", home, beside + (name - path));
    char *own = b.length ? buffer_take(&b, e) : NULL;
    free(home);
    if (own && look && !file_exists(own) && file_exists(beside)) {
        free(own);
        return beside;
    }
    free(beside);
    return own;
}

static int run_experiment(int argc, char **argv) {
    const char *out = NULL, *table = NULL, *model = NULL, *only = NULL;
    size_t jobs = 0, threads = 1;
    bool list = false, no_run = false;
    const struct cli_option options[] = {
        {.name = "out",
         .argument = "FILE",
         .help = "the results, JSON lines (default: NAME.runs.jsonl, beside the experiment, of a shipped one "
                 "beside the sessions)",
         .text = &out},
        {.name = "model",
         .argument = "DIR",
         .help = "this model instead of the experiment's (needs --out)",
         .text = &model},
        {.name = "only", .argument = "TEXT", .help = "only runs with TEXT in their name", .text = &only},
        {.name = "jobs",
         .argument = "N",
         .help = "runs side by side (default: as many as processors)",
         .number = &jobs},
        {.name = "threads", .argument = "N", .help = "threads of each run (1)", .number = &threads},
        {.name = "table",
         .argument = "FILE",
         .help = "write the table to .txt, .md, .tex, or .csv: there a row for each cell",
         .text = &table},
        {.name = "table-only", .help = "run nothing; show the table of what is there", .flag = &no_run},
        {.name = "list", .help = "print the runs of the grid and which of them are done", .flag = &list},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_experiment, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    enum report_format format = REPORT_TEXT;
    if (table && !report_format_of(&format, table, &e)) {
        cli_complain("experiment", e.text);
        return CLI_USAGE;
    }
    if (model && !out) {
        cli_complain("experiment", "--model needs --out FILE: results of different models do not belong into "
                                   "one table");
        return CLI_USAGE;
    }
    static struct driver d;
    bool shipped = false, look = list || no_run;
    char *found = experiment_find(argv[0], &shipped, &e);
    char *made = out || !found ? NULL : default_out(found, shipped, look, &e);
    d = (struct driver){.path = found,
                        .out = out ? out : made,
                        .model = model,
                        .only = only,
                        .reading = look,
                        .jobs = jobs ? jobs : thread_count_available(),
                        .threads = threads ? threads : 1,
                        .fd = -1,
                        .cancel = cli_listen_to_signals(1)};
    d.jobs = d.jobs > MOST_JOBS ? MOST_JOBS : d.jobs;
    gemm_prepare();
    bool ok = d.out && open_grid(&d, &e);
    for (size_t i = 0; ok && list && i < d.cells; i++) {
        char key[KEY];
        experiment_cell_key(&d.x, &d.cell[i], key, sizeof key);
        printf("%s  %s\n", d.state[i] == BOARD_DONE ? "done" : "    ", key);
    }
    if (ok && !list && !no_run)
        ok = run_grid(&d, &e);
    if (ok && !list && d.finished)
        ok = print_table(&d, table, format, &e);
    if (!ok)
        cli_complain("experiment", e.text);
    if (ok && atomic_load(d.cancel))
        cli_progress_say(&d.progress, true,
                         "stopped with %zu of %zu runs done; the same command goes on from here", d.finished,
                         d.cells);
    else if (ok && d.failed)
        cli_progress_say(&d.progress, true, "%zu of %zu runs failed; the same command tries them again",
                         d.failed, d.cells);
    bool complete = ok && !d.failed && !atomic_load(d.cancel);
    if (d.fd >= 0)
        close(d.fd);
    experiment_free(&d.x);
    free(d.cell);
    free(d.state);
    free(made);
    free(found);
    return cli_finish("experiment", complete ? CLI_OK : CLI_FAILED);
}

const struct cli_command cli_experiment = {
    .name = "experiment",
    .operands = "FILE | NAME",
    .summary = "Run a grid of tasks, methods and seeds, and print the table.",
    .details =
        "FILE says what to run, NAME is a shipped one: main, words, starts, length, shots, seeds.\n"
        "Each result is a JSON line, written as soon as it is there; a run that was stopped goes on "
        "where it was.\n"
        "Settings to choose among are chosen on dev; test is scored once, after the choice. The table "
        "has means\n"
        "over seeds with their standard deviations. In the workbench, Compare reads the same file of "
        "results.\n"
        "\n"
        "FILE is JSON; all but \"experiment\", \"name\", \"tasks\", \"seeds\" and \"methods\" can be left "
        "out:\n"
        "\n"
        "  {\"experiment\": 1, \"name\": \"mine\", \"about\": \"a line for people\",\n"
        "   \"model\": \"meadow\", \"tasks\": [\"sentiment\", \"my/task.json\"], \"seeds\": \"1-5\",\n"
        "   \"words\": [\"good\"], \"settings\": {\"shots\": 16, \"steps\": 200},\n"
        "   \"methods\": [\n"
        "    {\"name\": \"hybrid PT\", \"method\": \"hybrid\", \"try\": {\"rate\": [0.03, 0.1]}},\n"
        "    {\"name\": \"words alone\", \"template\": \"hard\", \"tune\": \"nothing\"}]}\n"
        "\n"
        "  tasks     shipped ones, folders, task.json files, as seen from FILE\n"
        "  seeds     a range or a list of numbers\n"
        "  words     sets of label words of the tasks; good: their own\n"
        "  settings  those of :set in the workbench, of all methods\n"
        "  methods   each has a name and a method of :method in the workbench, or a\n"
        "            template (soft, hybrid, hard, choice, or its text); then what\n"
        "            differs from that: tune (prompt, all, nothing), vectors, settings,\n"
        "            prompt (a file of vectors to start from), model, tasks (only\n"
        "            these), try (settings and the values among which dev chooses)",
    .example = "  $ prompter experiment main --table main.md\n"
               "  $ prompter experiment mine.json --only sentiment/ --jobs 2",
    .least = 1,
    .most = 1,
    .run = run_experiment,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// Versions of session.json: what a newer program finds in the files of an older one is brought up to date in
// memory, version by version, and the old file is kept beside the new one when it is written.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "session_inside.h"

enum { MOST_FILE = 4 << 20 };

// Version 0 has no "version" and is otherwise version 1: files from before there was that key, and those that
// people write by hand without it.
static bool from_0(cJSON *tree, struct error *e) {
    (void)tree, (void)e;
    return true;
}

// migration[v] makes version v + 1 of version v; it changes what moved or got another meaning. The number
// itself is set by session_migrate.
static bool (*const migration[SESSION_VERSION])(cJSON *tree, struct error *e) = {from_0};

bool session_migrate(cJSON *tree, int *version, struct error *e) {
    double number = 0;
    if (!json_get_number(tree, "version", false, &number, e))
        return false;
    if (number > SESSION_VERSION)
        return error_set(e, ERROR_INPUT,
                         "\"version\" is %g: a newer Prompter wrote this, and this one knows versions up to "
                         "%d; please update",
                         number, SESSION_VERSION);
    if (!(number >= 0) || floor(number) != number)
        return error_set(e, ERROR_INPUT, "\"version\" is %g, but should be a whole number up to %d", number,
                         SESSION_VERSION);
    *version = (int)number;
    for (int v = *version; v < SESSION_VERSION; v++)
        if (!migration[v](tree, e) || !json_put(tree, "version", cJSON_CreateNumber(v + 1), e))
            return error_context(e, "version %d could not be brought to version %d", v, v + 1);
    return true;
}

// A copy under the name, where the file system has no links.
static bool copy_file(const char *from, const char *to, struct error *e) {
    char *text;
    size_t length;
    bool ok = file_read(from, MOST_FILE, &text, &length, e) && file_write_atomic(to, text, length, e);
    free(text);
    return ok;
}

bool session_keep_version(const struct session *s, const char *path, struct error *e) {
    struct buffer name = {0};
    bool kept = s->parts.version == SESSION_VERSION || !file_exists(path), ok = true;
    for (unsigned n = 1; !kept && ok && n < 100; n++) {
        buffer_clear(&name);
        buffer_printf(&name, n == 1 ? "%s.v%d" : "%s.v%d-%u", path, s->parts.version, n);
        ok = buffer_ok(&name, e);
        if (!ok || file_exists(name.data)) // never over an older one
            continue;
        kept = link(path, name.data) == 0 || errno == EEXIST || copy_file(path, name.data, e);
        ok = kept;
    }
    buffer_free(&name);
    return kept || (ok ? error_set(e, ERROR_SYSTEM, "there are too many old versions of %s", path)
                       : error_context(e, "the old version of %s cannot be kept", path));
}

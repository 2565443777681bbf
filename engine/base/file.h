// SPDX-License-Identifier: GPL-3.0-or-later
// Files: reading whole ones with a limit, mapping large ones, and writing so that a crash leaves the old or
// the new.
#ifndef PROMPTER_ENGINE_BASE_FILE_H
#define PROMPTER_ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

// The whole file, NUL-terminated (the NUL is not counted), owned by the caller. Refuses more than `most`
// bytes and anything that is no regular file.
bool file_read(const char *path, size_t most, char **text, size_t *length, struct error *e);

// Writes a temporary file beside `path`, flushes it to the disk, renames it over `path`, flushes the folder.
// On failure the old file is untouched and the temporary one removed.
bool file_write_atomic(const char *path, const void *bytes, size_t length, struct error *e);
// The same without waiting for the disk: whole for every other program at once, but after a power failure the
// file may be empty, or have holes, so that whoever reads it has to be able to tell (a sum).
bool file_write_quick(const char *path, const void *bytes, size_t length, struct error *e);

// The same for a file that is written piece by piece: open, add in order, then commit; close always, which
// throws the temporary file away unless it was committed. Zero-initialise.
struct file_writer {
    char *path, *temporary; // owned
    int fd;
};
bool file_writer_open(struct file_writer *w, const char *path, struct error *e);
bool file_writer_add(struct file_writer *w, const void *bytes, size_t length, struct error *e);
bool file_writer_commit(struct file_writer *w, struct error *e);
void file_writer_close(struct file_writer *w);

// Whether a file of this name is (or was, when its program was killed) being written by one of these.
bool file_name_unfinished(const char *name);

// A read-only private mapping. An empty file maps to a NULL pointer of length 0.
struct file_map {
    const unsigned char *bytes;
    size_t length;
};
bool file_map_open(struct file_map *map, const char *path, struct error *e);
void file_map_close(struct file_map *map);
// The path of the mapping that an address lies in, or NULL: for the handler of SIGBUS, which is raised where
// a mapped file has become shorter or its disk is gone. Async-signal-safe. The latest 64 mappings are known.
const char *file_map_at(const void *address);
// Whether a file that is mapped now, and lies below `folder`, was written to since: it has another length or
// time of change. *path then is its name. A file that was replaced by a new one of its name, or removed, is
// still mapped as it was, and does not count.
bool file_maps_changed(const char *folder, char *path, size_t size);

bool file_exists(const char *path);
bool file_is_folder(const char *path);
// The folder and its parents, mode 0777 less the umask; one that exists is fine.
bool file_make_folders(const char *path, struct error *e);

// folder/name as an owned string; `name` alone where it is absolute or folder is empty.
char *path_join(const char *folder, const char *name, struct error *e);
// The part before the last slash ("." if none), owned.
char *path_folder(const char *path, struct error *e);
// The part after the last slash; points into path.
const char *path_name(const char *path);
// True when a relative path cannot lead out of the folder it is joined to: no leading slash, no "..".
bool path_stays_inside(const char *path);

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
// Zip files through libzip, the only file that knows it: writing one, and reading one that may come from
// anywhere.
//
// A read archive is checked as a whole before anything of it is used: not more files and bytes than the
// limits say (as stated in the archive; unpacking more than a file's stated size fails), names that stay in
// the folder they are unpacked into, no name twice, plain files and folders only, nothing encrypted.
// Contents are checked against their CRC-32 while they are unpacked. All messages begin with the archive's
// path.
#ifndef PROMPTER_SESSIONS_ARCHIVE_H
#define PROMPTER_SESSIONS_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { ARCHIVE_MOST_NAME = 400 };

// What can be the name of a file in an archive: UTF-8 without control characters, at most ARCHIVE_MOST_NAME
// bytes, relative, of parts between single slashes of which none is "." or "..".
bool archive_name_valid(const char *name, struct error *e);

struct archive_writer;
// Beside `path`, which must not exist; it gets its name in archive_writer_commit.
bool archive_writer_open(struct archive_writer **out, const char *path, struct error *e);
// A file of the disk, read in archive_writer_commit.
bool archive_writer_add_file(struct archive_writer *w, const char *name, const char *file, struct error *e);
// Bytes that the caller keeps until archive_writer_close.
bool archive_writer_add_bytes(struct archive_writer *w, const char *name, const void *borrow_bytes,
                              size_t length, struct error *e);
// Writes it, waits for the disk, and gives it its name unless that is taken by now.
bool archive_writer_commit(struct archive_writer *w, struct error *e);
// Throws away what was not committed. NULL is fine.
void archive_writer_close(struct archive_writer *w);

struct archive_limits {
    size_t files;
    uint64_t bytes; // of all files together, unpacked
};
struct archive;
bool archive_open(struct archive **out, const char *path, const struct archive_limits *limits,
                  struct error *e);
void archive_close(struct archive *a);
size_t archive_count(const struct archive *a);
// Of one entry; a folder's ends in "/".
const char *archive_name(const struct archive *a, size_t i);
uint64_t archive_bytes(const struct archive *a, size_t i);
// Writes the entry's contents to a file that is not there yet, atomically.
bool archive_unpack(struct archive *a, size_t i, const char *to, struct error *e);

#endif

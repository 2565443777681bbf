// SPDX-License-Identifier: GPL-3.0-or-later
// Text corpora, read as a stream of documents in a shuffled order that needs no index.
//
// A corpus is one or more UTF-8 files. Three layouts:
//   sentences    documents separated by blank lines, a sentence a line
//   paragraphs   documents separated by blank lines, a line holds several sentences (cut by sentences.h)
//   lines        every line is a document of several sentences
// Lines may end with LF or CRLF. Blank means: nothing but spaces and tabs. A byte order mark at the beginning
// of a file is passed over. Bytes that are no UTF-8, and NUL, become U+FFFD and are counted. Lines may be of
// any length. A document of more than CORPUS_LONGEST bytes is cut into several, at a line's beginning where
// there is one, and counted.
//
// How memory stays small: a file is cut in thought into blocks of CORPUS_BLOCK bytes, and a document belongs
// to the block in which its first letter lies, which can be told from the bytes around it. Nothing is read
// when a corpus is opened but a piece at both ends of each file, and nothing is indexed: a 10 GB file takes
// as much memory as a 10 MB one. A reader holds the documents of one window of blocks (about 4 MiB of text;
// at most window_blocks * (CORPUS_BLOCK + 2 * CORPUS_LONGEST)) and its own tables.
//
// The order, with shuffling: in each epoch the blocks are put into an order that (seed, epoch) give; windows
// take them in turn; inside a window all documents are shuffled by (seed, epoch, window). What is promised:
//   - every document of the part comes exactly once an epoch;
//   - the order depends on the files' bytes, their order, the layout, and the reader's settings alone;
//   - within a window (a corpus of up to 4 MiB has only one) every order is equally likely; documents that
//   lie
//     in one block of 64 KiB stay in one window. A corpus sorted by topic in runs much longer than a block is
//     mixed well, and neighbours in a block are up to a window apart.
// A position is three numbers, and a reader that is set to it goes on to the bit.
//
// Parts: each document has a number in [0, 1) made from its text; a reader takes those in [from, to). So a
// part is the same for any order, seed and window, copies of a document fall into the same part, and 949:50:1
// is three readers with [0, .949), [.949, .999), [.999, 1).
//
// A corpus is read-only after opening and may be shared by threads; a reader belongs to one thread and
// borrows the corpus. Files must not change meanwhile: reading then fails, saying so.
#ifndef PROMPTER_ENGINE_DATA_CORPUS_H
#define PROMPTER_ENGINE_DATA_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { CORPUS_BLOCK = 1 << 16, CORPUS_LONGEST = 1 << 18, CORPUS_WINDOW_BLOCKS = 64 };

// AUTO looks at the first file's beginning: no blank line in it: lines; several sentences on most lines:
// paragraphs; else sentences.
enum corpus_layout { CORPUS_AUTO, CORPUS_SENTENCES, CORPUS_PARAGRAPHS, CORPUS_LINES };
const char *corpus_layout_name(enum corpus_layout layout); // "auto", "sentences", ...; NULL behind the last
bool corpus_layout_find(const char *name, enum corpus_layout *out);

struct corpus;

// Opens the files; the paths are copied. Refuses none at all, what is no regular file, and files without a
// letter in them (the message names the file).
bool corpus_open(struct corpus **out, const char *const *paths, size_t count, enum corpus_layout layout,
                 struct error *e);
void corpus_close(struct corpus *c);
enum corpus_layout corpus_layout_of(const struct corpus *c); // never AUTO
uint64_t corpus_bytes(const struct corpus *c);               // of all files
uint64_t corpus_blocks(const struct corpus *c);
// Depends on the layout and on each file's length, beginning and end: to tell that a kept position belongs to
// this corpus.
uint64_t corpus_fingerprint(const struct corpus *c);

// A document: sentences as NUL-terminated UTF-8 without line ends. Borrowed from the reader's window.
struct corpus_document {
    const char *text;    // of the window
    const size_t *start; // [sentences + 1]: sentence i is text + start[i]; a NUL lies between them
    size_t sentences;    // at least 1
    size_t bytes;        // of all sentences together
    uint64_t hash;       // of the sentences
    uint64_t place;      // (number of the file << 48) + offset of its first letter
};
static inline const char *corpus_sentence(const struct corpus_document *d, size_t i, size_t *length) {
    *length = d->start[i + 1] - d->start[i] - 1;
    return d->text + d->start[i];
}

struct corpus_reader_settings {
    double from, to;        // the part, 0 <= from < to <= 1
    bool shuffle;           // otherwise in the order of the files
    uint64_t seed;          // of the order
    size_t window_blocks;   // 0: CORPUS_WINDOW_BLOCKS
    size_t least_sentences; // shorter documents are passed over; 0 and 1: none
};
struct corpus_reader_settings corpus_reader_settings_default(void); // all of it, shuffled, seed 1

struct corpus_position {
    uint64_t epoch, window, next; // next: documents of the window already given
};

struct corpus_counts { // since the reader was made; a document counts each time its window is read
    uint64_t documents, sentences, bytes;
    uint64_t replaced;  // bytes that were no UTF-8
    uint64_t cut;       // documents that are a part of a longer one
    uint64_t too_short; // documents with fewer than least_sentences
};

struct corpus_reader;

bool corpus_reader_create(struct corpus_reader **out, const struct corpus *c,
                          const struct corpus_reader_settings *settings, struct error *e);
void corpus_reader_free(struct corpus_reader *r);

// The next document; it stays valid until a later call reads another window. Behind the last one the next
// epoch begins. Fails when a whole epoch has no document, and when reading fails.
bool corpus_reader_next(struct corpus_reader *r, struct corpus_document *out, struct error *e);
// Where the next document will come from; to be kept, and given to seek.
struct corpus_position corpus_reader_position(const struct corpus_reader *r);
bool corpus_reader_seek(struct corpus_reader *r, struct corpus_position position, struct error *e);
// Goes on to the next document of this epoch only: *out is false when there is none left (then no document
// was taken, and the position is the beginning of the next epoch).
bool corpus_reader_next_in_epoch(struct corpus_reader *r, struct corpus_document *d, bool *out,
                                 struct error *e);

// The window that the last document came from: any of its documents, for examples that need other documents.
// i < corpus_window_documents; the order is the one in which they are given.
size_t corpus_window_documents(const struct corpus_reader *r);
struct corpus_document corpus_window_document(const struct corpus_reader *r, size_t i);
size_t corpus_window_last(const struct corpus_reader *r); // the number of the last document given
uint64_t corpus_windows(const struct corpus_reader *r);   // in an epoch

struct corpus_counts corpus_reader_counts(const struct corpus_reader *r);
size_t corpus_reader_bytes(const struct corpus_reader *r); // memory held

#endif

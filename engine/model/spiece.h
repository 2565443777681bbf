// SPDX-License-Identifier: GPL-3.0-or-later
// The door to the SentencePiece library and its trainer, which is C++: sentencepiece.cc is the only C++ of
// this program. No exception passes it, and the library writes nothing to stderr. tokenizer.h is what others
// use.
#ifndef PROMPTER_ENGINE_MODEL_SPIECE_H
#define PROMPTER_ENGINE_MODEL_SPIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spiece;

enum spiece_kind {
    SPIECE_NORMAL,
    SPIECE_UNKNOWN,
    SPIECE_CONTROL,
    SPIECE_BYTE,   // "<0x00>" .. "<0xFF>"
    SPIECE_UNUSED, // has an id that encoding never gives
};

// From the bytes of a spiece.model. On failure NULL, and why in message[size].
struct spiece *spiece_load(const char *bytes, size_t length, char *message, size_t size);
void spiece_free(struct spiece *s);

size_t spiece_count(const struct spiece *s);
// id < count; owned by the library, valid as long as s.
const char *spiece_text(const struct spiece *s, size_t id);
enum spiece_kind spiece_kind(const struct spiece *s, size_t id);
// The id of an exact piece, or -1. -1 also for the special ids that a model may lack.
int32_t spiece_find(const struct spiece *s, const char *piece);
int32_t spiece_unk(const struct spiece *s);
int32_t spiece_eos(const struct spiece *s);
int32_t spiece_pad(const struct spiece *s);

// The sink is called for each piece in order; one that returns false ends the call, which then fails with an
// empty message. An unknown run is one piece with the unknown id.
typedef bool spiece_id_sink(void *context, int32_t id);
bool spiece_encode(const struct spiece *s, const char *text, size_t length, spiece_id_sink *sink,
                   void *context, char *message, size_t size);
// The same as text: an unknown run's piece is the run itself after normalisation. May contain NUL bytes.
typedef bool spiece_text_sink(void *context, const char *piece, size_t length);
bool spiece_encode_text(const struct spiece *s, const char *text, size_t length, spiece_text_sink *sink,
                        void *context, char *message, size_t size);

// ---- training ----

// Gives one sentence after the other; false at the end. The text is valid until the next call.
typedef bool spiece_sentence_source(void *context, const char **text, size_t *length);
struct spiece_argument {
    const char *name, *value; // as SentencePiece's trainer knows them: "vocab_size", "8000"
};
// Trains a model; *bytes is then its file, to be released with free(). Sentences are held in memory
// meanwhile.
bool spiece_train(const struct spiece_argument *arguments, size_t count, spiece_sentence_source *source,
                  void *context, char **bytes, size_t *length, char *message, size_t size);
// The score (log probability of a unigram model) of a piece.
float spiece_score(const struct spiece *s, size_t id);

#ifdef __cplusplus
}
#endif

#endif

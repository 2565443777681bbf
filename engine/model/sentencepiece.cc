// SPDX-License-Identifier: GPL-3.0-or-later
// SentencePiece behind C functions; nothing is decided here.
#include "spiece.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

// In the library, though not in its installed header; weak, in case a version keeps it to itself.
namespace sentencepiece {
namespace logging {
__attribute__((weak)) void SetMinLogLevel(int level);
}
} // namespace sentencepiece

struct spiece {
    sentencepiece::SentencePieceProcessor processor;
};

namespace {

void tell(char *message, size_t size, const char *text) {
    std::snprintf(message, size, "%s", text);
}

template <typename Piece, typename Give>
bool encode(const struct spiece *s, const char *text, size_t length, Give give, char *message, size_t size) {
    tell(message, size, "");
    try {
        std::vector<Piece> pieces;
        auto status = s->processor.Encode(absl::string_view(text, length), &pieces);
        if (!status.ok()) {
            tell(message, size, status.ToString().c_str());
            return false;
        }
        for (const Piece &piece : pieces)
            if (!give(piece))
                return false;
        return true;
    } catch (const std::exception &x) {
        tell(message, size, x.what());
    } catch (...) {
        tell(message, size, "SentencePiece failed");
    }
    return false;
}

void be_quiet() {
    if (sentencepiece::logging::SetMinLogLevel)
        sentencepiece::logging::SetMinLogLevel(1000); // above every level: the status says it all
}

class Sentences : public sentencepiece::SentenceIterator {
  public:
    Sentences(spiece_sentence_source *source, void *context) : source_(source), context_(context) {
        Next();
    }
    bool done() const override {
        return done_;
    }
    void Next() override {
        const char *text = nullptr;
        size_t length = 0;
        done_ = !source_(context_, &text, &length);
        if (!done_)
            value_.assign(text, length);
    }
    const std::string &value() const override {
        return value_;
    }
    sentencepiece::util::Status status() const override {
        return sentencepiece::util::Status();
    }

  private:
    spiece_sentence_source *source_;
    void *context_;
    std::string value_;
    bool done_ = false;
};

} // namespace

struct spiece *spiece_load(const char *bytes, size_t length, char *message, size_t size) {
    struct spiece *s = nullptr;
    tell(message, size, "");
    try {
        be_quiet();
        s = new struct spiece;
        auto status = s->processor.LoadFromSerializedProto(absl::string_view(bytes, length));
        if (status.ok())
            return s;
        tell(message, size, status.ToString().c_str());
    } catch (const std::exception &x) {
        tell(message, size, x.what());
    } catch (...) {
        tell(message, size, "SentencePiece failed");
    }
    delete s;
    return nullptr;
}

void spiece_free(struct spiece *s) {
    delete s;
}

size_t spiece_count(const struct spiece *s) {
    int n = s->processor.GetPieceSize();
    return n > 0 ? static_cast<size_t>(n) : 0;
}

const char *spiece_text(const struct spiece *s, size_t id) {
    return s->processor.IdToPiece(static_cast<int>(id)).c_str();
}

enum spiece_kind spiece_kind(const struct spiece *s, size_t id) {
    int i = static_cast<int>(id);
    return s->processor.IsUnknown(i)   ? SPIECE_UNKNOWN
           : s->processor.IsControl(i) ? SPIECE_CONTROL
           : s->processor.IsByte(i)    ? SPIECE_BYTE
           : s->processor.IsUnused(i)  ? SPIECE_UNUSED
                                       : SPIECE_NORMAL;
}

int32_t spiece_find(const struct spiece *s, const char *piece) {
    int id = s->processor.PieceToId(piece);
    return id >= 0 && id < s->processor.GetPieceSize() && s->processor.IdToPiece(id) == piece ? id : -1;
}

int32_t spiece_unk(const struct spiece *s) {
    return s->processor.unk_id();
}

int32_t spiece_eos(const struct spiece *s) {
    return s->processor.eos_id();
}

int32_t spiece_pad(const struct spiece *s) {
    return s->processor.pad_id();
}

bool spiece_encode(const struct spiece *s, const char *text, size_t length, spiece_id_sink *sink,
                   void *context, char *message, size_t size) {
    auto give = [=](int id) { return sink(context, id); };
    return encode<int>(s, text, length, give, message, size);
}

bool spiece_encode_text(const struct spiece *s, const char *text, size_t length, spiece_text_sink *sink,
                        void *context, char *message, size_t size) {
    auto give = [=](const std::string &piece) { return sink(context, piece.data(), piece.size()); };
    return encode<std::string>(s, text, length, give, message, size);
}

float spiece_score(const struct spiece *s, size_t id) {
    return s->processor.GetScore(static_cast<int>(id));
}

bool spiece_train(const struct spiece_argument *arguments, size_t count, spiece_sentence_source *source,
                  void *context, char **bytes, size_t *length, char *message, size_t size) {
    tell(message, size, "");
    try {
        std::unordered_map<std::string, std::string> all;
        std::string model;
        for (size_t i = 0; i < count; i++)
            all[arguments[i].name] = arguments[i].value;
        be_quiet();
        Sentences sentences(source, context);
        auto status = sentencepiece::SentencePieceTrainer::Train(all, &sentences, &model);
        if (!status.ok()) {
            tell(message, size, status.ToString().c_str());
            return false;
        }
        char *copy = static_cast<char *>(std::malloc(model.size() + 1));
        if (!copy)
            throw std::bad_alloc();
        std::memcpy(copy, model.data(), model.size());
        *bytes = copy;
        *length = model.size();
        return true;
    } catch (const std::exception &x) {
        tell(message, size, x.what());
    } catch (...) {
        tell(message, size, "SentencePiece failed");
    }
    return false;
}

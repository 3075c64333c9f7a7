#include "xlstm/text/tokenizer.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/text/added_tokens.h"
#include "xlstm/text/bpe.h"
#include "xlstm/text/component.h"
#include "xlstm/text/declared_tokens.h"
#include "xlstm/text/decoder.h"
#include "xlstm/text/normalizer.h"
#include "xlstm/text/post_processor.h"
#include "xlstm/text/pre_tokenizer.h"
#include "xlstm/text/progress.h"
#include "xlstm/text/tokenizer_config.h"
#include "xlstm/text/vocabulary.h"

namespace xlstm {
namespace {

// The member, or null.
Json part_of(const Json& json, std::string_view key) {
  const auto found = json.find(std::string(key));
  return found == json.end() ? Json() : *found;
}

Json parse_file(std::string_view text, std::string_view where) {
  Json json = parse_json(text, where);
  if (!json.is_object()) fail_wanted(ErrorKind::kFormat, where, "an object", kind_of(json));
  const std::string version = get_string(json, "version", where).value_or("1.0");
  if (version != "1.0") fail_wanted(ErrorKind::kModel, where, "version \"1.0\"", quoted(version));
  return json;
}

}  // namespace

struct Tokenizer::Impl {
  Impl(const Json& json, const text::TokenizerConfig& config, std::string_view where);

  std::vector<TokenId> ids_of(std::string_view text, const EncodeOptions& options) const;

  std::unique_ptr<const text::Normalizer> normalizer;
  text::PreTokenizer pre_tokenizer;
  text::Bpe model;
  text::AddedTokens added;
  text::Vocabulary vocabulary;
  text::PostProcessor post_processor;
  text::Decoder decoder;
  text::SpecialIds special;

 private:
  struct Encoder;
};

Tokenizer::Impl::Impl(const Json& json, const text::TokenizerConfig& config, std::string_view where)
    : normalizer(
          text::make_normalizer(part_of(json, "normalizer"), text::inside(where, "normalizer"))),
      pre_tokenizer(part_of(json, "pre_tokenizer"), text::inside(where, "pre_tokenizer")),
      model(text::required(json, "model", where), text::inside(where, "model")),
      added(
          text::with_declared(text::read_added_tokens(part_of(json, "added_tokens"),
                                                      text::inside(where, "added_tokens")),
                              config),
          [this](std::string_view token) { return model.id_of(token); }, model.tokens().size(),
          normalizer.get()),
      vocabulary(model, added, where),
      post_processor(part_of(json, "post_processor"), text::inside(where, "post_processor")),
      decoder(part_of(json, "decoder"), text::inside(where, "decoder")) {
  for (const TokenId id : post_processor.added_ids()) {
    if (vocabulary.find(id) == nullptr) {
      fail_wanted(ErrorKind::kFormat, text::inside(where, "post_processor"), "ids with a token",
                  str(id));
    }
  }
  special =
      text::special_ids(config, [this](std::string_view token) { return vocabulary.id_of(token); });
  if (special.bos) post_processor.set_begin(config.add_bos, *special.bos);
  if (special.eos) post_processor.set_end(config.add_eos, *special.eos);
}

// Takes pieces and appends their ids.
struct Tokenizer::Impl::Encoder final : text::PieceSink {
  Encoder(const Impl& impl, std::size_t text_size, const EncodeOptions& options)
      : tokenizer(impl),
        parse_special(options.parse_special_tokens),
        progress(options.on_progress, text_size),
        scratch(text_size, progress) {}

  void take(const text::Piece& piece) override {
    if (tokenizer.pre_tokenizer.gives_bytes()) {
      tokenizer.model.encode_bytes(piece.text, scratch, ids);
    } else {
      tokenizer.model.encode(piece.text, scratch, ids);
    }
    progress.advance(piece.text.size());
  }

  // `at_start` as in Piece.
  void encode(std::string_view text, bool at_start) {
    std::string normal;
    if (tokenizer.normalizer) {
      normal = text;
      tokenizer.normalizer->apply(normal, progress);
      text = normal;
    }
    for (const text::TextSegment& segment : tokenizer.added.split(text, true, parse_special)) {
      if (segment.token) {
        ids.push_back(*segment.token);
        progress.advance(segment.text.size());
      } else {
        const bool is_first = segment.text.data() == text.data();
        tokenizer.pre_tokenizer.run({segment.text, at_start && is_first}, *this);
      }
    }
  }

  const Impl& tokenizer;
  bool parse_special;
  text::Progress progress;
  text::BpeScratch scratch;
  std::vector<TokenId> ids;
};

std::vector<TokenId> Tokenizer::Impl::ids_of(std::string_view text,
                                             const EncodeOptions& options) const {
  Encoder encoder(*this, text.size(), options);
  for (const text::TextSegment& segment : added.split(text, false, options.parse_special_tokens)) {
    if (segment.token) {
      encoder.ids.push_back(*segment.token);
      encoder.progress.advance(segment.text.size());
    } else {
      encoder.encode(segment.text, segment.text.data() == text.data());
    }
  }
  return std::move(encoder.ids);
}

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Tokenizer Tokenizer::open(const std::filesystem::path& path) {
  std::error_code none;  // what cannot be examined fails when it is read
  const bool is_folder = std::filesystem::is_directory(path, none);
  const std::filesystem::path folder = is_folder ? path : path.parent_path();
  const std::filesystem::path file = is_folder ? path / "tokenizer.json" : path;
  const auto text_beside = [&](const char* name) {
    const std::filesystem::path beside = folder / name;
    return std::filesystem::exists(beside, none) ? whole_file(beside) : "";
  };
  return parse(whole_file(file), text_beside("tokenizer_config.json"), file.string(),
               text_beside("special_tokens_map.json"));
}

Tokenizer Tokenizer::parse(std::string_view tokenizer_json, std::string_view config_json,
                           std::string_view where, std::string_view special_tokens_map_json) {
  return Tokenizer(std::make_shared<const Impl>(
      parse_file(tokenizer_json, where),
      text::read_tokenizer_config(config_json, special_tokens_map_json, where), where));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const std::size_t error = utf8_first_error(text);
  if (error != std::string_view::npos) {
    fail_wanted(ErrorKind::kUsage, "encode", "UTF-8 text",
                str("other bytes at offset ", error, ": ", quoted(text.substr(error, 8))));
  }
  return impl_->post_processor.apply(impl_->ids_of(text, options), options.add_special_tokens);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  std::string text;
  std::vector<DecoderState> states = impl_->decoder.start();
  for (const TokenId id : ids) {
    const text::VocabularyEntry* entry = impl_->vocabulary.find(id);
    if (entry == nullptr || (skip_special_tokens && entry->is_skipped)) continue;
    impl_->decoder.push(entry->text, states, text);
  }
  impl_->decoder.finish(states, text);
  return text;
}

std::string Tokenizer::token_bytes(TokenId id) const {
  const text::VocabularyEntry* entry = impl_->vocabulary.find(id);
  return entry == nullptr ? "" : impl_->decoder.bytes_of(entry->text);
}

bool Tokenizer::has_token(TokenId id) const {
  return impl_->vocabulary.find(id) != nullptr;
}

bool Tokenizer::is_special(TokenId id) const {
  const text::VocabularyEntry* entry = impl_->vocabulary.find(id);
  return entry != nullptr && entry->is_special;
}

bool Tokenizer::is_added(TokenId id) const {
  return impl_->added.tokens().contains(id);
}

bool Tokenizer::is_hidden(TokenId id) const {
  const text::VocabularyEntry* entry = impl_->vocabulary.find(id);
  return entry != nullptr && entry->is_skipped;
}

std::optional<TokenId> Tokenizer::single_token(std::string_view text) const {
  if (const std::optional<TokenId> added = impl_->added.id_of(text)) return added;
  const std::vector<TokenId> ids = encode(text);
  if (ids.size() == 1) return ids.front();
  return std::nullopt;
}

std::vector<TextOrToken> Tokenizer::split_hidden(std::string_view text) const {
  std::vector<TextOrToken> parts;
  for (const text::TextSegment& segment : impl_->added.split_hidden(text)) {
    parts.push_back({segment.text, segment.token});
  }
  return parts;
}

std::optional<TokenId> Tokenizer::token_to_id(std::string_view token) const {
  return impl_->vocabulary.id_of(token);
}

TokenId Tokenizer::max_id() const {
  return impl_->vocabulary.max_id();
}

std::optional<TokenId> Tokenizer::bos_id() const {
  return impl_->special.bos;
}
std::optional<TokenId> Tokenizer::eos_id() const {
  return impl_->special.eos;
}
std::optional<TokenId> Tokenizer::pad_id() const {
  return impl_->special.pad;
}

std::optional<TokenId> Tokenizer::named_bos_id() const {
  return impl_->special.named_bos;
}
std::vector<TokenId> Tokenizer::named_end_ids() const {
  return impl_->special.named_ends;
}

Detokenizer::Detokenizer(Tokenizer tokenizer, bool skip_special_tokens)
    : tokenizer_(std::move(tokenizer)),
      skip_special_tokens_(skip_special_tokens),
      states_(tokenizer_.impl_->decoder.start()) {}

std::string Detokenizer::push(TokenId id) {
  std::string text;
  const Tokenizer::Impl& tokenizer = *tokenizer_.impl_;
  const text::VocabularyEntry* entry = tokenizer.vocabulary.find(id);
  if (entry != nullptr && !(skip_special_tokens_ && entry->is_skipped)) {
    tokenizer.decoder.push(entry->text, states_, text);
  }
  return text;
}

std::string Detokenizer::finish() {
  std::string text;
  tokenizer_.impl_->decoder.finish(states_, text);
  states_ = tokenizer_.impl_->decoder.start();
  return text;
}

}  // namespace xlstm

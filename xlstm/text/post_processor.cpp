#include "xlstm/text/post_processor.h"

#include <algorithm>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::text {
namespace {

// What a processor is given and gives back: sequences of ids, PostProcessor::kText for the text's.
using Sequence = std::vector<TokenId>;
using Sequences = std::vector<Sequence>;

std::size_t total(const Sequences& sequences) {
  std::size_t size = 0;
  for (const Sequence& sequence : sequences) size += sequence.size();
  return size;
}

// Templates in a sequence may each repeat what the one before made.
void check_size(const Sequences& sequences, std::string_view where) {
  constexpr std::size_t kMost = 4096;
  if (sequences.size() + total(sequences) > kMost) {
    fail_wanted(ErrorKind::kFormat, where, str("a layout of at most ", kMost, " ids"), "more");
  }
}

// ["<s>", 1]
TokenId named_token(const Json& json, std::string_view key, std::string_view where) {
  const Json& pair = required_array(json, key, where);
  if (pair.size() != 2 || !pair[0].is_string()) {
    fail_wanted(ErrorKind::kFormat, where, str("a token and its id for ", quoted(key)),
                kind_of(pair));
  }
  return token_id_from(pair[1], where);
}

// [CLS] A [SEP] and, for more sequences, B [SEP] (BERT) or [SEP] B [SEP] (RoBERTa).
Sequences add_cls_and_sep(const Json& json, std::string_view where, Sequences sequences,
                          bool is_roberta, bool add_special) {
  const TokenId cls = named_token(json, "cls", where);
  const TokenId sep = named_token(json, "sep", where);
  if (!add_special) return sequences;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    Sequence& ids = sequences[i];
    if (i == 0 || is_roberta) ids.insert(ids.begin(), i == 0 ? cls : sep);
    ids.push_back(sep);
  }
  return sequences;
}

Sequence special_ids(const Json& tokens, const std::string& name, std::string_view where) {
  const Json& token = required(tokens, name, where);
  Sequence ids;
  for (const Json& id : required_array(token, "ids", where))
    ids.push_back(token_id_from(id, where));
  return ids;
}

// {"Sequence": {"id": "A", ...}}: which of the sequences.
std::size_t sequence_number(const Json& piece, std::string_view where) {
  const std::string id = required_string(piece, "id", where);
  if (id != "A" && id != "B") {
    fail_wanted(ErrorKind::kFormat, where, "a sequence A or B", quoted(id));
  }
  return id == "A" ? 0 : 1;
}

// A template for one sequence, and one for the two that another processor may have made of it.
std::string_view template_for(std::size_t sequences, std::string_view where) {
  if (sequences != 1 && sequences != 2) {
    fail_wanted(ErrorKind::kModel, where, "one or two sequences for a template", str(sequences));
  }
  return sequences == 1 ? "single" : "pair";
}

Sequences apply_template(const Json& json, std::string_view where, const Sequences& sequences,
                         bool add_special) {
  const std::string_view name = template_for(sequences.size(), where);
  const Json& tokens = required(json, "special_tokens", where);
  Sequences result;
  for (const Json& piece : required_array(json, name, where)) {
    if (piece.is_object() && piece.contains("Sequence")) {
      const std::size_t number = sequence_number(piece["Sequence"], where);
      if (number >= sequences.size()) {
        fail_wanted(ErrorKind::kFormat, where,
                    str("a template ", quoted(name), " without sequence B"), "one");
      }
      result.push_back(sequences[number]);
    } else {
      const Json& special = required(piece, "SpecialToken", where);
      const Sequence ids = special_ids(tokens, required_string(special, "id", where), where);
      if (add_special) result.push_back(ids);
    }
    check_size(result, where);
  }
  return result;
}

Sequences process(const Json& json, std::string_view where, Sequences sequences, bool add_special) {
  const std::string type = type_of(json, where);
  if (type == "ByteLevel") return sequences;  // moves offsets only
  if (type == "TemplateProcessing") return apply_template(json, where, sequences, add_special);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    return add_cls_and_sep(json, where, std::move(sequences), type == "RobertaProcessing",
                           add_special);
  }
  if (type == "Sequence") {
    for (const Json& part : required_array(json, "processors", where)) {
      sequences = process(part, where, std::move(sequences), add_special);
      check_size(sequences, where);
    }
    return sequences;
  }
  fail_unknown(where, "post-processor", type,
               "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing, Sequence");
}

Sequence joined(const Sequences& sequences) {
  Sequence all;
  for (const Sequence& part : sequences) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

PostProcessor::PostProcessor(const Json& json, std::string_view where) {
  if (json.is_null()) return;
  with_special_ = joined(process(json, where, {{kText}}, true));
  plain_ = joined(process(json, where, {{kText}}, false));
}

void PostProcessor::set_begin(std::optional<bool> wanted, TokenId id) {
  const bool has_it = !with_special_.empty() && with_special_.front() == id;
  if (!wanted || *wanted == has_it) return;
  if (*wanted) {
    with_special_.insert(with_special_.begin(), id);
  } else {
    with_special_.erase(with_special_.begin());
  }
}

void PostProcessor::set_end(std::optional<bool> wanted, TokenId id) {
  const bool has_it = !with_special_.empty() && with_special_.back() == id;
  if (!wanted || *wanted == has_it) return;
  if (*wanted) {
    with_special_.push_back(id);
  } else {
    with_special_.pop_back();
  }
}

std::vector<TokenId> PostProcessor::apply(std::vector<TokenId> ids, bool add_special_tokens) const {
  const Layout& layout = add_special_tokens ? with_special_ : plain_;
  if (layout == Layout{kText}) return ids;
  std::vector<TokenId> result;
  result.reserve(ids.size() + layout.size());
  for (const TokenId id : layout) {
    if (id == kText) {
      result.insert(result.end(), ids.begin(), ids.end());
    } else {
      result.push_back(id);
    }
  }
  return result;
}

std::vector<TokenId> PostProcessor::added_ids() const {
  std::vector<TokenId> ids;
  std::copy_if(with_special_.begin(), with_special_.end(), std::back_inserter(ids),
               [](TokenId id) { return id != kText; });
  return ids;
}

}  // namespace xlstm::text

// Text <-> token ids.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "xlstm/python/arrays.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/guards.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm::python {
namespace {

std::vector<TokenId> encode(const Tokenizer& tokenizer, const std::string& text,
                            bool add_special_tokens, bool parse_special) {
  const nb::gil_scoped_release released;
  return tokenizer.encode(text, {.add_special_tokens = add_special_tokens,
                                 .parse_special_tokens = parse_special,
                                 .on_progress = [](double) { check_signals(); }});
}

std::string decode(const Tokenizer& tokenizer, nb::handle given, bool skip_special_tokens) {
  const std::vector<TokenId> ids = ids_of(given, "decode");
  const nb::gil_scoped_release released;
  return tokenizer.decode(ids, skip_special_tokens);
}

nb::bytes token_bytes(const Tokenizer& tokenizer, TokenId id) {
  const std::string bytes = tokenizer.token_bytes(id);
  return nb::bytes(bytes.data(), bytes.size());
}

}  // namespace

void bind_tokenizer(nb::module_& m) {
  nb::class_<Tokenizer>(m, "Tokenizer")
      .def("encode", &encode, nb::arg("text"), nb::arg("add_special_tokens") = false,
           nb::arg("parse_special") = true)
      .def("decode", &decode, nb::arg("ids"), nb::arg("skip_special_tokens") = true)
      .def("token_bytes", &token_bytes, nb::arg("id"))
      .def("token_to_id", &Tokenizer::token_to_id, nb::arg("token"))
      .def("has_token", &Tokenizer::has_token, nb::arg("id"))
      .def("is_special", &Tokenizer::is_special, nb::arg("id"))
      .def_prop_ro("max_id", &Tokenizer::max_id)
      .def_prop_ro("bos_id", &Tokenizer::bos_id)
      .def_prop_ro("eos_id", &Tokenizer::eos_id)
      .def_prop_ro("pad_id", &Tokenizer::pad_id);
  // A text of a stream of ids, never half a character.
  nb::class_<Detokenizer>(m, "Detokenizer")
      .def(nb::init<Tokenizer, bool>(), nb::arg("tokenizer"), nb::arg("skip_special_tokens") = true)
      .def("push", &Detokenizer::push, nb::arg("id"))
      .def("finish", &Detokenizer::finish);
}

}  // namespace xlstm::python

#include "xlstm/text/key_order.h"

#include "xlstm/base/json.h"

namespace xlstm::text {
namespace {

// Takes the parser's events; the method names are the library's.
class KeyReader final : public nlohmann::json_sax<Json> {
 public:
  explicit KeyReader(std::string_view member) : member_(member) {}

  std::vector<std::string> keys() && { return std::move(keys_); }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_array(std::size_t) override { return ++depth_ > 0; }
  bool end_array() override { return depth_-- > 0; }
  bool start_object(std::size_t) override { return ++depth_ > 0; }
  bool end_object() override { return depth_-- > 0; }
  bool key(string_t& name) override {
    if (depth_ == 1) last_ = name;
    const bool is_wanted = member_.empty() ? depth_ == 1 : depth_ == 2 && last_ == member_;
    if (is_wanted) keys_.push_back(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  std::string member_;
  std::string last_;  // of the keys of the outermost object
  std::vector<std::string> keys_;
  int depth_ = 0;
};

}  // namespace

std::vector<std::string> key_order(std::string_view json, std::string_view member) {
  KeyReader reader(member);
  if (!json.empty()) Json::sax_parse(json.begin(), json.end(), &reader);
  return std::move(reader).keys();
}

}  // namespace xlstm::text

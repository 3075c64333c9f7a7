#include "xlstm/mlx/metal/kernel_texts.h"

#include <algorithm>
#include <set>

#include "xlstm/base/error.h"

namespace xlstm::mlx::metal {
namespace {

std::string_view text_of(std::string_view path, std::span<const KernelText> texts) {
  for (const KernelText& each : texts) {
    if (each.path == path) return each.text;
  }
  fail_wanted(ErrorKind::kInternal, "Metal kernel", "a text that was built in", std::string(path));
}

// The number of the line before the end of which `part` begins.
std::size_t line_of(std::string_view text, std::string_view part) {
  const std::string_view before = text.substr(0, text.find(part));
  return static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
}

// Takes a line off `text`, without its end.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// What a compiler says of the lines that follow is of this place.
void append_place(std::string_view path, std::size_t line, std::string& out) {
  out += str("#line ", line, " \"", path, "\"\n");
}

// Appends the text, and in the place of an include the text that it names, unless `seen` has it.
void append_text(std::string_view path, std::span<const KernelText> texts,
                 std::set<std::string, std::less<>>& seen, std::string& out) {
  constexpr std::string_view kInclude = "#include \"";
  if (!seen.emplace(path).second) return;
  std::string_view rest = text_of(path, texts);
  append_place(path, 1, out);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = next_line(rest);
    if (line.starts_with(kInclude)) {
      const std::string_view name = line.substr(kInclude.size());
      append_text(name.substr(0, name.find('"')), texts, seen, out);
      append_place(path, number + 1, out);
    } else {
      out.append(line).push_back('\n');
    }
  }
}

}  // namespace

KernelSource split_source(std::string_view path, std::span<const KernelText> texts) {
  std::set<std::string, std::less<>> seen;
  std::string all;
  append_text(path, texts, seen, all);
  const std::size_t slash = path.rfind('/') + 1;
  const std::string_view name = path.substr(slash, path.rfind('.') - slash);
  const std::string signature = str("\nkernel void ", name, "() {\n");
  const std::size_t begin = all.find(signature), end = all.rfind("\n}");
  if (begin == std::string::npos || end < begin || all.substr(end) != "\n}\n") {
    fail_wanted(ErrorKind::kInternal, path, str("a text that ends with kernel void ", name, "()"),
                "another");
  }
  const std::size_t first = begin + signature.size();
  std::string body;
  append_place(path, line_of(text_of(path, texts), signature) + 2, body);
  return {all.substr(0, begin + 1), body + all.substr(first, end + 1 - first)};
}

KernelSource kernel_source(std::string_view name) {
  const std::string file = str("/", name, ".metal");
  for (const KernelText& each : kernel_texts()) {
    if (each.path.ends_with(file)) return split_source(each.path, kernel_texts());
  }
  fail_wanted(ErrorKind::kInternal, "Metal kernel", "a text that was built in", std::string(name));
}

}  // namespace xlstm::mlx::metal

// Names that come from a server or a person and become names of files here.
#pragma once

#include <string>
#include <string_view>

namespace xlstm {

// Whether `path` stays below the folder that it is put into, on every system: "a/b.json"; not
// "../a", "/a", "a//b", "a\\b", nor with control characters or longer than file systems allow.
bool is_safe_path(std::string_view path);

// Whether git would take it as the name of a branch or tag, "refs/pr/1" too; it is a path below
// refs/ here.
bool is_revision(std::string_view text);

// 40 hexadecimal digits: a whole commit.
bool is_commit(std::string_view text);

// `header` as the name of a blob: without W/ and quotes.
std::string etag_of(std::string_view header);

}  // namespace xlstm

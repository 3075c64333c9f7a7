// What a ZIP archive's directory says, checked against the file.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/input_file.h"

namespace xlstm {

struct ZipMember {
  std::string name;
  std::uint64_t bytes = 0;         // as they are read
  std::uint64_t packed_bytes = 0;  // as they lie in the file
  std::uint64_t start = 0;         // in the file, of the header before them
  std::uint64_t offset = 0;        // in the file, of the packed bytes
  std::uint32_t checksum = 0;      // CRC-32 of what is read
  bool deflated = false;           // else stored
};

// The members, sorted by name. They lie within the file and not on each other, their names are
// unique and stay in the folder, no size is beyond what deflate can make of the bytes, nothing is
// encrypted or on another disk. Sizes and places may have 32 or 64 bits. Throws Error: kFile,
// kFormat.
std::vector<ZipMember> read_zip_directory(const InputFile& file);

// Whether a member may have this name: it is relative and leads nowhere up.
bool is_zip_name(std::string_view name);

// Names a member in errors: "file, member name".
std::string zip_member_name(const InputFile& file, const std::string& name);

}  // namespace xlstm

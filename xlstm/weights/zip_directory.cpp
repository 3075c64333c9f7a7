#include "xlstm/weights/zip_directory.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kEndBytes = 22, kMostComment = 65535;
constexpr std::uint64_t kWideEndBytes = 56, kWidePlaceBytes = 20;  // of archives of 64 bits
constexpr std::uint64_t kEntryBytes = 46, kHeaderBytes = 30;       // without name and the like
constexpr std::uint64_t kMostDirectory = 256'000'000, kMostMembers = 1'000'000;
constexpr std::uint64_t kMostNameBytes = 4096;
constexpr std::uint64_t kIn64Bits = 0xFFFFFFFF, kCountIn64Bits = 0xFFFF;

// Little-endian number of `size` bytes.
std::uint64_t number_at(std::string_view bytes, std::uint64_t at, int size) {
  std::uint64_t out = 0;
  for (int i = size; i-- > 0;) {
    out = out << 8 | static_cast<unsigned char>(
                         bytes[static_cast<std::size_t>(at) + static_cast<std::size_t>(i)]);
  }
  return out;
}

std::string read_text(const InputFile& file, std::uint64_t offset, std::uint64_t bytes) {
  std::string out(static_cast<std::size_t>(bytes), '\0');
  file.read(offset, std::as_writable_bytes(std::span(out)));
  return out;
}

[[noreturn]] void wanted_in(const InputFile& file, std::string_view wanted, std::string_view got) {
  fail_wanted(ErrorKind::kFormat, file.path().string(), wanted, got);
}

// Where the directory lies.
struct Directory {
  std::uint64_t start = 0, bytes = 0, members = 0;
};

// The record at the archive's end: the last of its signatures whose comment ends with the file.
std::uint64_t find_end(const InputFile& file, std::string& end) {
  const std::uint64_t most = std::min(file.size(), kEndBytes + kMostComment);
  const std::string tail = read_text(file, file.size() - most, most);
  for (std::size_t at = tail.rfind("PK\5\6"); at != std::string::npos;
       at = at == 0 ? std::string::npos : tail.rfind("PK\5\6", at - 1)) {
    if (tail.size() - at < kEndBytes ||
        number_at(tail, at + 20, 2) != tail.size() - at - kEndBytes) {
      continue;
    }
    end = tail.substr(at, kEndBytes);
    return file.size() - most + at;
  }
  wanted_in(file, "a ZIP archive with its directory at the end", "none (is the file cut off?)");
}

// The end in 64 bits, where the place of one stands before the end in 32.
std::optional<std::pair<std::uint64_t, std::string>> find_wide_end(const InputFile& file,
                                                                   std::uint64_t end) {
  if (end < kWidePlaceBytes + kWideEndBytes) return std::nullopt;
  const std::string place = read_text(file, end - kWidePlaceBytes, kWidePlaceBytes);
  if (!place.starts_with("PK\6\7")) return std::nullopt;
  const std::uint64_t at = number_at(place, 8, 8);
  if (at > end - kWidePlaceBytes - kWideEndBytes) {
    wanted_in(file, "an end record within the file", str("one at byte ", at));
  }
  std::string wide = read_text(file, at, kWideEndBytes);
  if (!wide.starts_with("PK\6\6")) wanted_in(file, str("an end record at byte ", at), "none");
  return std::pair(at, std::move(wide));
}

Directory find_directory(const InputFile& file) {
  std::string end;
  std::uint64_t at = find_end(file, end);
  if (number_at(end, 4, 2) != 0 || number_at(end, 6, 2) != 0) {
    wanted_in(file, "an archive in one part", "one of several disks");
  }
  Directory out{number_at(end, 16, 4), number_at(end, 12, 4), number_at(end, 10, 2)};
  if (const auto wide = find_wide_end(file, at)) {
    const std::uint64_t start = number_at(wide->second, 48, 8);
    if (out.start == kIn64Bits) out.start = start;
    if (out.bytes == kIn64Bits) out.bytes = number_at(wide->second, 40, 8);
    if (out.members == kCountIn64Bits) out.members = number_at(wide->second, 32, 8);
    at = wide->first;
  }
  if (out.start > at || out.bytes != at - out.start) {
    wanted_in(file, str("a directory that ends at byte ", at),
              str(out.bytes, " bytes from byte ", out.start, " on"));
  }
  if (out.bytes > kMostDirectory || out.members > kMostMembers) {
    wanted_in(file, str("at most ", kMostMembers, " members"),
              str(out.members, " in ", out.bytes, " bytes"));
  }
  return out;
}

// One entry of the directory, and the header before its member.
class EntryReader {
 public:
  EntryReader(const InputFile& file, std::uint64_t end) : file_(file), end_(end) {}

  // Of an entry that begins at `bytes`, which is shortened by it.
  ZipMember read(std::string_view& bytes, std::uint64_t number) {
    if (bytes.size() < kEntryBytes || !bytes.starts_with("PK\1\2")) {
      wanted_in(file_, str("entry ", number, " of the directory"), "something else");
    }
    const std::uint64_t name = number_at(bytes, 28, 2), extra = number_at(bytes, 30, 2);
    const std::uint64_t all = kEntryBytes + name + extra + number_at(bytes, 32, 2);
    if (all > bytes.size()) {
      wanted_in(file_, str(all, " bytes for entry ", number, " of the directory"),
                str(bytes.size()));
    }
    member_ = {};
    read_name(bytes.substr(kEntryBytes, static_cast<std::size_t>(name)), number);
    read_fields(bytes.substr(0, kEntryBytes));
    read_wide(bytes.substr(static_cast<std::size_t>(kEntryBytes + name),
                           static_cast<std::size_t>(extra)));
    read_header();
    check_sizes();
    bytes.remove_prefix(static_cast<std::size_t>(all));
    return std::move(member_);
  }

 private:
  [[noreturn]] void wanted(std::string_view wanted, std::string_view got) const {
    fail_wanted(ErrorKind::kFormat, zip_member_name(file_, member_.name), wanted, got);
  }

  void read_name(std::string_view name, std::uint64_t number) {
    if (name.empty() || name.size() > kMostNameBytes) {
      wanted_in(file_, str("a name of 1 to ", kMostNameBytes, " bytes for entry ", number),
                str("one of ", name.size()));
    }
    member_.name = name;
    if (!is_zip_name(name)) wanted("a name that stays in the folder", "this one");
  }

  void read_fields(std::string_view entry) {
    constexpr std::uint64_t kEncrypted = 1, kStored = 0, kDeflated = 8;
    const std::uint64_t flags = number_at(entry, 8, 2), method = number_at(entry, 10, 2);
    if ((flags & kEncrypted) != 0) wanted("a member that is not encrypted", "one that is");
    if (method != kStored && method != kDeflated) {
      wanted("a stored or deflated member (method 0 or 8)", str("method ", method));
    }
    member_.deflated = method == kDeflated;
    member_.checksum = static_cast<std::uint32_t>(number_at(entry, 16, 4));
    member_.packed_bytes = number_at(entry, 20, 4);
    member_.bytes = number_at(entry, 24, 4);
    member_.start = number_at(entry, 42, 4);
  }

  // Of what the entry has in 64 bits, those fields that it has not in 32.
  void read_wide(std::string_view extra) {
    while (extra.size() >= 4) {
      constexpr std::uint64_t kWide = 1;
      const std::uint64_t kind = number_at(extra, 0, 2);
      const auto size = static_cast<std::size_t>(number_at(extra, 2, 2));
      std::string_view field = extra.substr(4, size);
      if (field.size() < size) wanted("extra fields within the entry", "a longer one");
      extra.remove_prefix(4 + size);
      if (kind != kWide) continue;
      for (std::uint64_t* value : {&member_.bytes, &member_.packed_bytes, &member_.start}) {
        if (*value != kIn64Bits) continue;
        if (field.size() < 8) wanted("its sizes in 64 bits", "none");
        *value = number_at(field, 0, 8);
        field.remove_prefix(8);
      }
      return;
    }
  }

  void read_header() {
    if (member_.start > end_ || end_ - member_.start < kHeaderBytes) {
      wanted(str("a header before the directory at byte ", end_), str("one at ", member_.start));
    }
    const std::string header = read_text(file_, member_.start, kHeaderBytes);
    const std::uint64_t name = number_at(header, 26, 2);
    member_.offset = member_.start + kHeaderBytes + name + number_at(header, 28, 2);
    if (!header.starts_with("PK\3\4") || name != member_.name.size() || member_.offset > end_ ||
        read_text(file_, member_.start + kHeaderBytes, name) != member_.name) {
      wanted(str("a header with its name at byte ", member_.start), "another or none");
    }
  }

  void check_sizes() const {
    if (member_.packed_bytes > end_ - member_.offset) {
      wanted(str(member_.packed_bytes, " bytes from byte ", member_.offset, " on"),
             str("only ", end_ - member_.offset, " before the directory (is the file cut off?)"));
    }
    if (!member_.deflated && member_.bytes != member_.packed_bytes) {
      wanted(str(member_.packed_bytes, " bytes, as many as are stored"), str(member_.bytes));
    }
    constexpr std::uint64_t kMostRatio = 1032;  // of deflate: 258 bytes for 2 bits
    const std::uint64_t least = member_.bytes / kMostRatio;
    if (member_.deflated && member_.packed_bytes < least) {
      wanted(str("at least ", least, " packed bytes for ", member_.bytes),
             str(member_.packed_bytes, " (a zip bomb?)"));
    }
  }

  const InputFile& file_;
  std::uint64_t end_;  // of the members: where the directory begins
  ZipMember member_;
};

void check_names(const std::vector<ZipMember>& sorted, const InputFile& file) {
  const auto twice = std::ranges::adjacent_find(sorted, {}, &ZipMember::name);
  if (twice == sorted.end()) return;
  fail_wanted(ErrorKind::kFormat, zip_member_name(file, twice->name), "each name once", "it again");
}

void check_places(const std::vector<ZipMember>& members, const InputFile& file) {
  std::vector<const ZipMember*> order;
  for (const ZipMember& member : members) order.push_back(&member);
  std::ranges::sort(order, {}, &ZipMember::start);
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::uint64_t end = order[i - 1]->offset + order[i - 1]->packed_bytes;
    if (order[i]->start >= end) continue;
    fail_wanted(ErrorKind::kFormat, zip_member_name(file, order[i]->name),
                str("a place behind byte ", end, ", where ", quoted(order[i - 1]->name), " ends"),
                str("one at byte ", order[i]->start, ", an overlap"));
  }
}

}  // namespace

std::vector<ZipMember> read_zip_directory(const InputFile& file) {
  const Directory directory = find_directory(file);
  const std::string bytes = read_text(file, directory.start, directory.bytes);
  std::string_view rest = bytes;
  std::vector<ZipMember> members;
  EntryReader reader(file, directory.start);
  for (std::uint64_t i = 0; i < directory.members; ++i) members.push_back(reader.read(rest, i));
  if (!rest.empty()) {
    wanted_in(file, str("a directory of ", directory.members, " entries"),
              str(rest.size(), " bytes more"));
  }
  std::ranges::sort(members, {}, &ZipMember::name);
  check_names(members, file);
  check_places(members, file);
  return members;
}

bool is_zip_name(std::string_view name) {
  constexpr std::string_view kForbidden = "\0\\"sv;
  if (name.empty() || name.front() == '/' || name.find_first_of(kForbidden) != name.npos) {
    return false;
  }
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    if (name.substr(at, end - at) == "..") return false;
    at = end + 1;
  }
  return true;
}

std::string zip_member_name(const InputFile& file, const std::string& name) {
  return str(file.path().string(), ", member ", quoted(name));
}

}  // namespace xlstm

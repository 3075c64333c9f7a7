#include "xlstm/hub/blob_fetch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/system.h"
#include "xlstm/hub/backoff.h"
#include "xlstm/hub/cache_files.h"
#include "xlstm/hub/content_hash.h"
#include "xlstm/hub/file_lock.h"
#include "xlstm/hub/refusals.h"
#include "xlstm/hub/remote_names.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLookAtLock{100};
constexpr int kMostMismatches = 3;  // of a file's hash, or of parts, before it is given up

// The file that grows. Bytes are written where they belong and the file is never shortened: should
// another process, on a file system without locks, fetch the same, both write the same bytes.
class PartFile {
 public:
  explicit PartFile(fs::path path) : path_(std::move(path)) { open(); }
  ~PartFile() { close(); }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::uint64_t size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail_system(path_, "read its size", errno);
    return static_cast<std::uint64_t>(status.st_size);
  }
  const fs::path& path() const { return path_; }

  void write(std::uint64_t at, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = uninterrupted([&] {
        return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
      });
      if (written < 0) fail_system(path_, "write", errno);
      at += static_cast<std::uint64_t>(written);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  // A new file of that name, of no bytes.
  void start_over() {
    close();
    std::error_code ignored;
    fs::remove(path_, ignored);
    open();
  }

  void move_to(const fs::path& path) {
    if (uninterrupted([&] { return ::fsync(descriptor_); }) != 0) fail_system(path_, "sync", errno);
    std::error_code error;
    fs::rename(path_, path, error);
    if (error) fail(ErrorKind::kFile, path.string(), "cannot be put here: " + error.message());
  }

 private:
  void open() {
    descriptor_ = uninterrupted(
        [&] { return ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666); });
    if (descriptor_ < 0) fail_system(path_, "create", errno);
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  fs::path path_;
  int descriptor_ = -1;
};

// "bytes 100-199/200": the first byte and the size of all.
struct ContentRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> size;
};

std::optional<ContentRange> content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  ContentRange range;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), range.first);
  if (problem != std::errc() || end == text.data() + text.size() || *end != '-') {
    return std::nullopt;
  }
  std::uint64_t size = 0;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const char* last = text.data() + text.size();
    if (std::from_chars(text.data() + slash + 1, last, size).ptr == last) range.size = size;
  }
  return range;
}

// Bytes that are not those that were asked for; the file must be fetched from its start.
struct WrongPart {};

class BlobFetch {
 public:
  BlobFetch(Client& client, Job& job, const BlobToFetch& blob)
      : client_(client),
        job_(job),
        blob_(blob),
        where_(str(text_of(blob.name), " ", blob.file.name)),
        url_(client.settings().endpoint + file_path(blob.name, blob.commit, blob.file.name)),
        part_(blob.folder.incomplete(blob.file.etag)) {}

  void run() {
    if (blob_.force) part_.start_over();
    for (int mismatches = 0;; ++mismatches) {
      take_what_is_there();
      fetch_rest();
      const std::string digits = finished_hash();
      if (digits == blob_.file.etag) break;
      if (mismatches == kMostMismatches) {
        part_.start_over();  // never to be resumed
        fail_wanted(ErrorKind::kNetwork, where_, str("bytes whose hash is ", blob_.file.etag),
                    str(digits, ", ", mismatches + 1, " times"));
      }
      start_over();
    }
    part_.move_to(blob_.folder.blob(blob_.file.etag));
    job_.set_complete(blob_.number, done_);
  }

 private:
  HashKind kind() const { return hash_kind(blob_.file.etag, where_); }

  // Without its size git's hash cannot begin; it is then made at the end.
  void begin_hash() {
    hash_.reset();
    if (blob_.file.size || kind() == HashKind::kSha256) {
      hash_.emplace(kind(), blob_.file.size.value_or(0));
    }
  }

  void take_what_is_there() {
    done_ = part_.size();
    if (blob_.file.size && done_ > *blob_.file.size) start_over();
    begin_hash();
    if (hash_) {
      add_file(*hash_, part_.path(), done_, [&](std::uint64_t) { job_.throw_if_stopped(); });
    }
    job_.set_done(blob_.number, done_);
  }

  void start_over() {
    part_.start_over();
    done_ = 0;
    begin_hash();
    job_.set_done(blob_.number, 0);
  }

  bool is_whole() const { return blob_.file.size && done_ == *blob_.file.size; }

  void fetch_rest() {
    Backoff backoff(job_, where_, true);
    for (bool ended = is_whole(); !ended;) {
      const std::uint64_t before = done_;
      try {
        request_rest();
        ended = is_whole() || !blob_.file.size;
        if (!ended) throw TransferFailure{"the connection ended before the file did", true, true};
      } catch (const WrongPart&) {
        if (before == 0 || wrong_parts_++ == kMostMismatches) {
          part_.start_over();  // never to be resumed
          fail_wanted(ErrorKind::kNetwork, where_, str("the file's bytes from ", before),
                      "others, from " + url_);
        }
        start_over();
      } catch (...) {
        if (done_ > before) backoff.reset();
        backoff.wait_or_throw();
      }
    }
  }

  void request_rest() {
    HubRequest request{.path = file_path(blob_.name, blob_.commit, blob_.file.name)};
    if (done_ > 0) request.from = done_;
    bool checked = false;
    const HttpResponse response =
        client_.send(request, [&](const HttpResponse& head, std::span<const std::byte> bytes) {
          if (!std::exchange(checked, true)) check_part(head);
          take(bytes);
        });
    if (response.status == 416 && done_ > 0) throw WrongPart();
    if (response.status >= 300) fail_refused(blob_.name, response, url_, client_.settings());
    if (!checked) check_part(response);
  }

  // Before the first byte is taken. A server may send all though a part was asked for.
  void check_part(const HttpResponse& head) {
    if (head.status == 206) {
      const auto range = content_range(head.header("content-range"));
      const bool fits = range && range->first == done_ &&
                        (!range->size || !blob_.file.size || *range->size == *blob_.file.size);
      if (!fits) throw WrongPart();
      return;
    }
    check_whole(head);
    if (done_ > 0) start_over();
  }

  // That it is the file and no page in its place, of a network that asks to log in, say. Tried
  // again: somebody may log in.
  void check_whole(const HttpResponse& head) const {
    const std::string length = head.header("content-length");
    const std::string type = head.header("content-type");
    const bool is_of_hub = head.header("x-repo-commit") == blob_.commit ||
                           etag_of(head.header("etag")) == blob_.file.etag;
    const bool has_size =
        length.empty() || !blob_.file.size || length == std::to_string(*blob_.file.size);
    if (is_of_hub && has_size && !type.starts_with("text/html")) return;
    const std::string wanted =
        blob_.file.size ? str("the file of ", *blob_.file.size, " bytes") : "the file";
    throw TransferFailure{str("wanted ", wanted, ", got ", length.empty() ? "some" : length,
                              " bytes of type ", quoted(type), ": ", kNoHub),
                          true, true};
  }

  void take(std::span<const std::byte> bytes) {
    if (blob_.file.size && bytes.size() > *blob_.file.size - done_) {
      part_.start_over();
      fail_wanted(ErrorKind::kNetwork, where_, str("a file of ", *blob_.file.size, " bytes"),
                  "more, from " + url_);
    }
    part_.write(done_, bytes);
    if (hash_) hash_->add(bytes);
    done_ += bytes.size();
    job_.add_received(blob_.number, bytes.size());
  }

  std::string finished_hash() {
    if (hash_) return hash_->digits();
    ContentHash hash(kind(), done_);
    add_file(hash, part_.path(), done_);
    return hash.digits();
  }

  Client& client_;
  Job& job_;
  const BlobToFetch& blob_;
  std::string where_, url_;
  PartFile part_;
  std::uint64_t done_ = 0;  // bytes in the file
  int wrong_parts_ = 0;     // that came so far
  std::optional<ContentHash> hash_;
};

}  // namespace

void fetch_blob(Client& client, Job& job, const BlobToFetch& blob,
                const std::function<void()>& then) {
  bool told = false;
  const FileLock lock(blob.folder.lock(blob.file.etag), [&] {
    if (!std::exchange(told, true)) {
      job.note(str("waiting for another download of the bytes of ", blob.file.name));
    }
    job.wait(kLookAtLock);
  });
  const fs::path path = blob.folder.blob(blob.file.etag);
  if (blob.force || !is_there(path)) {
    BlobFetch(client, job, blob).run();
  } else {
    std::error_code ignored;
    job.set_complete(blob.number, fs::file_size(path, ignored));
  }
  then();
}

}  // namespace xlstm

#include "xlstm/hub/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <exception>

#include "xlstm/base/error.h"
#include "xlstm/hub/job.h"
#include "xlstm/hub/url.h"

namespace xlstm {
namespace {

constexpr std::size_t kMostHeaderBytes = 256 * 1024;
constexpr long kBuffer = 256 * 1024;
constexpr const char* kUserAgent = "xlstm/" XLSTM_VERSION;

// libcurl's own state of the process, made by whoever comes first.
struct Library {
  Library() { curl_global_init(CURL_GLOBAL_DEFAULT); }
};

void load_library() {
  static const Library library;
  static_cast<void>(library);
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

List list_of(const std::vector<std::string>& texts) {
  List list;
  for (const std::string& text : texts) {
    curl_slist* longer = curl_slist_append(list.get(), text.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

// What callbacks of one request share.
struct Transfer {
  const OnBody& on_body;
  const std::atomic<bool>& stop;
  std::chrono::duration<double> timeout;
  HttpResponse response = {};
  std::size_t header_bytes = 0;
  std::exception_ptr error = {};
  curl_off_t received = 0;
  std::chrono::steady_clock::time_point heard = std::chrono::steady_clock::now();
  bool timed_out = false;

  // Whether it goes on. libcurl's own limit looks at a mean of seconds, which bytes that came at
  // once keep up long after the last of them.
  bool goes_on(curl_off_t now_received) {
    const auto now = std::chrono::steady_clock::now();
    if (now_received != received) received = now_received, heard = now;
    timed_out = now - heard > timeout;
    return !timed_out && !stop;
  }

  // Runs code that C calls: exceptions wait until C has returned. False where it threw.
  template <typename Action>
  bool guarded(const Action& action) {
    try {
      action();
      return true;
    } catch (...) {
      error = std::current_exception();
      return false;
    }
  }

  void add_header_line(std::string_view line) {
    heard = std::chrono::steady_clock::now();
    header_bytes += line.size();
    if (header_bytes > kMostHeaderBytes) {
      throw TransferFailure{str("more than ", kMostHeaderBytes, " bytes of headers"), true, false};
    }
    if (line.starts_with("HTTP/")) {  // of the answer, after those of a proxy or 1xx
      response.headers.clear();
      const std::size_t blank = line.find(' ');
      response.status = 0;
      if (blank != std::string_view::npos) {
        std::from_chars(line.data() + blank + 1, line.data() + line.size(), response.status);
      }
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name = trimmed(line.substr(0, colon));
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    response.headers.insert_or_assign(name, trimmed(line.substr(colon + 1)));
  }
};

std::size_t header_callback(char* text, std::size_t, std::size_t size, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  return transfer.guarded([&] { transfer.add_header_line({text, size}); }) ? size : 0;
}

std::size_t body_callback(char* bytes, std::size_t, std::size_t size, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  const bool ok = transfer.guarded([&] {
    if (transfer.on_body)
      transfer.on_body(transfer.response, std::as_bytes(std::span(bytes, size)));
  });
  return ok ? size : 0;
}

int progress_callback(void* to, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(to)->goes_on(received) ? 0 : 1;
}

bool is_before_connection(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
         code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
}

// What of an address may be shown: without the signature that some have.
std::string origin_of(const std::string& url) {
  const auto parsed = parse_url(url);
  return parsed ? parsed->origin : url;
}

// Whether it would be the same another time.
bool is_lasting(CURLcode code) {
  constexpr std::array kLasting = {
      CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT,         CURLE_PEER_FAILED_VERIFICATION,
      CURLE_SSL_CACERT_BADFILE,   CURLE_SSL_CERTPROBLEM,       CURLE_SSL_CIPHER,
      CURLE_OUT_OF_MEMORY,        CURLE_BAD_FUNCTION_ARGUMENT, CURLE_FAILED_INIT};
  return std::find(kLasting.begin(), kLasting.end(), code) != kLasting.end();
}

}  // namespace

std::string HttpResponse::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? "" : found->second;
}

struct Http::State {
  const HubSettings& settings;
  const std::atomic<bool>& stop;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle{nullptr, curl_easy_cleanup};
  std::array<char, CURL_ERROR_SIZE> message{};

  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(handle.get(), option, value);
    if (code != CURLE_OK) fail(ErrorKind::kInternal, "libcurl", curl_easy_strerror(code));
  }

  void prepare(const HttpRequest& request, Transfer& transfer, const List& headers,
               const std::string& range) {
    curl_easy_reset(handle.get());
    message[0] = '\0';
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_NOBODY, request.head ? 1L : 0L);
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_USERAGENT, kUserAgent);
    set(CURLOPT_FOLLOWLOCATION, 0L);  // client.cpp does, and knows where the token may go
    if (request.from) set(CURLOPT_RANGE, range.c_str());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.timeout * 1000));
    set(CURLOPT_NOSIGNAL, 1L);
    // libcurl 7.88 refuses it after a request that found no host: then it is what it was.
    curl_easy_setopt(handle.get(), CURLOPT_BUFFERSIZE, kBuffer);
    set(CURLOPT_ERRORBUFFER, message.data());
    set(CURLOPT_HEADERFUNCTION, &header_callback);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_WRITEFUNCTION, &body_callback);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &progress_callback);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
    if (!settings.ca_file.empty()) set(CURLOPT_CAINFO, settings.ca_file.c_str());
    if (!settings.ca_folder.empty()) set(CURLOPT_CAPATH, settings.ca_folder.c_str());
  }
};

Http::Http(const HubSettings& settings, const std::atomic<bool>& stop)
    : state_(new State{settings, stop}) {
  load_library();
  state_->handle.reset(curl_easy_init());
  if (state_->handle == nullptr) fail(ErrorKind::kInternal, "libcurl", "cannot be started");
}

Http::~Http() = default;

HttpResponse Http::perform(const HttpRequest& request, const OnBody& on_body) {
  Transfer transfer{.on_body = on_body,
                    .stop = state_->stop,
                    .timeout = std::chrono::duration<double>(request.timeout)};
  const List headers = list_of(request.headers);
  const std::string range = str(request.from.value_or(0), "-");
  state_->prepare(request, transfer, headers, range);
  const CURLcode code = curl_easy_perform(state_->handle.get());
  if (transfer.error) std::rethrow_exception(transfer.error);
  const std::string from = str(" (", origin_of(request.url), ")");
  if (transfer.timed_out) {
    const bool connected = transfer.header_bytes > 0 || transfer.received > 0;
    throw TransferFailure{str("nothing came for ", request.timeout, " s", from), connected, true};
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) throw Stopped();
  if (code != CURLE_OK) {
    const char* said =
        state_->message[0] != '\0' ? state_->message.data() : curl_easy_strerror(code);
    throw TransferFailure{said + from, !is_before_connection(code), !is_lasting(code)};
  }
  return std::move(transfer.response);
}

}  // namespace xlstm

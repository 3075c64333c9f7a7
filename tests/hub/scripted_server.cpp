#include "tests/hub/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <span>
#include <sstream>
#include <stdexcept>

#include "xlstm/hub/content_hash.h"

namespace xlstm {
namespace {

std::string read_head(int connection) {
  std::string text;
  char byte = 0;
  while (!text.ends_with("\r\n\r\n") && ::recv(connection, &byte, 1, 0) == 1) text += byte;
  return text;
}

ScriptedRequest parse_head(const std::string& text) {
  std::istringstream in(text);
  ScriptedRequest request;
  std::string line;
  in >> request.method >> request.path;
  std::getline(in, line);
  while (std::getline(in, line) && line != "\r") {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    request.headers[name] = line.substr(colon + 2, line.size() - colon - 3);
  }
  return request;
}

void send_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(connection, text.data(), text.size(), 0);
    if (sent <= 0) return;  // the client is gone
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string digits(HashKind kind, const std::string& bytes) {
  ContentHash hash(kind, bytes.size());
  hash.add(std::as_bytes(std::span(bytes)));
  return hash.digits();
}

}  // namespace

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that is gone is no reason to end
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* general = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, general, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, general, &size) != 0) {
    throw std::runtime_error("no server on the loopback");
  }
  url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  stop_ = true;
  wake();
  thread_.join();
  ::close(listener_);
}

// Ends accept(), by a connection that asks nothing: not every system ends it for a listener that is
// shut down.
void ScriptedServer::wake() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* general = reinterpret_cast<sockaddr*>(&address);
  const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
  if (connection < 0 || ::getsockname(listener_, general, &size) != 0) return;
  ::connect(connection, general, size);
  ::close(connection);
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::serve() {
  while (!stop_) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    answer(connection);
    ::close(connection);
  }
}

void ScriptedServer::answer(int connection) {
  const std::string head = read_head(connection);
  if (head.empty()) return;
  const ScriptedRequest request = parse_head(head);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const ScriptedAnswer answer = script_(request);
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Said\r\nConnection: close\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  if (answer.has_length) text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  text += "\r\n";
  send_all(connection, request.method == "HEAD" ? text : text + answer.body);
}

std::string git_hash(const std::string& bytes) {
  return digits(HashKind::kGitBlob, bytes);
}
std::string sha256(const std::string& bytes) {
  return digits(HashKind::kSha256, bytes);
}

ScriptedHub::ScriptedHub(std::map<std::string, std::string> files, Change change)
    : files_(std::move(files)),
      change_(std::move(change)),
      server_([this](const ScriptedRequest& request) {
        ScriptedAnswer sent = answer(request);
        if (change_) change_(request, sent);
        return sent;
      }) {}

ScriptedAnswer ScriptedHub::answer(const ScriptedRequest& request) const {
  if (request.path.starts_with("/api/models/org/name/revision/")) {
    std::string siblings;
    for (const auto& [name, bytes] : files_) {
      siblings += (siblings.empty() ? "" : ",") + ("{\"rfilename\":\"" + name + "\"}");
    }
    return {.body = std::string("{\"id\":\"org/name\",\"sha\":\"") + kCommit +
                    "\",\"cardData\":{\"license\":\"mit\"},\"siblings\":[" + siblings + "]}"};
  }
  const std::string folder = std::string("/org/name/resolve/") + kCommit + "/";
  if (!request.path.starts_with(folder)) return {.status = 404};
  const auto found = files_.find(request.path.substr(folder.size()));
  if (found == files_.end()) return {.status = 404, .headers = {{"X-Error-Code", "EntryNotFound"}}};
  return {.headers = {{"X-Repo-Commit", kCommit}, {"ETag", "\"" + git_hash(found->second) + "\""}},
          .body = found->second};
}

}  // namespace xlstm

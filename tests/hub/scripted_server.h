// A server of HTTP on the loopback whose answers a test writes, right or wrong.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace xlstm {

struct ScriptedRequest {
  std::string method, path;
  std::map<std::string, std::string> headers;  // names in lower case
};

struct ScriptedAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool has_length = true;  // whether Content-Length is sent
};

class ScriptedServer {
 public:
  using Script = std::function<ScriptedAnswer(const ScriptedRequest&)>;

  // `script` is called by the server's thread, a request at a time.
  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  const std::string& url() const { return url_; }  // http://127.0.0.1:PORT
  std::vector<ScriptedRequest> requests() const;

 private:
  void serve();
  void wake() const;
  void answer(int connection);

  Script script_;
  int listener_ = -1;
  std::string url_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<ScriptedRequest> requests_;
  std::thread thread_;
};

// The hash that git gives to a file of these bytes.
std::string git_hash(const std::string& bytes);
std::string sha256(const std::string& bytes);

// A repository "org/name" of small files, as a hub serves it. A test changes an answer before it is
// sent.
class ScriptedHub {
 public:
  using Change = std::function<void(const ScriptedRequest&, ScriptedAnswer&)>;
  explicit ScriptedHub(std::map<std::string, std::string> files, Change change = {});

  const std::string& url() const { return server_.url(); }
  std::vector<ScriptedRequest> requests() const { return server_.requests(); }

  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

 private:
  ScriptedAnswer answer(const ScriptedRequest& request) const;
  std::map<std::string, std::string> files_;
  Change change_;
  ScriptedServer server_;
};

}  // namespace xlstm

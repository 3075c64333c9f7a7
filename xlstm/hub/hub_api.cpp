#include "xlstm/hub/hub_api.h"

#include <charconv>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/hub/backoff.h"
#include "xlstm/hub/content_hash.h"
#include "xlstm/hub/refusals.h"
#include "xlstm/hub/remote_names.h"

namespace xlstm {
namespace {

constexpr std::size_t kMostInfoBytes = 64'000'000;  // 100,000 files and more
constexpr JsonLimits kInfoLimits = {.max_depth = 64, .max_values = 4'000'000};

// As one of our own kinds: what a server sends is the network's fault, not a file's.
Json parse_answer(const std::string& text, const std::string& where) {
  try {
    Json json = parse_json(text, where, kInfoLimits);
    if (json.is_object()) return json;
    fail_wanted(ErrorKind::kFormat, where, "a JSON object", described(json));
  } catch (const Error& error) {
    fail(ErrorKind::kNetwork, where, str(kNoHub, ": ", error.what()));
  }
}

std::string text_member(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<std::string> file_names(const Json& info, const std::string& where) {
  std::vector<std::string> names;
  const auto siblings = info.find("siblings");
  if (siblings == info.end() || !siblings->is_array()) {
    fail_wanted(ErrorKind::kNetwork, where, "a list \"siblings\" of files",
                siblings == info.end() ? "none" : described(*siblings));
  }
  for (const Json& sibling : *siblings) {
    std::string name = text_member(sibling, "rfilename");
    if (!is_safe_path(name)) {
      fail_wanted(ErrorKind::kNetwork, where, "names of files in the repository's folder",
                  quoted(name));
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::string licence_of(const Json& info) {
  const auto card = info.find("cardData");
  const Json none = Json::object();
  const Json& data = card != info.end() ? *card : none;
  std::string licence = text_member(data, "license");
  const std::string name = text_member(data, "license_name");
  if (!name.empty() && (licence.empty() || licence == "other")) return name;
  const auto tags = info.find("tags");
  constexpr std::string_view kTag = "license:";
  if (licence.empty() && tags != info.end() && tags->is_array()) {
    for (const Json& tag : *tags) {
      if (tag.is_string() && tag.get_ref<const std::string&>().starts_with(kTag)) {
        licence = tag.get_ref<const std::string&>().substr(kTag.size());
      }
    }
  }
  return licence;
}

std::optional<std::uint64_t> size_in(const std::string& text) {
  std::uint64_t size = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 50;
  if (text.empty() || problem != std::errc() || end != text.data() + text.size() || size > kMost) {
    return std::nullopt;
  }
  return size;
}

std::string info_path(const RepositoryName& name) {
  return "/api/models/" + name.id + "/revision/" + percent_encoded(name.revision, false);
}

}  // namespace

std::string file_path(const RepositoryName& name, const std::string& commit,
                      const std::string& file) {
  return "/" + name.id + "/resolve/" + commit + "/" + percent_encoded(file, true);
}

RepositoryInfo parse_repository_info(const std::string& text, const std::string& where) {
  const Json json = parse_answer(text, where);
  RepositoryInfo info;
  info.id = text_member(json, "id");
  info.commit = text_member(json, "sha");
  if (!is_commit(info.commit)) {
    fail_wanted(ErrorKind::kNetwork, where, "a \"sha\" that is a commit", quoted(info.commit));
  }
  info.files = file_names(json, where);
  info.licence = licence_of(json);
  const auto card = json.find("cardData");
  if (card != json.end()) info.licence_link = text_member(*card, "license_link");
  return info;
}

RepositoryInfo repository_info(Client& client, const RepositoryName& name) {
  const std::string path = info_path(name);
  const std::string url = client.settings().endpoint + path;
  std::string body;
  const HttpResponse response = client.get(path, body, kMostInfoBytes);
  if (response.status >= 300) fail_refused(name, response, url, client.settings());
  return parse_repository_info(body, url);
}

RemoteFile remote_file(Client& client, const RepositoryName& name, const std::string& commit,
                       const std::string& file) {
  const std::string path = file_path(name, commit, file);
  const std::string url = client.settings().endpoint + path;
  const HttpResponse response = client.send({.path = path, .head = true});
  if (response.status >= 400) fail_refused(name, response, url, client.settings());
  const std::string at = response.header("x-repo-commit");
  if (at != commit) {
    fail_wanted(ErrorKind::kNetwork, url,
                str("a header X-Repo-Commit of ", commit, ", as a hub sends it"),
                at.empty() ? str("none: ", kNoHub) : quoted(at));
  }
  const bool is_linked = !response.header("x-linked-etag").empty();
  RemoteFile remote{file, etag_of(response.header(is_linked ? "x-linked-etag" : "etag")), {}};
  hash_kind(remote.etag, url);  // an ETag that is no hash could not be checked
  remote.size = size_in(response.header("x-linked-size"));
  if (!remote.size && response.status < 300)
    remote.size = size_in(response.header("content-length"));
  return remote;
}

std::vector<std::string> branches_of(Client& client, const RepositoryName& name) {
  std::vector<std::string> names;
  try {
    std::string body;
    const std::string path = "/api/models/" + name.id + "/refs";
    const HttpResponse response = client.get(path, body, kMostInfoBytes);
    if (response.status != 200) return names;
    const Json json = parse_answer(body, client.settings().endpoint + path);
    for (const char* kind : {"branches", "tags"}) {
      const auto rows = json.find(kind);
      if (rows == json.end() || !rows->is_array()) continue;
      for (const Json& row : *rows) names.push_back(text_member(row, "name"));
    }
  } catch (const Error&) {  // it is for advice alone
  } catch (const TransferFailure&) {
  } catch (const TryLater&) {
  }
  return names;
}

}  // namespace xlstm

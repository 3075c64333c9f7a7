// xlstm cache: what was fetched, and quantised copies: listed, removed, checked.
#include <algorithm>
#include <memory>

#include "xlstm/apps/cache_section.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"

namespace xlstm::apps {
namespace {

using Sections = std::vector<std::unique_ptr<CacheSection>>;

constexpr int kMostNames = 1000;

struct CacheArguments {
  std::string action;
  std::vector<std::string> names;
  std::string folder;
  bool yes = false;
  bool json = false;
};

int run_list(const CacheArguments& options, const Sections& sections) {
  if (!options.names.empty()) {
    fail_wanted(ErrorKind::kUsage, "xlstm cache ls", "no name", quoted(options.names.front()));
  }
  Json all = Json::object();
  std::string text;
  for (const auto& section : sections) {
    if (options.json) all[section->key()] = section->json();
    if (!options.json) text += section->text();
  }
  write_out(options.json ? json_line(all) : text);
  return kExitOk;
}

// A thing to remove, planned. Where a name names the same as an earlier one it is left out.
struct Named {
  const CacheSection& section;
  std::string name;
  Removal removal;
};

void add_removals(std::vector<Named>& all, const Sections& sections, std::string name) {
  constexpr std::string_view kScheme = "hf://";
  if (name.starts_with(kScheme)) name.erase(0, kScheme.size());
  bool is_known = false;
  for (const auto& section : sections) {
    std::optional<Removal> removal = section->removal(name);
    if (!removal) continue;
    is_known = true;
    const bool again = std::any_of(all.begin(), all.end(), [&](const Named& other) {
      return &other.section == section.get() && other.removal.what == removal->what;
    });
    if (!again) all.push_back({*section, name, std::move(*removal)});
  }
  if (is_known) return;
  fail_wanted(ErrorKind::kUsage, "xlstm cache rm", "something that xlstm cache ls lists",
              quoted(name));
}

// Asked where somebody can answer; a script says --yes.
bool is_agreed(const CacheArguments& options, const std::vector<Named>& all) {
  if (options.yes) return true;
  for (const Named& each : all) {
    write_note(str("remove ", each.removal.what, ", ", human_bytes(each.removal.bytes), "\n"));
  }
  if (!stdin_is_terminal()) {
    fail_wanted(ErrorKind::kUsage, "xlstm cache rm", "--yes where nobody can be asked", "none");
  }
  write_note("Remove? [y/N] ");
  const std::string answer = read_line().value_or("");
  return answer == "y" || answer == "Y" || answer == "yes";
}

int run_remove(const CacheArguments& options, const Sections& sections) {
  if (options.names.empty()) {
    fail_wanted(ErrorKind::kUsage, "xlstm cache rm", "names of what to remove", "none");
  }
  std::vector<Named> all;
  for (const std::string& name : options.names) add_removals(all, sections, name);
  if (!is_agreed(options, all)) {
    write_note("xlstm: nothing was removed\n");
    return kExitOk;
  }
  Json list = Json::array();
  for (const Named& each : all) {
    throw_if_interrupted();
    // Planned again: what an earlier one shared is now this one's alone, or is gone with it.
    const std::optional<Removal> removal = each.section.removal(each.name);
    if (!removal) continue;
    removal->remove();
    list.push_back({{"removed", removal->what}, {"bytes", removal->bytes}});
    if (!options.json) {
      write_out(str("removed ", removal->what, ", ", human_bytes(removal->bytes), "\n"));
    }
  }
  if (options.json) write_out(json_line({{"removed", list}}));
  return kExitOk;
}

// Of all sections, or of one name in whichever knows it.
SectionCheck checked(const Sections& sections, const std::string& name) {
  SectionCheck all;
  ProgressBar bar("Checking");
  for (const auto& section : sections) {
    SectionCheck one = section->check(name, [&](std::uint64_t bytes) {
      throw_if_interrupted();
      bar.update(std::nullopt, human_bytes(all.bytes + bytes));
    });
    all.files += one.files;
    all.bytes += one.bytes;
    for (CacheFault& fault : one.faults) all.faults.push_back(std::move(fault));
  }
  return all;
}

int run_verify(const CacheArguments& options, const Sections& sections) {
  if (options.names.size() > 1) {
    fail_wanted(ErrorKind::kUsage, "xlstm cache verify", "one name or none",
                str(options.names.size(), " names"));
  }
  const std::string name = options.names.empty() ? "" : options.names.front();
  const bool is_known =
      name.empty() || std::any_of(sections.begin(), sections.end(), [&](const auto& section) {
        return section->removal(name).has_value();
      });
  if (!is_known) {
    fail_wanted(ErrorKind::kUsage, "xlstm cache verify", "something that xlstm cache ls lists",
                quoted(name));
  }
  const SectionCheck check = checked(sections, name);
  Json faults = Json::array();
  std::string text;
  for (const CacheFault& fault : check.faults) {
    faults.push_back({{"path", fault.path.string()}, {"what", fault.what}});
    text += str(fault.path.string(), ": ", fault.what, "\n");
  }
  text += str(check.files, " files, ", human_bytes(check.bytes), ": ",
              check.faults.empty() ? std::string("all right")
                                   : str(check.faults.size(), " of them or of links wrong"),
              "\n");
  write_out(options.json
                ? json_line({{"files", check.files}, {"bytes", check.bytes}, {"faults", faults}})
                : text);
  return check.faults.empty() ? kExitOk : kExitData;
}

int run_cache(const CacheArguments& options) {
  HubOptions hub;
  hub.cache_dir = options.folder;
  const Sections sections = cache_sections(hub_cache(hub));
  if (options.action == "ls") return run_list(options, sections);
  if (options.action == "rm") return run_remove(options, sections);
  if (options.action == "verify") return run_verify(options, sections);
  fail_wanted(ErrorKind::kUsage, "xlstm cache", "ls, rm or verify", "neither");
}

}  // namespace

Command cache_command() {
  const auto options = std::make_shared<CacheArguments>();
  return {
      .name = "cache",
      .summary = "What was fetched or quantised: list, remove, check",
      .description =
          "ls lists repositories and their revisions, also those that the Python library "
          "huggingface_hub fetched, and the copies that --quantize keeps. rm removes repositories "
          "(org/name) with the copies made of them, revisions (org/name@revision, a branch, tag, "
          "or the beginning of a commit) and the files that no other revision has, and single "
          "copies. verify reads every file and compares it with the hash that is its name, copies "
          "with hashes that were kept when they were made.",
      .groups = {{"Options",
                  {file_option("--cache-dir", "DIR",
                               "The cache (default: HF_HUB_CACHE, or hub in HF_HOME)",
                               options->folder, Completes::kFolder),
                   switch_option("--yes", "rm: do not ask", options->yes),
                   switch_option("--json", "One JSON object", options->json)}}},
      .examples = {{"xlstm cache ls", "A table."},
                   {"xlstm cache rm NX-AI/xLSTM-7b", "All its revisions."},
                   {"xlstm cache verify", "Exit code 3 where a file is not what its name says."}},
      .run = [options] { return run_cache(*options); },
      .argument = "ACTION [NAME...]",
      .set_argument =
          [options](const std::string& text) {
            if (options->action.empty()) {
              options->action = text;
            } else {
              options->names.push_back(text);
            }
          },
      .argument_choices = {"ls", "rm", "verify"},
      .arguments = kMostNames};
}

}  // namespace xlstm::apps

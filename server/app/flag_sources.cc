#include "server/app/flag_sources.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/cpp/nearest.h"
#include "server/app/config_file.h"

namespace weightinit {
namespace {

// Without the dashes.
std::string KeyOf(const CLI::Option& option) {
  return std::string(absl::StripPrefix(option.get_name(), "--"));
}

// Those that a file may set.
std::vector<const CLI::Option*> Settable(const CLI::App& app) {
  std::vector<const CLI::Option*> settable;
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_configurable()) settable.push_back(option);
  }
  return settable;
}

absl::Status UnknownKey(const ConfigSetting& setting, const CLI::App& app) {
  std::vector<std::string> keys;
  for (const CLI::Option* const option : Settable(app)) {
    keys.push_back(KeyOf(*option));
  }
  const std::string nearest = Nearest(setting.key, keys);
  return absl::InvalidArgumentError(absl::StrCat(
      setting.place, ": ", setting.key, ": there is no such setting; ",
      nearest.empty() ? "the settings are the flags of --help"
                      : absl::StrCat("did you mean ", nearest, "?")));
}

// Gives the option these values. Throws CLI::ParseError.
void Give(CLI::Option* option, const std::vector<std::string>& values) {
  for (const std::string& value : values) option->add_result(value);
  option->run_callback();
}

// Sets what has no value yet.
absl::Status Set(const std::vector<ConfigSetting>& settings, CLI::App* app) {
  for (const ConfigSetting& setting : settings) {
    CLI::Option* const option = app->get_option_no_throw("--" + setting.key);
    if (option == nullptr || !option->get_configurable()) {
      return UnknownKey(setting, *app);
    }
    if (option->count() > 0) continue;
    if (setting.values.size() > 1 && option->get_items_expected_max() <= 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          setting.place, ": ", setting.key, ": must be one value"));
    }
    try {
      Give(option, setting.values);
    } catch (const CLI::ParseError& error) {
      return absl::InvalidArgumentError(
          absl::StrCat(setting.place, ": ",
                       absl::StripPrefix(std::string(error.what()), "--")));
    }
  }
  return absl::OkStatus();
}

// Whether the flag takes its default as a value; it may be a description.
bool IsValue(const std::string& text, const std::string& name,
             const FlagDeclaration& declare) {
  if (text.empty()) return false;
  CLI::App scratch;
  declare(&scratch);
  try {
    Give(scratch.get_option(name), {text});
    return true;
  } catch (const CLI::ParseError&) {
    return false;
  }
}

// The names of the flags on the command line.
std::set<std::string> GivenFlags(int argc, char** argv,
                                 const FlagDeclaration& declare) {
  CLI::App scratch;
  declare(&scratch);
  for (CLI::Option* const option : scratch.get_options()) option->envname("");
  scratch.parse(argc, argv);
  std::set<std::string> given;
  for (const CLI::Option* const option : scratch.get_options()) {
    if (option->count() > 0) given.insert(option->get_name());
  }
  return given;
}

}  // namespace

absl::Status ApplySettings(const std::vector<ConfigSetting>& settings,
                           const FlagDeclaration& declare, CLI::App* app) {
  CLI::App scratch;
  declare(&scratch);
  const absl::Status status = Set(settings, &scratch);
  return status.ok() ? Set(settings, app) : status;
}

std::string SettingsText(const CLI::App& app, int argc, char** argv,
                         const std::vector<ConfigSetting>& settings,
                         const FlagDeclaration& declare) {
  const std::set<std::string> given = GivenFlags(argc, argv, declare);
  std::string text;
  for (const CLI::Option* const option : Settable(app)) {
    const std::string key = KeyOf(*option);
    std::vector<std::string> values = option->results();
    std::string from;
    if (values.empty()) {
      const std::string standard = option->get_default_str();
      if (!IsValue(standard, option->get_name(), declare)) {
        absl::StrAppend(&text, "# ", key, ": ",
                        standard.empty() ? "not set" : standard, "\n");
        continue;
      }
      values = {standard};
      from = "default";
    } else if (given.count(option->get_name()) > 0) {
      from = "command line";
    } else {
      const auto setting = std::find_if(
          settings.begin(), settings.end(),
          [&key](const ConfigSetting& each) { return each.key == key; });
      const char* const variable = std::getenv(option->get_envname().c_str());
      from = variable != nullptr && *variable != '\0' ? option->get_envname()
                                                      : setting->place;
    }
    absl::StrAppend(
        &text, ConfigLine(key, values, option->get_items_expected_max() > 1),
        "  # ", from, "\n");
  }
  return text;
}

}  // namespace weightinit

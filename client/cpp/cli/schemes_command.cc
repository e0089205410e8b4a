#include "client/cpp/cli/schemes_command.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/output.h"
#include "nlohmann/json.hpp"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {
namespace {

using Json = nlohmann::ordered_json;

bool HasName(const v1::SchemeInfo& scheme, absl::string_view name) {
  const auto& aliases = scheme.aliases();
  return absl::EqualsIgnoreCase(scheme.name(), name) ||
         std::any_of(aliases.begin(), aliases.end(),
                     [&](const std::string& alias) {
                       return absl::EqualsIgnoreCase(alias, name);
                     });
}

Json ParameterJson(const v1::SchemeParameterInfo& parameter) {
  return {{"name", parameter.name()},
          {"default", parameter.default_value().empty()
                          ? Json(nullptr)
                          : Json(parameter.default_value())},
          {"range",
           parameter.range().empty() ? Json(nullptr) : Json(parameter.range())},
          {"choices", std::vector<std::string>(parameter.choices().begin(),
                                               parameter.choices().end())},
          {"what", parameter.what()}};
}

Json SchemeJson(const v1::SchemeInfo& scheme) {
  Json parameters = Json::array();
  for (const v1::SchemeParameterInfo& parameter : scheme.parameters()) {
    parameters.push_back(ParameterJson(parameter));
  }
  return {{"name", scheme.name()},
          {"aliases", std::vector<std::string>(scheme.aliases().begin(),
                                               scheme.aliases().end())},
          {"formula", scheme.formula()},
          {"source",
           scheme.source().empty() ? Json(nullptr) : Json(scheme.source())},
          {"tensors", scheme.tensors()},
          {"all_slices_are_cheap", scheme.all_slices_are_cheap()},
          {"cheap_slices", scheme.cheap_slices()},
          {"parameters", parameters}};
}

std::string ParameterText(const v1::SchemeParameterInfo& parameter) {
  return absl::StrCat(parameter.name(),
                      parameter.default_value().empty()
                          ? ", required"
                          : absl::StrCat(" ", parameter.default_value()));
}

std::string Line(const v1::SchemeInfo& scheme) {
  std::string parameters = absl::StrJoin(
      scheme.parameters(), "; ", [](std::string* out, const auto& parameter) {
        out->append(ParameterText(parameter));
      });
  if (!parameters.empty()) parameters = absl::StrCat(" [", parameters, "]");
  return absl::StrFormat("%-27s %s%s\n", scheme.name(), scheme.formula(),
                         parameters);
}

// All about one scheme.
std::string Page(const v1::SchemeInfo& scheme) {
  std::string out;
  const auto add = [&](absl::string_view label, absl::string_view value) {
    if (!value.empty()) absl::StrAppendFormat(&out, "%-14s%s\n", label, value);
  };
  add("scheme", scheme.name());
  add("aliases", absl::StrJoin(scheme.aliases(), ", "));
  add("values", scheme.formula());
  add("source", scheme.source());
  add("tensors", scheme.tensors());
  add("cheap slices", scheme.cheap_slices());
  for (const v1::SchemeParameterInfo& parameter : scheme.parameters()) {
    const std::string allowed = parameter.choices().empty()
                                    ? parameter.range()
                                    : absl::StrJoin(parameter.choices(), ", ");
    add(&parameter == &scheme.parameters(0) ? "parameters" : " ",
        absl::StrCat(
            parameter.name(), ": ", parameter.what(), "; ", allowed,
            parameter.default_value().empty()
                ? "; required"
                : absl::StrCat("; default ", parameter.default_value())));
  }
  return out;
}

}  // namespace

absl::Status RunSchemes(const SchemesOptions& options) {
  const auto client = Connect(options.connection);
  if (!client.ok()) return client.status();
  const auto info = (*client)->Info();
  if (!info.ok()) return info.status();
  std::string text;
  Json json = Json::array();
  for (const v1::SchemeInfo& scheme : info->catalogue()) {
    if (options.name.has_value() && !HasName(scheme, *options.name)) continue;
    text.append(options.name.has_value() ? Page(scheme) : Line(scheme));
    json.push_back(SchemeJson(scheme));
  }
  if (json.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("NAME: \"", options.name.value_or(""),
                     "\" is no scheme of the service; weightinit schemes "
                     "lists all of them"));
  }
  if (!options.json) return WriteText(STDOUT_FILENO, text);
  return WriteText(
      STDOUT_FILENO,
      absl::StrCat((options.name.has_value() ? json[0] : json).dump(), "\n"));
}

}  // namespace weightinit::cli

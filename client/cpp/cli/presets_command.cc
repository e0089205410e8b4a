#include "client/cpp/cli/presets_command.h"

#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cpp/cli/output.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/wire_names.h"
#include "weightinit/client/preset.h"
#include "weightinit/core/request.h"
#include "weightinit/v1/preset.pb.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {
namespace {

using Json = nlohmann::ordered_json;

template <typename Texts>
Json ListJson(const Texts& texts) {
  return std::vector<std::string>(texts.begin(), texts.end());
}

// What is said of a rule.
Json RuleJson(const v1::PresetRule& rule) {
  Json json = {{"match", ListJson(rule.match())}};
  if (rule.has_repeat()) {
    json["repeat"] = {{"index", rule.repeat().index()},
                      {"count", rule.repeat().count()}};
  }
  if (rule.activation() != v1::ACTIVATION_UNSPECIFIED) {
    json["activation"] = WireName<Activation>(rule.activation());
  }
  if (rule.scheme() != v1::SCHEME_UNSPECIFIED) {
    json["scheme"] = WireName<Scheme>(rule.scheme());
  }
  const v1::SchemeParameters& parameters = rule.parameters();
#define WEIGHTINIT_PARAMETER(name, ...) \
  if (parameters.has_##name()) json["parameters"][#name] = parameters.name();
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...)               \
  if (parameters.name() != v1::type()) {                           \
    json["parameters"][#name] = WireName<type>(parameters.name()); \
  }
#include "weightinit/core/request.def"
  const std::map<std::string, std::string> expressions(
      rule.expressions().begin(), rule.expressions().end());
  for (const auto& [name, expression] : expressions) {
    json["expressions"][name] = expression;
  }
  return json;
}

Json PresetJson(const v1::Preset& preset) {
  Json constants = Json::array();
  for (const v1::PresetConstant& constant : preset.constants()) {
    constants.push_back({{"name", constant.name()},
                         {"what", constant.what()},
                         {"default", constant.has_default_value()
                                         ? Json(constant.default_value())
                                         : Json()}});
  }
  Json rules = Json::array();
  for (const v1::PresetRule& rule : preset.rules()) {
    rules.push_back(RuleJson(rule));
  }
  return {{"name", preset.name()},
          {"summary", preset.summary()},
          {"sources", ListJson(preset.sources())},
          {"names", ListJson(preset.names())},
          {"notes", ListJson(preset.notes())},
          {"constants", constants},
          {"rules", rules}};
}

absl::Status PrintOne(const std::string& name, bool json) {
  const auto preset = ReadPreset(name);
  if (!preset.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("NAME: ", preset.status().message()));
  }
  if (json) return WriteText(STDOUT_FILENO, PresetJson(*preset).dump() + "\n");
  const auto text = PresetText(name);
  if (!text.ok()) return text.status();
  return WriteText(STDOUT_FILENO, *text);
}

}  // namespace

absl::Status RunPresets(const PresetsOptions& options) {
  if (options.name.has_value()) return PrintOne(*options.name, options.json);
  Json list = Json::array();
  std::string lines;
  for (const std::string& name : PresetNames()) {
    const auto preset = ReadPreset(name);
    if (!preset.ok()) return preset.status();
    list.push_back(PresetJson(*preset));
    absl::StrAppendFormat(&lines, "%-25s %s\n", name, preset->summary());
  }
  return WriteText(STDOUT_FILENO, options.json ? list.dump() + "\n" : lines);
}

}  // namespace weightinit::cli

// From the name or the file of a preset to the message.

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/cpp/manifest/read_message.h"
#include "client/cpp/manifest/scalars.h"
#include "client/cpp/presets/preset_texts.h"
#include "proto/cpp/nearest.h"
#include "weightinit/client/manifest.h"
#include "weightinit/client/preset.h"
#include "weightinit/core/expression.h"
#include "weightinit/v1/preset.pb.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {
namespace {

bool IsPath(absl::string_view name) {
  return absl::StrContains(name, "/") || absl::EndsWith(name, ".yaml") ||
         absl::EndsWith(name, ".yml") || absl::EndsWith(name, ".json");
}

// What is wrong with a preset, apart from its syntax.
class Checker {
 public:
  explicit Checker(const std::string& file_name) : file_name_(file_name) {}

  absl::Status Check(const v1::Preset& preset) {
    Require(!preset.name().empty(), "name");
    Require(!preset.summary().empty(), "summary");
    Require(preset.sources_size() > 0, "sources");
    Require(preset.names_size() > 0, "names");
    Require(preset.rules_size() > 0, "rules");
    for (int c = 0; c < preset.constants_size(); ++c) {
      const std::string field = absl::StrCat("constants[", c, "]");
      const v1::PresetConstant& constant = preset.constants(c);
      CheckName(constant.name(), field + ".name");
      Require(!constant.what().empty(), field + ".what");
      if (!names_.insert(constant.name()).second) {
        Add(field + ".name", "is given a second time");
      }
    }
    for (int r = 0; r < preset.rules_size(); ++r) {
      CheckRule(preset.rules(r), absl::StrCat("rules[", r, "]"));
    }
    if (problems_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }

 private:
  void CheckRule(const v1::PresetRule& rule, const std::string& field) {
    Require(rule.match_size() > 0, field + ".match");
    for (int m = 0; m < rule.match_size(); ++m) {
      Require(!rule.match(m).empty(), absl::StrCat(field, ".match[", m, "]"));
    }
    if (rule.has_repeat()) {
      CheckName(rule.repeat().index(), field + ".repeat.index");
      Require(!rule.repeat().count().empty(), field + ".repeat.count");
    }
    const google::protobuf::Descriptor& parameters =
        *v1::SchemeParameters::descriptor();
    for (const auto& [name, expression] : rule.expressions()) {
      const auto* const number = parameters.FindFieldByName(name);
      const std::string inner = absl::StrCat(field, ".expressions[", name, "]");
      if (number == nullptr ||
          number->cpp_type() !=
              google::protobuf::FieldDescriptor::CPPTYPE_DOUBLE) {
        Add(inner, "is no parameter that is a number");
      } else if (v1::SchemeParameters::GetReflection()->HasField(
                     rule.parameters(), number)) {
        Add(inner, "is set, and the number too; set one of them");
      }
    }
  }

  void CheckName(const std::string& name, const std::string& field) {
    if (!IsExpressionName(name)) {
      Add(field, absl::StrCat("is ", manifest::Quoted(name),
                              "; must be a letter or _, then letters, digits "
                              "and _, and not sqrt"));
    }
  }

  void Require(bool is_there, const std::string& field) {
    if (!is_there) Add(field, "is required");
  }

  void Add(const std::string& field, absl::string_view what) {
    problems_.push_back(absl::StrCat(file_name_, ": ", field, ": ", what));
  }

  const std::string& file_name_;
  std::vector<std::string> problems_;
  std::set<std::string> names_;
};

}  // namespace

std::vector<std::string> PresetNames() {
  std::vector<std::string> names;
  names.reserve(PresetTexts().size());
  for (const NamedPresetText& preset : PresetTexts()) {
    names.emplace_back(preset.name);
  }
  return names;
}

absl::StatusOr<std::string> PresetText(const std::string& name_or_path) {
  if (IsPath(name_or_path)) return ReadManifestText(name_or_path);
  for (const NamedPresetText& preset : PresetTexts()) {
    if (preset.name == name_or_path) return std::string(preset.text);
  }
  const std::vector<std::string> names = PresetNames();
  const std::string nearest = Nearest(name_or_path, names);
  return absl::InvalidArgumentError(absl::StrCat(
      manifest::Quoted(name_or_path), " is no preset; ",
      nearest.empty() ? "" : absl::StrCat("did you mean ", nearest, "? "),
      "must be one of ", absl::StrJoin(names, ", "),
      ", or the path of a file that ends in .yaml or .json"));
}

absl::StatusOr<v1::Preset> ParsePreset(absl::string_view text,
                                       const std::string& file_name) {
  v1::Preset preset;
  absl::Status status = manifest::ReadMessage(text, file_name, preset);
  if (status.ok()) status = Checker(file_name).Check(preset);
  if (!status.ok()) return status;
  return preset;
}

absl::StatusOr<v1::Preset> ReadPreset(const std::string& name_or_path) {
  const absl::StatusOr<std::string> text = PresetText(name_or_path);
  if (!text.ok()) return text.status();
  return ParsePreset(
      *text, IsPath(name_or_path) ? name_or_path : name_or_path + ".yaml");
}

}  // namespace weightinit

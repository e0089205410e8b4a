#include "server/app/config_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "toml++/toml.h"

namespace weightinit {
namespace {

// Of what is no table, array or date.
std::optional<std::string> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return absl::StrCat(**number);
  if (const auto* number = node.as_floating_point()) {
    return absl::StrFormat("%.17g", **number);
  }
  if (const auto* truth = node.as_boolean()) return **truth ? "true" : "false";
  return std::nullopt;
}

// Nothing where a value is none that a flag can have.
std::optional<std::vector<std::string>> Values(const toml::node& node) {
  std::vector<std::string> values;
  if (const auto* array = node.as_array()) {
    for (const toml::node& each : *array) {
      auto text = ScalarText(each);
      if (!text.has_value()) return std::nullopt;
      values.push_back(*std::move(text));
    }
    if (values.empty()) return std::nullopt;
    return values;
  }
  auto text = ScalarText(node);
  if (!text.has_value()) return std::nullopt;
  values.push_back(*std::move(text));
  return values;
}

std::string Place(const std::string& path, const toml::source_region& source) {
  return absl::StrCat(path, ":", source.begin.line);
}

// Whether TOML reads `text` as the number, or truth value, that it shows.
bool IsBare(const std::string& text) {
  try {
    const toml::table table = toml::parse(absl::StrCat("x = ", text));
    const toml::node* const node = table.get("x");
    return table.size() == 1 && node != nullptr && !node->is_string() &&
           ScalarText(*node) == text;
  } catch (const toml::parse_error&) {
    return false;
  }
}

std::string Literal(const std::string& text) {
  if (IsBare(text)) return text;
  std::ostringstream out;
  out << toml::toml_formatter(toml::value<std::string>(text));
  return out.str();
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  const auto close = [](std::FILE* file) { (void)std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(
      std::fopen(path.c_str(), "rb"), close);
  std::string content;
  bool read = file != nullptr;
  while (read && std::feof(file.get()) == 0) {
    std::array<char, 4096> block;
    content.append(block.data(),
                   std::fread(block.data(), 1, block.size(), file.get()));
    read = std::ferror(file.get()) == 0;
  }
  if (read) return content;
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot read \"", path, "\""));
}

}  // namespace

absl::StatusOr<std::vector<ConfigSetting>> ReadConfigFile(
    const std::string& path) {
  const absl::StatusOr<std::string> content = ReadWhole(path);
  if (!content.ok()) return content.status();
  toml::table table;
  try {
    table = toml::parse(*content, path);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        Place(path, error.source()), ": ", std::string(error.description())));
  }
  std::vector<ConfigSetting> settings;
  for (const auto& [key, node] : table) {
    ConfigSetting setting;
    setting.key = std::string(key.str());
    setting.place = Place(path, key.source());
    auto values = Values(node);
    if (!values.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          setting.place, ": ", setting.key,
          ": must be text in quotes, a number, true, false, or an array of "
          "these with at least one"));
    }
    setting.values = *std::move(values);
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::string ConfigLine(const std::string& key,
                       const std::vector<std::string>& values, bool array) {
  std::string line = absl::StrCat(key, " = ", array ? "[" : "");
  bool first = true;
  for (const std::string& value : values) {
    absl::StrAppend(&line, first ? "" : ", ", Literal(value));
    first = false;
  }
  return absl::StrCat(line, array ? "]" : "");
}

}  // namespace weightinit

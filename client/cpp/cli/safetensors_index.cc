#include "client/cpp/cli/safetensors_index.h"

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/safetensors_reader.h"
#include "nlohmann/json.hpp"

namespace weightinit::cli {
namespace {

bool IsFileName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

// Nothing in an index is deeper than two levels.
nlohmann::json ParseShallow(const std::string& text) {
  const auto shallow = [](int depth, nlohmann::json::parse_event_t /*event*/,
                          const nlohmann::json& /*value*/) {
    return depth <= 2;
  };
  return nlohmann::json::parse(text, shallow, /*allow_exceptions=*/false);
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> ReadSafetensorsIndex(
    const InputFile& file) {
  const auto wrong = [&file](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": ", what));
  };
  // The largest published ones have some MB.
  if (file.bytes() > kMaxSafetensorsHeaderBytes) {
    return wrong(absl::StrCat("is no index: it has ", file.bytes(),
                              " bytes; at most ", kMaxSafetensorsHeaderBytes,
                              " are allowed"));
  }
  const auto text = file.ReadAt(0, file.bytes());
  if (!text.ok()) return text.status();
  const nlohmann::json index = ParseShallow(*text);
  if (!index.is_object() || !index.contains("weight_map") ||
      !index.at("weight_map").is_object()) {
    return wrong(
        "is no index of safetensors files: it is no JSON object with an object "
        "\"weight_map\"");
  }
  std::map<std::string, std::string> weight_map;
  for (const auto& [tensor, value] : index.at("weight_map").items()) {
    const std::string name = value.is_string() ? value.get<std::string>() : "";
    if (!IsFileName(name)) {
      return wrong(absl::StrCat("weight_map: the file of tensor \"",
                                absl::Utf8SafeCHexEscape(tensor),
                                "\" is not the name of one in the directory"));
    }
    weight_map[tensor] = name;
  }
  return weight_map;
}

}  // namespace weightinit::cli

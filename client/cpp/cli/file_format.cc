#include "client/cpp/cli/file_format.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/part_metadata.h"
#include "client/cpp/cli/safetensors_header.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/wire_names.h"
#include "weightinit/core/version.h"

namespace weightinit::cli {
namespace {

constexpr absl::string_view kChoices = "npy, safetensors, bin";

std::optional<FileFormat> ParseFormat(absl::string_view name) {
  if (absl::EqualsIgnoreCase(name, "npy")) return FileFormat::kNpy;
  if (absl::EqualsIgnoreCase(name, "safetensors")) {
    return FileFormat::kSafetensors;
  }
  if (absl::EqualsIgnoreCase(name, "bin")) return FileFormat::kBin;
  return std::nullopt;
}

std::vector<int64_t> FileShape(const v1::TensorDescription& description) {
  std::vector<int64_t> shape(description.slice_shape().begin(),
                             description.slice_shape().end());
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return shape;
  int64_t elements = 1;
  for (const int64_t dimension : shape) elements *= dimension;
  if (elements != description.elements()) shape = {description.elements()};
  return shape;
}

std::string PadToMultiple(std::string text, size_t multiple, size_t before,
                          size_t after) {
  const size_t excess = (before + text.size() + after) % multiple;
  if (excess != 0) text.append(multiple - excess, ' ');
  return text;
}

absl::string_view NumpyDescr(v1::Dtype dtype) {
  switch (dtype) {
    case v1::DTYPE_FLOAT64:
      return "<f8";
    case v1::DTYPE_FLOAT16:
      return "<f2";
    case v1::DTYPE_BFLOAT16:
      return "<V2";  // NumPy has no bfloat16: two opaque bytes.
    default:
      return "<f4";
  }
}

std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
  return out;
}

}  // namespace

std::string NpyHeader(v1::Dtype dtype, const std::vector<int64_t>& shape) {
  constexpr absl::string_view kMagic("\x93NUMPY\x01\x00", 8);
  constexpr size_t kLengthBytes = 2;
  std::string dictionary = absl::StrCat(
      "{'descr': '", NumpyDescr(dtype), "', 'fortran_order': False, 'shape': (",
      absl::StrJoin(shape, ", "), shape.size() == 1 ? "," : "", "), }");
  dictionary = PadToMultiple(dictionary, 64, kMagic.size() + kLengthBytes, 1);
  dictionary.push_back('\n');
  return absl::StrCat(kMagic, LittleEndian(dictionary.size(), kLengthBytes),
                      dictionary);
}

namespace {

std::string SafetensorsHeader(const v1::TensorDescription& description) {
  const std::string name =
      description.name().empty() ? "tensor" : description.name();
  nlohmann::ordered_json header;
  // The format allows strings only.
  header[kSafetensorsMetadata] = {
      {"generator", WireName<Generator>(description.generator())},
      {"layout", WireName<Layout>(description.layout())},
      {"scheme", WireName<Scheme>(description.scheme())},
      {"seed", absl::StrCat(description.seed())},
      {"weightinit", kVersion},
  };
  if (!description.slice().empty()) {
    header[kSafetensorsMetadata][kPartMetadataKey + name] =
        PartMetadata(description);
  }
  header[name] = {
      {"dtype", SafetensorsDtype(description.dtype())},
      {"shape", FileShape(description)},
      {"data_offsets", {0, description.bytes()}},
  };
  return SafetensorsPreamble(header.dump());
}

}  // namespace

absl::StatusOr<FileFormat> ChooseFormat(
    const std::string& path, const std::optional<std::string>& format) {
  if (format.has_value()) {
    if (const auto parsed = ParseFormat(*format)) return *parsed;
    return absl::InvalidArgumentError(
        absl::StrCat("--format: \"", *format, "\" is not one of ", kChoices));
  }
  if (path == "-") return FileFormat::kBin;
  const absl::string_view name =
      absl::string_view(path).substr(path.find_last_of('/') + 1);
  const size_t dot = name.rfind('.');
  if (dot != absl::string_view::npos) {
    if (const auto parsed = ParseFormat(name.substr(dot + 1))) return *parsed;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--output: the extension of \"", path, "\" is not one of ",
                   kChoices, "; --format names the format of any file"));
}

absl::Status CheckName(FileFormat format, const std::string& name) {
  if (format != FileFormat::kSafetensors || name != kSafetensorsMetadata) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--name: \"", name,
                   "\" is reserved in safetensors files; choose another"));
}

std::string FileHeader(FileFormat format,
                       const v1::TensorDescription& description) {
  switch (format) {
    case FileFormat::kNpy:
      return NpyHeader(description.dtype(), FileShape(description));
    case FileFormat::kSafetensors:
      return SafetensorsHeader(description);
    case FileFormat::kBin:
      break;
  }
  return "";
}

}  // namespace weightinit::cli

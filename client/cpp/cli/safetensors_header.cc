#include "client/cpp/cli/safetensors_header.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {

const char* SafetensorsDtype(v1::Dtype dtype) {
  switch (dtype) {
    case v1::DTYPE_FLOAT64:
      return "F64";
    case v1::DTYPE_FLOAT16:
      return "F16";
    case v1::DTYPE_BFLOAT16:
      return "BF16";
    default:
      return "F32";
  }
}

std::optional<v1::Dtype> DtypeOfSafetensors(absl::string_view name) {
  for (const v1::Dtype dtype : {v1::DTYPE_FLOAT32, v1::DTYPE_FLOAT64,
                                v1::DTYPE_FLOAT16, v1::DTYPE_BFLOAT16}) {
    if (name == SafetensorsDtype(dtype)) return dtype;
  }
  return std::nullopt;
}

std::string SafetensorsPreamble(std::string json) {
  constexpr size_t kAlignment = 8;
  json.resize((json.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  std::string length;
  for (size_t shift = 0; shift < 64; shift += 8) {
    length.push_back(static_cast<char>((json.size() >> shift) & 0xff));
  }
  return absl::StrCat(length, json);
}

}  // namespace weightinit::cli

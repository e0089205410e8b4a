// What the headers of safetensors files are made of.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_HEADER_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_HEADER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {

// The one key of a header that is not a tensor.
inline constexpr char kSafetensorsMetadata[] = "__metadata__";

// "F32" and so on.
const char* SafetensorsDtype(v1::Dtype dtype);
// The dtype of such a name; nothing for one that weightinit does not have.
std::optional<v1::Dtype> DtypeOfSafetensors(absl::string_view name);

// The bytes before the data: the length of the JSON object `json`, 8 bytes
// little-endian, and the object, filled up with spaces to a multiple of 8.
std::string SafetensorsPreamble(std::string json);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_HEADER_H_

// What the headers of safetensors files are made of.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_HEADER_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_HEADER_H_

#include <string>

#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {

// The one key of a header that is not a tensor.
inline constexpr char kSafetensorsMetadata[] = "__metadata__";

// "F32" and so on.
const char* SafetensorsDtype(v1::Dtype dtype);

// The bytes before the data: the length of the JSON object `json`, 8 bytes
// little-endian, and the object, filled up with spaces to a multiple of 8.
std::string SafetensorsPreamble(std::string json);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_HEADER_H_

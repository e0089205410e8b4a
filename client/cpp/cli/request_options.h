// The options of the command line that say which tensor, as typed, and the
// request that they make.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_REQUEST_OPTIONS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_REQUEST_OPTIONS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

// Text as typed; nothing for an option that was not given.
struct RequestOptions {
  std::string name;
  std::optional<std::string> shape;  // Required.
  std::optional<std::string> scheme;
  std::optional<std::string> activation;
  std::optional<std::string> dtype;
  std::optional<std::string> role;
  std::optional<std::string> layout;
  std::optional<std::string> groups;
  bool transposed = false;
  std::optional<std::string> fan_in;
  std::optional<std::string> fan_out;
  // Of the scheme.
#define WEIGHTINIT_PARAMETER(name, ...) std::optional<std::string> name;
#define WEIGHTINIT_CHOICE_PARAMETER(name, ...) std::optional<std::string> name;
#include "weightinit/core/request.def"
  std::optional<std::string> seed;
  std::optional<std::string> seed_name;  // In place of the number.
  std::optional<std::string> generator;
  std::optional<std::string> slice;
  std::optional<std::string> shard;  // In place of a slice.
  std::optional<std::string> axis;   // Of the shard.
  std::optional<std::string> first_element;
  std::optional<std::string> element_count;
  std::optional<std::string> chunk_bytes;
};

// The option of a name as the wire and C++ spell it: "--fan-mode" of
// "fan_mode".
std::string OptionOf(absl::string_view name);

// The request. INVALID_ARGUMENT names every option that does not read, and what
// would; whether the values make sense together is for the service to say.
absl::StatusOr<v1::InitializeTensorRequest> ParseRequest(
    const RequestOptions& options);

// The question what `request` would deliver.
v1::DescribeTensorRequest DescriptionOf(
    const v1::InitializeTensorRequest& request);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_REQUEST_OPTIONS_H_

// The options of the command line that say which tensor, as typed, and the
// request that they make.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_REQUEST_OPTIONS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_REQUEST_OPTIONS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

// Text as typed; nothing for an option that was not given.
struct RequestOptions {
  std::string name;
  std::optional<std::string> shape;  // Required.
  std::optional<std::string> scheme;
  std::optional<std::string> activation;
  std::optional<std::string> dtype;
  std::optional<std::string> layout;
  std::optional<std::string> groups;
  bool transposed = false;
  std::optional<std::string> fan_in;
  std::optional<std::string> fan_out;
  std::optional<std::string> fan_mode;
  std::optional<std::string> gain;
  std::optional<std::string> negative_slope;
  std::optional<std::string> mean;
  std::optional<std::string> stddev;
  std::optional<std::string> low;
  std::optional<std::string> high;
  std::optional<std::string> value;
  std::optional<std::string> scale;
  std::optional<std::string> distribution;
  std::optional<std::string> seed;
  std::optional<std::string> generator;
  std::optional<std::string> slice;
  std::optional<std::string> first_element;
  std::optional<std::string> chunk_bytes;
};

// The request. INVALID_ARGUMENT names every option that does not read, and what
// would; whether the values make sense together is for the service to say.
absl::StatusOr<v1::InitializeTensorRequest> ParseRequest(
    const RequestOptions& options);

// The question what `request` would deliver.
v1::DescribeTensorRequest DescriptionOf(
    const v1::InitializeTensorRequest& request);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_REQUEST_OPTIONS_H_

// From options to connections.

#ifndef WEIGHTINIT_CLIENT_CPP_CONNECT_H_
#define WEIGHTINIT_CLIENT_CPP_CONNECT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/channel.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {

// INVALID_ARGUMENT: the option has a value out of its range.
absl::Status InvalidOption(absl::string_view name, absl::string_view value,
                           absl::string_view range);

// Whether every option but `servers` is in its range.
absl::Status Validate(const WeightClientOptions& options);

// A channel to each address of one of options.servers; it connects when it is
// first used. INVALID_ARGUMENT: `server` is not host:port, dns:///host:port or
// unix:PATH, or files of options.tls cannot be used. UNAVAILABLE: that name
// cannot be resolved. FAILED_PRECONDITION: the token could be read on the way
// there.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(
    const std::string& server, const WeightClientOptions& options);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_CONNECT_H_

// How connections of a client are secured.

#ifndef WEIGHTINIT_CLIENT_CPP_CREDENTIALS_H_
#define WEIGHTINIT_CLIENT_CPP_CREDENTIALS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/security/credentials.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {

// As options.tls says. INVALID_ARGUMENT: a file cannot be read or used.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>
MakeChannelCredentials(const WeightClientOptions& options);

// Of sockets of the file system, which servers do not encrypt.
std::shared_ptr<grpc::ChannelCredentials> MakeSocketCredentials();

// An error of a connection, with what may have been meant if only one end spoke
// TLS, or did not trust the other.
absl::Status WithTlsHint(const absl::Status& status,
                         const WeightClientOptions& options);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_CREDENTIALS_H_

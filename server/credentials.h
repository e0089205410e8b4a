// How connections are secured. Everything that listens or connects in the
// server takes its credentials from here.

#ifndef WEIGHTINIT_SERVER_CREDENTIALS_H_
#define WEIGHTINIT_SERVER_CREDENTIALS_H_

#include <memory>

#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace weightinit {

// Of a listening port: not encrypted, anybody may connect.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials();

// Of a connection to a server of the same kind, as the health probe makes.
std::shared_ptr<grpc::ChannelCredentials> MakeProbeCredentials();

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_CREDENTIALS_H_

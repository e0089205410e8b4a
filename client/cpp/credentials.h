// How connections of a client are secured.

#ifndef WEIGHTINIT_CLIENT_CPP_CREDENTIALS_H_
#define WEIGHTINIT_CLIENT_CPP_CREDENTIALS_H_

#include <memory>

#include "grpcpp/security/credentials.h"

namespace weightinit {

// Not encrypted.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials();

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_CREDENTIALS_H_

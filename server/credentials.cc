#include "server/credentials.h"

#include <memory>

#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace weightinit {

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials() {
  return grpc::InsecureServerCredentials();
}

std::shared_ptr<grpc::ChannelCredentials> MakeProbeCredentials() {
  return grpc::InsecureChannelCredentials();
}

}  // namespace weightinit

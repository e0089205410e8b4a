#include "client/cpp/credentials.h"

#include <memory>

#include "grpcpp/security/credentials.h"

namespace weightinit {

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials() {
  return grpc::InsecureChannelCredentials();
}

}  // namespace weightinit

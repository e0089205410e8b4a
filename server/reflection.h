// grpc.reflection: what the server offers, told to tools.

#ifndef WEIGHTINIT_SERVER_REFLECTION_H_
#define WEIGHTINIT_SERVER_REFLECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "server/security/security.h"

namespace weightinit {

// The services of the protocol, v1 and v1alpha, which answer those who have the
// role `describe`. gRPC's own would answer everybody: what it serves itself
// cannot be refused. They list `services`, full names, beside themselves, and
// describe what is linked. `security`, which may be null, outlives them.
std::vector<std::unique_ptr<grpc::Service>> MakeReflectionServices(
    std::vector<std::string> services, const Security* security);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_REFLECTION_H_

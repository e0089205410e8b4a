// WeightInitService of proto/weightinit/v1.

#ifndef WEIGHTINIT_SERVER_SERVICE_H_
#define WEIGHTINIT_SERVER_SERVICE_H_

#include <memory>

#include "grpcpp/impl/service_type.h"
#include "server/listen/connections.h"
#include "server/security/security.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/call_observer.h"
#include "server/stream/generator_pool.h"
#include "server/stream/stream_admission.h"
#include "server/stream/stream_watch.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/root_seed.h"

namespace weightinit {

// What the service works with. The pointers outlive the service and its
// streams.
struct ServiceContext {
  Limits limits;
  StreamAdmission* admission = nullptr;
  GeneratorPool* generators = nullptr;
  StreamWatch* watch = nullptr;
  Connections* connections = nullptr;
  std::shared_ptr<BufferPool> buffers;
  CallObserver* observer = nullptr;           // May be null.
  std::shared_ptr<const RootSeed> root_seed;  // May be null.
  const Security* security = nullptr;         // Null: anybody may call.
};

// The service, on gRPC's callback API. It has no state of its own; gRPC calls
// it on any thread.
std::unique_ptr<grpc::Service> MakeWeightInitService(ServiceContext context);

// Its full name, "weightinit.v1.WeightInitService".
const char* WeightInitServiceName();

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SERVICE_H_

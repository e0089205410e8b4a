#include "server/poller_heartbeat.h"

#include <memory>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/stub_options.h"

namespace weightinit {
namespace {

// Less than the second after which a thread sleeps.
constexpr absl::Duration kInterval = absl::Milliseconds(300);
constexpr absl::Duration kTimeout = absl::Seconds(5);

// Of one health check.
struct Check {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

}  // namespace

PollerHeartbeat::PollerHeartbeat(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(channel) {
  ticker_.emplace(kInterval, [this] { Beat(); });
}

PollerHeartbeat::~PollerHeartbeat() {
  ticker_.reset();
  const absl::MutexLock lock(&mutex_);
  while (under_way_) ended_.Wait(&mutex_);
}

void PollerHeartbeat::Beat() {
  {
    const absl::MutexLock lock(&mutex_);
    if (under_way_) return;
    under_way_ = true;
  }
  auto check = std::make_shared<Check>();
  check->context.set_deadline(absl::ToChronoTime(absl::Now() + kTimeout));
  // An empty message asks for the health of the server as a whole.
  const grpc::Slice nothing;
  check->request = grpc::ByteBuffer(&nothing, 1);
  stub_.UnaryCall(&check->context, "/grpc.health.v1.Health/Check",
                  grpc::StubOptions(), &check->request, &check->response,
                  [this, check](const grpc::Status& /*status*/) {
                    const absl::MutexLock lock(&mutex_);
                    under_way_ = false;
                    ended_.SignalAll();
                  });
}

}  // namespace weightinit

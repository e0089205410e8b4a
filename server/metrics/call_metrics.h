// What is counted of calls, under the names of go-grpc-prometheus.

#ifndef WEIGHTINIT_SERVER_METRICS_CALL_METRICS_H_
#define WEIGHTINIT_SERVER_METRICS_CALL_METRICS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/stream/call_observer.h"

namespace weightinit {

// Counts every call in `registry`, which outlives it. No label has a text that
// a client chose, so that their number has a bound. Thread-safe.
class CallMetrics final : public CallObserver {
 public:
  explicit CallMetrics(prometheus::Registry* registry);

  void OnBegin(const CallRecord& call) override;
  void OnRefusal(const CallRecord& call, const absl::Status& why) override;
  void OnProgress(const CallRecord& call, int64_t bytes) override;
  void OnEnd(const CallRecord& call, absl::StatusCode code) override;

 private:
  static constexpr int kCodes = 17;

  struct Method {
    bool is_stream = false;
    prometheus::Counter* started = nullptr;
    prometheus::Counter* received = nullptr;
    prometheus::Counter* sent = nullptr;
    std::array<prometheus::Counter*, kCodes> handled{};
    prometheus::Histogram* seconds = nullptr;
  };

  void Handled(const CallRecord& call, absl::StatusCode code);
  const Method& MethodOf(const CallRecord& call) const;
  prometheus::Counter& BytesOf(const CallRecord& call) const;

  absl::flat_hash_map<std::string, Method> methods_;
  // By scheme and dtype.
  std::vector<std::vector<prometheus::Counter*>> bytes_;
  prometheus::Counter* model_bytes_;
  prometheus::Family<prometheus::Counter>* rejections_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_METRICS_CALL_METRICS_H_

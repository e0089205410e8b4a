// All that Prometheus may ask of a server.

#ifndef WEIGHTINIT_SERVER_METRICS_SERVER_METRICS_H_
#define WEIGHTINIT_SERVER_METRICS_SERVER_METRICS_H_

#include <memory>
#include <string>

#include "prometheus/registry.h"
#include "server/metrics/call_metrics.h"
#include "server/server.h"

namespace weightinit {

class ServerMetrics {
 public:
  ServerMetrics();

  // For ServerOptions::observer; lives as long as this.
  CallObserver* observer() { return &calls_; }

  // In the text format of Prometheus; figures of `server` and of the process
  // are those of this moment. Thread-safe.
  std::string Text(const Server& server) const;

 private:
  prometheus::Registry registry_;
  CallMetrics calls_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_METRICS_SERVER_METRICS_H_

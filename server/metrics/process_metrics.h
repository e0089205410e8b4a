// What the system knows of this process, under the names that Prometheus'
// client libraries use.

#ifndef WEIGHTINIT_SERVER_METRICS_PROCESS_METRICS_H_
#define WEIGHTINIT_SERVER_METRICS_PROCESS_METRICS_H_

#include <vector>

#include "prometheus/metric_family.h"

namespace weightinit {

std::vector<prometheus::MetricFamily> ProcessFigures();

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_METRICS_PROCESS_METRICS_H_

// A family of metrics whose values are known only when they are asked for.

#ifndef WEIGHTINIT_SERVER_METRICS_FIGURE_H_
#define WEIGHTINIT_SERVER_METRICS_FIGURE_H_

#include <string>
#include <utility>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"

namespace weightinit {

using Labels = std::vector<prometheus::ClientMetric::Label>;

inline prometheus::ClientMetric Sample(prometheus::MetricType type,
                                       double value, Labels labels) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  if (type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return metric;
}

// With one value.
inline prometheus::MetricFamily Figure(prometheus::MetricType type,
                                       std::string name, std::string help,
                                       double value, Labels labels = {}) {
  return {std::move(name),
          std::move(help),
          type,
          {Sample(type, value, std::move(labels))}};
}

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_METRICS_FIGURE_H_

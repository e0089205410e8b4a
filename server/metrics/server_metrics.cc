#include "server/metrics/server_metrics.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"
#include "prometheus/text_serializer.h"
#include "server/metrics/figure.h"
#include "server/metrics/process_metrics.h"
#include "server/server.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/version.h"

namespace weightinit {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Reloads(const char* name, const char* help,
                     const ReloadCounts& counts) {
  MetricFamily family =
      Figure(MetricType::Counter, name, help,
             static_cast<double>(counts.succeeded), {{"result", "success"}});
  family.metric.push_back(Sample(MetricType::Counter,
                                 static_cast<double>(counts.failed),
                                 {{"result", "failure"}}));
  return family;
}

std::vector<MetricFamily> FiguresOf(const Server& server) {
  const auto gauge = [](const char* name, const char* help, double value) {
    return Figure(MetricType::Gauge, name, help, value);
  };
  std::vector<MetricFamily> figures = {
      gauge("weightinit_active_streams", "Streams that take a place.",
            server.active_streams()),
      gauge("weightinit_stalled_streams",
            "Streams whose clients have read nothing for some seconds.",
            server.stalled_streams()),
      gauge("weightinit_bytes_held", "Memory that streams may hold, in bytes.",
            static_cast<double>(server.bytes_held())),
      gauge("weightinit_connections", "Connections.", server.connections()),
      gauge("weightinit_serving", "1; 0 once the server drains.",
            server.serving() ? 1 : 0),
      Figure(MetricType::Counter, "weightinit_generation_seconds_total",
             "Seconds that threads have computed weights.",
             absl::ToDoubleSeconds(server.generation_time())),
      Figure(MetricType::Gauge, "weightinit_build_info",
             "1, with the version and the instruction set in use.", 1,
             {{"version", kVersion}, {"simd_target", SimdTargetInUse()}})};
  const SecurityFigures security = server.security_figures();
  if (security.certificate_expiry.has_value()) {
    figures.push_back(gauge("weightinit_certificate_expiry_seconds",
                            "When the server's certificate expires, in seconds "
                            "since 1970.",
                            absl::ToDoubleSeconds(*security.certificate_expiry -
                                                  absl::UnixEpoch())));
  }
  figures.push_back(Reloads("weightinit_tls_reloads_total",
                            "Changes of the TLS files: used, or refused.",
                            security.tls));
  figures.push_back(Reloads("weightinit_access_reloads_total",
                            "Changes of the access file: used, or refused.",
                            security.access));
  return figures;
}

void Append(std::vector<MetricFamily> more, std::vector<MetricFamily>* all) {
  for (MetricFamily& family : more) all->push_back(std::move(family));
}

}  // namespace

ServerMetrics::ServerMetrics() : calls_(&registry_) {}

std::string ServerMetrics::Text(const Server& server) const {
  std::vector<MetricFamily> families = registry_.Collect();
  Append(FiguresOf(server), &families);
  Append(ProcessFigures(), &families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace weightinit

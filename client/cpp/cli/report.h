// What the subcommands found out, and how it reads: as JSON for programs, as
// text for people.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_REPORT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "client/cpp/statistics/statistics.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

// Of one `weightinit init`.
struct InitReport {
  FetchResult result;
  std::optional<std::string> sha256;  // Of the tensor's bytes, if asked for.
  double seconds = 0;
  std::optional<Measured> measured;
  Histogram histogram;
  std::optional<std::string> output;
};

// One JSON object each, ending in a line break. Names are canonical; what does
// not apply, and a number that is not finite, is null.
std::string InitJson(const InitReport& report);
std::string DescribeJson(const v1::TensorDescription& description);
std::string InfoJson(const v1::GetServerInfoResponse& info);
std::string SeedJson(const std::string& seed_name, uint64_t seed);

// Aligned lines. The histogram is drawn if it was counted.
std::string InitText(const InitReport& report);
std::string DescribeText(const v1::TensorDescription& description);
std::string InfoText(const v1::GetServerInfoResponse& info);

// "advisory: ..." lines; empty for none.
std::string AdvisoryText(const v1::TensorDescription& description);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_REPORT_H_

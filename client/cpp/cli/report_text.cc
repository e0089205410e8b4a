#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/report.h"
#include "proto/cpp/wire_names.h"

namespace weightinit::cli {
namespace {

constexpr int kBarWidth = 40;

void AddRow(absl::string_view label, absl::string_view value,
            std::string* out) {
  absl::StrAppendFormat(out, "%-13s%s\n", label, value);
}

std::string Number(double value) { return absl::StrFormat("%.6g", value); }

std::string NumberOrDash(bool present, double value) {
  return present ? Number(value) : "-";
}

template <typename Dimensions>
std::string ShapeText(const Dimensions& dimensions) {
  return dimensions.empty() ? "scalar" : absl::StrJoin(dimensions, "x");
}

// As --slice is written.
void RangeText(std::string* out, const v1::DimensionRange& range) {
  absl::StrAppend(out, range.start(), ":", range.stop());
}

std::string BytesText(int64_t bytes) {
  if (bytes < 1'000'000) return absl::StrCat(bytes, " bytes");
  return absl::StrFormat("%d bytes (%.1f MB)", bytes,
                         static_cast<double>(bytes) / 1e6);
}

void AddDescription(const v1::TensorDescription& description,
                    std::string* out) {
  if (!description.name().empty()) AddRow("name", description.name(), out);
  AddRow("shape",
         absl::StrCat(ShapeText(description.shape()), " ",
                      WireName<Dtype>(description.dtype()), " ",
                      WireName<Layout>(description.layout())),
         out);
  if (!description.slice().empty()) {
    AddRow("slice",
           absl::StrCat(absl::StrJoin(description.slice(), ",", RangeText),
                        ", shape ", ShapeText(description.slice_shape())),
           out);
  }
  std::string scheme =
      absl::StrCat(WireName<Scheme>(description.scheme()), " for ",
                   WireName<Activation>(description.activation()));
  if (description.has_gain()) {
    absl::StrAppend(&scheme, ", gain ", Number(description.gain()));
  }
  AddRow("scheme", scheme, out);
  if (description.has_fan_in() && description.has_fan_out()) {
    AddRow("fans",
           absl::StrCat(description.fan_in(), " in, ", description.fan_out(),
                        " out"),
           out);
  }
  if (description.has_parameters()) {
    AddRow("distribution",
           WireName<Distribution>(description.parameters().distribution()),
           out);
  }
  if (description.zeros_per_column() > 0) {
    AddRow("zeros",
           absl::StrCat(description.zeros_per_column(), " in each column"),
           out);
  }
  if (description.operations() > 0) {
    AddRow("operations", Number(static_cast<double>(description.operations())),
           out);
  }
  if (!description.seed_name().empty()) {
    AddRow("seed name", description.seed_name(), out);
  }
  AddRow("generator",
         absl::StrCat(WireName<Generator>(description.generator()), ", seed ",
                      description.seed()),
         out);
}

std::string ElementsText(const v1::TensorDescription& description) {
  return absl::StrCat(description.elements(), ", ",
                      BytesText(description.bytes()));
}

void AddStatisticsRow(absl::string_view label, absl::string_view theory,
                      absl::string_view measured, std::string* out) {
  absl::StrAppendFormat(out, "%-13s%-15s%s\n", label, theory, measured);
}

void AddStatistics(const v1::TensorDescription& description,
                   const Measured& measured, std::string* out) {
  AddStatisticsRow("", "theory", "measured", out);
  AddStatisticsRow("mean", Number(description.mean()), Number(measured.mean),
                   out);
  AddStatisticsRow("stddev", Number(description.stddev()),
                   Number(measured.stddev), out);
  AddStatisticsRow("min",
                   NumberOrDash(description.has_low(), description.low()),
                   Number(measured.min), out);
  AddStatisticsRow("max",
                   NumberOrDash(description.has_high(), description.high()),
                   Number(measured.max), out);
}

void AddHistogram(const Histogram& histogram, std::string* out) {
  if (histogram.counts.empty()) return;
  const int64_t tallest =
      *std::max_element(histogram.counts.begin(), histogram.counts.end());
  if (tallest == 0) return;
  const double width = (histogram.high - histogram.low) /
                       static_cast<double>(histogram.counts.size());
  absl::StrAppend(out, "\n");
  for (size_t bin = 0; bin < histogram.counts.size(); ++bin) {
    const double start = histogram.low + width * static_cast<double>(bin);
    const double part = static_cast<double>(histogram.counts[bin]) /
                        static_cast<double>(tallest);
    absl::StrAppendFormat(
        out, "%12.4g |%s\n", start,
        std::string(static_cast<size_t>(std::lround(part * kBarWidth)), '#'));
  }
  absl::StrAppendFormat(out, "%12.4g |\n", histogram.high);
}

template <typename Core>
std::string Names(const google::protobuf::RepeatedField<int>& values) {
  return absl::StrJoin(values, ", ", [](std::string* out, int value) {
    absl::StrAppend(out, WireName<Core>(value));
  });
}

}  // namespace

std::string InitText(const InitReport& report) {
  const v1::TensorDescription& description = report.result.description;
  std::string out;
  AddDescription(description, &out);
  AddRow(
      "elements",
      absl::StrCat(ElementsText(description),
                   absl::StrFormat(" in %.3g s, %.0f MB/s", report.seconds,
                                   static_cast<double>(description.bytes()) /
                                       1e6 / std::max(report.seconds, 1e-9))),
      &out);
  if (report.result.resumed > 0) {
    AddRow("resumed", absl::StrCat(report.result.resumed, " times"), &out);
  }
  AddRow("crc32", absl::StrFormat("%08x", report.result.crc32), &out);
  if (report.sha256.has_value()) AddRow("sha256", *report.sha256, &out);
  AddRow("output", report.output.value_or("none, checked only"), &out);
  if (report.measured.has_value()) {
    AddStatistics(description, *report.measured, &out);
  }
  AddHistogram(report.histogram, &out);
  return out;
}

std::string DescribeText(const v1::TensorDescription& description) {
  std::string out;
  AddDescription(description, &out);
  AddRow("elements", ElementsText(description), &out);
  AddRow("mean", Number(description.mean()), &out);
  AddRow("stddev", Number(description.stddev()), &out);
  AddRow("min", NumberOrDash(description.has_low(), description.low()), &out);
  AddRow("max", NumberOrDash(description.has_high(), description.high()), &out);
  return out;
}

std::string InfoText(const v1::GetServerInfoResponse& info) {
  const v1::ServerLimits& limits = info.limits();
  std::string out;
  AddRow("version", info.version(), &out);
  AddRow("simd", info.simd_target(), &out);
  AddRow("generators", Names<Generator>(info.generators()), &out);
  AddRow("schemes", Names<Scheme>(info.schemes()), &out);
  AddRow("dtypes", Names<Dtype>(info.dtypes()), &out);
  AddRow("max elements", absl::StrCat(limits.max_elements()), &out);
  AddRow(
      "operations",
      limits.max_operations() == std::numeric_limits<int64_t>::max()
          ? "no limit"
          : absl::StrCat("at most ",
                         Number(static_cast<double>(limits.max_operations())),
                         " for a tensor"),
      &out);
  // As many calls as one likes in a process of its own.
  AddRow("max streams",
         limits.max_streams() == std::numeric_limits<int32_t>::max()
             ? "no limit"
             : absl::StrCat(limits.max_streams()),
         &out);
  AddRow("max rank", absl::StrCat(limits.max_rank()), &out);
  AddRow("max name", absl::StrCat(limits.max_name_bytes(), " bytes"), &out);
  AddRow(
      "chunk",
      absl::StrCat(limits.min_chunk_bytes(), " to ", limits.max_chunk_bytes(),
                   " bytes, default ", limits.default_chunk_bytes()),
      &out);
  AddRow("root seed",
         info.root_seed_id().empty() ? "none" : info.root_seed_id(), &out);
  return out;
}

std::string AdvisoryText(const v1::TensorDescription& description) {
  std::string out;
  for (const v1::Advisory& advisory : description.advisories()) {
    absl::StrAppend(&out, "advisory: ", advisory.message(), "\n");
  }
  return out;
}

}  // namespace weightinit::cli

#include <cmath>
#include <cstdint>
#include <vector>

#include "client/cpp/cli/report.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/wire_names.h"

namespace weightinit::cli {
namespace {

using Json = nlohmann::ordered_json;

Json NumberOrNull(bool present, double value) {
  return present && std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json IntegerOrNull(bool present, int64_t value) {
  return present ? Json(value) : Json(nullptr);
}

template <typename Dimensions>
Json Integers(const Dimensions& dimensions) {
  return std::vector<int64_t>(dimensions.begin(), dimensions.end());
}

template <typename Core>
Json Names(const google::protobuf::RepeatedField<int>& values) {
  Json names = Json::array();
  for (const int value : values) names.push_back(WireName<Core>(value));
  return names;
}

Json Advisories(const v1::TensorDescription& description) {
  Json advisories = Json::array();
  for (const v1::Advisory& advisory : description.advisories()) {
    advisories.push_back({{"code", WireName<AdvisoryCode>(advisory.code())},
                          {"message", advisory.message()}});
  }
  return advisories;
}

// As [[start, stop], ...]; null for the whole tensor.
Json SliceJson(const v1::TensorDescription& description) {
  if (description.slice().empty()) return nullptr;
  Json ranges = Json::array();
  for (const v1::DimensionRange& range : description.slice()) {
    ranges.push_back({range.start(), range.stop()});
  }
  return ranges;
}

// Everything but the advisories, which come last.
Json Description(const v1::TensorDescription& description) {
  Json json;
  json["name"] = description.name();
  json["shape"] = Integers(description.shape());
  json["slice"] = SliceJson(description);
  json["slice_shape"] = Integers(description.slice_shape());
  json["scheme"] = WireName<Scheme>(description.scheme());
  json["role"] = description.role() == v1::TENSOR_ROLE_UNSPECIFIED
                     ? Json(nullptr)
                     : Json(WireName<TensorRole>(description.role()));
  json["activation"] = WireName<Activation>(description.activation());
  json["distribution"] = description.has_parameters()
                             ? Json(WireName<Distribution>(
                                   description.parameters().distribution()))
                             : Json(nullptr);
  json["fan_in"] =
      IntegerOrNull(description.has_fan_in(), description.fan_in());
  json["fan_out"] =
      IntegerOrNull(description.has_fan_out(), description.fan_out());
  json["gain"] = NumberOrNull(description.has_gain(), description.gain());
  json["mean"] = NumberOrNull(true, description.mean());
  json["stddev"] = NumberOrNull(true, description.stddev());
  json["low"] = NumberOrNull(description.has_low(), description.low());
  json["high"] = NumberOrNull(description.has_high(), description.high());
  json["tensor_elements"] = description.tensor_elements();
  json["elements"] = description.elements();
  json["bytes"] = description.bytes();
  json["operations"] = description.operations();
  json["zeros_per_column"] = description.zeros_per_column();
  json["dtype"] = WireName<Dtype>(description.dtype());
  json["layout"] = WireName<Layout>(description.layout());
  json["seed_name"] = description.seed_name().empty()
                          ? Json(nullptr)
                          : Json(description.seed_name());
  json["seed"] = description.seed();
  json["generator"] = WireName<Generator>(description.generator());
  return json;
}

// A path need not be UTF-8, JSON has to be.
std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string InitJson(const InitReport& report) {
  Json json = Description(report.result.description);
  json["crc32"] = report.result.crc32;
  json["sha256"] =
      report.sha256.has_value() ? Json(*report.sha256) : Json(nullptr);
  json["seconds"] = report.seconds;
  json["resumed"] = report.result.resumed;
  json["measured"] = nullptr;
  if (report.measured.has_value()) {
    json["measured"] = {{"mean", NumberOrNull(true, report.measured->mean)},
                        {"stddev", NumberOrNull(true, report.measured->stddev)},
                        {"min", NumberOrNull(true, report.measured->min)},
                        {"max", NumberOrNull(true, report.measured->max)}};
  }
  json["output"] =
      report.output.has_value() ? Json(*report.output) : Json(nullptr);
  json["advisories"] = Advisories(report.result.description);
  return Line(json);
}

std::string DescribeJson(const v1::TensorDescription& description) {
  Json json = Description(description);
  json["advisories"] = Advisories(description);
  return Line(json);
}

std::string InfoJson(const v1::GetServerInfoResponse& info) {
  Json json;
  json["version"] = info.version();
  json["simd_target"] = info.simd_target();
  json["generators"] = Names<Generator>(info.generators());
  json["schemes"] = Names<Scheme>(info.schemes());
  json["dtypes"] = Names<Dtype>(info.dtypes());
  const v1::ServerLimits& limits = info.limits();
  json["limits"] = {{"max_elements", limits.max_elements()},
                    {"max_operations", limits.max_operations()},
                    {"max_streams", limits.max_streams()},
                    {"max_rank", limits.max_rank()},
                    {"max_name_bytes", limits.max_name_bytes()},
                    {"min_chunk_bytes", limits.min_chunk_bytes()},
                    {"max_chunk_bytes", limits.max_chunk_bytes()},
                    {"default_chunk_bytes", limits.default_chunk_bytes()}};
  json["root_seed_id"] =
      info.root_seed_id().empty() ? Json(nullptr) : Json(info.root_seed_id());
  return Line(json);
}

std::string SeedJson(const std::string& seed_name, uint64_t seed) {
  return Line({{"seed_name", seed_name}, {"seed", seed}});
}

}  // namespace weightinit::cli

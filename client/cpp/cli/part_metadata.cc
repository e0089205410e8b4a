#include "client/cpp/cli/part_metadata.h"

#include <string>

#include "nlohmann/json.hpp"
#include "proto/cpp/wire_names.h"
#include "weightinit/core/request.h"

namespace weightinit::cli {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const v1::TensorDescription& description) {
  Json json;
  json["name"] = description.name();
  json["shape"] = description.shape();
  for (const v1::DimensionRange& range : description.slice()) {
    json["slice"].push_back({range.start(), range.stop()});
  }
  json["layout"] = WireName<Layout>(description.layout());
  if (description.parts_size() > 0) {
    json["axis"] = description.axis();
    json["stacked"] = description.stacked();
    for (const v1::TensorDescription& part : description.parts()) {
      json["parts"].push_back(ToJson(part));
    }
    return json;
  }
  json["scheme"] = WireName<Scheme>(description.scheme());
  const v1::DistributionParameters& parameters = description.parameters();
  json["distribution"] = WireName<Distribution>(parameters.distribution());
  if (!description.has_parameters()) json["gain"] = description.gain();
  if (parameters.has_mean()) json["mean"] = parameters.mean();
  if (parameters.has_stddev()) json["stddev"] = parameters.stddev();
  if (parameters.has_low()) json["low"] = parameters.low();
  if (parameters.has_high()) json["high"] = parameters.high();
  return json;
}

}  // namespace

std::string PartMetadata(const v1::TensorDescription& description) {
  return ToJson(description).dump();
}

}  // namespace weightinit::cli

// weightinit-model-plan: what a manifest stands for, for tests in Python.
//
// usage: weightinit-model-plan MANIFEST
//
// Prints the tensors, one JSON object a line:
//
//   name shape layout mean stddev low high (absent without bounds) fan_in
//   fan_out (absent without fans) axis parts[the same of each part] alias_of
//   buffer
//
// An alias has only name and alias_of, which others do not have. Exit status 1,
// with the error on stderr, for a manifest that is wrong.

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/model_conversion.h"
#include "weightinit/client/manifest.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using Json = nlohmann::json;

template <typename T>
void Set(const char* key, const std::optional<T>& value, Json& json) {
  if (value.has_value()) json[key] = *value;
}

// The depth of the recursion is that of parts in parts.
Json JsonOf(const TensorPlan& plan) {
  Json json = {{"name", plan.name},
               {"shape", plan.shape},
               {"layout", std::string(NameOf(plan.layout))},
               {"mean", plan.mean},
               {"stddev", plan.stddev},
               {"axis", plan.axis},
               {"parts", Json::array()}};
  Set("low", plan.low, json);
  Set("high", plan.high, json);
  Set("fan_in", plan.fan_in, json);
  Set("fan_out", plan.fan_out, json);
  for (const TensorPlan& part : plan.parts) {
    json["parts"].push_back(JsonOf(part));
  }
  return json;
}

Json JsonOf(const ModelTensor& tensor) {
  if (!tensor.alias_of.empty()) {
    return {{"name", tensor.plan.name}, {"alias_of", tensor.alias_of}};
  }
  Json json = JsonOf(tensor.plan);
  json["buffer"] = tensor.buffer;
  return json;
}

absl::Status Print(const std::string& path) {
  absl::StatusOr<v1::ModelSpec> model = ReadManifest(path);
  if (!model.ok()) return model.status();
  v1::DescribeModelRequest request;
  *request.mutable_model() = *std::move(model);
  const auto plan = PlanOf(request, Limits(), /*root_seed=*/nullptr);
  if (!plan.ok()) return plan.status();
  ModelTensors tensors(*plan);
  while (const std::optional<ModelTensor> tensor = tensors.Next()) {
    std::cout << JsonOf(*tensor) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace weightinit

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: weightinit-model-plan MANIFEST\n";
    return 2;
  }
  const absl::Status status = weightinit::Print(argv[1]);
  if (!status.ok()) {
    std::cerr << status.message() << "\n";
    return 1;
  }
  return 0;
}

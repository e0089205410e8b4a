// Short ways to write the models of the tests.

#ifndef WEIGHTINIT_TESTS_CORE_MODEL_MODEL_BUILDER_H_
#define WEIGHTINIT_TESTS_CORE_MODEL_MODEL_BUILDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weightinit/core/model.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

template <typename Kind>
ModelEntry Entry(std::string name, Kind kind) {
  ModelEntry entry;
  entry.name = std::move(name);
  entry.kind = std::move(kind);
  return entry;
}

inline ModelEntry Tensor(std::string name, std::vector<int64_t> shape,
                         Scheme scheme = Scheme::kUnspecified) {
  TensorEntry tensor;
  tensor.spec.shape = std::move(shape);
  tensor.spec.scheme = scheme;
  return Entry(std::move(name), std::move(tensor));
}

inline ModelEntry Repeated(ModelEntry entry, std::string index, int64_t count,
                           int64_t first = 0) {
  entry.repeat.push_back({std::move(index), first, count});
  return entry;
}

inline ModelRequest Model(std::vector<ModelEntry> entries) {
  ModelRequest request;
  request.seed = 42;
  request.model.entries = std::move(entries);
  return request;
}

inline std::shared_ptr<const ModelPlan> PlanOf(ModelRequest request,
                                               const Limits& limits = {}) {
  auto plan = ModelPlan::Make(std::move(request), limits);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : nullptr;
}

// All tensors that the request delivers.
inline std::vector<ModelTensor> TensorsOf(ModelRequest request) {
  std::vector<ModelTensor> tensors;
  const auto plan = PlanOf(std::move(request));
  if (plan == nullptr) return tensors;
  ModelTensors reader(plan);
  while (auto tensor = reader.Next()) tensors.push_back(*std::move(tensor));
  return tensors;
}

inline std::vector<std::string> NamesOf(const ModelRequest& request) {
  std::vector<std::string> names;
  for (const ModelTensor& tensor : TensorsOf(request)) {
    names.push_back(tensor.plan.name);
  }
  return names;
}

// The plans by name.
inline std::map<std::string, TensorPlan> PlansOf(const ModelRequest& request) {
  std::map<std::string, TensorPlan> plans;
  for (ModelTensor& tensor : TensorsOf(request)) {
    plans.emplace(tensor.plan.name, std::move(tensor.plan));
  }
  return plans;
}

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_CORE_MODEL_MODEL_BUILDER_H_

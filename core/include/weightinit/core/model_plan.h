// From a request for a model to the plans of its tensors.

#ifndef WEIGHTINIT_CORE_MODEL_PLAN_H_
#define WEIGHTINIT_CORE_MODEL_PLAN_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/root_seed.h"

namespace weightinit {

// A tensor of a model, resolved. Field by field what ModelTensor in
// proto/weightinit/v1/model.proto documents.
struct ModelTensor {
  int64_t index = 0;
  TensorPlan plan;  // Of an alias only the name is set.
  int64_t byte_offset = 0;
  std::vector<int> rules;
  std::string alias_of;
  bool buffer = false;
};

// Field by field what ModelSummary in proto/weightinit/v1/model.proto
// documents.
struct ModelSummary {
  std::string name;
  Generator generator = Generator::kUnspecified;
  uint64_t seed = 0;
  std::string seed_name;
  int64_t tensors = 0;
  int64_t aliases = 0;
  int64_t parameters = 0;
  int64_t buffer_elements = 0;
  int64_t model_bytes = 0;
  int64_t selected_tensors = 0;
  int64_t bytes = 0;
  std::array<uint8_t, 32> fingerprint{};
  std::vector<Advisory> advisories;
};

// A request for a model that has been found good. Its tensors are resolved one
// by one when they are asked for, so that memory does not grow with their
// number. Immutable: any thread may use it.
class ModelPlan {
 public:
  // Resolves every tensor once. INVALID_ARGUMENT carries the violations, the
  // first 16 if there are more; OUT_OF_RANGE: first_tensor, first_element or
  // element_count is past the end. FAILED_PRECONDITION: a seed_name, and
  // `root_seed` is null.
  static absl::StatusOr<std::shared_ptr<const ModelPlan>> Make(
      ModelRequest request, const Limits& limits = {},
      const RootSeed* root_seed = nullptr);

  const ModelRequest& request() const { return request_; }
  const Limits& limits() const { return limits_; }
  const ModelSummary& summary() const { return summary_; }
  // Whether layers of the model normalise their signals: a tensor of rank 1
  // starts as ones, as the scale of a normalisation does.
  bool normalizes() const { return normalizes_; }

 private:
  ModelPlan(ModelRequest request, const Limits& limits)
      : request_(std::move(request)), limits_(limits) {}

  ModelRequest request_;
  Limits limits_;
  ModelSummary summary_;
  bool normalizes_ = false;
};

// The tensors that the request of a plan delivers, in order. Not thread-safe.
class ModelTensors {
 public:
  explicit ModelTensors(std::shared_ptr<const ModelPlan> plan);
  ~ModelTensors();
  ModelTensors(ModelTensors&&) noexcept;
  ModelTensors& operator=(ModelTensors&&) noexcept;

  // The next tensor; nothing after the last one.
  std::optional<ModelTensor> Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_PLAN_H_

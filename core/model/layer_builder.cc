#include "core/model/layer_builder.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model/draft.h"
#include "core/model/framework_defaults.h"
#include "core/model/name_pattern.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// Products of two sizes stay in range.
constexpr int64_t kMaxSize = int64_t{1} << 30;

}  // namespace

bool LayerBuilder::Check(const char* name, int64_t size) {
  if (size >= 1 && size <= kMaxSize) return true;
  return Fail(name, "is ", size, "; must be from 1 to ", kMaxSize);
}

std::string LayerBuilder::Name(std::string_view inner) const {
  return JoinNames(prefix_, inner);
}

Draft LayerBuilder::Weight(std::string_view name, int64_t out, int64_t in,
                           const std::vector<int64_t>& kernel) const {
  Draft draft;
  draft.name = Name(name);
  draft.role = TensorRole::kWeight;
  if (layout_ == Layout::kInOut) {
    draft.shape = kernel;
    draft.shape.insert(draft.shape.end(), {in, out});
  } else {
    draft.shape = {out, in};
    draft.shape.insert(draft.shape.end(), kernel.begin(), kernel.end());
  }
  return draft;
}

Draft LayerBuilder::FusedWeight(std::string_view name, int64_t in,
                                std::vector<Draft> parts) const {
  int64_t out = 0;
  for (const Draft& part : parts) out += part.size;
  Draft draft = Weight(name, out, in);
  draft.axis = OutputAxis();
  draft.parts = std::move(parts);
  return draft;
}

Draft LayerBuilder::Part(std::string_view name, int64_t size) const {
  Draft draft;
  draft.name = Name(name);
  draft.role = TensorRole::kWeight;
  draft.size = size;
  return draft;
}

Draft LayerBuilder::Bias(std::string_view name, int64_t size,
                         int64_t fan_in) const {
  Draft bias = Constant(name, {size}, TensorRole::kBias);
  SetBias(framework_, fan_in, bias);
  return bias;
}

Draft LayerBuilder::Constant(std::string_view name, std::vector<int64_t> shape,
                             TensorRole role) const {
  Draft draft;
  draft.name = Name(name);
  draft.shape = std::move(shape);
  const bool one =
      role == TensorRole::kNormScale || role == TensorRole::kRunningVariance;
  SetConstant(role, one ? 1 : 0, draft);
  return draft;
}

void SetConstant(TensorRole role, double value, Draft& draft) {
  draft.fixed = true;
  draft.role = role;
  if (value == 0) {
    draft.own.scheme = Scheme::kZeros;
  } else if (value == 1) {
    draft.own.scheme = Scheme::kOnes;
  } else {
    draft.own.scheme = Scheme::kConstant;
    draft.own.parameters.value = value;
  }
}

}  // namespace weightinit

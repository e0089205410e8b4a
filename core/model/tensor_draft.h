// From a draft, the defaults around it and the rules to a tensor.

#ifndef WEIGHTINIT_CORE_MODEL_TENSOR_DRAFT_H_
#define WEIGHTINIT_CORE_MODEL_TENSOR_DRAFT_H_

#include <vector>

#include "core/model/draft.h"
#include "core/model/entry_walk.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {

// The tensors of the entry that `walk` stands at. Adds violations, and returns
// perhaps fewer tensors then. REQUIRES: the entry is no alias.
std::vector<Draft> DraftsOf(const EntryWalk& walk, ViolationList& violations);

// A tensor of a model as a request for a single one would have it, with every
// formula evaluated and every rule applied.
struct FinishedTensor {
  TensorSpec spec;
  std::vector<int> rules;  // Those that matched it or a part of it.
};

// Violations have paths inside the tensor, such as "expressions[stddev]".
FinishedTensor Finish(const Draft& draft, const Inherited& inherited,
                      const std::vector<ModelRule>& rules,
                      const std::vector<NamedNumber>& numbers,
                      ViolationList& violations);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_TENSOR_DRAFT_H_

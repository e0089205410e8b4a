// The tensors of a model one by one, resolved.

#ifndef WEIGHTINIT_CORE_MODEL_TENSOR_WALK_H_
#define WEIGHTINIT_CORE_MODEL_TENSOR_WALK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/model/draft.h"
#include "core/model/entry_walk.h"
#include "core/model/tensor_draft.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"
#include "weightinit/core/model_plan.h"

namespace weightinit {

// Walks all tensors of the model, those too that the request does not select.
// Not thread-safe.
class TensorWalk {
 public:
  // Violations are added to `violations`. All must outlive the walk.
  TensorWalk(const ModelRequest& request, const Limits& limits,
             ViolationList& violations);

  // Goes to the next tensor that has no violation; false if there is none, or
  // if there are too many violations.
  bool Next();

  // The tensor, with what the request selects of it; if it selects nothing,
  // whole.
  const ModelTensor& tensor() const { return tensor_; }
  ModelTensor& tensor() { return tensor_; }
  bool selected() const { return selected_; }
  bool is_alias() const { return !tensor_.alias_of.empty(); }
  // The patterns of `only`, and the selections, that have matched a tensor.
  const std::vector<bool>& only_matches() const { return only_matches_; }
  const std::vector<bool>& selection_matches() const {
    return selection_matches_;
  }
  // The path of its entry in the request.
  std::string field() const { return entries_.field(); }

 private:
  // Resolves the next draft of the open entry; false after a violation.
  bool ResolveDraft(const Draft& draft);
  bool ResolveAlias(const std::string& of);
  // The slice that the request selects of a tensor of that name; false after a
  // violation.
  bool Select(const TensorSpec& spec, TensorRequest& tensor);
  bool IsSelected(const std::string& name);
  // Violations of a tensor, in the words of the request for the model.
  void AddTensorViolations(const ViolationList& of_tensor,
                           const FinishedTensor& finished);

  const ModelRequest& request_;
  const Limits& limits_;
  ViolationList& violations_;
  EntryWalk entries_;
  std::vector<Draft> drafts_;  // Of the open entry.
  size_t next_draft_ = 0;
  std::vector<NamedNumber> numbers_;
  int64_t next_index_ = 0;
  int64_t next_offset_ = 0;
  ModelTensor tensor_;
  bool selected_ = false;
  std::vector<bool> only_matches_;
  std::vector<bool> selection_matches_;
  size_t selection_ = 0;  // Which one cut the tensor, if one did.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_TENSOR_WALK_H_

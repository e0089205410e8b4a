#include "core/model/tensor_walk.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/model/draft.h"
#include "core/model/entry_walk.h"
#include "core/model/name_pattern.h"
#include "core/model/tensor_draft.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/name_pattern.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/utf8.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

// A name as it can stand in a message.
std::string Quoted(const std::string& name) {
  constexpr size_t kLongest = 100;
  const bool cut = name.size() > kLongest;
  return absl::StrCat("\"", absl::CHexEscape(name.substr(0, kLongest)),
                      cut ? "..." : "", "\"");
}

}  // namespace

TensorWalk::TensorWalk(const ModelRequest& request, const Limits& limits,
                       ViolationList& violations)
    : request_(request),
      limits_(limits),
      violations_(violations),
      entries_(request.model, violations),
      only_matches_(request.only.size(), false),
      selection_matches_(request.selections.size(), false) {}

bool TensorWalk::Next() {
  while (violations_.size() < kMaxModelViolations) {
    if (next_draft_ < drafts_.size()) {
      if (ResolveDraft(drafts_[next_draft_++])) return true;
      continue;
    }
    if (!entries_.Next()) return false;
    numbers_ = entries_.numbers();
    if (const auto* alias = std::get_if<AliasEntry>(&entries_.entry().kind)) {
      if (ResolveAlias(alias->of)) return true;
      continue;
    }
    drafts_ = DraftsOf(entries_, violations_);
    next_draft_ = 0;
  }
  return false;
}

bool TensorWalk::ResolveAlias(const std::string& of) {
  tensor_ = ModelTensor();
  tensor_.plan.name = entries_.name();
  absl::StatusOr<std::string> target = FillIndices(of, entries_.indices());
  if (!target.ok()) {
    AddViolation(violations_, field() + ".alias", target.status().message());
    return false;
  }
  if (target->empty()) {
    AddViolation(violations_, field() + ".alias", "is required");
    return false;
  }
  if (tensor_.plan.name.size() > kMaxNameBytes || !IsUtf8(tensor_.plan.name)) {
    AddViolation(violations_, field() + ".name", "is ",
                 Quoted(tensor_.plan.name), "; must be UTF-8 of at most ",
                 kMaxNameBytes, " bytes");
    return false;
  }
  tensor_.alias_of = *std::move(target);
  tensor_.index = next_index_++;
  tensor_.byte_offset = next_offset_;
  selected_ = IsSelected(tensor_.plan.name);
  return true;
}

bool TensorWalk::ResolveDraft(const Draft& draft) {
  const size_t before = violations_.size();
  ViolationList of_tensor;
  FinishedTensor finished = Finish(draft, entries_.inherited(),
                                   request_.model.rules, numbers_, of_tensor);
  TensorRequest request;
  request.seed = request_.seed;
  request.generator = request_.generator;
  request.chunk_bytes = request_.chunk_bytes;
  selected_ = IsSelected(draft.name);
  request.tensor = std::move(finished.spec);
  if (selected_ && !Select(request.tensor, request)) return false;
  if (of_tensor.empty()) {
    absl::StatusOr<TensorPlan> plan = Resolve(request, limits_);
    if (plan.ok()) {
      tensor_ = ModelTensor();
      tensor_.plan = *std::move(plan);
      tensor_.index = next_index_++;
      tensor_.byte_offset = next_offset_;
      tensor_.rules = std::move(finished.rules);
      tensor_.buffer = draft.buffer;
      if (selected_) next_offset_ += tensor_.plan.bytes;
      return true;
    }
    of_tensor = GetViolations(plan.status());
  }
  finished.spec.name = draft.name;
  AddTensorViolations(of_tensor, finished);
  return violations_.size() == before;
}

bool TensorWalk::Select(const TensorSpec& spec, TensorRequest& tensor) {
  const auto& selections = request_.selections;
  selection_ = selections.size();
  for (size_t s = 0; s < selections.size(); ++s) {
    if (!MatchesPattern(selections[s].match, spec.name)) continue;
    selection_matches_[s] = true;
    selection_ = s;
  }
  if (selection_ == selections.size()) return true;
  const TensorSelection& selection = selections[selection_];
  if (!selection.shard.has_value()) {
    tensor.slice = selection.slice;
    if (!tensor.slice.empty() && tensor.slice.size() < spec.shape.size()) {
      tensor.slice.resize(spec.shape.size());
    }
    return true;
  }
  const Shard& shard = *selection.shard;
  if (shard.axis >= static_cast<int64_t>(spec.shape.size())) {
    AddViolation(violations_,
                 absl::StrCat("selections[", selection_, "].shard.axis"), "is ",
                 shard.axis, "; ", Quoted(spec.name), " has rank ",
                 spec.shape.size());
    return false;
  }
  for (size_t d = 0; d < spec.shape.size(); ++d) {
    const bool cut = static_cast<int64_t>(d) == shard.axis && spec.shape[d] > 0;
    tensor.slice.push_back(cut ? ShareOf(shard, spec.shape[d])
                               : DimensionRange());
  }
  return true;
}

bool TensorWalk::IsSelected(const std::string& name) {
  bool selected = request_.only.empty();
  for (size_t p = 0; p < request_.only.size(); ++p) {
    if (!MatchesPattern(request_.only[p], name)) continue;
    only_matches_[p] = true;
    selected = true;
  }
  return selected;
}

void TensorWalk::AddTensorViolations(const ViolationList& of_tensor,
                                     const FinishedTensor& finished) {
  const bool is_tensor =
      std::holds_alternative<TensorEntry>(entries_.entry().kind);
  const std::string by_rules =
      finished.rules.empty()
          ? ""
          : absl::StrCat(", changed by rule",
                         finished.rules.size() == 1 ? " " : "s ",
                         absl::StrJoin(finished.rules, ", "));
  for (const Violation& violation : of_tensor) {
    absl::string_view inner = violation.field;
    if (absl::StartsWith(inner, "slice")) {
      AddViolation(
          violations_, absl::StrCat("selections[", selection_, "].", inner),
          violation.description, " (", Quoted(finished.spec.name), ")");
      continue;
    }
    if (absl::StartsWith(inner, "tensor.")) inner.remove_prefix(7);
    if (is_tensor) {
      AddViolation(violations_, absl::StrCat(field(), ".tensor.", inner),
                   violation.description, " (", Quoted(finished.spec.name),
                   by_rules, ")");
    } else {
      AddViolation(violations_, field(), "makes ", Quoted(finished.spec.name),
                   by_rules, ", whose ", inner, " ", violation.description);
    }
  }
}

}  // namespace weightinit

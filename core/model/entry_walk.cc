#include "core/model/entry_walk.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/model/name_pattern.h"
#include "core/model/settings.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"

namespace weightinit {

void Inherited::Add(const TensorDefaults& nearer) {
  if (nearer.dtype != Dtype::kUnspecified) dtype = nearer.dtype;
  if (nearer.layout != Layout::kUnspecified) layout = nearer.layout;
  Overlay(SettingsOf(nearer), settings);
}

EntryWalk::EntryWalk(const ModelSpec& model, ViolationList& violations)
    : model_(model), violations_(violations) {
  Frame frame{};
  frame.entries = &model.entries;
  frame.outer.Add(model.defaults);
  frames_.push_back(std::move(frame));
}

bool EntryWalk::Next() {
  while (!frames_.empty() && violations_.size() < kMaxModelViolations) {
    Frame& frame = frames_.back();
    if (frame.entry == frame.entries->size()) {
      frames_.pop_back();
      continue;
    }
    const ModelEntry& entry = (*frame.entries)[frame.entry];
    if (frame.open ? !Repeat() : !Open()) {
      Close();
      continue;
    }
    const absl::StatusOr<std::string> name = FillIndices(entry.name, indices_);
    if (!name.ok()) {
      AddViolation(violations_, field() + ".name", name.status().message());
      Close();
      continue;
    }
    name_ = JoinNames(frame.name, *name);
    const auto* const block = std::get_if<BlockEntry>(&entry.kind);
    if (block == nullptr) {
      entry_ = &entry;
      return true;
    }
    Frame inner{};
    inner.entries = &block->entries;
    inner.name = name_;
    inner.outer = frame.inherited;
    frames_.push_back(std::move(inner));
  }
  return false;
}

std::string EntryWalk::field() const {
  std::string field = "model";
  for (size_t f = 0; f < frames_.size(); ++f) {
    absl::StrAppend(&field, f == 0 ? ".entries[" : ".block.entries[",
                    frames_[f].entry, "]");
  }
  return field;
}

std::vector<NamedNumber> EntryWalk::numbers() const {
  std::vector<NamedNumber> numbers;
  numbers.reserve(model_.constants.size() + indices_.size());
  for (const auto& [name, value] : model_.constants) {
    numbers.push_back({name, value});
  }
  for (const IndexValue& index : indices_) {
    numbers.push_back({index.name, static_cast<double>(index.value)});
  }
  return numbers;
}

bool EntryWalk::Open() {
  Frame& frame = frames_.back();
  const ModelEntry& entry = (*frame.entries)[frame.entry];
  // Before anything else, so that Close finds what it is to take back.
  frame.open = true;
  for (const Repetition& repetition : entry.repeat) {
    indices_.push_back({repetition.index, repetition.first});
  }
  const size_t before = violations_.size();
  CheckRepetitions(entry);
  CheckExpressions(SettingsOf(entry.defaults), field() + ".defaults",
                   violations_);
  if (const auto* block = std::get_if<BlockEntry>(&entry.kind)) {
    if (block->entries.empty()) {
      AddViolation(violations_, field() + ".block.entries", "is required");
    }
    if (frames_.size() > kMaxBlockLevels) {
      AddViolation(violations_, field() + ".block", "is in more than ",
                   kMaxBlockLevels, " blocks");
    }
  }
  frame.inherited = frame.outer;
  frame.inherited.Add(entry.defaults);
  return violations_.size() == before;
}

bool EntryWalk::Repeat() {
  const Frame& frame = frames_.back();
  const std::vector<Repetition>& repeat = (*frame.entries)[frame.entry].repeat;
  // The last index is the fastest.
  for (size_t r = repeat.size(); r-- > 0;) {
    int64_t& value = indices_[indices_.size() - repeat.size() + r].value;
    if (value - repeat[r].first + 1 < repeat[r].count) {
      ++value;
      return true;
    }
    value = repeat[r].first;
  }
  return false;
}

void EntryWalk::Close() {
  Frame& frame = frames_.back();
  indices_.resize(indices_.size() -
                  (*frame.entries)[frame.entry].repeat.size());
  frame.open = false;
  ++frame.entry;
}

void EntryWalk::CheckRepetitions(const ModelEntry& entry) {
  const size_t outer = indices_.size() - entry.repeat.size();
  for (size_t r = 0; r < entry.repeat.size(); ++r) {
    const Repetition& repetition = entry.repeat[r];
    const std::string path = absl::StrCat(field(), ".repeat[", r, "]");
    if (!IsExpressionName(repetition.index)) {
      AddViolation(violations_, path + ".index", "is \"",
                   absl::Utf8SafeCEscape(repetition.index),
                   "\"; must be a letter or _, then letters, digits and _, and "
                   "not sqrt");
    }
    for (size_t i = 0; i < outer + r; ++i) {
      if (indices_[i].name == repetition.index) {
        AddViolation(violations_, path + ".index", "is ", repetition.index,
                     ", which is an index already");
      }
    }
    for (const auto& constant : model_.constants) {
      if (constant.first == repetition.index) {
        AddViolation(violations_, path + ".index", "is ", repetition.index,
                     ", which is a constant already");
      }
    }
    if (repetition.count < 1) {
      AddViolation(violations_, path + ".count", "is ", repetition.count,
                   "; must be at least 1");
    }
    if (repetition.first < 0 ||
        repetition.first > std::numeric_limits<int32_t>::max()) {
      AddViolation(violations_, path + ".first", "is ", repetition.first,
                   "; must be from 0 to ", std::numeric_limits<int32_t>::max());
    }
  }
}

}  // namespace weightinit

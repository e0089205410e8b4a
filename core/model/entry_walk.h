// The entries of a model one by one, each repetition for itself.

#ifndef WEIGHTINIT_CORE_MODEL_ENTRY_WALK_H_
#define WEIGHTINIT_CORE_MODEL_ENTRY_WALK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/model/name_pattern.h"
#include "core/model/settings.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {

// A walk ends after so many violations: what is repeated repeats its errors.
inline constexpr size_t kMaxModelViolations = 16;

// What the places around a tensor say, the nearer over the further.
struct Inherited {
  Dtype dtype = Dtype::kUnspecified;
  Layout layout = Layout::kUnspecified;
  Settings settings;

  void Add(const TensorDefaults& nearer);
};

// Walks the entries in order, goes into blocks and repeats what is repeated. An
// entry with a violation is left out. Not thread-safe.
class EntryWalk {
 public:
  // Violations are added to `violations`. Both must outlive the walk.
  EntryWalk(const ModelSpec& model, ViolationList& violations);

  // Goes to the next repetition of the next entry that is no block; false if
  // there is none. The accessors are about it.
  bool Next();

  const ModelEntry& entry() const { return *entry_; }
  const std::string& name() const { return name_; }
  Framework framework() const { return model_.framework_defaults; }
  const Inherited& inherited() const { return frames_.back().inherited; }
  const std::vector<IndexValue>& indices() const { return indices_; }
  // The path of the entry in the request.
  std::string field() const;
  // Constants and indices.
  std::vector<NamedNumber> numbers() const;

 private:
  // A list of entries, and where in it the walk stands.
  struct Frame {
    const std::vector<ModelEntry>* entries;
    std::string name;     // In front of the names of the entries.
    Inherited outer;      // Of the list.
    Inherited inherited;  // Of the entry that is open.
    size_t entry = 0;
    bool open = false;
  };

  // Starts the entry that the innermost frame stands at; false after a
  // violation.
  bool Open();
  // Goes on to the next repetition of the open entry; false after the last one.
  bool Repeat();
  // Ends the open entry and goes on to the next one.
  void Close();
  void CheckRepetitions(const ModelEntry& entry);

  const ModelSpec& model_;
  ViolationList& violations_;
  std::vector<Frame> frames_;
  std::vector<IndexValue> indices_;  // Of all frames, outermost first.
  const ModelEntry* entry_ = nullptr;
  std::string name_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_ENTRY_WALK_H_

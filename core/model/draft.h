// The tensors of an entry, as the entry says them.

#ifndef WEIGHTINIT_CORE_MODEL_DRAFT_H_
#define WEIGHTINIT_CORE_MODEL_DRAFT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/settings.h"
#include "weightinit/core/request.h"

namespace weightinit {

// A tensor, or a part of one, before defaults and rules.
struct Draft {
  std::string name;            // The whole name.
  std::vector<int64_t> shape;  // In the order of the layout; of tensors only.
  int64_t size = 0;            // Along the axis; of parts only.
  // What it says itself, nearer than all defaults.
  Settings own;
  // What holds where no default names a scheme.
  Settings fallback;
  // Whether defaults leave the scheme alone, as of a bias.
  bool fixed = false;
  FanSpec fan;
  TensorRole role = TensorRole::kUnspecified;
  int64_t axis = 0;
  bool stacked = false;
  std::vector<Draft> parts;
  // Of tensors only.
  Dtype dtype = Dtype::kUnspecified;
  bool buffer = false;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_DRAFT_H_

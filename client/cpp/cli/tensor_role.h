// What a tensor is for, as far as its name and shape tell.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_TENSOR_ROLE_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_TENSOR_ROLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace weightinit::cli {

enum class TensorRole {
  kWeight,           // Of rank 2 or more, and none of the others.
  kEmbedding,        // A table of vectors.
  kNormWeight,       // Starts with 1.
  kBias,             // Starts with 0.
  kRunningMean,      // Of batch normalisation: state, not trained.
  kRunningVariance,  // Likewise.
  kUnknownScale,     // Of rank 0 or 1, and called a weight.
  kUnknown,          // Of rank 0 or 1, and none of the others.
};

// Names with their shapes.
using TensorShapes = absl::flat_hash_map<std::string, std::vector<int64_t>>;

// The role of `name`, one of `tensors`, by the names that PyTorch, Hugging
// Face, Keras, Flax and TensorFlow use. A norm is known by its name, or by the
// tensors beside it: running statistics, or a bias of the same shape.
TensorRole RoleOf(const std::string& name, const TensorShapes& tensors);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_TENSOR_ROLE_H_

// Memory for a model.

#ifndef WEIGHTINIT_CLIENT_MODEL_BUFFERS_H_
#define WEIGHTINIT_CLIENT_MODEL_BUFFERS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/types/span.h"

namespace weightinit {

// Memory of the caller's for the tensors of a model, by their names: one buffer
// for each that a request delivers, at least as large as what is delivered of
// it, and no other. What is delivered begins where the buffer begins, as
// DescribeModel describes it, without regard to alignment; bytes behind it stay
// as they are. An alias, and a tensor of which nothing is delivered, need none.
// Buffers must not overlap.
using ModelBuffers = std::map<std::string, absl::Span<uint8_t>>;

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_MODEL_BUFFERS_H_

// Errors that every client words alike, whether a server computes or the
// process itself.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_FETCH_ERRORS_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_FETCH_ERRORS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

// INVALID_ARGUMENT, as the server says it: the generated code would put a name
// that is not UTF-8 on the wire all the same, and a line of its own on standard
// error.
absl::Status CheckNames(const std::string& tensor_name,
                        const std::string& seed_name);

template <typename Request>
absl::Status CheckNames(const Request& request) {
  return CheckNames(request.tensor().name(), request.seed_name());
}

// INVALID_ARGUMENT: a buffer of `bytes` bytes is too small for the delivery.
absl::Status CheckBuffer(size_t bytes,
                         const v1::TensorDescription& description);

// `status`, which ended a fetch, with a word on how much came before: the first
// `delivered` of `elements` elements.
absl::Status AfterElements(const absl::Status& status, int64_t delivered,
                           int64_t elements);

// The same of bytes.
absl::Status AfterBytes(const absl::Status& status, int64_t delivered,
                        int64_t bytes);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_FETCH_ERRORS_H_

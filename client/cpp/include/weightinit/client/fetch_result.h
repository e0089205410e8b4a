// What a fetch has delivered.

#ifndef WEIGHTINIT_CLIENT_FETCH_RESULT_H_
#define WEIGHTINIT_CLIENT_FETCH_RESULT_H_

#include <cstdint>

#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

struct FetchResult {
  v1::TensorDescription description;
  // CRC-32 (zlib's polynomial) of everything delivered.
  uint32_t crc32 = 0;
  int64_t elements = 0;
  int64_t bytes = 0;
  // How many times the stream broke and another one continued it.
  int resumed = 0;
};

// What a fetch of a model has delivered.
struct ModelFetchResult {
  v1::ModelSummary summary;
  int64_t tensors = 0;  // Aliases not counted.
  int64_t bytes = 0;
  // CRC-32 (zlib's polynomial) of all data, in the order of the model.
  uint32_t crc32 = 0;
  // How many times the stream broke and another one continued it.
  int resumed = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_FETCH_RESULT_H_

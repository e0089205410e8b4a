// The checks that the parts of a tensor have to pass.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_TENSOR_VERIFIER_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_TENSOR_VERIFIER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "client/cpp/fetch/chunk_decoder.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Checks the parts of one tensor, in the order of arrival. Every error is
// DATA_LOSS and says what was expected and what came; after an error the
// verifier is of no further use. Not thread-safe.
class TensorVerifier {
 public:
  // `request` is the one that is answered, and has to outlive the verifier.
  explicit TensorVerifier(const v1::InitializeTensorRequest& request);

  // The header comes first, once, and describes the tensor of the request.
  absl::Status OnHeader(const v1::TensorDescription& description);

  // A chunk continues exactly where the last one ended, and holds whole
  // elements, not more than described.
  absl::Status OnChunk(const ReceivedChunk& chunk);

  // Its data has the CRC-32 that it says. `crc32` is that of the data; `chunk`
  // is the one that OnChunk has just found good.
  absl::Status OnChunkData(const ReceivedChunk& chunk, uint32_t crc32);

  // The trailer confirms everything that was described.
  absl::Status OnTrailer(const v1::TensorTrailer& trailer);

  // The stream ended with status OK: only complete ones may.
  absl::Status OnEnd() const;

  // Of all data that passed.
  int64_t bytes() const { return bytes_; }
  uint32_t crc32() const { return crc32_; }

 private:
  // Whether the request asks for this many `elements` where the slice has
  // `rest` from first_element on.
  bool IsWanted(int64_t elements, int64_t rest) const;

  const v1::InitializeTensorRequest& request_;
  bool has_header_ = false;
  bool has_trailer_ = false;
  int64_t element_bytes_ = 0;
  int64_t described_elements_ = 0;
  int64_t elements_ = 0;
  int64_t bytes_ = 0;
  uint32_t crc32_ = 0;
};

// DATA_LOSS unless `description` has the seed that was asked for: this number,
// or the one that the server gives this name.
absl::Status VerifySeed(uint64_t seed, const std::string& seed_name,
                        const v1::TensorDescription& description);

// DATA_LOSS unless `resumed` describes the same tensor as `first`, of which
// `delivered` elements have come already. Advisories may differ.
absl::Status VerifyResumedDescription(const v1::TensorDescription& first,
                                      const v1::TensorDescription& resumed,
                                      int64_t delivered);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_TENSOR_VERIFIER_H_

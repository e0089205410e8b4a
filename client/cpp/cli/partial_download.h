// What makes a download that was broken off go on: how much of it is there, of
// which request, and whether it is still intact.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_PARTIAL_DOWNLOAD_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_PARTIAL_DOWNLOAD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/state_file.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

// The front of a tensor.
struct Front {
  int64_t header_bytes = 0;  // Of the file, before those of the tensor.
  int64_t elements = 0;
  int64_t bytes = 0;  // Of the tensor.
  uint32_t crc32 = 0;
};

// Keeps, beside FILE.partial, FILE.partial.state: one line of text with a
// SHA-256 of the request and the format, and the Front that FILE.partial holds.
// Not thread-safe.
class PartialDownload {
 public:
  // `output` was opened with OutputOptions::keep_partial, and has to outlive
  // this.
  PartialDownload(Output& output, const v1::InitializeTensorRequest& request,
                  FileFormat format);

  // What FILE.partial holds of the same request, found intact by its CRC-32,
  // and cut behind that; nothing if there is no such thing, and then the file
  // is empty. An error is INTERNAL.
  absl::StatusOr<Front> Restore();

  // Whether Restore has dropped a file of another request, or a damaged one.
  bool dropped() const { return dropped_; }

  // `data` of `elements` elements has been written behind the front. Saves now
  // and then, for a process that ends without a chance to.
  void Grow(int64_t elements, absl::Span<const uint8_t> data);
  void SetHeaderBytes(int64_t bytes) { front_.header_bytes = bytes; }

  // Writes FILE.partial.state. Where that fails, the next download starts anew.
  void Save();

  // Removes it, once FILE is complete.
  void Remove();

 private:
  bool IsIntact(const Front& front) const;

  Output& output_;
  StateFile state_;
  const std::string digest_;
  bool dropped_ = false;
  Front front_;
  int64_t saved_bytes_ = 0;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_PARTIAL_DOWNLOAD_H_

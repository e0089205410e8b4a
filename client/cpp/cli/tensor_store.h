// Where `weightinit init` puts a tensor, and what it computes of it on the way.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_TENSOR_STORE_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_TENSOR_STORE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/partial_download.h"
#include "client/cpp/cli/progress.h"
#include "client/cpp/cli/report.h"
#include "client/cpp/statistics/statistics.h"
#include "weightinit/core/sha256.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {

struct Destination {
  Output* output = nullptr;  // Null to store nothing.
  FileFormat format = FileFormat::kBin;
  int bins = 0;         // Of the histogram.
  bool sha256 = false;  // Whether to compute one; then data comes in order.
  // Of `output`, or null; then data comes in order.
  PartialDownload* partial = nullptr;
  Front front;  // What of the tensor is in the output already.
};

// Stores a tensor, and computes of it what the report needs while it is in the
// caches.
class TensorStore {
 public:
  explicit TensorStore(const Destination& destination)
      : destination_(destination) {}

  // First: `description` is of what comes, behind the front.
  absl::Status Start(const v1::TensorDescription& description);

  // The next bytes. Not thread-safe.
  absl::Status Append(absl::Span<const uint8_t> data);

  // Bytes that begin `offset` bytes after the tensor's first. Thread-safe.
  absl::Status Put(int64_t offset, absl::Span<const uint8_t> data);

  // After the last data; call it once. `report` has the result of what came.
  void FillReport(InitReport* report);

 private:
  // Reads the front, for what the report needs of it.
  absl::Status ReadFront(const std::string& header);
  void Count(int64_t offset, absl::Span<const uint8_t> data);

  const Destination destination_;
  v1::TensorDescription whole_;  // Of the front and what comes.
  int64_t header_bytes_ = 0;
  int64_t element_bytes_ = 1;
  int64_t appended_ = 0;
  std::optional<Statistics> statistics_;  // From Start on.
  Sha256 sha256_;
  ProgressBar progress_;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_TENSOR_STORE_H_

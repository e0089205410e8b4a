#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/progress.h"
#include "client/cpp/cli/report.h"
#include "client/cpp/statistics/statistics.h"
#include "weightinit/core/sha256.h"

namespace weightinit::cli {
namespace {

constexpr int kHistogramBins = 10;

// Where a tensor is stored, and what of it is reported.
struct Destination {
  Output* output = nullptr;  // Null to store nothing.
  FileFormat format = FileFormat::kBin;
  int bins = 0;  // Of the histogram.
  bool sha256 = false;
};

// Stores a tensor, and computes of it what the report needs while it is in the
// caches. Thread-safe from Start on.
class TensorStore {
 public:
  explicit TensorStore(const Destination& destination)
      : destination_(destination) {}

  absl::Status Start(const v1::TensorDescription& description) {
    statistics_.emplace(description, destination_.bins);
    progress_.Start(description.bytes());
    if (destination_.output == nullptr) return absl::OkStatus();
    const std::string header = FileHeader(destination_.format, description);
    header_bytes_ = static_cast<int64_t>(header.size());
    return destination_.output->Write(header);
  }

  // The next bytes in order.
  absl::Status Append(absl::Span<const uint8_t> data) {
    if (destination_.output != nullptr) {
      if (absl::Status status = destination_.output->Write(data);
          !status.ok()) {
        return status;
      }
    }
    const int64_t offset = appended_;
    appended_ += static_cast<int64_t>(data.size());
    if (destination_.sha256) sha256_.Update(data);
    Count(offset, data);
    return absl::OkStatus();
  }

  // Bytes that begin `offset` bytes after the tensor's first.
  absl::Status Put(int64_t offset, absl::Span<const uint8_t> data) {
    // First, since writing it drives the data out of the first-level cache.
    Count(offset, data);
    if (destination_.output == nullptr) return absl::OkStatus();
    return destination_.output->WriteAt(header_bytes_ + offset, data);
  }

  // After the last data; call it once.
  void FillReport(InitReport* report) {
    if (destination_.sha256) report->sha256 = sha256_.HexDigest();
    report->measured = statistics_->measured();
    report->histogram = statistics_->histogram();
  }

 private:
  void Count(int64_t offset, absl::Span<const uint8_t> data) {
    statistics_->Add(offset, data);
    progress_.Add(static_cast<int64_t>(data.size()));
  }

  const Destination destination_;
  int64_t header_bytes_ = 0;
  int64_t appended_ = 0;
  std::optional<Statistics> statistics_;  // From Start on.
  Sha256 sha256_;
  ProgressBar progress_;
};

// For what has to come in order: a pipe, a SHA-256.
class OrderedSink final : public TensorSink {
 public:
  explicit OrderedSink(TensorStore& store) : store_(store) {}
  absl::Status OnHeader(const v1::TensorDescription& description) override {
    return store_.Start(description);
  }
  absl::Status OnData(absl::Span<const uint8_t> data) override {
    return store_.Append(data);
  }

 private:
  TensorStore& store_;
};

class OffsetSink final : public PieceSink {
 public:
  explicit OffsetSink(TensorStore& store) : store_(store) {}
  absl::Status OnHeader(const v1::TensorDescription& description) override {
    return store_.Start(description);
  }
  absl::Status OnPiece(int64_t offset,
                       absl::Span<const uint8_t> data) override {
    return store_.Put(offset, data);
  }

 private:
  TensorStore& store_;
};

// Fetches into the destination, and makes it visible.
absl::StatusOr<InitReport> Fetch(WeightClient& client,
                                 const v1::InitializeTensorRequest& request,
                                 const Destination& destination) {
  const absl::Time start = absl::Now();
  Output* const output = destination.output;
  TensorStore store(destination);
  OrderedSink ordered(store);
  OffsetSink offsets(store);
  const bool in_order =
      destination.sha256 || (output != nullptr && !output->has_offsets());
  auto result = in_order ? client.Fetch(request, ordered)
                         : client.Fetch(request, offsets);
  if (!result.ok()) return result.status();
  if (output != nullptr) {
    if (absl::Status status = output->Commit(); !status.ok()) return status;
  }
  InitReport report;
  report.result = *std::move(result);
  store.FillReport(&report);
  report.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return report;
}

}  // namespace

absl::Status RunInit(const InitOptions& options) {
  const auto request = ParseRequest(options.request);
  if (!request.ok()) return request.status();
  Destination destination;
  if (options.output.has_value() || options.format.has_value()) {
    const auto chosen =
        ChooseFormat(options.output.value_or("-"), options.format);
    if (!chosen.ok()) return chosen.status();
    destination.format = *chosen;
    if (absl::Status status =
            CheckName(destination.format, request->tensor().name());
        !status.ok()) {
      return status;
    }
  }
  const auto client = Connect(options.connection);
  if (!client.ok()) return client.status();
  std::unique_ptr<Output> output;
  if (options.output.has_value()) {
    auto opened = Output::Open(*options.output);
    if (!opened.ok()) return opened.status();
    output = *std::move(opened);
  }

  const bool data_on_stdout = options.output == "-";
  const int report_to = data_on_stdout ? STDERR_FILENO : STDOUT_FILENO;
  destination.output = output.get();
  destination.bins =
      options.json || isatty(report_to) == 0 ? 0 : kHistogramBins;
  destination.sha256 = options.sha256;
  auto report = Fetch(**client, *request, destination);
  if (!report.ok()) return report.status();
  report->output = options.output;
  if (options.json) return WriteText(report_to, InitJson(*report));
  WriteText(STDERR_FILENO, AdvisoryText(report->result.description))
      .IgnoreError();
  return WriteText(report_to, InitText(*report));
}

}  // namespace weightinit::cli

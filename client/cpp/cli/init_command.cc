#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/partial_download.h"
#include "client/cpp/cli/report.h"
#include "client/cpp/cli/seed_command.h"
#include "client/cpp/cli/tensor_store.h"

namespace weightinit::cli {
namespace {

constexpr int kHistogramBins = 10;

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

// The rest of what `request` asks for, behind `front`.
v1::InitializeTensorRequest Behind(const Front& front,
                                   v1::InitializeTensorRequest request) {
  request.set_first_element(request.first_element() + front.elements);
  if (request.has_element_count()) {
    request.set_element_count(request.element_count() - front.elements);
  }
  return request;
}

// Fetches into the destination, and makes it visible.
absl::StatusOr<InitReport> Fetch(WeightClient& client,
                                 const v1::InitializeTensorRequest& request,
                                 const Destination& destination) {
  const absl::Time start = absl::Now();
  Output* const output = destination.output;
  TensorStore store(destination);
  OrderedSink ordered(store);
  OffsetSink offsets(store);
  const bool in_order = destination.sha256 || destination.partial != nullptr ||
                        (output != nullptr && !output->has_offsets());
  const auto rest = Behind(destination.front, request);
  auto result =
      in_order ? client.Fetch(rest, ordered) : client.Fetch(rest, offsets);
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

// The same, going on with what is there of an earlier download, and keeping
// what there is if this one breaks off too.
absl::StatusOr<InitReport> Resume(WeightClient& client,
                                  const v1::InitializeTensorRequest& request,
                                  Destination destination) {
  PartialDownload partial(*destination.output, request, destination.format);
  const absl::StatusOr<Front> front = partial.Restore();
  if (!front.ok()) return front.status();
  if (partial.dropped()) {
    WriteText(
        STDERR_FILENO,
        absl::StrCat("weightinit: ", destination.output->partial_path(),
                     " is damaged or of another request: starting anew\n"))
        .IgnoreError();
  }
  destination.partial = &partial;
  destination.front = *front;
  auto report = Fetch(client, request, destination);
  if (report.ok()) {
    partial.Remove();
  } else {
    partial.Save();
  }
  return report;
}

// INVALID_ARGUMENT: --resume is given where nothing can be resumed.
absl::Status CheckResume(const InitOptions& options) {
  if (!options.resume) return absl::OkStatus();
  if (absl::Status status = CheckCanResume(options.connection); !status.ok()) {
    return status;
  }
  if (!options.output.has_value()) {
    return absl::InvalidArgumentError(
        "--resume: there is no --output, whose file is to be continued");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunInit(const InitOptions& options) {
  auto request = ParseRequest(options.request);
  if (!request.ok()) return request.status();
  if (absl::Status status = CheckResume(options); !status.ok()) return status;
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
  const std::string seed_name = request->seed_name();
  if (absl::Status status = ResolveSeedHere(options.connection, *request);
      !status.ok()) {
    return status;
  }
  const auto client = Connect(options.connection);
  if (!client.ok()) return client.status();
  std::unique_ptr<Output> output;
  if (options.output.has_value()) {
    OutputOptions output_options;
    output_options.keep_partial = options.resume;
    auto opened = Output::Open(*options.output, output_options);
    if (!opened.ok()) return opened.status();
    output = *std::move(opened);
  }

  const bool data_on_stdout = options.output == "-";
  const int report_to = data_on_stdout ? STDERR_FILENO : STDOUT_FILENO;
  destination.output = output.get();
  destination.bins =
      options.json || isatty(report_to) == 0 ? 0 : kHistogramBins;
  destination.sha256 = options.sha256;
  auto report = options.resume ? Resume(**client, *request, destination)
                               : Fetch(**client, *request, destination);
  if (!report.ok()) return report.status();
  report->output = options.output;
  report->result.description.set_seed_name(seed_name);
  if (options.json) return WriteText(report_to, InitJson(*report));
  WriteText(STDERR_FILENO, AdvisoryText(report->result.description))
      .IgnoreError();
  return WriteText(report_to, InitText(*report));
}

}  // namespace weightinit::cli

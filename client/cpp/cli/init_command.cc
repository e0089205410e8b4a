#include <unistd.h>

#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/progress.h"
#include "client/cpp/cli/report.h"
#include "client/cpp/cli/seed_command.h"
#include "client/cpp/cli/statistics.h"
#include "weightinit/core/sha256.h"

namespace weightinit::cli {
namespace {

constexpr int kHistogramBins = 10;

// Stores a tensor, and computes of it what the report needs.
class ReportingSink final : public TensorSink {
 public:
  // `output` may be null, and has to outlive the sink.
  ReportingSink(Output* output, FileFormat format, int bins)
      : output_(output), format_(format), bins_(bins) {}

  absl::Status OnHeader(const v1::TensorDescription& description) override {
    statistics_.emplace(description, bins_);
    progress_.Start(description.bytes());
    if (output_ == nullptr) return absl::OkStatus();
    return output_->Write(FileHeader(format_, description));
  }

  absl::Status OnData(absl::Span<const uint8_t> data) override {
    if (output_ != nullptr) {
      if (absl::Status status = output_->Write(data); !status.ok()) {
        return status;
      }
    }
    sha256_.Update(data);
    statistics_->Add(data);
    progress_.Add(static_cast<int64_t>(data.size()));
    return absl::OkStatus();
  }

  // After the last data; call it once.
  void FillReport(InitReport* report) {
    report->sha256 = sha256_.HexDigest();
    report->measured = statistics_->measured();
    report->histogram = statistics_->histogram();
  }

 private:
  Output* const output_;
  const FileFormat format_;
  const int bins_;
  std::optional<Statistics> statistics_;  // From the header on.
  Sha256 sha256_;
  ProgressBar progress_;
};

// Fetches into `output`, which may be null, and makes it visible.
absl::StatusOr<InitReport> Fetch(WeightClient& client,
                                 const v1::InitializeTensorRequest& request,
                                 Output* output, FileFormat format, int bins) {
  const absl::Time start = absl::Now();
  ReportingSink sink(output, format, bins);
  auto result = client.Fetch(request, sink);
  if (!result.ok()) return result.status();
  if (output != nullptr) {
    if (absl::Status status = output->Commit(); !status.ok()) return status;
  }
  InitReport report;
  report.result = *std::move(result);
  sink.FillReport(&report);
  report.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return report;
}

}  // namespace

absl::Status RunInit(const InitOptions& options) {
  auto request = ParseRequest(options.request);
  if (!request.ok()) return request.status();
  FileFormat format = FileFormat::kBin;
  if (options.output.has_value() || options.format.has_value()) {
    const auto chosen =
        ChooseFormat(options.output.value_or("-"), options.format);
    if (!chosen.ok()) return chosen.status();
    format = *chosen;
    if (absl::Status status = CheckName(format, request->tensor().name());
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
    auto opened = Output::Open(*options.output);
    if (!opened.ok()) return opened.status();
    output = *std::move(opened);
  }

  const bool data_on_stdout = options.output == "-";
  const int report_to = data_on_stdout ? STDERR_FILENO : STDOUT_FILENO;
  const int bins = options.json || isatty(report_to) == 0 ? 0 : kHistogramBins;
  auto report = Fetch(**client, *request, output.get(), format, bins);
  if (!report.ok()) return report.status();
  report->output = options.output;
  report->result.description.set_seed_name(seed_name);
  if (options.json) return WriteText(report_to, InitJson(*report));
  WriteText(STDERR_FILENO, AdvisoryText(report->result.description))
      .IgnoreError();
  return WriteText(report_to, InitText(*report));
}

}  // namespace weightinit::cli

#include "client/cpp/cli/model_fetch.h"

#include <unistd.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "client/cpp/cli/model_files.h"
#include "client/cpp/cli/model_layout.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/partial_model.h"
#include "client/cpp/cli/progress.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {
namespace {

// Writes pieces where they belong in the files.
class FileSink final : public ModelSink {
 public:
  // `bytes` are to come. `files` has to outlive this.
  FileSink(const ModelFiles& files, int64_t bytes) : files_(files) {
    progress_.Start(bytes);
  }

  absl::Status OnSummary(const v1::ModelSummary& summary) override {
    if (summary.fingerprint() == files_.summary.fingerprint()) {
      return absl::OkStatus();
    }
    return absl::DataLossError(
        "verification failed: the server describes another model than before");
  }

  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override {
    progress_.Add(static_cast<int64_t>(data.size()));
    const ModelLayout::Place place = files_.layout.PlaceOf(tensor.index());
    return files_.output.WriteAt(place.file, place.offset + offset, data);
  }

  absl::Status OnTensorEnd(const v1::ModelTensor& tensor,
                           uint32_t crc32) override {
    crc32s_[tensor.index()] = crc32;
    return absl::OkStatus();
  }

  const Crc32s& crc32s() const { return crc32s_; }

 private:
  const ModelFiles& files_;
  ProgressBar progress_;
  Crc32s crc32s_;
};

// Writes one part that was missing.
class MissingPartSink final : public ModelSink {
 public:
  MissingPartSink(const MissingPart& part, PartialModel& partial,
                  FileSink& file)
      : part_(part), partial_(partial), file_(file) {}

  absl::Status OnSummary(const v1::ModelSummary& summary) override {
    return file_.OnSummary(summary);
  }

  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override {
    // The first tensor's offset counts from where the part begins.
    if (tensor.index() == part_.request.first_tensor()) {
      offset += part_.first_byte;
    }
    absl::Status status = file_.OnPiece(tensor, offset, data);
    if (status.ok()) partial_.Add(tensor.index(), offset, data);
    return status;
  }

 private:
  const MissingPart& part_;
  PartialModel& partial_;
  FileSink& file_;
};

absl::StatusOr<ModelFetchResult> FetchMissing(WeightClient& client,
                                              const ModelFiles& files,
                                              PartialModel& partial) {
  ModelFetchResult all;
  if (partial.bytes() > 0) ++all.resumed;
  FileSink file(files, files.summary.bytes() - partial.bytes());
  for (const MissingPart& part : partial.Missing()) {
    MissingPartSink sink(part, partial, file);
    const auto result = client.FetchModel(part.request, sink);
    if (!result.ok()) return result.status();
    all.resumed += result->resumed;
  }
  all.summary = files.summary;
  all.tensors = static_cast<int64_t>(files.layout.tensors().size());
  all.bytes = partial.bytes();
  all.crc32 = partial.crc32();
  return all;
}

// All but the data of the tensors, whose checksums are known now.
absl::Status Complete(const ModelFiles& files, const Crc32s& crc32s) {
  absl::Status status = files.output.Write(files.layout.ahead());
  if (status.ok()) status = files.output.Write(files.layout.Behind(crc32s));
  if (status.ok()) status = files.output.Commit();
  return status;
}

}  // namespace

absl::StatusOr<ModelFetchResult> FetchModelFiles(
    WeightClient& client, const v1::InitializeModelRequest& request,
    const ModelFiles& files) {
  FileSink sink(files, files.summary.bytes());
  auto result = client.FetchModel(request, sink);
  if (!result.ok()) return result;
  absl::Status status = Complete(files, sink.crc32s());
  if (!status.ok()) return status;
  return result;
}

absl::StatusOr<ModelFetchResult> ResumeModelFiles(
    WeightClient& client, const v1::InitializeModelRequest& request,
    const ModelFiles& files) {
  PartialModel partial(files.output, files.layout, request, files.summary);
  const auto notice = partial.Restore();
  if (!notice.ok()) return notice.status();
  if (!notice->empty()) {
    WriteText(STDERR_FILENO, absl::StrCat("weightinit: ", *notice, "\n"))
        .IgnoreError();
  }
  auto result = FetchMissing(client, files, partial);
  if (result.ok()) {
    absl::Status status = Complete(files, partial.crc32s());
    if (!status.ok()) result = status;
  }
  if (result.ok()) {
    partial.Remove();
  } else {
    partial.Save();
  }
  return result;
}

}  // namespace weightinit::cli

#include "client/cpp/cli/tensor_store.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/cpp/crc32.h"

namespace weightinit::cli {
namespace {

// As much as a message brings by default, so that the statistics are the same.
constexpr int64_t kReadBytes = 512 << 10;

}  // namespace

absl::Status TensorStore::Start(const v1::TensorDescription& description) {
  const Front& front = destination_.front;
  whole_ = description;
  whole_.set_elements(description.elements() + front.elements);
  whole_.set_bytes(description.bytes() + front.bytes);
  if (whole_.elements() > 0) {
    element_bytes_ = whole_.bytes() / whole_.elements();
  }
  statistics_.emplace(whole_, destination_.bins);
  progress_.Start(whole_.bytes());
  if (destination_.output == nullptr) return absl::OkStatus();
  const std::string header = FileHeader(destination_.format, whole_);
  header_bytes_ = static_cast<int64_t>(header.size());
  if (front.bytes > 0) return ReadFront(header);
  if (destination_.partial != nullptr) {
    destination_.partial->SetHeaderBytes(header_bytes_);
  }
  return destination_.output->Write(header);
}

absl::Status TensorStore::ReadFront(const std::string& header) {
  const Output& output = *destination_.output;
  std::vector<uint8_t> buffer(static_cast<size_t>(
      std::max({header_bytes_, kReadBytes, destination_.front.header_bytes})));
  const auto there = absl::MakeSpan(buffer).first(
      static_cast<size_t>(destination_.front.header_bytes));
  if (absl::Status status = output.ReadAt(0, there); !status.ok()) {
    return status;
  }
  if (absl::string_view(reinterpret_cast<const char*>(there.data()),
                        there.size()) != header) {
    return absl::DataLossError(absl::StrCat(
        "verification failed: ", output.partial_path(),
        " holds another tensor than the server has now; remove it"));
  }
  while (appended_ < destination_.front.bytes) {
    const auto data = absl::MakeSpan(buffer).first(static_cast<size_t>(
        std::min(kReadBytes, destination_.front.bytes - appended_)));
    if (absl::Status status = output.ReadAt(header_bytes_ + appended_, data);
        !status.ok()) {
      return status;
    }
    if (destination_.sha256) sha256_.Update(data);
    Count(appended_, data);
    appended_ += static_cast<int64_t>(data.size());
  }
  return absl::OkStatus();
}

absl::Status TensorStore::Append(absl::Span<const uint8_t> data) {
  if (destination_.output != nullptr) {
    if (absl::Status status = destination_.output->Write(data); !status.ok()) {
      return status;
    }
  }
  const int64_t offset = appended_;
  appended_ += static_cast<int64_t>(data.size());
  if (destination_.partial != nullptr) {
    destination_.partial->Grow(
        static_cast<int64_t>(data.size()) / element_bytes_, data);
  }
  if (destination_.sha256) sha256_.Update(data);
  Count(offset, data);
  return absl::OkStatus();
}

absl::Status TensorStore::Put(int64_t offset, absl::Span<const uint8_t> data) {
  // First, since writing it drives the data out of the first-level cache.
  Count(offset, data);
  if (destination_.output == nullptr) return absl::OkStatus();
  return destination_.output->WriteAt(header_bytes_ + offset, data);
}

void TensorStore::Count(int64_t offset, absl::Span<const uint8_t> data) {
  statistics_->Add(offset, data);
  progress_.Add(static_cast<int64_t>(data.size()));
}

void TensorStore::FillReport(InitReport* report) {
  const Front& front = destination_.front;
  FetchResult& result = report->result;
  result.crc32 = ConcatCrc32(front.crc32, result.crc32, result.bytes);
  result.elements += front.elements;
  result.bytes += front.bytes;
  if (front.elements > 0) ++result.resumed;
  result.description = std::move(whole_);
  if (destination_.sha256) report->sha256 = sha256_.HexDigest();
  report->measured = statistics_->measured();
  report->histogram = statistics_->histogram();
}

}  // namespace weightinit::cli

#include "client/cpp/cli/partial_download.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/cpp/crc32.h"
#include "weightinit/core/sha256.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {
namespace {

constexpr absl::string_view kTag = "weightinit-partial-1";
constexpr size_t kReadBytes = 512 << 10;

// Of everything that says which bytes the file gets.
std::string DigestOf(v1::InitializeTensorRequest request, FileFormat format) {
  request.clear_chunk_bytes();
  const std::string text = absl::StrCat(kTag, " ", static_cast<int>(format),
                                        " ", request.SerializeAsString());
  Sha256 sha256;
  sha256.Update(absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  return sha256.HexDigest();
}

// The front that a state file tells of; nothing if it is not one of `digest`.
std::optional<Front> ParseState(const std::string& text,
                                const std::string& digest) {
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  Front front;
  if (words.size() == 6 && words[0] == kTag && words[1] == digest &&
      absl::SimpleAtoi(words[2], &front.header_bytes) &&
      absl::SimpleAtoi(words[3], &front.elements) &&
      absl::SimpleAtoi(words[4], &front.bytes) &&
      absl::SimpleAtoi(words[5], &front.crc32) && front.header_bytes >= 0 &&
      front.elements > 0 && front.bytes > 0) {
    return front;
  }
  return std::nullopt;
}

}  // namespace

PartialDownload::PartialDownload(Output& output,
                                 const v1::InitializeTensorRequest& request,
                                 FileFormat format)
    : output_(output),
      state_(output.partial_path()),
      digest_(DigestOf(request, format)) {}

absl::StatusOr<Front> PartialDownload::Restore() {
  const std::optional<Front> front = ParseState(state_.Read(), digest_);
  const bool intact = front.has_value() && IsIntact(*front);
  if (intact) front_ = *front;
  dropped_ = !intact && output_.size() > 0;
  absl::Status cut =
      output_.CutBehind(intact ? front_.header_bytes + front_.bytes : 0);
  if (!cut.ok()) return cut;
  saved_bytes_ = front_.bytes;
  return front_;
}

bool PartialDownload::IsIntact(const Front& front) const {
  if (output_.size() - front.header_bytes < front.bytes) return false;
  std::vector<uint8_t> buffer(kReadBytes);
  uint32_t crc32 = 0;
  for (int64_t at = 0; at < front.bytes;) {
    const auto data = absl::MakeSpan(buffer).first(
        std::min(buffer.size(), static_cast<size_t>(front.bytes - at)));
    if (!output_.ReadAt(front.header_bytes + at, data).ok()) return false;
    crc32 = ExtendCrc32(crc32, data);
    at += static_cast<int64_t>(data.size());
  }
  return crc32 == front.crc32;
}

void PartialDownload::Grow(int64_t elements, absl::Span<const uint8_t> data) {
  front_.crc32 = ExtendCrc32(front_.crc32, data);
  front_.elements += elements;
  front_.bytes += static_cast<int64_t>(data.size());
  if (state_.IsDue(front_.bytes - saved_bytes_)) Save();
}

void PartialDownload::Save() {
  saved_bytes_ = front_.bytes;
  if (front_.bytes == 0) {
    Remove();
    // Nothing of a partial file stays that is empty.
    output_.CutBehind(0).IgnoreError();
    return;
  }
  state_.Replace(absl::StrCat(kTag, " ", digest_, " ", front_.header_bytes, " ",
                              front_.elements, " ", front_.bytes, " ",
                              front_.crc32));
}

void PartialDownload::Remove() { state_.Remove(); }

}  // namespace weightinit::cli

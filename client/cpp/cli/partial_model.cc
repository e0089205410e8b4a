#include "client/cpp/cli/partial_model.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/cli/model_files.h"
#include "client/cpp/cli/model_layout.h"
#include "proto/cpp/coverage.h"
#include "proto/cpp/crc32.h"
#include "weightinit/core/sha256.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {
namespace {

constexpr absl::string_view kTag = "weightinit-partial-model-1";
constexpr int64_t kReadBytes = 512 << 10;

// With a digest of everything that says which bytes the files get, and where.
std::string FirstLineOf(const ModelLayout& layout,
                        const v1::InitializeModelRequest& request,
                        const v1::ModelSummary& summary) {
  // The fingerprint stands for the model.
  v1::InitializeModelRequest part = request;
  part.clear_model();
  part.clear_chunk_bytes();
  std::string text = absl::StrCat(summary.fingerprint(), "\n");
  for (const ModelFile& file : layout.files()) {
    absl::StrAppend(&text, file.name, "\n", file.bytes, "\n");
  }
  for (const FixedBytes& fixed : layout.ahead()) {
    absl::StrAppend(&text, fixed.file, " ", fixed.offset, " ",
                    fixed.bytes.size(), "\n", fixed.bytes);
  }
  absl::StrAppend(&text, part.SerializeAsString());
  Sha256 sha256;
  sha256.Update(absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  return absl::StrCat(kTag, " ", sha256.HexDigest(), "\n");
}

void AppendRuns(int64_t tensor, const Coverage& coverage, std::string* text) {
  for (const auto& [offset, run] : coverage.runs()) {
    absl::StrAppend(text, tensor, " ", offset, " ", run.bytes, " ", run.crc32,
                    "\n");
  }
}

}  // namespace

PartialModel::PartialModel(ModelOutput& output, const ModelLayout& layout,
                           const v1::InitializeModelRequest& request,
                           const v1::ModelSummary& summary)
    : output_(output),
      layout_(layout),
      request_(request),
      first_line_(FirstLineOf(layout, request, summary)),
      state_(output.partial_path()) {
  for (const StoredTensor& stored : layout.tensors()) {
    tensors_.push_back(
        {stored.index, stored.bytes, stored.element_bytes(), Coverage()});
  }
  std::sort(tensors_.begin(), tensors_.end(),
            [](const Tensor& a, const Tensor& b) { return a.index < b.index; });
}

PartialModel::Tensor* PartialModel::Find(int64_t index) {
  const auto found = std::lower_bound(tensors_.begin(), tensors_.end(), index,
                                      [](const Tensor& tensor, int64_t wanted) {
                                        return tensor.index < wanted;
                                      });
  const bool is_there = found != tensors_.end() && found->index == index;
  return is_there ? &*found : nullptr;
}

absl::StatusOr<std::string> PartialModel::Restore() {
  std::string state;
  {
    const absl::MutexLock lock(&mutex_);
    state = state_.Read();
  }
  bool damaged = false;
  for (const Run& run : RunsOf(state)) {
    Tensor* const tensor = Find(run.tensor);
    if (tensor != nullptr && IsIntact(run, *tensor)) {
      tensor->there.Add(run.offset, run.bytes, run.crc32);
    } else {
      damaged = true;
    }
  }
  if (bytes() == 0) {
    if (absl::Status status = output_.Clear(); !status.ok()) return status;
  }
  Save();
  if (state.empty()) return "";
  if (bytes() == 0) {
    return absl::StrCat(output_.partial_path(),
                        " is damaged or of another request: starting anew");
  }
  return damaged ? absl::StrCat(output_.partial_path(),
                                " is damaged: fetching what is missing")
                 : "";
}

std::vector<PartialModel::Run> PartialModel::RunsOf(
    const std::string& state) const {
  absl::string_view text = state;
  std::vector<Run> runs;
  if (!absl::ConsumePrefix(&text, first_line_)) return runs;
  // What stands behind the last line break was being written when the process
  // ended.
  text = text.substr(0, text.rfind('\n') + 1);
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    Run run;
    if (words.size() == 4 && absl::SimpleAtoi(words[0], &run.tensor) &&
        absl::SimpleAtoi(words[1], &run.offset) &&
        absl::SimpleAtoi(words[2], &run.bytes) &&
        absl::SimpleAtoi(words[3], &run.crc32)) {
      runs.push_back(run);
    }
  }
  return runs;
}

bool PartialModel::IsIntact(const Run& run, const Tensor& tensor) const {
  if (run.offset < 0 || run.offset > tensor.bytes || run.bytes <= 0 ||
      run.bytes > tensor.bytes - run.offset ||
      run.offset % tensor.element_bytes != 0 ||
      run.bytes % tensor.element_bytes != 0 ||
      tensor.there.Overlaps(run.offset, run.bytes)) {
    return false;
  }
  const ModelLayout::Place place = layout_.PlaceOf(tensor.index);
  std::vector<uint8_t> buffer(
      static_cast<size_t>(std::min(kReadBytes, run.bytes)));
  uint32_t crc32 = 0;
  for (int64_t at = 0; at < run.bytes;) {
    const auto data = absl::MakeSpan(buffer).first(
        static_cast<size_t>(std::min(kReadBytes, run.bytes - at)));
    if (!output_.ReadAt(place.file, place.offset + run.offset + at, data)
             .ok()) {
      return false;
    }
    crc32 = ExtendCrc32(crc32, data);
    at += static_cast<int64_t>(data.size());
  }
  return crc32 == run.crc32;
}

int64_t PartialModel::bytes() const {
  int64_t bytes = 0;
  for (const Tensor& tensor : tensors_) bytes += tensor.there.bytes();
  return bytes;
}

std::vector<MissingPart> PartialModel::Missing() const {
  std::vector<MissingPart> parts;
  // Whether the last part reaches to the end of the tensor before this one.
  bool goes_on = false;
  const auto add = [&](const Tensor& tensor, int64_t begin, int64_t end) {
    const bool to_the_end = end == tensor.bytes;
    if (goes_on && begin == 0 && to_the_end) {
      v1::InitializeModelRequest& request = parts.back().request;
      request.set_tensor_count(tensor.index - request.first_tensor() + 1);
      return;
    }
    MissingPart part;
    part.request = request_;
    part.request.set_first_tensor(tensor.index);
    part.request.set_first_element(begin / tensor.element_bytes);
    part.request.set_tensor_count(1);
    // Only a single tensor can end early.
    if (!to_the_end) {
      part.request.set_element_count((end - begin) / tensor.element_bytes);
    }
    part.first_byte = begin;
    parts.push_back(std::move(part));
    goes_on = to_the_end;
  };
  for (const Tensor& tensor : tensors_) {
    if (tensor.bytes == 0) continue;
    int64_t begin = 0;
    for (const auto& [offset, run] : tensor.there.runs()) {
      if (begin < offset) add(tensor, begin, offset);
      begin = offset + run.bytes;
    }
    if (begin < tensor.bytes) {
      add(tensor, begin, tensor.bytes);
    } else {
      goes_on = false;
    }
  }
  return parts;
}

void PartialModel::Add(int64_t tensor, int64_t offset,
                       absl::Span<const uint8_t> data) {
  const uint32_t crc32 = ExtendCrc32(0, data);
  const auto bytes = static_cast<int64_t>(data.size());
  const absl::MutexLock lock(&mutex_);
  Find(tensor)->there.Add(offset, bytes, crc32);
  unsaved_[tensor].Add(offset, bytes, crc32);
  unsaved_bytes_ += bytes;
  if (state_.IsDue(unsaved_bytes_)) SaveLocked();
}

void PartialModel::Save() {
  const absl::MutexLock lock(&mutex_);
  SaveLocked();
}

void PartialModel::SaveLocked() {
  if (bytes() == 0) {
    state_.Remove();
    has_state_ = false;
    // Files without data are none, and do not stay.
    output_.Clear().IgnoreError();
  } else {
    has_state_ =
        has_state_ ? state_.Append(UnsavedText()) : state_.Replace(WholeText());
  }
  unsaved_.clear();
  unsaved_bytes_ = 0;
}

std::string PartialModel::WholeText() const {
  std::string text = first_line_;
  for (const Tensor& tensor : tensors_) {
    AppendRuns(tensor.index, tensor.there, &text);
  }
  return text;
}

std::string PartialModel::UnsavedText() const {
  std::string text;
  for (const auto& [tensor, coverage] : unsaved_) {
    AppendRuns(tensor, coverage, &text);
  }
  return text;
}

void PartialModel::Remove() {
  const absl::MutexLock lock(&mutex_);
  state_.Remove();
}

Crc32s PartialModel::crc32s() const {
  Crc32s crc32s;
  for (const Tensor& tensor : tensors_) {
    crc32s[tensor.index] = tensor.there.crc32();
  }
  return crc32s;
}

uint32_t PartialModel::crc32() const {
  uint32_t crc32 = 0;
  for (const Tensor& tensor : tensors_) {
    crc32 = ConcatCrc32(crc32, tensor.there.crc32(), tensor.bytes);
  }
  return crc32;
}

}  // namespace weightinit::cli

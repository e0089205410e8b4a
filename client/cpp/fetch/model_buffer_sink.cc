#include "client/cpp/fetch/model_buffer_sink.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace weightinit {
namespace {

constexpr size_t kMaxViolations = 16;

bool NeedsMemory(const v1::ModelTensor& tensor) {
  return tensor.alias_of().empty() && tensor.description().bytes() > 0;
}

}  // namespace

void ModelBufferCheck::Add(const v1::ModelTensor& tensor) {
  const std::string& name = tensor.description().name();
  const auto buffer = buffers_.find(name);
  if (buffer == buffers_.end()) {
    if (NeedsMemory(tensor)) {
      AddViolation(name, absl::StrCat("is missing; the tensor needs ",
                                      tensor.description().bytes(), " bytes"));
    }
    return;
  }
  used_.insert(name);
  if (!tensor.alias_of().empty()) {
    AddViolation(name, absl::StrCat("is of an alias, of \"",
                                    absl::Utf8SafeCHexEscape(tensor.alias_of()),
                                    "\"; an alias has no data"));
  } else if (static_cast<int64_t>(buffer->second.size()) <
             tensor.description().bytes()) {
    AddViolation(name, absl::StrCat("has ", buffer->second.size(),
                                    " bytes; the tensor needs ",
                                    tensor.description().bytes()));
  }
}

absl::Status ModelBufferCheck::Finish() {
  if (used_.size() < buffers_.size()) {
    for (const auto& [name, buffer] : buffers_) {
      if (violations_.size() == kMaxViolations) break;
      if (used_.contains(name)) continue;
      AddViolation(name, "is of no tensor that the request delivers");
    }
  }
  if (violations_.empty()) return absl::OkStatus();
  return ViolationStatus(absl::StatusCode::kInvalidArgument, violations_);
}

void ModelBufferCheck::AddViolation(const std::string& name,
                                    const std::string& description) {
  if (violations_.size() == kMaxViolations) return;
  violations_.push_back(
      {absl::StrCat("buffers[\"", absl::Utf8SafeCHexEscape(name), "\"]"),
       description});
}

absl::Status ModelBufferSink::OnTensor(const v1::ModelTensor& tensor) {
  if (!NeedsMemory(tensor)) return absl::OkStatus();
  const auto buffer = buffers_.find(tensor.description().name());
  if (buffer == buffers_.end() || static_cast<int64_t>(buffer->second.size()) <
                                      tensor.description().bytes()) {
    return absl::DataLossError(
        absl::StrCat("verification failed: tensor \"",
                     absl::Utf8SafeCHexEscape(tensor.description().name()),
                     "\" came with ", tensor.description().bytes(),
                     " bytes, which is not what was described"));
  }
  return absl::OkStatus();
}

absl::Span<uint8_t> ModelBufferSink::MemoryFor(const v1::ModelTensor& tensor) {
  const auto buffer = buffers_.find(tensor.description().name());
  if (!NeedsMemory(tensor) || buffer == buffers_.end()) return {};
  return buffer->second.first(
      static_cast<size_t>(tensor.description().bytes()));
}

absl::Status ModelBufferSink::OnPiece(const v1::ModelTensor& tensor,
                                      int64_t offset,
                                      absl::Span<const uint8_t> data) {
  uint8_t* const to = buffers_.at(tensor.description().name()).data() + offset;
  if (to != data.data()) std::memcpy(to, data.data(), data.size());
  return absl::OkStatus();
}

}  // namespace weightinit

#include "client/cpp/cli/model_verifier.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/cli/model_files.h"

namespace weightinit::cli {

absl::StatusOr<std::unique_ptr<ModelVerifier>> ModelVerifier::Open(
    const std::string& path, const ModelLayout& expected) {
  std::unique_ptr<ModelVerifier> verifier(new ModelVerifier(expected));
  const std::vector<std::string> paths = PathsOf(path, expected);
  for (const std::string& file : paths) {
    auto opened = InputFile::Open(file);
    if (absl::IsNotFound(opened.status()) && paths.size() > 1) {
      return absl::DataLossError(
          absl::StrCat(path, " differs: ", file, " is missing"));
    }
    if (!opened.ok()) return opened.status();
    verifier->files_.push_back(*std::move(opened));
  }
  for (size_t file = 0; file < paths.size(); ++file) {
    if (absl::Status status = verifier->CheckSize(file); !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = verifier->Compare(expected.ahead()); !status.ok()) {
    return status;
  }
  return verifier;
}

absl::Status ModelVerifier::CheckSize(size_t file) const {
  const int64_t there = files_[file]->bytes();
  const int64_t wanted = expected_.files()[file].bytes;
  if (there == wanted) return absl::OkStatus();
  return Differs(file, absl::StrCat("it has ", there,
                                    " bytes, the model's file has ", wanted));
}

absl::Status ModelVerifier::Compare(
    const std::vector<FixedBytes>& fixed) const {
  for (const FixedBytes& part : fixed) {
    const auto there = files_[part.file]->ReadAt(
        part.offset, static_cast<int64_t>(part.bytes.size()));
    if (!there.ok()) return there.status();
    if (*there == part.bytes) continue;
    const auto byte =
        std::mismatch(there->begin(), there->end(), part.bytes.begin()).first -
        there->begin();
    return Differs(
        part.file,
        part.tensor.empty()
            ? absl::StrCat(
                  "its header or list of tensors is another from byte ",
                  part.offset + byte, " on")
            : absl::StrCat("the header of tensor \"",
                           absl::Utf8SafeCHexEscape(part.tensor),
                           "\" is another from byte ", part.offset + byte,
                           " on"));
  }
  return absl::OkStatus();
}

absl::Status ModelVerifier::Differs(size_t file,
                                    const std::string& what) const {
  const InputFile& there = *files_[file];
  const std::string difference = expected_.Difference(file, there);
  return absl::DataLossError(absl::StrCat(
      there.path(), " differs: ", difference.empty() ? what : difference));
}

absl::Status ModelVerifier::OnSummary(const v1::ModelSummary& summary) {
  progress_.Start(summary.bytes());
  return absl::OkStatus();
}

absl::Status ModelVerifier::OnPiece(const v1::ModelTensor& tensor,
                                    int64_t offset,
                                    absl::Span<const uint8_t> data) {
  progress_.Add(static_cast<int64_t>(data.size()));
  const ModelLayout::Place place = expected_.PlaceOf(tensor.index());
  std::vector<uint8_t> there(data.size());
  if (absl::Status status = files_[place.file]->ReadAt(place.offset + offset,
                                                       absl::MakeSpan(there));
      !status.ok()) {
    return status;
  }
  if (std::memcmp(there.data(), data.data(), data.size()) == 0) {
    return absl::OkStatus();
  }
  const int64_t byte =
      offset + (std::mismatch(data.begin(), data.end(), there.begin()).first -
                data.begin());
  const absl::MutexLock lock(&mutex_);
  if (differs_ && (tensor_ < tensor.index() ||
                   (tensor_ == tensor.index() && byte_ <= byte))) {
    return absl::OkStatus();
  }
  differs_ = true;
  tensor_ = tensor.index();
  byte_ = byte;
  name_ = tensor.description().name();
  file_ = place.file;
  element_bytes_ =
      tensor.description().bytes() / tensor.description().elements();
  return absl::OkStatus();
}

absl::Status ModelVerifier::OnTensorEnd(const v1::ModelTensor& tensor,
                                        uint32_t crc32) {
  crc32s_[tensor.index()] = crc32;
  return absl::OkStatus();
}

absl::Status ModelVerifier::Finish() {
  {
    const absl::MutexLock lock(&mutex_);
    if (differs_) {
      return absl::DataLossError(
          absl::StrCat(files_[file_]->path(), " differs: tensor \"",
                       absl::Utf8SafeCHexEscape(name_), "\" from element ",
                       byte_ / element_bytes_, " on"));
    }
  }
  return Compare(expected_.Behind(crc32s_));
}

}  // namespace weightinit::cli

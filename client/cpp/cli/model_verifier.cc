#include "client/cpp/cli/model_verifier.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace weightinit::cli {
namespace {

absl::Status IoError(const std::string& path, int error) {
  return absl::InternalError(absl::StrCat(path, ": ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelVerifier>> ModelVerifier::Open(
    const std::string& path, const ModelFile& expected) {
  // Not to wait for the other end of a pipe.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return IoError(path, errno);
  std::unique_ptr<ModelVerifier> verifier(
      new ModelVerifier(path, fd, expected));
  struct stat info {};
  if (fstat(fd, &info) != 0) return IoError(path, errno);
  if (!S_ISREG(info.st_mode)) {
    return absl::InternalError(absl::StrCat(path, ": is no regular file"));
  }
  if (info.st_size != expected.bytes()) {
    return absl::DataLossError(
        absl::StrCat(path, " differs: it has ", info.st_size,
                     " bytes, the model's file has ", expected.bytes()));
  }
  std::vector<uint8_t> header(expected.header().size());
  if (absl::Status status = verifier->Read(0, absl::MakeSpan(header));
      !status.ok()) {
    return status;
  }
  const auto [there, wanted] = std::mismatch(
      header.begin(), header.end(), expected.header().begin(),
      [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); });
  if (there != header.end()) {
    return absl::DataLossError(absl::StrCat(
        path, " differs: its header is another from byte ",
        there - header.begin(),
        " on; the names, shapes, dtypes or the seed are not the model's"));
  }
  return verifier;
}

ModelVerifier::~ModelVerifier() { close(fd_); }

absl::Status ModelVerifier::OnSummary(const v1::ModelSummary& summary) {
  progress_.Start(summary.bytes());
  return absl::OkStatus();
}

absl::Status ModelVerifier::OnPiece(const v1::ModelTensor& tensor,
                                    int64_t offset,
                                    absl::Span<const uint8_t> data) {
  progress_.Add(static_cast<int64_t>(data.size()));
  std::vector<uint8_t> there(data.size());
  if (absl::Status status =
          Read(expected_.OffsetOf(tensor) + offset, absl::MakeSpan(there));
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
  element_bytes_ =
      tensor.description().bytes() / tensor.description().elements();
  return absl::OkStatus();
}

absl::Status ModelVerifier::Finish() {
  const absl::MutexLock lock(&mutex_);
  if (!differs_) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      path_, " differs: tensor \"", absl::Utf8SafeCHexEscape(name_),
      "\" from element ", byte_ / element_bytes_, " on"));
}

absl::Status ModelVerifier::Read(int64_t offset,
                                 absl::Span<uint8_t> data) const {
  while (!data.empty()) {
    const ssize_t n = pread(fd_, data.data(), data.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return IoError(path_, errno);
    if (n == 0) {
      return absl::DataLossError(
          absl::StrCat(path_, " has become shorter while it was read"));
    }
    offset += n;
    data.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

}  // namespace weightinit::cli

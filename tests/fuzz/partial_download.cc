// The state file of a download that broke off: whatever it says, what is
// restored is in the file.

#include "client/cpp/cli/partial_download.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/output.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::fuzz {
namespace {

// The state that begins with this gets the tag and the digest of the request.
constexpr char kOfTheRequest = '@';

class Directory {
 public:
  Directory() {
    if (mkdtemp(path_) == nullptr) std::abort();
  }
  std::string File() const { return absl::StrCat(path_, "/tensor.bin"); }

 private:
  // Removed by tests/fuzz/run: a fuzzer ends in many ways.
  char path_[64] = "/dev/shm/weightinit-fuzz-XXXXXX";
};

v1::InitializeTensorRequest Request() {
  v1::InitializeTensorRequest request;
  request.mutable_tensor()->add_shape(1000);
  return request;
}

void Write(const std::string& path, absl::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// "TAG DIGEST" of the request.
std::string Prefix(const std::string& file,
                   const v1::InitializeTensorRequest& request) {
  cli::OutputOptions options;
  options.keep_partial = true;
  auto output = cli::Output::Open(file, options);
  if (!output.ok()) std::abort();
  cli::PartialDownload download(**output, request, cli::FileFormat::kBin);
  const uint8_t data[4] = {1, 2, 3, 4};
  if (!(*output)->Write(absl::MakeConstSpan(data)).ok()) std::abort();
  download.Grow(1, data);
  download.Save();
  std::string state;
  std::getline(std::ifstream(absl::StrCat(file, ".partial.state")), state);
  return state.substr(0, state.find(' ', state.find(' ') + 1));
}

void Try(absl::string_view state) {
  static const Directory directory;
  static const std::string file = directory.File();
  static const v1::InitializeTensorRequest request = Request();
  static const std::string prefix = Prefix(file, request);
  static const std::string content(300, 'x');
  Write(absl::StrCat(file, ".partial"), content);
  const bool of_the_request = !state.empty() && state[0] == kOfTheRequest;
  Write(absl::StrCat(file, ".partial.state"),
        of_the_request ? absl::StrCat(prefix, state.substr(1)) : state);
  cli::OutputOptions options;
  options.keep_partial = true;
  auto output = cli::Output::Open(file, options);
  if (!output.ok()) std::abort();
  cli::PartialDownload download(**output, request, cli::FileFormat::kBin);
  const auto front = download.Restore();
  if (!front.ok() || front->bytes < 0 || front->header_bytes < 0 ||
      (*output)->size() != front->header_bytes + front->bytes) {
    std::abort();
  }
}

}  // namespace
}  // namespace weightinit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weightinit::fuzz::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}

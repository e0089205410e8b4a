#include "server/stream/call_identity.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/string_ref.h"

namespace weightinit {
namespace {

using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

absl::string_view Find(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return "";
  return {found->second.data(), found->second.size()};
}

bool IsRequestId(absl::string_view text) {
  constexpr size_t kLongest = 128;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isgraph(static_cast<unsigned char>(c)) &&
                  c != '"' && c != '\\';
         });
}

// Lower case, as the standard has it; not all zeros.
bool IsHexId(absl::string_view text) {
  return text.find_first_not_of("0123456789abcdef") ==
             absl::string_view::npos &&
         text.find_first_not_of('0') != absl::string_view::npos;
}

}  // namespace

CallIdentity IdentityOf(const Metadata& metadata) {
  CallIdentity identity;
  const absl::string_view id = Find(metadata, kRequestIdKey);
  if (IsRequestId(id)) identity.request_id = std::string(id);
  // version-traceid-parentid-flags; later versions may have more behind it.
  constexpr size_t kLength = 55;
  const absl::string_view trace = Find(metadata, "traceparent");
  if (trace.size() < kLength || trace[2] != '-' || trace[35] != '-' ||
      trace[52] != '-' || trace.substr(0, 2) == "ff" ||
      (trace.size() > kLength &&
       (trace.substr(0, 2) == "00" || trace[kLength] != '-'))) {
    return identity;
  }
  const absl::string_view trace_id = trace.substr(3, 32);
  const absl::string_view parent_id = trace.substr(36, 16);
  if (IsHexId(trace_id) && IsHexId(parent_id)) {
    identity.trace_id = std::string(trace_id);
    identity.parent_id = std::string(parent_id);
  }
  return identity;
}

std::string NewRequestId() {
  thread_local std::mt19937_64 random{std::random_device()()};
  return absl::StrCat(absl::Hex(random(), absl::kZeroPad16));
}

}  // namespace weightinit

#include "server/name_check.h"

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/io/coded_stream.h"
#include "weightinit/core/utf8.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {
namespace {

using google::protobuf::io::CodedInputStream;

// Calls visit(length) at the payload of each length-delimited field `number`,
// which it has to read or skip. Ends early where the wire form cannot be read,
// at a group, which no message of ours has, or where a call returns false.
template <typename Visit>
bool VisitFields(CodedInputStream& input, int number, const Visit& visit) {
  while (const uint32_t tag = input.ReadTag()) {
    uint64_t ignored = 0;
    int length = 0;
    bool read = false;
    switch (tag & 7) {
      case 0:  // Varint.
        read = input.ReadVarint64(&ignored);
        break;
      case 1:  // Fixed64.
        read = input.Skip(8);
        break;
      case 2:  // Length-delimited.
        read = input.ReadVarintSizeAsInt(&length) &&
               (tag >> 3 == static_cast<uint32_t>(number) ? visit(length)
                                                          : input.Skip(length));
        break;
      case 5:  // Fixed32.
        read = input.Skip(4);
        break;
      default:
        break;
    }
    if (!read) return false;
  }
  return true;
}

}  // namespace

bool NameIsUtf8(absl::string_view request, int tensor_field) {
  CodedInputStream input(reinterpret_cast<const uint8_t*>(request.data()),
                         static_cast<int>(request.size()));
  bool valid = true;
  const auto visit_name = [&](int length) {
    std::string name;
    if (!input.ReadString(&name, length)) return false;
    valid = valid && IsUtf8(name);
    return true;
  };
  const auto visit_tensor = [&](int length) {
    const auto limit = input.PushLimit(length);
    const bool read =
        VisitFields(input, v1::TensorSpec::kNameFieldNumber, visit_name);
    input.PopLimit(limit);
    return read;
  };
  VisitFields(input, tensor_field, visit_tensor);
  return valid;
}

}  // namespace weightinit

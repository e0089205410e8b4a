#include "server/name_check.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/io/coded_stream.h"
#include "weightinit/core/utf8.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {
namespace {

using google::protobuf::io::CodedInputStream;

// Calls visit(number, length) at the payload of each length-delimited field,
// which it has to read or skip. Ends early where the wire form cannot be read,
// at a group, which no message of ours has, or where a call returns false.
template <typename Visit>
bool VisitFields(CodedInputStream& input, const Visit& visit) {
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
               visit(static_cast<int>(tag >> 3), length);
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

std::vector<Violation> NamesNotUtf8(absl::string_view request,
                                    const NameFields& fields) {
  CodedInputStream input(reinterpret_cast<const uint8_t*>(request.data()),
                         static_cast<int>(request.size()));
  bool tensor_name_valid = true;
  bool seed_name_valid = true;
  const auto check_name = [&](int length, bool& valid) {
    std::string name;
    if (!input.ReadString(&name, length)) return false;
    valid = valid && IsUtf8(name);
    return true;
  };
  const auto visit_tensor = [&](int number, int length) {
    if (number != v1::TensorSpec::kNameFieldNumber) return input.Skip(length);
    return check_name(length, tensor_name_valid);
  };
  VisitFields(input, [&](int number, int length) {
    if (number == fields.seed_name) return check_name(length, seed_name_valid);
    if (number != fields.tensor) return input.Skip(length);
    const auto limit = input.PushLimit(length);
    const bool read = VisitFields(input, visit_tensor);
    input.PopLimit(limit);
    return read;
  });
  std::vector<Violation> violations;
  if (!tensor_name_valid) {
    violations.push_back({"tensor.name", "is not valid UTF-8"});
  }
  if (!seed_name_valid) {
    violations.push_back({"seed_name", "is not valid UTF-8"});
  }
  return violations;
}

}  // namespace weightinit

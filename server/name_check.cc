#include "server/name_check.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "weightinit/core/utf8.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;

constexpr size_t kMaxViolations = 16;
// As the generated parser, which refuses what is deeper.
constexpr int kMaxDepth = 100;

// Walks a message and the messages in it.
class Utf8Check {
 public:
  std::vector<Violation>& violations() { return violations_; }

  void Walk(absl::string_view wire, const Descriptor& message,
            const std::string& path, int depth) {
    if (depth > kMaxDepth) return;
    CodedInputStream input(reinterpret_cast<const uint8_t*>(wire.data()),
                           static_cast<int>(wire.size()));
    std::map<int, int> seen;  // Elements of each repeated field so far.
    while (const uint32_t tag = input.ReadTag()) {
      if (violations_.size() == kMaxViolations) return;
      if ((tag & 7) != 2) {
        if (!SkipScalar(tag, input)) return;
        continue;
      }
      int length = 0;
      if (!input.ReadVarintSizeAsInt(&length)) return;
      const int start = input.CurrentPosition();
      if (!input.Skip(length)) return;
      const FieldDescriptor* const field =
          message.FindFieldByNumber(static_cast<int>(tag >> 3));
      if (field == nullptr) continue;
      const absl::string_view payload =
          wire.substr(static_cast<size_t>(start), static_cast<size_t>(length));
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        if (!IsUtf8({payload.data(), payload.size()})) {
          violations_.push_back(
              {PathOf(*field, path, seen), "is not valid UTF-8"});
        }
      } else if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
        Walk(payload, *field->message_type(), PathOf(*field, path, seen),
             depth + 1);
      }
      if (field->is_repeated()) ++seen[field->number()];
    }
  }

 private:
  // Skips a field that holds no bytes; false at a group, which no message of
  // ours has, and where the wire form cannot be read.
  static bool SkipScalar(uint32_t tag, CodedInputStream& input) {
    uint64_t ignored = 0;
    switch (tag & 7) {
      case 0:
        return input.ReadVarint64(&ignored);
      case 1:
        return input.Skip(8);
      case 5:
        return input.Skip(4);
      default:
        return false;
    }
  }

  static std::string PathOf(const FieldDescriptor& field,
                            const std::string& path,
                            const std::map<int, int>& seen) {
    std::string own = absl::StrCat(path, path.empty() ? "" : ".", field.name());
    if (field.is_repeated()) {
      const auto count = seen.find(field.number());
      absl::StrAppend(&own, "[", count == seen.end() ? 0 : count->second, "]");
    }
    return own;
  }

  std::vector<Violation> violations_;
};

}  // namespace

std::vector<Violation> StringsNotUtf8(absl::string_view wire,
                                      const Descriptor& message) {
  Utf8Check check;
  check.Walk(wire, message, "", 0);
  return std::move(check.violations());
}

}  // namespace weightinit

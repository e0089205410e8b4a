// From what a manifest's text says to a message, by the message's descriptor.

#ifndef WEIGHTINIT_CLIENT_CPP_MANIFEST_MESSAGE_READER_H_
#define WEIGHTINIT_CLIENT_CPP_MANIFEST_MESSAGE_READER_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/cpp/manifest/document.h"
#include "weightinit/core/framework_schemes.h"

namespace weightinit::manifest {

// Problems beyond this many are not told.
inline constexpr size_t kMaxProblems = 16;

// Fills one message. Fields may be of the types int32, int64, double, bool,
// string, enum and message, repeated or not, and maps from string to them.
class MessageReader {
 public:
  // Problems are added to `problems`, which must outlive the reader; their text
  // begins with the path of the field.
  explicit MessageReader(std::vector<Problem>& problems)
      : problems_(problems) {}

  // Fills `message`, which is empty, from a map.
  void Read(const TreeNode& node, google::protobuf::Message& message) {
    ReadMessage(node, "", message);
  }

 private:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;

  void ReadMessage(const TreeNode& node, const std::string& path,
                   Message& message);
  // Fills in what the scheme of a framework, which `message` names, sets.
  // `expressions` is where a parameter may be in place of `parameters`.
  void ReadFrameworkScheme(const TreeNode& node, const std::string& path,
                           const FrameworkScheme& scheme, Message& message);
  void ReadField(const TreeNode& node, const std::string& path,
                 const Field& field, Message& message);
  void ReadList(const TreeNode& node, const std::string& path,
                const Field& field, Message& message);
  void ReadMap(const TreeNode& node, const std::string& path,
               const Field& field, Message& message);
  // Sets the field, or adds to it if it is repeated.
  void ReadValue(const TreeNode& node, const std::string& path,
                 const Field& field, Message& message);
  void ReadScalar(const TreeNode& node, const std::string& path,
                  const Field& field, Message& message);
  // The field that a key names; null after a problem.
  const Field* FindField(const TreeNode& key, const std::string& path,
                         const Message& message);

  // Whether to go on with one more node; false after too many of them.
  bool Enter(const TreeNode& node, const std::string& path);
  void Fail(const TreeNode& node, const std::string& path,
            absl::string_view what);

  std::vector<Problem>& problems_;
  size_t visited_ = 0;
  size_t depth_ = 0;
  bool full_ = false;  // Of problems, or too much was visited.
};

}  // namespace weightinit::manifest

#endif  // WEIGHTINIT_CLIENT_CPP_MANIFEST_MESSAGE_READER_H_

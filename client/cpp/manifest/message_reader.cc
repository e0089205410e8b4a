#include "client/cpp/manifest/message_reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/cpp/manifest/document.h"
#include "client/cpp/manifest/scalars.h"
#include "proto/cpp/nearest.h"
#include "proto/cpp/spec_conversion.h"
#include "weightinit/core/framework_schemes.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::manifest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr const char* kMergeKey =
    "is a merge key, which a manifest does not have; write the fields out, or "
    "use defaults";

std::string Inner(const std::string& path, absl::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
}

std::string KindOf(const TreeNode& node) {
  switch (node.kind) {
    case TreeNode::Kind::kNull:
      return "null";
    case TreeNode::Kind::kScalar:
      return Quoted(node.text);
    case TreeNode::Kind::kList:
      return "a list";
    case TreeNode::Kind::kMap:
      return "a map";
  }
  return "";
}

std::string MustBe(const TreeNode& node, absl::string_view what) {
  return absl::StrCat("is ", KindOf(node), "; must be ", what);
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(type.field_count()));
  for (int f = 0; f < type.field_count(); ++f) {
    names.emplace_back(type.field(f)->name());
  }
  return names;
}

bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

// Stores a value of a C++ type in a field, by the functions of its type.
#define WEIGHTINIT_STORE(Type, value)              \
  if (field.is_repeated()) {                       \
    reflection.Add##Type(&message, &field, value); \
  } else {                                         \
    reflection.Set##Type(&message, &field, value); \
  }

}  // namespace

void MessageReader::ReadMessage(const TreeNode& node, const std::string& path,
                                Message& message) {
  if (node.kind != TreeNode::Kind::kMap) {
    Fail(node, path, MustBe(node, "a map of fields"));
    return;
  }
  // Fields, and the members of oneofs, that are set, and how they were called.
  std::set<const FieldDescriptor*> seen;
  std::map<const google::protobuf::OneofDescriptor*, std::string> chosen;
  const FrameworkScheme* framework_scheme = nullptr;
  const TreeNode* scheme_node = nullptr;
  for (size_t i = 0; i < node.items.size() && !full_; i += 2) {
    const TreeNode& key = *node.items[i];
    const TreeNode& value = *node.items[i + 1];
    const FieldDescriptor* const field = FindField(key, path, message);
    if (field == nullptr) continue;
    const std::string inner = Inner(path, field->name());
    if (!seen.insert(field).second) {
      Fail(key, inner, "is given a second time; give it once");
      continue;
    }
    if (value.kind == TreeNode::Kind::kNull) continue;
    if (const auto* const oneof = field->real_containing_oneof()) {
      const auto [first, is_first] =
          chosen.emplace(oneof, std::string(field->name()));
      if (!is_first) {
        Fail(key, inner,
             absl::StrCat("is given beside ", first->second, "; give one ",
                          absl::string_view(oneof->name())));
        continue;
      }
    }
    const FrameworkScheme* const of_framework =
        field->enum_type() == v1::Scheme_descriptor() &&
                value.kind == TreeNode::Kind::kScalar
            ? FindFrameworkScheme(value.text)
            : nullptr;
    if (of_framework != nullptr) {
      framework_scheme = of_framework;
      scheme_node = &value;
    } else {
      ReadField(value, inner, *field, message);
    }
  }
  if (framework_scheme != nullptr) {
    ReadFrameworkScheme(*scheme_node, Inner(path, "scheme"), *framework_scheme,
                        message);
  }
}

void MessageReader::ReadFrameworkScheme(const TreeNode& node,
                                        const std::string& path,
                                        const FrameworkScheme& scheme,
                                        Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const Descriptor& type = *message.GetDescriptor();
  reflection.SetEnumValue(&message, type.FindFieldByName("scheme"),
                          static_cast<int>(scheme.scheme));
  // Of a part there are no expressions.
  const FieldDescriptor* const expressions =
      type.FindFieldByName("expressions");
  FrameworkScheme rest = scheme;
  const int count =
      expressions == nullptr ? 0 : reflection.FieldSize(message, expressions);
  for (int i = 0; i < count; ++i) {
    const Message& entry =
        reflection.GetRepeatedMessage(message, expressions, i);
    const std::string name = entry.GetReflection()->GetString(
        entry, entry.GetDescriptor()->map_key());
    if (scheme.absolute_bounds) {
      Fail(node, path,
           absl::StrCat("has bounds in units of the value, so that its "
                        "parameters can't be expressions, as ",
                        name, " is; use truncated_normal"));
      return;
    }
#define WEIGHTINIT_PARAMETER(parameter, ...) \
  if (name == #parameter) rest.defaults.parameter.reset();
#include "weightinit/core/request.def"
  }
  auto* const parameters =
      google::protobuf::DynamicCastToGenerated<v1::SchemeParameters>(
          reflection.MutableMessage(&message,
                                    type.FindFieldByName("parameters")));
  ToProto(rest.Fill(FromProto(*parameters)), parameters);
}

const FieldDescriptor* MessageReader::FindField(const TreeNode& key,
                                                const std::string& path,
                                                const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  if (key.kind != TreeNode::Kind::kScalar) {
    Fail(key, path, absl::StrCat("has a key that ", MustBe(key, "a name")));
    return nullptr;
  }
  for (int f = 0; f < type.field_count(); ++f) {
    const FieldDescriptor* const field = type.field(f);
    if (field->name() == key.text || field->json_name() == key.text) {
      return field;
    }
  }
  const std::string inner = Inner(path, Shown(key.text));
  if (key.text == "<<") {
    Fail(key, inner, kMergeKey);
    return nullptr;
  }
  const std::vector<std::string> names = FieldNames(type);
  const std::string nearest = Nearest(key.text, names);
  Fail(key, inner,
       absl::StrCat(
           "is no field here; ",
           nearest.empty() ? "" : absl::StrCat("did you mean ", nearest, "? "),
           "must be one of ", absl::StrJoin(names, ", ")));
  return nullptr;
}

void MessageReader::ReadField(const TreeNode& node, const std::string& path,
                              const FieldDescriptor& field, Message& message) {
  if (field.is_map()) {
    ReadMap(node, path, field, message);
  } else if (field.is_repeated()) {
    ReadList(node, path, field, message);
  } else {
    ReadValue(node, path, field, message);
  }
}

void MessageReader::ReadList(const TreeNode& node, const std::string& path,
                             const FieldDescriptor& field, Message& message) {
  if (node.kind != TreeNode::Kind::kList) {
    Fail(node, path,
         MustBe(node, IsMessage(field) ? "a list of maps"
                                       : "a list, such as [64, 3]"));
    return;
  }
  if (!Enter(node, path)) return;
  for (size_t i = 0; i < node.items.size() && !full_; ++i) {
    ReadValue(*node.items[i], absl::StrCat(path, "[", i, "]"), field, message);
  }
  --depth_;
}

void MessageReader::ReadMap(const TreeNode& node, const std::string& path,
                            const FieldDescriptor& field, Message& message) {
  if (node.kind != TreeNode::Kind::kMap) {
    Fail(node, path, MustBe(node, "a map, such as {a: 1}"));
    return;
  }
  if (!Enter(node, path)) return;
  std::set<absl::string_view> seen;
  for (size_t i = 0; i < node.items.size() && !full_; i += 2) {
    const TreeNode& key = *node.items[i];
    if (key.kind != TreeNode::Kind::kScalar) {
      Fail(key, path, absl::StrCat("has a key that ", MustBe(key, "a name")));
      continue;
    }
    const std::string inner = absl::StrCat(path, "[", Shown(key.text), "]");
    if (key.text == "<<") {
      Fail(key, inner, kMergeKey);
    } else if (!seen.insert(key.text).second) {
      Fail(key, inner, "is given a second time; give it once");
    } else {
      Message* const entry =
          message.GetReflection()->AddMessage(&message, &field);
      const Descriptor& type = *field.message_type();
      entry->GetReflection()->SetString(entry, type.map_key(), key.text);
      ReadValue(*node.items[i + 1], inner, *type.map_value(), *entry);
    }
  }
  --depth_;
}

void MessageReader::ReadValue(const TreeNode& node, const std::string& path,
                              const FieldDescriptor& field, Message& message) {
  if (!Enter(node, path)) return;
  if (IsMessage(field)) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    ReadMessage(node, path,
                field.is_repeated()
                    ? *reflection.AddMessage(&message, &field)
                    : *reflection.MutableMessage(&message, &field));
  } else if (node.kind == TreeNode::Kind::kScalar) {
    ReadScalar(node, path, field, message);
  } else {
    Fail(node, path, MustBe(node, "a single value"));
  }
  --depth_;
}

void MessageReader::ReadScalar(const TreeNode& node, const std::string& path,
                               const FieldDescriptor& field, Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  // Stores what was parsed, or tells why it could not be.
  const auto store = [&](const auto& parsed, const auto& store_value) {
    if (parsed.ok()) {
      store_value(*parsed);
    } else {
      Fail(node, path, std::string(parsed.status().message()));
    }
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      store(ParseInteger(node.text, std::numeric_limits<int32_t>::min(),
                         std::numeric_limits<int32_t>::max()),
            [&](int64_t value) {
              WEIGHTINIT_STORE(Int32, static_cast<int32_t>(value));
            });
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      store(ParseInteger(node.text, std::numeric_limits<int64_t>::min(),
                         std::numeric_limits<int64_t>::max()),
            [&](int64_t value) { WEIGHTINIT_STORE(Int64, value); });
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      store(ParseDouble(node.text),
            [&](double value) { WEIGHTINIT_STORE(Double, value); });
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      store(ParseEnum(*field.enum_type(), node.text),
            [&](int value) { WEIGHTINIT_STORE(EnumValue, value); });
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (node.quoted || (node.text != "true" && node.text != "false")) {
        Fail(node, path,
             MustBe(node, "true or false, in lower case and without quotes"));
      } else {
        WEIGHTINIT_STORE(Bool, node.text == "true");
      }
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      WEIGHTINIT_STORE(String, node.text);
      break;
    default:
      Fail(node, path, "is of a type that manifests do not have");
  }
}

bool MessageReader::Enter(const TreeNode& node, const std::string& path) {
  if (++visited_ > kMaxNodes) {
    Fail(node, path,
         absl::StrCat("is beyond the first ", kMaxNodes,
                      " values, with those that aliases repeat; a manifest "
                      "has no more"));
    full_ = true;
    return false;
  }
  if (depth_ == kMaxDepth) {
    Fail(node, path,
         absl::StrCat("is inside more than ", kMaxDepth,
                      " lists and maps, with those of aliases; a manifest has "
                      "no more"));
    full_ = true;
    return false;
  }
  ++depth_;
  return true;
}

void MessageReader::Fail(const TreeNode& node, const std::string& path,
                         absl::string_view what) {
  if (full_) return;
  problems_.push_back({node.offset, path.empty()
                                        ? std::string(what)
                                        : absl::StrCat(path, ": ", what)});
  full_ = problems_.size() >= kMaxProblems;
}

#undef WEIGHTINIT_STORE

}  // namespace weightinit::manifest

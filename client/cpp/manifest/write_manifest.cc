// From a message to the text of a manifest.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/cpp/manifest/scalars.h"
#include "weightinit/client/manifest.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// A message or map of more is written over several lines.
constexpr size_t kLineBytes = 80;

// Whether YAML, of whatever version, takes `text` for that text without quotes.
bool IsPlain(absl::string_view text) {
  static const auto& taken = *new std::vector<absl::string_view>{
      "null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  const std::string lower = absl::AsciiStrToLower(text);
  if (std::find(taken.begin(), taken.end(), lower) != taken.end()) {
    return false;
  }
  const auto is_letter = [](char c) {
    return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
  };
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter(c) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  c == '.' || c == '-' || c == '/';
         });
}

std::string Text(absl::string_view text) {
  if (IsPlain(text)) return std::string(text);
  // Two bytes of UTF-8 that begin U+0085, three of the others.
  constexpr absl::string_view kNextLine = "\xc2\x85";
  constexpr absl::string_view kLineSeparator = "\xe2\x80\xa8";
  constexpr absl::string_view kParagraphSeparator = "\xe2\x80\xa9";
  constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&quoted, "\\x%02x", byte);
    } else if (text.substr(i, 2) == kNextLine) {
      absl::StrAppend(&quoted, "\\u0085");
      i += 1;
    } else if (text.substr(i, 3) == kLineSeparator) {
      absl::StrAppend(&quoted, "\\u2028");
      i += 2;
    } else if (text.substr(i, 3) == kParagraphSeparator) {
      absl::StrAppend(&quoted, "\\u2029");
      i += 2;
    } else if (text.substr(i, 3) == kByteOrderMark) {
      absl::StrAppend(&quoted, "\\ufeff");
      i += 2;
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

// The shortest that reads back as the same number.
std::string Number(double value) {
  for (int digits = 1; digits < 17; ++digits) {
    std::string text = absl::StrFormat("%.*g", digits, value);
    double back = 0;
    if (absl::SimpleAtod(text, &back) && back == value) return text;
  }
  return absl::StrFormat("%.17g", value);
}

// One value of a field: the only one, or the one at `index` of a repeated one.
struct Value {
  const Message& message;
  const FieldDescriptor& field;
  int index = 0;

  const Message& SubMessage() const {
    const Reflection& reflection = *message.GetReflection();
    return field.is_repeated()
               ? reflection.GetRepeatedMessage(message, &field, index)
               : reflection.GetMessage(message, &field);
  }

  std::string Scalar() const {
    const Reflection& reflection = *message.GetReflection();
#define WEIGHTINIT_GET(Type)                                                  \
  (field.is_repeated() ? reflection.GetRepeated##Type(message, &field, index) \
                       : reflection.Get##Type(message, &field))
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return absl::StrCat(WEIGHTINIT_GET(Int32));
      case FieldDescriptor::CPPTYPE_INT64:
        return absl::StrCat(WEIGHTINIT_GET(Int64));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Number(WEIGHTINIT_GET(Double));
      case FieldDescriptor::CPPTYPE_BOOL:
        return WEIGHTINIT_GET(Bool) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_ENUM:
        return manifest::EnumName(*field.enum_type(),
                                  WEIGHTINIT_GET(EnumValue));
      default:
        return Text(WEIGHTINIT_GET(String));
    }
#undef WEIGHTINIT_GET
  }
};

bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

// In the order of the proto.
std::vector<const FieldDescriptor*> SetFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

int SizeOf(const Message& message, const FieldDescriptor& field) {
  return message.GetReflection()->FieldSize(message, &field);
}

std::string InLine(const Message& message);

std::string InLine(const Value& value) {
  return IsMessage(value.field) ? InLine(value.SubMessage()) : value.Scalar();
}

// The pairs of a map, by key.
std::map<std::string, std::string> PairsOf(const Message& message,
                                           const FieldDescriptor& field) {
  std::map<std::string, std::string> pairs;
  for (int i = 0; i < SizeOf(message, field); ++i) {
    const Message& entry =
        message.GetReflection()->GetRepeatedMessage(message, &field, i);
    const Descriptor& type = *field.message_type();
    pairs.emplace(entry.GetReflection()->GetString(entry, type.map_key()),
                  InLine(Value{entry, *type.map_value()}));
  }
  return pairs;
}

std::string FieldInLine(const Message& message, const FieldDescriptor& field) {
  if (field.is_map()) {
    return absl::StrCat("{",
                        absl::StrJoin(PairsOf(message, field), ", ",
                                      [](std::string* out, const auto& pair) {
                                        absl::StrAppend(out, Text(pair.first),
                                                        ": ", pair.second);
                                      }),
                        "}");
  }
  if (!field.is_repeated()) return InLine(Value{message, field});
  std::vector<std::string> items;
  items.reserve(static_cast<size_t>(SizeOf(message, field)));
  for (int i = 0; i < SizeOf(message, field); ++i) {
    items.push_back(InLine(Value{message, field, i}));
  }
  return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
}

std::string InLine(const Message& message) {
  const std::vector<const FieldDescriptor*> set = SetFields(message);
  std::vector<std::string> fields;
  fields.reserve(set.size());
  for (const FieldDescriptor* field : set) {
    fields.push_back(absl::StrCat(absl::string_view(field->name()), ": ",
                                  FieldInLine(message, *field)));
  }
  return absl::StrCat("{", absl::StrJoin(fields, ", "), "}");
}

bool HasEntries(const Message& message) {
  for (const FieldDescriptor* field : SetFields(message)) {
    if (field->is_repeated() && IsMessage(*field) && !field->is_map()) {
      return true;
    }
    if (!field->is_repeated() && IsMessage(*field) &&
        HasEntries(Value{message, *field}.SubMessage())) {
      return true;
    }
  }
  return false;
}

void AppendFields(const Message& message, size_t indent, std::string& out);

// Appends a message behind "name:" or "-", of which the line has `column`
// bytes.
void AppendMessage(const Message& message, size_t indent, size_t column,
                   bool in_list, std::string& out) {
  if (!HasEntries(message)) {
    const std::string line = InLine(message);
    if (column + 1 + line.size() <= kLineBytes || line == "{}") {
      absl::StrAppend(&out, " ", line, "\n");
      return;
    }
  }
  if (!in_list) {
    absl::StrAppend(&out, "\n");
    AppendFields(message, indent + 2, out);
    return;
  }
  // The first field stands behind the "-".
  std::string fields;
  AppendFields(message, indent + 2, fields);
  absl::StrAppend(&out, " ", absl::string_view(fields).substr(indent + 2));
}

// Appends the fields of a message, each in lines of its own.
void AppendFields(const Message& message, size_t indent, std::string& out) {
  const std::string spaces(indent, ' ');
  for (const FieldDescriptor* field : SetFields(message)) {
    const absl::string_view name = field->name();
    absl::StrAppend(&out, spaces, name, ":");
    const size_t column = indent + name.size() + 1;
    if (field->is_map() || !IsMessage(*field)) {
      absl::StrAppend(&out, " ", FieldInLine(message, *field), "\n");
    } else if (!field->is_repeated()) {
      AppendMessage(Value{message, *field}.SubMessage(), indent, column,
                    /*in_list=*/false, out);
    } else {
      absl::StrAppend(&out, "\n");
      for (int i = 0; i < SizeOf(message, *field); ++i) {
        absl::StrAppend(&out, spaces, "  -");
        AppendMessage(Value{message, *field, i}.SubMessage(), indent + 2,
                      indent + 3, /*in_list=*/true, out);
      }
    }
  }
}

}  // namespace

std::string WriteManifest(const v1::ModelSpec& model) {
  std::string text;
  AppendFields(model, 0, text);
  return text;
}

}  // namespace weightinit

// What is written reads back as the same.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/client/manifest.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

// Makes messages at random.
class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}

  // Sets about half of the fields; of fields inside, fewer and fewer.
  void Fill(Message& message, int level) {
    const auto& type = *message.GetDescriptor();
    for (int f = 0; f < type.field_count(); ++f) {
      const FieldDescriptor& field = *type.field(f);
      const bool is_message =
          field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
      if (Below(2) == 0 || (is_message && Below(6) < level)) continue;
      const int count = field.is_repeated() ? Below(4) : 1;
      for (int i = 0; i < count; ++i) Set(field, message, level);
    }
    for (int o = 0; o < type.oneof_decl_count(); ++o) {
      if (type.oneof_decl(o)->field(0)->real_containing_oneof() != nullptr) {
        const auto& oneof = *type.oneof_decl(o);
        Set(*oneof.field(Below(oneof.field_count())), message, level);
        kinds_.insert(std::string(message.GetReflection()
                                      ->GetOneofFieldDescriptor(message, &oneof)
                                      ->name()));
      }
    }
  }

  // The kinds of entries that there have been.
  const std::set<std::string>& kinds() const { return kinds_; }

 private:
  int Below(int end) {
    return static_cast<int>(random_() % static_cast<uint32_t>(end));
  }

  template <typename T>
  const T& Any(const std::vector<T>& all) {
    return all[static_cast<size_t>(Below(static_cast<int>(all.size())))];
  }

  std::string Text() {
    static const auto& texts =
        *new std::vector<std::string>{"",
                                      "a",
                                      "weight",
                                      "h.{i}.attn",
                                      "*.c_proj.weight",
                                      "no",
                                      "Null",
                                      "~",
                                      "true",
                                      "1_000",
                                      "010",
                                      "0.02",
                                      "- a",
                                      "a: b",
                                      "a #b",
                                      " a ",
                                      "'",
                                      "\"",
                                      "\\",
                                      "\n",
                                      "\t",
                                      "\r\n",
                                      std::string("\0x", 2),
                                      "\x7f",
                                      "\x01",
                                      "\xc3\xa4",
                                      "\xe2\x82\xac",
                                      "\xf0\x9f\x98\x80",
                                      "\xc2\x85",
                                      "\xe2\x80\xa8\xe2\x80\xa9",
                                      "\xef\xbb\xbf",
                                      "&a",
                                      "!a",
                                      "%a",
                                      "@a",
                                      "`a",
                                      "|",
                                      ">",
                                      "[",
                                      "{",
                                      "<<",
                                      "=",
                                      "---",
                                      "...",
                                      "?",
                                      ":",
                                      "a,b",
                                      "a]b",
                                      "0.02 / sqrt(2 * n)"};
    return Any(texts);
  }

  double Number() {
    static const auto& numbers =
        *new std::vector<double>{0,
                                 1,
                                 -1,
                                 0.02,
                                 0.1,
                                 1.0 / 3,
                                 1e-300,
                                 5e-324,
                                 1e22,
                                 123456789.125,
                                 std::numeric_limits<double>::max(),
                                 -2.5};
    return Any(numbers);
  }

  int64_t Integer() {
    static const auto& integers =
        *new std::vector<int64_t>{0,
                                  1,
                                  -1,
                                  768,
                                  65536,
                                  std::numeric_limits<int64_t>::max(),
                                  std::numeric_limits<int64_t>::min()};
    return Any(integers);
  }

  void Set(const FieldDescriptor& field, Message& message, int level) {
    const auto& reflection = *message.GetReflection();
    if (field.is_map()) {
      Message& entry = *reflection.AddMessage(&message, &field);
      const auto& type = *field.message_type();
      // Keys of a map are all different.
      entry.GetReflection()->SetString(&entry, type.map_key(),
                                       absl::StrCat(Text(), next_key_++));
      Set(*type.map_value(), entry, level);
      return;
    }
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Fill(field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                 : *reflection.MutableMessage(&message, &field),
             level + 1);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(&message, &field, Text());
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, &field, Below(2) == 1);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection.SetDouble(&message, &field, Number());
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(&message, &field, Below(1000) - 500);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        if (field.is_repeated()) {
          reflection.AddInt64(&message, &field, Integer());
        } else {
          reflection.SetInt64(&message, &field, Integer());
        }
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto& type = *field.enum_type();
        reflection.SetEnumValue(
            &message, &field, type.value(Below(type.value_count()))->number());
        break;
      }
      default:
        ADD_FAILURE() << "a field of another type";
    }
  }

  std::mt19937 random_;
  std::set<std::string> kinds_;
  int next_key_ = 0;
};

TEST(WriteManifestTest, WhatIsWrittenReadsBackAsTheSame) {
  std::set<std::string> kinds;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Maker maker(seed);
    v1::ModelSpec model;
    maker.Fill(model, 0);
    model.set_version(1);
    kinds.insert(maker.kinds().begin(), maker.kinds().end());
    const std::string text = WriteManifest(model);
    const absl::StatusOr<v1::ModelSpec> back = ParseManifest(text, "m.yaml");
    ASSERT_TRUE(back.ok()) << back.status() << "\n" << text;
    ASSERT_TRUE(MessageDifferencer::Equals(*back, model)) << text;
  }
  // Every kind of entry has been there.
  EXPECT_EQ(kinds.size(), static_cast<size_t>(v1::ModelEntry::descriptor()
                                                  ->FindOneofByName("kind")
                                                  ->field_count()));
}

TEST(WriteManifestTest, ItReadsWell) {
  const char* const text = R"yaml(version: 1
name: small
defaults: {dtype: bfloat16, expressions: {stddev: "0.02 / sqrt(2 * k)"}}
constants: {k: 12}
entries:
  - name: "h.{i}"
    repeat:
      - {index: i, count: 12}
    block:
      entries:
        - {name: fc, dense: {in_features: 768, out_features: 3072, bias: false}}
        - name: attn
          attention:
            embed_dim: 768
            num_heads: 12
            query_name: query
            key_name: key
            value_name: value
            output_name: out
  - {name: head.weight, alias: h.0.fc.weight}
  - {name: scale, tensor: {}}
rules:
  - {match: "*.fc.weight", scheme: he_normal, parameters: {negative_slope: 0.1}}
)yaml";
  const absl::StatusOr<v1::ModelSpec> model = ParseManifest(text, "m.yaml");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(WriteManifest(*model), text);
}

TEST(WriteManifestTest, AnEmptyModelIsAVersion) {
  v1::ModelSpec model;
  model.set_version(1);
  EXPECT_EQ(WriteManifest(model), "version: 1\n");
}

}  // namespace
}  // namespace weightinit

#include "client/cpp/cli/model_difference.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/wire_names.h"
#include "weightinit/core/request.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {
namespace {

using Json = nlohmann::ordered_json;

// A path need not be UTF-8, JSON has to be.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The fields of a tensor that are compared: all that decides a byte, and what
// tells where it comes from.
class Fields {
 public:
  explicit Fields(const v1::ModelTensor& tensor) {
    if (!tensor.alias_of().empty()) {
      Set("alias_of", tensor.alias_of());
      return;
    }
    Add(tensor.description(), "");
    Set("buffer", tensor.buffer());
  }

  // The differences, in the order of the fields of this one. Parts are not
  // compared with those of a tensor that has another number of them.
  std::vector<FieldDifference> To(const Fields& other) const {
    const bool other_parts = ValueOf("parts") != other.ValueOf("parts");
    const auto is_compared = [&](const std::string& field) {
      return !other_parts || !absl::StartsWith(field, "parts[");
    };
    std::vector<FieldDifference> differences;
    for (const auto& [field, value] : fields_) {
      std::string there = other.ValueOf(field);
      if (there != value && is_compared(field)) {
        differences.push_back({field, value, std::move(there)});
      }
    }
    for (const auto& [field, value] : other.fields_) {
      if (!places_.contains(field) && is_compared(field)) {
        differences.push_back({field, "null", value});
      }
    }
    return differences;
  }

 private:
  void Set(const std::string& field, const Json& value) {
    places_[field] = fields_.size();
    fields_.emplace_back(field, Dump(value));
  }

  std::string ValueOf(const std::string& field) const {
    const auto found = places_.find(field);
    return found == places_.end() ? "null" : fields_[found->second].second;
  }

  // The depth of the recursion is that of parts in parts.
  void Add(const v1::TensorDescription& tensor, const std::string& prefix) {
    const auto set = [&](const char* field, const Json& value) {
      Set(absl::StrCat(prefix, field), value);
    };
    set("shape", tensor.shape());
    set("dtype", WireName<Dtype>(tensor.dtype()));
    set("layout", WireName<Layout>(tensor.layout()));
    if (tensor.has_fan_in()) set("fan_in", tensor.fan_in());
    if (tensor.has_fan_out()) set("fan_out", tensor.fan_out());
    if (tensor.parts_size() > 0) {
      set("axis", tensor.axis());
      set("stacked", tensor.stacked());
      set("parts", tensor.parts_size());
      for (int i = 0; i < tensor.parts_size(); ++i) {
        const std::string part = absl::StrCat(prefix, "parts[", i, "].");
        Set(absl::StrCat(part, "name"), tensor.parts(i).name());
        Add(tensor.parts(i), part);
      }
      return;
    }
    set("scheme", WireName<Scheme>(tensor.scheme()));
    const v1::DistributionParameters& parameters = tensor.parameters();
    set("distribution", WireName<Distribution>(parameters.distribution()));
    if (!tensor.has_parameters()) set("gain", tensor.gain());
    if (parameters.has_mean()) set("mean", parameters.mean());
    if (parameters.has_stddev()) set("stddev", parameters.stddev());
    if (parameters.has_low()) set("low", parameters.low());
    if (parameters.has_high()) set("high", parameters.high());
  }

  std::vector<std::pair<std::string, std::string>> fields_;
  absl::flat_hash_map<std::string, size_t> places_;
};

std::string Fingerprint(const ResolvedModel& model) {
  return absl::BytesToHexString(model.summary.fingerprint());
}

Json ModelJson(const ResolvedModel& model) {
  return {{"manifest", model.path},
          {"model", model.summary.name()},
          {"fingerprint", Fingerprint(model)},
          {"tensor_count", model.summary.tensors()}};
}

}  // namespace

std::vector<TensorDifference> Differences(const ResolvedModel& a,
                                          const ResolvedModel& b) {
  using Kind = TensorDifference::Kind;
  absl::flat_hash_map<std::string, const v1::ModelTensor*> in_b;
  for (const v1::ModelTensor& tensor : b.tensors) {
    in_b[tensor.description().name()] = &tensor;
  }
  std::vector<TensorDifference> differences;
  absl::flat_hash_set<std::string> in_a;
  for (const v1::ModelTensor& tensor : a.tensors) {
    const std::string& name = tensor.description().name();
    in_a.insert(name);
    const auto found = in_b.find(name);
    if (found == in_b.end()) {
      differences.push_back({Kind::kOnlyInA, name, {}});
      continue;
    }
    auto fields = Fields(tensor).To(Fields(*found->second));
    if (!fields.empty()) {
      differences.push_back({Kind::kChanged, name, std::move(fields)});
    }
  }
  for (const v1::ModelTensor& tensor : b.tensors) {
    const std::string& name = tensor.description().name();
    if (!in_a.contains(name)) {
      differences.push_back({Kind::kOnlyInB, name, {}});
    }
  }
  return differences;
}

std::string DifferenceText(const ResolvedModel& a, const ResolvedModel& b,
                           const std::vector<TensorDifference>& differences) {
  std::string text;
  for (const ResolvedModel* const model : {&a, &b}) {
    absl::StrAppendFormat(&text, "%-10s %s, %d tensors, fingerprint %s\n",
                          model == &a ? "A" : "B", model->path,
                          model->summary.tensors(), Fingerprint(*model));
  }
  for (const TensorDifference& difference : differences) {
    const char* label = "changed";
    if (difference.kind == TensorDifference::Kind::kOnlyInA) {
      label = "only in A";
    } else if (difference.kind == TensorDifference::Kind::kOnlyInB) {
      label = "only in B";
    }
    absl::StrAppendFormat(&text, "%-10s %s", label,
                          absl::Utf8SafeCHexEscape(difference.name));
    const char* separator = ": ";
    for (const FieldDifference& field : difference.fields) {
      absl::StrAppend(&text, separator, field.field, " ", field.a, " -> ",
                      field.b);
      separator = "; ";
    }
    absl::StrAppend(&text, "\n");
  }
  if (differences.empty()) absl::StrAppend(&text, "equal\n");
  return text;
}

std::string DifferenceJson(const ResolvedModel& a, const ResolvedModel& b,
                           const std::vector<TensorDifference>& differences) {
  Json json;
  json["equal"] = differences.empty();
  json["a"] = ModelJson(a);
  json["b"] = ModelJson(b);
  json["only_in_a"] = Json::array();
  json["only_in_b"] = Json::array();
  json["changed"] = Json::array();
  for (const TensorDifference& difference : differences) {
    switch (difference.kind) {
      case TensorDifference::Kind::kOnlyInA:
        json["only_in_a"].push_back(difference.name);
        break;
      case TensorDifference::Kind::kOnlyInB:
        json["only_in_b"].push_back(difference.name);
        break;
      case TensorDifference::Kind::kChanged: {
        Json fields;
        for (const FieldDifference& field : difference.fields) {
          fields[field.field] = {{"a", Json::parse(field.a)},
                                 {"b", Json::parse(field.b)}};
        }
        json["changed"].push_back(
            {{"name", difference.name}, {"fields", std::move(fields)}});
        break;
      }
    }
  }
  return Dump(json) + "\n";
}

}  // namespace weightinit::cli

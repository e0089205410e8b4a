#include "client/cpp/cli/request_options.h"

#include <cstdint>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/cpp/cli/model_selection.h"
#include "proto/cpp/spec_conversion.h"
#include "weightinit/core/framework_schemes.h"
#include "weightinit/core/model.h"
#include "weightinit/core/names.h"

namespace weightinit::cli {
namespace {

// Reads options one by one and remembers what was wrong with them.
class OptionReader {
 public:
  // The text of `option` is not `expected`.
  void Fail(absl::string_view option, absl::string_view text,
            absl::string_view expected) {
    errors_.push_back(
        absl::StrCat(option, ": \"", text, "\" is not ", expected));
  }

  std::optional<int64_t> Integer(absl::string_view option,
                                 const std::optional<std::string>& text) {
    if (!text.has_value()) return std::nullopt;
    int64_t value = 0;
    if (absl::SimpleAtoi(*text, &value)) return value;
    Fail(option, *text, "an integer of 64 bits");
    return std::nullopt;
  }

  // Infinity and NaN are numbers here; the service rejects them by field.
  std::optional<double> Number(absl::string_view option,
                               const std::optional<std::string>& text) {
    if (!text.has_value()) return std::nullopt;
    double value = 0;
    if (absl::SimpleAtod(*text, &value)) return value;
    Fail(option, *text, "a number");
    return std::nullopt;
  }

  // The wire's value of a name of `Core`, whose numbers are those of the wire.
  template <typename Wire, typename Core>
  Wire Name(absl::string_view option, const std::optional<std::string>& text) {
    if (!text.has_value()) return Wire();
    if (const std::optional<Core> value = Parse<Core>(*text)) {
      return static_cast<Wire>(static_cast<int>(*value));
    }
    std::string allowed = absl::StrCat(
        "one of ",
        absl::StrJoin(AllNamed<Core>(), ", ",
                      [](std::string* out, const Named<Core>& named) {
                        out->append(named.name);
                      }));
    if constexpr (std::is_same_v<Core, Scheme>) {
      absl::StrAppend(&allowed, FrameworkHint(*text));
    }
    Fail(option, *text, allowed);
    return Wire();
  }

  uint64_t Seed(const std::optional<std::string>& text) {
    if (!text.has_value()) return 0;
    uint64_t seed = 0;
    absl::string_view digits = *text;
    const bool hex = absl::ConsumePrefix(&digits, "0x") ||
                     absl::ConsumePrefix(&digits, "0X");
    const absl::string_view allowed =
        hex ? "0123456789abcdefABCDEF" : "0123456789";
    if (!digits.empty() &&
        digits.find_first_not_of(allowed) == absl::string_view::npos &&
        (hex ? absl::SimpleHexAtoi(digits, &seed)
             : absl::SimpleAtoi(digits, &seed))) {
      return seed;
    }
    Fail("--seed", *text,
         "an integer from 0 to 18446744073709551615, decimal or 0x hex");
    return 0;
  }

  std::string SeedName(const std::optional<std::string>& name,
                       const std::optional<std::string>& seed) {
    if (!name.has_value()) return "";
    if (name->empty()) errors_.emplace_back("--seed-name: is empty");
    if (seed.has_value()) {
      errors_.emplace_back("--seed-name and --seed: give one of the two");
    }
    return *name;
  }

  std::vector<int64_t> Shape(const std::optional<std::string>& text) {
    std::vector<int64_t> shape;
    if (!text.has_value()) {
      errors_.emplace_back("--shape is required; \"\" is a scalar");
      return shape;
    }
    if (text->empty()) return shape;
    for (const absl::string_view dimension :
         absl::StrSplit(*text, absl::ByAnyChar("x,"))) {
      int64_t value = 0;
      if (!absl::SimpleAtoi(dimension, &value)) {
        Fail("--shape", *text,
             "integers between x or commas, as in 512x256 or 512,256");
        return {};
      }
      shape.push_back(value);
    }
    return shape;
  }

  // Python's basic slicing: omitted ends, negative ones that count from the
  // end, fewer ranges than dimensions. Ends that stay outside are not clamped.
  std::vector<v1::DimensionRange> Slice(const std::optional<std::string>& text,
                                        const std::vector<int64_t>& shape) {
    std::vector<v1::DimensionRange> ranges;
    if (!text.has_value() || text->empty()) return ranges;
    const std::vector<absl::string_view> parts = absl::StrSplit(*text, ',');
    if (parts.size() > shape.size()) {
      errors_.push_back(absl::StrCat("--slice: \"", *text, "\" has ",
                                     parts.size(), " ranges, the shape has ",
                                     shape.size(), " dimensions"));
      return {};
    }
    for (size_t i = 0; i < shape.size(); ++i) {
      const absl::string_view part = i < parts.size() ? parts[i] : ":";
      const std::vector<absl::string_view> ends = absl::StrSplit(part, ':');
      v1::DimensionRange range;
      int64_t start = 0;
      int64_t stop = 0;
      if (ends.size() != 2 || !End(ends[0], shape[i], &start) ||
          !End(ends[1], shape[i], &stop)) {
        Fail("--slice", *text,
             absl::StrCat(
                 "start:stop for each dimension, as in 0:16,: (dimension ", i,
                 " has size ", shape[i], ")"));
        return {};
      }
      range.set_start(start);
      if (!absl::StripAsciiWhitespace(ends[1]).empty()) range.set_stop(stop);
      ranges.push_back(range);
    }
    return ranges;
  }

  // The share of the tensor as a slice.
  std::vector<v1::DimensionRange> Share(const RequestOptions& options,
                                        const std::vector<int64_t>& shape) {
    const std::optional<int64_t> axis_option = Integer("--axis", options.axis);
    if (!options.shard.has_value()) {
      if (options.axis.has_value()) {
        errors_.emplace_back("--axis: needs --shard");
      }
      return {};
    }
    if (options.slice.has_value()) {
      errors_.emplace_back("--shard and --slice: give one of the two");
      return {};
    }
    const std::optional<ShardText> text = ParseShardText(*options.shard);
    if (!text.has_value() || text->index >= text->count) {
      Fail("--shard", *options.shard,
           "INDEX/COUNT with INDEX from 0 to COUNT - 1, as 3/8; with an axis, "
           "3/8:0");
      return {};
    }
    const int64_t axis = text->axis.value_or(axis_option.value_or(0));
    if (axis < 0 || axis >= static_cast<int64_t>(shape.size())) {
      errors_.push_back(absl::StrCat("--shard: axis ", axis,
                                     " is missing; the shape has ",
                                     shape.size(), " dimensions"));
      return {};
    }
    std::vector<v1::DimensionRange> ranges(shape.size());
    const int64_t size = shape[static_cast<size_t>(axis)];
    if (size < 0) return ranges;  // For the service to say.
    const DimensionRange share =
        ShareOf({text->index, text->count, axis}, size);
    ranges[static_cast<size_t>(axis)].set_start(share.start);
    ranges[static_cast<size_t>(axis)].set_stop(*share.stop);
    return ranges;
  }

  absl::Status status() const {
    if (errors_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(errors_, "\n"));
  }

 private:
  // One end of a range; false unless it is empty or an integer, whose negative
  // value lies in the dimension.
  static bool End(absl::string_view text, int64_t dimension, int64_t* end) {
    text = absl::StripAsciiWhitespace(text);
    if (text.empty()) return true;
    if (!absl::SimpleAtoi(text, end)) return false;
    if (*end < 0) *end += dimension;
    return *end >= 0;
  }

  std::vector<std::string> errors_;
};

}  // namespace

std::string OptionOf(absl::string_view name) {
  return absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}}));
}

absl::StatusOr<v1::InitializeTensorRequest> ParseRequest(
    const RequestOptions& options) {
  OptionReader reader;
  v1::InitializeTensorRequest request;
  v1::TensorSpec& tensor = *request.mutable_tensor();
  tensor.set_name(options.name);
  const std::vector<int64_t> shape = reader.Shape(options.shape);
  tensor.mutable_shape()->Add(shape.begin(), shape.end());
  const FrameworkScheme* const of_framework =
      options.scheme.has_value() ? FindFrameworkScheme(*options.scheme)
                                 : nullptr;
  tensor.set_scheme(
      of_framework != nullptr
          ? static_cast<v1::Scheme>(of_framework->scheme)
          : reader.Name<v1::Scheme, Scheme>("--scheme", options.scheme));
  tensor.set_role(
      reader.Name<v1::TensorRole, TensorRole>("--role", options.role));
  tensor.set_activation(reader.Name<v1::Activation, Activation>(
      "--activation", options.activation));
  tensor.set_dtype(reader.Name<v1::Dtype, Dtype>("--dtype", options.dtype));

  v1::FanSpec& fan = *tensor.mutable_fan();
  fan.set_layout(reader.Name<v1::Layout, Layout>("--layout", options.layout));
  if (const auto groups = reader.Integer("--groups", options.groups)) {
    fan.set_groups(*groups);
  }
  fan.set_transposed(options.transposed);
  if (const auto in = reader.Integer("--fan-in", options.fan_in)) {
    fan.set_fan_in(*in);
  }
  if (const auto out = reader.Integer("--fan-out", options.fan_out)) {
    fan.set_fan_out(*out);
  }

  v1::SchemeParameters& parameters = *tensor.mutable_parameters();
#define WEIGHTINIT_PARAMETER(name, ...)                              \
  if (const auto x = reader.Number(OptionOf(#name), options.name)) { \
    parameters.set_##name(*x);                                       \
  }
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  parameters.set_##name(                             \
      reader.Name<v1::type, type>(OptionOf(#name), options.name));
#include "weightinit/core/request.def"
  if (of_framework != nullptr) {
    ToProto(of_framework->Fill(FromProto(parameters)), &parameters);
  }

  request.set_seed(reader.Seed(options.seed));
  request.set_seed_name(reader.SeedName(options.seed_name, options.seed));
  request.set_generator(
      reader.Name<v1::Generator, Generator>("--generator", options.generator));
  for (v1::DimensionRange& range : reader.Slice(options.slice, shape)) {
    *request.add_slice() = std::move(range);
  }
  for (v1::DimensionRange& range : reader.Share(options, shape)) {
    *request.add_slice() = std::move(range);
  }
  if (const auto first =
          reader.Integer("--first-element", options.first_element)) {
    request.set_first_element(*first);
  }
  if (const auto count =
          reader.Integer("--element-count", options.element_count)) {
    request.set_element_count(*count);
  }
  if (options.chunk_bytes.has_value()) {
    int32_t chunk_bytes = 0;
    if (absl::SimpleAtoi(*options.chunk_bytes, &chunk_bytes)) {
      request.set_chunk_bytes(chunk_bytes);
    } else {
      reader.Fail("--chunk-bytes", *options.chunk_bytes,
                  "an integer of 32 bits");
    }
  }
  if (absl::Status status = reader.status(); !status.ok()) return status;
  return request;
}

v1::DescribeTensorRequest DescriptionOf(
    const v1::InitializeTensorRequest& request) {
  v1::DescribeTensorRequest describe;
  *describe.mutable_tensor() = request.tensor();
  describe.set_seed(request.seed());
  describe.set_seed_name(request.seed_name());
  describe.set_generator(request.generator());
  *describe.mutable_slice() = request.slice();
  describe.set_first_element(request.first_element());
  if (request.has_element_count()) {
    describe.set_element_count(request.element_count());
  }
  describe.set_chunk_bytes(request.chunk_bytes());
  return describe;
}

}  // namespace weightinit::cli

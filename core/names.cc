#include "weightinit/core/names.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"

namespace weightinit {
namespace {

template <typename E>
struct NameTable {
  std::vector<Named<E>> canonical;
  std::vector<Named<E>> aliases;
};

template <typename E>
const NameTable<E>& Table();

template <>
const NameTable<Scheme>& Table() {
  static const auto* const table =
      new NameTable<Scheme>{{{Scheme::kZeros, "zeros"},
                             {Scheme::kOnes, "ones"},
                             {Scheme::kConstant, "constant"},
                             {Scheme::kUniform, "uniform"},
                             {Scheme::kNormal, "normal"},
                             {Scheme::kTruncatedNormal, "truncated_normal"},
                             {Scheme::kXavierUniform, "xavier_uniform"},
                             {Scheme::kXavierNormal, "xavier_normal"},
                             {Scheme::kHeUniform, "he_uniform"},
                             {Scheme::kHeNormal, "he_normal"},
                             {Scheme::kLecunUniform, "lecun_uniform"},
                             {Scheme::kLecunNormal, "lecun_normal"},
                             {Scheme::kVarianceScaling, "variance_scaling"}},
                            {{Scheme::kXavierUniform, "glorot_uniform"},
                             {Scheme::kXavierNormal, "glorot_normal"},
                             {Scheme::kHeUniform, "kaiming_uniform"},
                             {Scheme::kHeNormal, "kaiming_normal"}}};
  return *table;
}

template <>
const NameTable<Activation>& Table() {
  static const auto* const table =
      new NameTable<Activation>{{{Activation::kLinear, "linear"},
                                 {Activation::kSigmoid, "sigmoid"},
                                 {Activation::kTanh, "tanh"},
                                 {Activation::kSoftmax, "softmax"},
                                 {Activation::kRelu, "relu"},
                                 {Activation::kLeakyRelu, "leaky_relu"},
                                 {Activation::kSwish, "swish"},
                                 {Activation::kGelu, "gelu"},
                                 {Activation::kElu, "elu"},
                                 {Activation::kMish, "mish"},
                                 {Activation::kPrelu, "prelu"},
                                 {Activation::kSelu, "selu"}},
                                {{Activation::kLinear, "none"},
                                 {Activation::kLinear, "identity"},
                                 {Activation::kSwish, "silu"}}};
  return *table;
}

template <>
const NameTable<Dtype>& Table() {
  static const auto* const table =
      new NameTable<Dtype>{{{Dtype::kFloat32, "float32"},
                            {Dtype::kFloat64, "float64"},
                            {Dtype::kFloat16, "float16"},
                            {Dtype::kBfloat16, "bfloat16"}},
                           {{Dtype::kFloat32, "f32"},
                            {Dtype::kFloat32, "float"},
                            {Dtype::kFloat64, "f64"},
                            {Dtype::kFloat64, "double"},
                            {Dtype::kFloat16, "f16"},
                            {Dtype::kFloat16, "half"},
                            {Dtype::kBfloat16, "bf16"}}};
  return *table;
}

template <>
const NameTable<Generator>& Table() {
  static const auto* const table = new NameTable<Generator>{
      {{Generator::kPhilox4x32V1, "philox4x32_v1"}}, {}};
  return *table;
}

template <>
const NameTable<Layout>& Table() {
  static const auto* const table = new NameTable<Layout>{
      {{Layout::kOutIn, "out_in"}, {Layout::kInOut, "in_out"}}, {}};
  return *table;
}

template <>
const NameTable<FanMode>& Table() {
  static const auto* const table =
      new NameTable<FanMode>{{{FanMode::kIn, "in"},
                              {FanMode::kOut, "out"},
                              {FanMode::kAverage, "average"},
                              {FanMode::kGeometric, "geometric"}},
                             {{FanMode::kIn, "fan_in"},
                              {FanMode::kOut, "fan_out"},
                              {FanMode::kAverage, "avg"},
                              {FanMode::kAverage, "fan_avg"}}};
  return *table;
}

template <>
const NameTable<Distribution>& Table() {
  static const auto* const table = new NameTable<Distribution>{
      {{Distribution::kConstant, "constant"},
       {Distribution::kUniform, "uniform"},
       {Distribution::kNormal, "normal"},
       {Distribution::kTruncatedNormal, "truncated_normal"}},
      {}};
  return *table;
}

template <>
const NameTable<AdvisoryCode>& Table() {
  static const auto* const table = new NameTable<AdvisoryCode>{
      {{AdvisoryCode::kXavierWithRelu, "xavier_with_relu"},
       {AdvisoryCode::kHeWithSaturating, "he_with_saturating"},
       {AdvisoryCode::kSymmetryNotBroken, "symmetry_not_broken"},
       {AdvisoryCode::kStddevTooHigh, "stddev_too_high"},
       {AdvisoryCode::kStddevTooLow, "stddev_too_low"}},
      {}};
  return *table;
}

}  // namespace

template <typename E>
const std::vector<Named<E>>& AllNamed() {
  return Table<E>().canonical;
}

template <typename E>
std::string_view NameOf(E value) {
  for (const Named<E>& named : AllNamed<E>()) {
    if (named.value == value) return named.name;
  }
  return "unspecified";
}

template <typename E>
std::optional<E> Parse(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower({name.data(), name.size()});
  for (const auto* names : {&Table<E>().canonical, &Table<E>().aliases}) {
    for (const Named<E>& named : *names) {
      if (named.name == lower) return named.value;
    }
  }
  return std::nullopt;
}

template <typename E>
bool IsNamed(E value) {
  const auto& all = AllNamed<E>();
  return std::any_of(all.begin(), all.end(), [&](const Named<E>& named) {
    return named.value == value;
  });
}

// NOLINTBEGIN(bugprone-macro-parentheses): E is a type.
#define WEIGHTINIT_INSTANTIATE_NAMES(E)              \
  template const std::vector<Named<E>>& AllNamed();  \
  template std::string_view NameOf(E);               \
  template std::optional<E> Parse(std::string_view); \
  template bool IsNamed(E)
// NOLINTEND(bugprone-macro-parentheses)

WEIGHTINIT_INSTANTIATE_NAMES(Scheme);
WEIGHTINIT_INSTANTIATE_NAMES(Activation);
WEIGHTINIT_INSTANTIATE_NAMES(Dtype);
WEIGHTINIT_INSTANTIATE_NAMES(Generator);
WEIGHTINIT_INSTANTIATE_NAMES(Layout);
WEIGHTINIT_INSTANTIATE_NAMES(FanMode);
WEIGHTINIT_INSTANTIATE_NAMES(Distribution);
WEIGHTINIT_INSTANTIATE_NAMES(AdvisoryCode);

#undef WEIGHTINIT_INSTANTIATE_NAMES

}  // namespace weightinit

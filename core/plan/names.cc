#include "weightinit/core/names.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"

namespace weightinit {
namespace {

// All names of one value, the canonical one first.
template <typename E>
struct Names {
  E value;
  std::vector<std::string_view> names;
};

template <typename E>
const std::vector<Names<E>>& AllNames();

// clang-format off
#define NAMES(...) {__VA_ARGS__}
#define WEIGHTINIT_NAMES(enumerator, number, names, ...) \
  {E::enumerator, names},
// clang-format on

template <>
const std::vector<Names<Scheme>>& AllNames() {
  using E = Scheme;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_SCHEME WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<Activation>>& AllNames() {
  using E = Activation;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_ACTIVATION WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<Dtype>>& AllNames() {
  using E = Dtype;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_DTYPE WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<Generator>>& AllNames() {
  using E = Generator;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_GENERATOR WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<TensorRole>>& AllNames() {
  using E = TensorRole;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_TENSOR_ROLE WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<Layout>>& AllNames() {
  using E = Layout;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_LAYOUT WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<FanMode>>& AllNames() {
  using E = FanMode;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_FAN_MODE WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<Distribution>>& AllNames() {
  using E = Distribution;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_DISTRIBUTION WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

template <>
const std::vector<Names<AdvisoryCode>>& AllNames() {
  using E = AdvisoryCode;
  static const auto* const all = new std::vector<Names<E>>{
#define WEIGHTINIT_ADVISORY_CODE WEIGHTINIT_NAMES
#include "weightinit/core/request.def"
  };
  return *all;
}

#undef NAMES
#undef WEIGHTINIT_NAMES

}  // namespace

template <typename E>
const std::vector<Named<E>>& AllNamed() {
  static const auto* const canonical = [] {
    auto* const named = new std::vector<Named<E>>;
    for (const Names<E>& row : AllNames<E>()) {
      named->push_back({row.value, row.names.front()});
    }
    return named;
  }();
  return *canonical;
}

template <typename E>
std::string_view NameOf(E value) {
  for (const Named<E>& named : AllNamed<E>()) {
    if (named.value == value) return named.name;
  }
  return "unspecified";
}

template <typename E>
std::vector<std::string_view> AliasesOf(E value) {
  for (const Names<E>& row : AllNames<E>()) {
    if (row.value == value) return {row.names.begin() + 1, row.names.end()};
  }
  return {};
}

template <typename E>
std::optional<E> Parse(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower({name.data(), name.size()});
  for (const Names<E>& row : AllNames<E>()) {
    for (const std::string_view known : row.names) {
      if (known == lower) return row.value;
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
#define WEIGHTINIT_INSTANTIATE_NAMES(E)                \
  template const std::vector<Named<E>>& AllNamed();    \
  template std::string_view NameOf(E);                 \
  template std::vector<std::string_view> AliasesOf(E); \
  template std::optional<E> Parse(std::string_view);   \
  template bool IsNamed(E)
// NOLINTEND(bugprone-macro-parentheses)

WEIGHTINIT_INSTANTIATE_NAMES(Scheme);
WEIGHTINIT_INSTANTIATE_NAMES(Activation);
WEIGHTINIT_INSTANTIATE_NAMES(Dtype);
WEIGHTINIT_INSTANTIATE_NAMES(Generator);
WEIGHTINIT_INSTANTIATE_NAMES(TensorRole);
WEIGHTINIT_INSTANTIATE_NAMES(Layout);
WEIGHTINIT_INSTANTIATE_NAMES(FanMode);
WEIGHTINIT_INSTANTIATE_NAMES(Distribution);
WEIGHTINIT_INSTANTIATE_NAMES(AdvisoryCode);

#undef WEIGHTINIT_INSTANTIATE_NAMES

}  // namespace weightinit

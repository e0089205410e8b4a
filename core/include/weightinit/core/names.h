// The names of enum values, in lower case as the command line and JSON spell
// them: "he_normal", "leaky_relu", "float32", "out_in", "philox4x32_v1".

#ifndef WEIGHTINIT_CORE_NAMES_H_
#define WEIGHTINIT_CORE_NAMES_H_

#include <optional>
#include <string_view>
#include <vector>

#include "weightinit/core/request.h"

namespace weightinit {

// One value and its canonical name.
template <typename E>
struct Named {
  E value;
  std::string_view name;
};

// All values of an enum except its kUnspecified, in numeric order. Defined for
// Scheme, TensorRole, Activation, Dtype, Generator, Layout, FanMode,
// Distribution and AdvisoryCode.
template <typename E>
const std::vector<Named<E>>& AllNamed();

// The canonical name; "unspecified" for kUnspecified and for an unknown value.
template <typename E>
std::string_view NameOf(E value);

// The other names of a value.
template <typename E>
std::vector<std::string_view> AliasesOf(E value);

// The value of a canonical name or of an alias ("silu", "none", "f32", "half",
// ...); nothing if there is none. Case is ignored.
template <typename E>
std::optional<E> Parse(std::string_view name);

// Whether `value` is a named one (kUnspecified is not).
template <typename E>
bool IsNamed(E value);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_NAMES_H_

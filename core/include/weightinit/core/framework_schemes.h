// The initializers of frameworks by their own names: "keras.glorot_normal".

#ifndef WEIGHTINIT_CORE_FRAMEWORK_SCHEMES_H_
#define WEIGHTINIT_CORE_FRAMEWORK_SCHEMES_H_

#include <string_view>
#include <vector>

#include "weightinit/core/request.h"

namespace weightinit {

// A scheme with the defaults of a framework.
struct FrameworkScheme {
  std::string_view name;
  Scheme scheme = Scheme::kUnspecified;
  // Whether low and high are in units of the value. The parameters of the scheme
  // TRUNCATED_NORMAL count standard deviations.
  bool absolute_bounds = false;
  SchemeParameters defaults;

  // Those of the scheme: `given`, else the defaults.
  SchemeParameters Fill(SchemeParameters given) const;
};

// All of them, by framework.
const std::vector<FrameworkScheme>& AllFrameworkSchemes();

// That of a name; null if there is none. Case is ignored, and an underscore
// behind the name.
const FrameworkScheme* FindFrameworkScheme(std::string_view name);

// Those that end in `.name`, for whoever has left the framework out.
std::vector<std::string_view> FrameworkNamesOf(std::string_view name);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_FRAMEWORK_SCHEMES_H_

// What the parameters of the schemes mean and default to: for help texts.

#ifndef WEIGHTINIT_CORE_PARAMETERS_H_
#define WEIGHTINIT_CORE_PARAMETERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "weightinit/core/request.h"

namespace weightinit {

// One parameter, as weightinit/core/request.def lists it.
struct ParameterInfo {
  struct Use {
    Scheme scheme = Scheme::kUnspecified;
    // What it is unless given: "1", "in", "that of the activation"; empty where
    // the scheme requires it.
    std::string default_value;
  };

  std::string_view name;  // As in SchemeParameters: "negative_slope".
  std::string_view what;
  std::vector<std::string> choices;  // Empty for a number.
  std::vector<Use> uses;             // The schemes that take it.
};

// All parameters, in the order of the list.
const std::vector<ParameterInfo>& AllParameters();

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PARAMETERS_H_

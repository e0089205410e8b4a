// The schemes and their parameters in words: for help texts and clients.

#ifndef WEIGHTINIT_CORE_CATALOGUE_H_
#define WEIGHTINIT_CORE_CATALOGUE_H_

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
  std::string range;                 // "above 0"; "any" number that is finite.
  std::vector<std::string> choices;  // Empty for a number.
  std::vector<Use> uses;             // The schemes that take it.
};

// All parameters, in the order of the list.
const std::vector<ParameterInfo>& AllParameters();

struct SchemeInfo {
  struct Taken {
    const ParameterInfo* parameter = nullptr;
    std::string default_value;  // As ParameterInfo::Use has it.
  };

  Scheme scheme = Scheme::kUnspecified;
  std::vector<std::string_view> aliases;
  std::string_view formula;
  std::string_view source;  // A paper or framework, or empty.
  std::string tensors;      // "any"; "rank 2, without groups".
  // Whether any slice costs no more than its share, or else which ones do.
  bool all_slices_are_cheap = true;
  std::string_view cheap_slices;
  std::vector<Taken> parameters;
};

// All schemes, in the order of their numbers.
const std::vector<SchemeInfo>& AllSchemes();

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_CATALOGUE_H_

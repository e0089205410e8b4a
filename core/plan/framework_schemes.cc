#include "weightinit/core/framework_schemes.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// In lower case, without the underscore that torch and timm write behind it.
std::string Bare(std::string_view name) {
  std::string bare = absl::AsciiStrToLower({name.data(), name.size()});
  if (!bare.empty() && bare.back() == '_') bare.pop_back();
  return bare;
}

}  // namespace

SchemeParameters FrameworkScheme::Fill(SchemeParameters given) const {
#define WEIGHTINIT_PARAMETER(name, ...) \
  if (!given.name.has_value()) given.name = defaults.name;
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  if (given.name == type::kUnspecified) given.name = defaults.name;
#include "weightinit/core/request.def"
  // A stddev of 0, which has no bounds, is for the service to judge.
  if (absolute_bounds && *given.stddev > 0) {
    given.low = (*given.low - *given.mean) / *given.stddev;
    given.high = (*given.high - *given.mean) / *given.stddev;
  }
  return given;
}

const std::vector<FrameworkScheme>& AllFrameworkSchemes() {
#define IN_STDDEVS false
#define ABSOLUTE true
#define WITH(...) __VA_ARGS__
#define WEIGHTINIT_FRAMEWORK_SCHEME(name, scheme, bounds, sets) \
  {name, Scheme::scheme, bounds, [] {                           \
     SchemeParameters p;                                        \
     sets;                                                      \
     return p;                                                  \
   }()},
  static const auto* const all = new std::vector<FrameworkScheme>{
#include "weightinit/core/framework_schemes.def"
  };
#undef IN_STDDEVS
#undef ABSOLUTE
#undef WITH
  return *all;
}

const FrameworkScheme* FindFrameworkScheme(std::string_view name) {
  const std::string bare = Bare(name);
  for (const FrameworkScheme& scheme : AllFrameworkSchemes()) {
    if (scheme.name == bare) return &scheme;
  }
  return nullptr;
}

std::string FrameworkHint(std::string_view name) {
  const std::string end = absl::StrCat(".", Bare(name));
  std::vector<std::string> names;
  for (const FrameworkScheme& scheme : AllFrameworkSchemes()) {
    const std::string whole(scheme.name);
    if (absl::EndsWith(whole, end)) names.push_back(whole);
  }
  return names.empty() ? ""
                       : absl::StrCat(", or of a framework: ",
                                      absl::StrJoin(names, ", "));
}

}  // namespace weightinit

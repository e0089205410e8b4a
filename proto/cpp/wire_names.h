// Enums of the core and of the wire, which are the same numbers
// (proto/cpp/enum_checks.cc).

#ifndef WEIGHTINIT_PROTO_CPP_WIRE_NAMES_H_
#define WEIGHTINIT_PROTO_CPP_WIRE_NAMES_H_

#include <string>

#include "weightinit/core/names.h"

namespace weightinit {

// The canonical name of the value of `Core` that came over the wire.
template <typename Core, typename Wire>
std::string WireName(Wire value) {
  return std::string(NameOf(static_cast<Core>(static_cast<int>(value))));
}

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_WIRE_NAMES_H_

// The canonical names of enum values as they come over the wire.

#ifndef WEIGHTINIT_CLIENT_CLI_WIRE_NAMES_H_
#define WEIGHTINIT_CLIENT_CLI_WIRE_NAMES_H_

#include <string>

#include "weightinit/core/names.h"

namespace weightinit::cli {

// NameOf of the value of `Core`, whose numbers are those of the wire.
template <typename Core, typename Wire>
std::string WireName(Wire value) {
  return std::string(NameOf(static_cast<Core>(static_cast<int>(value))));
}

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CLI_WIRE_NAMES_H_

// What somebody may have meant who wrote a name that does not exist.

#ifndef WEIGHTINIT_PROTO_CPP_NEAREST_H_
#define WEIGHTINIT_PROTO_CPP_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weightinit {

// The one of `names` that is most like `text`; "" if none is much like it.
std::string Nearest(absl::string_view text,
                    const std::vector<std::string>& names);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_NEAREST_H_

// The one check that comes before a request is parsed.

#ifndef WEIGHTINIT_SERVER_NAME_CHECK_H_
#define WEIGHTINIT_SERVER_NAME_CHECK_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "weightinit/core/violations.h"

namespace weightinit {

// Where a request has names, by field numbers.
struct NameFields {
  static constexpr int kNone = 0;

  int tensor = kNone;     // Of the tensor, whose name is checked.
  int seed_name = kNone;  // Of the name of the seed.
};

// The names of the serialized request that are not UTF-8, as far as the wire
// form can be read. The generated parser refuses a request that has one, but
// does not say why, and writes a line of its own to standard error.
std::vector<Violation> NamesNotUtf8(absl::string_view request,
                                    const NameFields& fields);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_NAME_CHECK_H_

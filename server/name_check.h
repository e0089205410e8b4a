// The one check that comes before a request is parsed.

#ifndef WEIGHTINIT_SERVER_NAME_CHECK_H_
#define WEIGHTINIT_SERVER_NAME_CHECK_H_

#include "absl/strings/string_view.h"

namespace weightinit {

// Whether the name of the tensor, which is field `tensor_field` of the
// serialized request, is UTF-8, as far as the wire form can be read. The
// generated parser refuses a request whose name is not, but does not say why,
// and writes a line of its own to standard error.
bool NameIsUtf8(absl::string_view request, int tensor_field);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_NAME_CHECK_H_

// What the scalars of a manifest mean.

#ifndef WEIGHTINIT_CLIENT_CPP_MANIFEST_SCALARS_H_
#define WEIGHTINIT_CLIENT_CPP_MANIFEST_SCALARS_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weightinit::manifest {

// Whether `text` is a number as JSON writes it.
bool IsNumber(absl::string_view text);

// Each is INVALID_ARGUMENT for a text that does not say such a value; the
// message is the text and what it must be, as in "is \"x\"; must be a number".

// A whole number from `low` to `high`. One with a fraction of 0 or an exponent
// is taken up to 2^53.
absl::StatusOr<int64_t> ParseInteger(absl::string_view text, int64_t low,
                                     int64_t high);
// A finite number, rounded to the nearest double.
absl::StatusOr<double> ParseDouble(absl::string_view text);
// The number of an enum's value: by its name in the proto, or by a name that
// EnumName writes, or by an alias of that (weightinit/core/names.h).
absl::StatusOr<int> ParseEnum(const google::protobuf::EnumDescriptor& type,
                              absl::string_view text);

// The friendly name of an enum's value, such as he_normal. REQUIRES: `type` has
// such a value.
std::string EnumName(const google::protobuf::EnumDescriptor& type, int value);

// A text as it can stand in a message: short, in one line.
std::string Shown(absl::string_view text);
// The same in quotes.
std::string Quoted(absl::string_view text);

}  // namespace weightinit::manifest

#endif  // WEIGHTINIT_CLIENT_CPP_MANIFEST_SCALARS_H_

// What a file that holds a part of a model or of a tensor says about it.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_PART_METADATA_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_PART_METADATA_H_

#include <string>

#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {

// Before the name of a tensor: the key, in a file's metadata, of what
// PartMetadata says of it.
inline constexpr char kPartMetadataKey[] = "weightinit.tensor.";

// One JSON object on one line, the same bytes wherever it is made: "name",
// "shape" (of the full tensor), "slice" ([[start, stop], ...]; not there for a
// whole tensor), "layout", "scheme", "distribution" and its numbers ("mean",
// "stddev", "low", "high", as in DistributionParameters). A tensor of parts has
// "axis", "stacked" and "parts", objects of the same form, in place of scheme
// and distribution.
std::string PartMetadata(const v1::TensorDescription& description);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_PART_METADATA_H_

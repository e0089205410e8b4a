// From the specifications of the contract to those of the core. Enums cross as
// numbers, unknown ones too: the core refuses those.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_PROTO_CPP_SPEC_CONVERSION_H_
#define WEIGHTINIT_PROTO_CPP_SPEC_CONVERSION_H_

#include <vector>

#include "google/protobuf/repeated_field.h"
#include "weightinit/core/request.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

SchemeParameters FromProto(const v1::SchemeParameters& proto);
void ToProto(const SchemeParameters& parameters, v1::SchemeParameters* proto);
FanSpec FromProto(const v1::FanSpec& proto);
Concatenation FromProto(const v1::Concatenation& proto);
TensorSpec FromProto(const v1::TensorSpec& proto);
std::vector<DimensionRange> FromProto(
    const google::protobuf::RepeatedPtrField<v1::DimensionRange>& proto);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_SPEC_CONVERSION_H_

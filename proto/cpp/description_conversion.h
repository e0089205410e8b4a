// From what the core has decided to the descriptions of the contract.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_PROTO_CPP_DESCRIPTION_CONVERSION_H_
#define WEIGHTINIT_PROTO_CPP_DESCRIPTION_CONVERSION_H_

#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Fills `proto`, which is empty, with `plan`.
void ToProto(const TensorPlan& plan, v1::TensorDescription* proto);

// Fills `response`, which is empty, with what a server on this machine is and
// can do.
void DescribeServer(const Limits& limits, int max_streams,
                    v1::GetServerInfoResponse* response);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_DESCRIPTION_CONVERSION_H_

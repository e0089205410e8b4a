// Deliveries that the process computes, on several threads.

#ifndef WEIGHTINIT_CLIENT_CPP_LOCAL_LOCAL_FETCH_H_
#define WEIGHTINIT_CLIENT_CPP_LOCAL_LOCAL_FETCH_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/tensor_sink.h"
#include "weightinit/core/plan.h"

namespace weightinit {

struct LocalFetchOptions {
  int threads = 1;  // At least 1, the calling one included.
  absl::Time deadline = absl::InfiniteFuture();
};

// Each delivers what `plan` says, as the overload of WeightClient::Fetch for
// the same destination promises. DEADLINE_EXCEEDED: the deadline came first.
absl::StatusOr<FetchResult> FetchLocally(const TensorPlan& plan,
                                         const LocalFetchOptions& options,
                                         TensorSink& sink);
absl::StatusOr<FetchResult> FetchLocally(const TensorPlan& plan,
                                         const LocalFetchOptions& options,
                                         absl::Span<uint8_t> buffer);
absl::StatusOr<FetchResult> FetchLocally(const TensorPlan& plan,
                                         const LocalFetchOptions& options,
                                         PieceSink& sink);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_LOCAL_LOCAL_FETCH_H_

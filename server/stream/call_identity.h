// By which names a call is known to others: logs of clients, traces.

#ifndef WEIGHTINIT_SERVER_STREAM_CALL_IDENTITY_H_
#define WEIGHTINIT_SERVER_STREAM_CALL_IDENTITY_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/support/string_ref.h"

namespace weightinit {

struct CallIdentity {
  std::string request_id;
  // Of the W3C Trace Context that the client sent, in lower-case hexadecimal
  // digits: 32, and 16 of the client's span. Empty without one.
  std::string trace_id;
  std::string parent_id;
};

// The metadata in which a request id comes and goes.
inline constexpr char kRequestIdKey[] = "x-request-id";

// From the metadata that a client sent. What is not well-formed there counts as
// not sent: a request id has 1 to 128 visible ASCII characters, without quotes
// and backslashes. There is none if none was sent.
CallIdentity IdentityOf(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

// 16 hexadecimal digits at random.
std::string NewRequestId();

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_CALL_IDENTITY_H_

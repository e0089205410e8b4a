// Asks a server whether it serves.

#ifndef WEIGHTINIT_SERVER_APP_HEALTH_PROBE_H_
#define WEIGHTINIT_SERVER_APP_HEALTH_PROBE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weightinit {

// OK if the server at `address` says SERVING within `timeout`. An address that
// means every interface of this machine is asked on loopback.
absl::Status ProbeHealth(const std::string& address, absl::Duration timeout);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_HEALTH_PROBE_H_

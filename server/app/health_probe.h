// Asks a server whether it serves.

#ifndef WEIGHTINIT_SERVER_APP_HEALTH_PROBE_H_
#define WEIGHTINIT_SERVER_APP_HEALTH_PROBE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/security/security_options.h"

namespace weightinit {

// How to reach the server.
struct ProbeOptions {
  // HOST:PORT or unix:PATH. One that means every interface of this machine is
  // asked on loopback.
  std::string address;
  // TLS where one of these is set, except by unix:PATH. With `ca` the server
  // has to show a certificate that it vouches for, of the host in the address;
  // without, any: the probe sends nothing, and tells of the answer alone. If
  // the server asks for a certificate, it is shown `own`.
  std::string ca;
  TlsFiles own;
  absl::Duration timeout = absl::Seconds(2);
};

// OK if the server says SERVING within the time. INVALID_ARGUMENT: a file
// cannot be used.
absl::Status ProbeHealth(const ProbeOptions& options);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_HEALTH_PROBE_H_

// The flags of the executable.

#ifndef WEIGHTINIT_SERVER_APP_FLAGS_H_
#define WEIGHTINIT_SERVER_APP_FLAGS_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/app/logging.h"
#include "server/server.h"

namespace weightinit {

struct Flags {
  enum class Task { kServe, kHealthCheck, kCheckConfig };

  Task task = Task::kServe;
  ServerOptions server;
  LogOptions log;
  std::optional<std::string> root_seed_file;
  std::string simd_target;
  absl::Duration drain_delay = absl::ZeroDuration();
  int drain_seconds = 25;
  std::string health_check_address;
  std::string metrics_listen;  // Empty: nowhere.
  std::string tls_ca;          // For the health check.
  std::string config_file;
  bool print_config = false;
};

// Sets `flags` from the command line, the environment and the file of --config,
// each of which comes before the next. Returns nothing, or the exit status of a
// process that has nothing to do: help, the version or the settings were asked
// for, or a flag is wrong; either is printed.
std::optional<int> ParseFlags(int argc, char** argv, Flags* flags);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_FLAGS_H_

// Files of settings, in TOML: a line `key = value` each.

#ifndef WEIGHTINIT_SERVER_APP_CONFIG_FILE_H_
#define WEIGHTINIT_SERVER_APP_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace weightinit {

struct ConfigSetting {
  std::string key;
  std::vector<std::string> values;  // Several where it is an array.
  // Where it stands: "server.toml:3".
  std::string place;
};

// INVALID_ARGUMENT, with the line: not TOML, or a value that is neither text,
// number, true, false nor an array of these. Others: the file cannot be read.
absl::StatusOr<std::vector<ConfigSetting>> ReadConfigFile(
    const std::string& path);

// The line, without its end, that gives `key` these values; as an array if
// `array` says so.
std::string ConfigLine(const std::string& key,
                       const std::vector<std::string>& values, bool array);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_CONFIG_FILE_H_

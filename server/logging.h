// The log of the executable: lines on stderr.

#ifndef WEIGHTINIT_SERVER_LOGGING_H_
#define WEIGHTINIT_SERVER_LOGGING_H_

#include <string>

namespace weightinit {

struct LogOptions {
  // "text" for people, "json" for one object a line.
  std::string format = "text";
  // "debug", "info", "warn", "error" or "off": the lowest level that is shown.
  std::string level = "info";
};

// Makes spdlog's default logger what `options` say. Call it once, before any
// thread logs.
void SetUpLogging(const LogOptions& options);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_LOGGING_H_

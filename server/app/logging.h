// The log of the executable: lines on stderr.

#ifndef WEIGHTINIT_SERVER_APP_LOGGING_H_
#define WEIGHTINIT_SERVER_APP_LOGGING_H_

#include <memory>
#include <string>

namespace spdlog {
class logger;
}  // namespace spdlog

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

// A logger of lines that are more than a text: in the format "json" a message
// is the members of an object, without the braces, which join time and level;
// in the format "text" it is what comes after them.
std::shared_ptr<spdlog::logger> MakeRecordLogger(const LogOptions& options);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_LOGGING_H_

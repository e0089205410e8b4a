// The log of the executable: lines on standard error.

#ifndef WEIGHTINIT_SERVER_APP_LOGGING_H_
#define WEIGHTINIT_SERVER_APP_LOGGING_H_

#include <memory>
#include <string>
#include <string_view>

namespace weightinit {

struct LogOptions {
  // "text" for people, "json" for one object a line.
  std::string format = "text";
  // "debug", "info", "warn", "error" or "off": the lowest level that is shown.
  std::string level = "info";
};

// Thread-safe.
class Log {
 public:
  explicit Log(const LogOptions& options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Debug(std::string_view message);
  void Info(std::string_view message);
  void Warn(std::string_view message);
  void Error(std::string_view message);

  // A line of level info that holds more than a message. In the format "json"
  // it is the members of an object, without the braces, which join time and
  // level; in the format "text" it is what comes after them.
  void Record(std::string_view line);

  bool is_json() const;
  bool shows_info() const;

 private:
  struct Loggers;
  const std::unique_ptr<const Loggers> loggers_;
};

// `text` as a JSON string, quotes included; bytes that are not UTF-8 become
// U+FFFD.
std::string JsonQuoted(std::string_view text);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_LOGGING_H_

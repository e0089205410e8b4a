#include "server/app/logging.h"

#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "nlohmann/json.hpp"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace weightinit {
namespace {

// The message as a JSON string, quotes included.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    const nlohmann::json text(
        std::string(message.payload.data(), message.payload.size()));
    const std::string quoted =
        text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out.append(quoted.data(), quoted.data() + quoted.size());
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

// Lines on standard error; `json_message` is the pattern of a message as
// members of an object.
std::shared_ptr<spdlog::logger> MakeLogger(const LogOptions& options,
                                           const std::string& json_message) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(
      spdlog::pattern_time_type::utc);
  if (options.format == "json") {
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",)" + json_message +
        "}");
  } else {
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v");
  }
  auto logger = std::make_shared<spdlog::logger>(
      "weightinit-server", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(options.level));
  return logger;
}

}  // namespace

void SetUpLogging(const LogOptions& options) {
  spdlog::set_default_logger(MakeLogger(options, R"("message":%*)"));
}

std::shared_ptr<spdlog::logger> MakeRecordLogger(const LogOptions& options) {
  return MakeLogger(options, "%v");
}

}  // namespace weightinit

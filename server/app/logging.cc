#include "server/app/logging.h"

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "nlohmann/json.hpp"
#include "spdlog/logger.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace weightinit {
namespace {

// The message as a JSON string, quotes included.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    const std::string quoted =
        JsonQuoted({message.payload.data(), message.payload.size()});
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

// As spdlog takes a text that is not a format.
spdlog::string_view_t Line(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

struct Log::Loggers {
  bool json;
  std::shared_ptr<spdlog::logger> messages;
  std::shared_ptr<spdlog::logger> records;
};

Log::Log(const LogOptions& options)
    : loggers_(std::make_unique<const Loggers>(Loggers{
          options.format == "json", MakeLogger(options, R"("message":%*)"),
          MakeLogger(options, "%v")})) {}

Log::~Log() = default;

void Log::Debug(std::string_view message) {
  loggers_->messages->debug(Line(message));
}

void Log::Info(std::string_view message) {
  loggers_->messages->info(Line(message));
}

void Log::Warn(std::string_view message) {
  loggers_->messages->warn(Line(message));
}

void Log::Error(std::string_view message) {
  loggers_->messages->error(Line(message));
}

void Log::Record(std::string_view line) { loggers_->records->info(Line(line)); }

bool Log::is_json() const { return loggers_->json; }

bool Log::shows_info() const {
  return loggers_->records->should_log(spdlog::level::info);
}

std::string JsonQuoted(std::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace weightinit

#include "server/app/call_log.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "server/app/logging.h"
#include "spdlog/logger.h"
#include "weightinit/core/names.h"

namespace weightinit {
namespace {

class CallLog final : public CallObserver {
 public:
  explicit CallLog(const LogOptions& options)
      : logger_(MakeRecordLogger(options)), json_(options.format == "json") {}

  void OnBegin(const CallRecord& /*call*/) override {}
  void OnProgress(const CallRecord& /*call*/) override {}

  void OnRefusal(const CallRecord& call, const absl::Status& why) override {
    Log(call, why);
  }

  void OnEnd(const CallRecord& call, absl::StatusCode code) override {
    Log(call, absl::Status(code, ""));
  }

 private:
  void Log(const CallRecord& call, const absl::Status& status) {
    const double seconds = absl::ToDoubleSeconds(absl::Now() - call.begin);
    const std::string line = json_ ? CallJsonMembers(call, status, seconds)
                                   : CallText(call, status, seconds);
    logger_->info(spdlog::string_view_t(line));
  }

  const std::shared_ptr<spdlog::logger> logger_;
  const bool json_;
};

}  // namespace

std::unique_ptr<CallObserver> MakeCallLog(const LogOptions& options) {
  if (options.level != "debug" && options.level != "info") return nullptr;
  return std::make_unique<CallLog>(options);
}

std::string CallText(const CallRecord& call, const absl::Status& status,
                     double seconds) {
  std::string text =
      absl::StrCat(call.method, " ", absl::StatusCodeToString(status.code()),
                   " peer=", call.peer);
  if (call.tensor.has_value()) {
    // Escaped, so that a name cannot end the line and forge another.
    absl::StrAppend(&text, " name=\"",
                    absl::Utf8SafeCHexEscape(call.tensor->name),
                    "\" shape=", absl::StrJoin(call.tensor->shape, "x"),
                    " scheme=", std::string(NameOf(call.tensor->scheme)),
                    " seed=", call.tensor->seed);
  }
  if (call.delivered.has_value()) {
    absl::StrAppendFormat(&text, " elements=%d bytes=%d crc32=%08x",
                          call.delivered->elements, call.delivered->bytes,
                          call.delivered->crc32);
  }
  absl::StrAppendFormat(&text, " seconds=%.6f", seconds);
  if (!status.message().empty()) {
    absl::StrAppend(&text, " error=\"",
                    absl::Utf8SafeCHexEscape(status.message()), "\"");
  }
  return text;
}

std::string CallJsonMembers(const CallRecord& call, const absl::Status& status,
                            double seconds) {
  nlohmann::ordered_json json;
  json["message"] = "call";
  json["method"] = std::string(call.method);
  json["code"] = absl::StatusCodeToString(status.code());
  json["peer"] = call.peer;
  if (call.tensor.has_value()) {
    json["name"] = call.tensor->name;
    json["shape"] = call.tensor->shape;
    json["scheme"] = std::string(NameOf(call.tensor->scheme));
    json["seed"] = call.tensor->seed;
  }
  if (call.delivered.has_value()) {
    json["elements"] = call.delivered->elements;
    json["bytes"] = call.delivered->bytes;
    json["crc32"] = call.delivered->crc32;
  }
  json["seconds"] = seconds;
  if (!status.message().empty()) {
    json["error"] = std::string(status.message());
  }
  const std::string object = json.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return object.substr(1, object.size() - 2);
}

}  // namespace weightinit

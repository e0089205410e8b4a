#include "server/app/call_log.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/app/logging.h"
#include "weightinit/core/names.h"

namespace weightinit {
namespace {

class CallLog final : public CallObserver {
 public:
  explicit CallLog(Log* log) : log_(log) {}

  void OnBegin(const CallRecord& /*call*/) override {}
  void OnProgress(const CallRecord& /*call*/, int64_t /*bytes*/) override {}

  void OnRefusal(const CallRecord& call, const absl::Status& why) override {
    Write(call, why);
  }

  void OnEnd(const CallRecord& call, absl::StatusCode code) override {
    Write(call, absl::Status(code, ""));
  }

 private:
  void Write(const CallRecord& call, const absl::Status& status) {
    const double seconds = absl::ToDoubleSeconds(absl::Now() - call.begin);
    log_->Record(log_->is_json() ? CallJsonMembers(call, status, seconds)
                                 : CallText(call, status, seconds));
  }

  Log* const log_;
};

}  // namespace

std::unique_ptr<CallObserver> MakeCallLog(Log* log) {
  if (!log->shows_info()) return nullptr;
  return std::make_unique<CallLog>(log);
}

std::string CallText(const CallRecord& call, const absl::Status& status,
                     double seconds) {
  std::string text =
      absl::StrCat(call.method, " ", absl::StatusCodeToString(status.code()),
                   " peer=", call.peer);
  if (!call.identity.request_id.empty()) {
    absl::StrAppend(&text, " request_id=", call.identity.request_id);
  }
  if (!call.identity.trace_id.empty()) {
    absl::StrAppend(&text, " trace_id=", call.identity.trace_id,
                    " parent_id=", call.identity.parent_id);
  }
  if (!call.client.empty()) absl::StrAppend(&text, " client=", call.client);
  if (call.tensor.has_value()) {
    // Escaped, so that a name cannot end the line and forge another.
    absl::StrAppend(&text, " name=\"",
                    absl::Utf8SafeCHexEscape(call.tensor->name),
                    "\" shape=", absl::StrJoin(call.tensor->shape, "x"),
                    " scheme=", std::string(NameOf(call.tensor->scheme)));
  }
  if (call.seed.has_value()) {
    if (!call.seed->name.empty()) {
      absl::StrAppend(&text, " seed_name=\"",
                      absl::Utf8SafeCHexEscape(call.seed->name), "\"");
    }
    absl::StrAppend(&text, " seed=", call.seed->number);
  }
  if (call.model.has_value()) {
    absl::StrAppend(&text, " model=\"",
                    absl::Utf8SafeCHexEscape(call.model->name),
                    "\" tensors=", call.model->tensors,
                    " fingerprint=", call.model->fingerprint);
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
  std::string json =
      absl::StrCat(R"("message":"call","method":")", call.method,
                   R"(","code":")", absl::StatusCodeToString(status.code()),
                   R"(","peer":)", JsonQuoted(call.peer));
  if (!call.identity.request_id.empty()) {
    absl::StrAppend(&json, R"(,"request_id":")", call.identity.request_id,
                    "\"");
  }
  if (!call.identity.trace_id.empty()) {
    absl::StrAppend(&json, R"(,"trace_id":")", call.identity.trace_id,
                    R"(","parent_id":")", call.identity.parent_id, "\"");
  }
  if (!call.client.empty()) {
    absl::StrAppend(&json, R"(,"client":)", JsonQuoted(call.client));
  }
  if (call.tensor.has_value()) {
    absl::StrAppend(&json, R"(,"name":)", JsonQuoted(call.tensor->name),
                    R"(,"shape":[)", absl::StrJoin(call.tensor->shape, ","),
                    R"(],"scheme":")", std::string(NameOf(call.tensor->scheme)),
                    "\"");
  }
  if (call.seed.has_value()) {
    if (!call.seed->name.empty()) {
      absl::StrAppend(&json, R"(,"seed_name":)", JsonQuoted(call.seed->name));
    }
    absl::StrAppend(&json, R"(,"seed":)", call.seed->number);
  }
  if (call.model.has_value()) {
    absl::StrAppend(&json, R"(,"model":)", JsonQuoted(call.model->name),
                    R"(,"tensors":)", call.model->tensors,
                    R"(,"fingerprint":")", call.model->fingerprint, "\"");
  }
  if (call.delivered.has_value()) {
    absl::StrAppend(&json, R"(,"elements":)", call.delivered->elements,
                    R"(,"bytes":)", call.delivered->bytes, R"(,"crc32":)",
                    call.delivered->crc32);
  }
  absl::StrAppendFormat(&json, R"(,"seconds":%.6f)", seconds);
  if (!status.message().empty()) {
    absl::StrAppend(&json, R"(,"error":)",
                    JsonQuoted(std::string(status.message())));
  }
  return json;
}

}  // namespace weightinit

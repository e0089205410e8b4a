#include "server/app/grpc_log.h"

#if WEIGHTINIT_HAVE_GPR_LOG
#include <grpc/support/log.h>
#else
#include "absl/base/log_severity.h"
#include "absl/log/globals.h"
#include "absl/log/initialize.h"
#include "absl/log/log_entry.h"
#include "absl/log/log_sink.h"
#include "absl/log/log_sink_registry.h"
#endif

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/app/logging.h"

namespace weightinit {
namespace {

std::string Line(const char* file, int line, const std::string& message) {
  const char* const slash = std::strrchr(file, '/');
  return absl::StrCat("gRPC: ", slash == nullptr ? file : slash + 1, ":", line,
                      ": ", message);
}

#if WEIGHTINIT_HAVE_GPR_LOG

// As gRPC's function takes no argument of ours.
Log* g_log = nullptr;

void Write(gpr_log_func_args* said) {
  const std::string line = Line(said->file, said->line, said->message);
  switch (said->severity) {
    case GPR_LOG_SEVERITY_ERROR:
      g_log->Error(line);
      break;
    case GPR_LOG_SEVERITY_INFO:
      g_log->Info(line);
      break;
    case GPR_LOG_SEVERITY_DEBUG:
      g_log->Debug(line);
      break;
  }
}

#else

class Sink final : public absl::LogSink {
 public:
  explicit Sink(Log* log) : log_(log) {}

  void Send(const absl::LogEntry& entry) override {
    const std::string line =
        Line(std::string(entry.source_basename()).c_str(), entry.source_line(),
             std::string(entry.text_message()));
    if (entry.log_severity() >= absl::LogSeverity::kError) {
      log_->Error(line);
    } else if (entry.log_severity() == absl::LogSeverity::kWarning) {
      log_->Warn(line);
    } else {
      log_->Info(line);
    }
  }

 private:
  Log* const log_;
};

#endif

}  // namespace

void SendGrpcLogTo(Log* log) {
#if WEIGHTINIT_HAVE_GPR_LOG
  g_log = log;
  gpr_set_log_function(Write);
#else
  absl::AddLogSink(new Sink(log));  // Used until the process ends.
  absl::SetStderrThreshold(absl::LogSeverityAtLeast::kInfinity);
  // Until then everything goes to standard error too.
  absl::InitializeLog();
#endif
}

}  // namespace weightinit

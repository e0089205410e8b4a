// weightinit-server: log and signals around Server.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/app/call_log.h"
#include "server/app/flags.h"
#include "server/app/grpc_log.h"
#include "server/app/health_probe.h"
#include "server/app/logging.h"
#include "server/app/memory.h"
#include "server/metrics/http_listener.h"
#include "server/metrics/server_metrics.h"
#include "server/server.h"
#include "server/stream/call_observer.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/version.h"

namespace {

using weightinit::Flags;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr absl::Duration kProbeTimeout = absl::Seconds(2);

// Says why there is no server; returns the exit status.
int Fail(const absl::Status& status) {
  std::cerr << "weightinit-server: " << status.message() << "\n";
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailure;
}

int Probe(const Flags& flags) {
  weightinit::ProbeOptions options;
  options.ca = flags.tls_ca;
  options.own = flags.server.security.tls;
  options.timeout = kProbeTimeout;
  options.address = flags.health_check_address;
  const std::vector<std::string>& listen = flags.server.listen;
  if (options.address.empty()) {
    // A socket in the file system needs no certificate.
    const auto path = std::find_if(
        listen.begin(), listen.end(),
        [](const auto& address) { return absl::StartsWith(address, "unix:"); });
    options.address = path != listen.end() ? *path : listen.front();
  }
  const absl::Status status = weightinit::ProbeHealth(options);
  return status.ok() ? 0 : Fail(status);
}

// Connections are file descriptors.
void RaiseFileLimit(weightinit::Log& log) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log.Warn("cannot raise the limit of open files");
  }
}

// Sets the root seed of the server that `flags` ask for, if they name its file.
absl::Status ReadRootSeed(weightinit::Log& log, Flags& flags) {
  if (!flags.root_seed_file.has_value()) return absl::OkStatus();
  const std::string& path = *flags.root_seed_file;
  auto file = weightinit::ReadRootSeedFile(path);
  if (!file.ok()) {
    return absl::Status(
        file.status().code(),
        absl::StrCat("--root-seed-file: ", file.status().message()));
  }
  if (file->exposed) {
    log.Warn(absl::StrCat(
        "the root seed in \"", path,
        "\" is readable by every user of this machine, or writable by others "
        "than its owner; chmod 400 would keep it secret"));
  }
  flags.server.root_seed =
      std::make_shared<const weightinit::RootSeed>(std::move(file->root_seed));
  return absl::OkStatus();
}

// What the log says of files that have changed.
void ReportReloads(weightinit::Log& log, Flags& flags) {
  flags.server.security.on_reload = [&log](const absl::Status& status,
                                           const std::string& files) {
    if (status.ok()) {
      log.Info(absl::StrCat(files, " read again and in use"));
    } else {
      log.Warn(absl::StrCat(
          files,
          " changed, but those of before stay in use: ", status.message()));
    }
  };
}

// "" without TLS.
std::string CertificateText(const weightinit::Server& server) {
  const auto expiry = server.security_figures().certificate_expiry;
  if (!expiry.has_value()) return "";
  return absl::StrCat(
      ", TLS certificate until ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *expiry, absl::UTCTimeZone()));
}

// "" without a root seed.
std::string RootSeedText(const weightinit::ServerOptions& options) {
  if (options.root_seed == nullptr) return "";
  return absl::StrCat(", root seed ", options.root_seed->id());
}

absl::Status NamingMetricsListen(const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("--metrics-listen: ", status.message()));
}

// Whether there could be a server with these flags.
int Check(Flags flags) {
  weightinit::Log log(flags.log);
  absl::Status status = ReadRootSeed(log, flags);
  if (status.ok()) status = weightinit::Server::Check(flags.server);
  if (status.ok() && !flags.metrics_listen.empty()) {
    status = NamingMetricsListen(
        weightinit::HttpListener::Check(flags.metrics_listen));
  }
  if (!status.ok()) return Fail(status);
  std::cout << "the configuration is valid\n";
  return 0;
}

int Serve(Flags flags) {
  // Blocked before any thread starts, so that all threads inherit it and the
  // signals wait for sigwait.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  // A connection that is gone is an error of its stream, not of the process.
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return kExitFailure;

  weightinit::Log log(flags.log);
  RaiseFileLimit(log);
  // gRPC may speak until the process ends.
  weightinit::SendGrpcLogTo(new weightinit::Log(flags.log));
  const std::unique_ptr<weightinit::CallObserver> call_log =
      weightinit::MakeCallLog(&log);
  std::optional<weightinit::ServerMetrics> metrics;
  std::vector<weightinit::CallObserver*> observers;
  if (call_log != nullptr) observers.push_back(call_log.get());
  if (!flags.metrics_listen.empty()) {
    observers.push_back(metrics.emplace().observer());
  }
  weightinit::CallObservers all_observers(observers);
  if (!observers.empty()) flags.server.observer = &all_observers;

  if (const absl::Status status = ReadRootSeed(log, flags); !status.ok()) {
    return Fail(status);
  }
  ReportReloads(log, flags);
  auto server = weightinit::Server::Start(flags.server);
  if (!server.ok()) return Fail(server.status());
  std::unique_ptr<weightinit::HttpListener> http;
  if (metrics.has_value()) {
    auto started = weightinit::HttpListener::Start(
        flags.metrics_listen, {[&] { return metrics->Text(**server); },
                               [&] { return (*server)->serving(); }});
    if (!started.ok()) return Fail(NamingMetricsListen(started.status()));
    http = *std::move(started);
  }
  const std::string addresses = absl::StrJoin((*server)->addresses(), ",");
  // Scripts wait for this line.
  std::cout << "weightinit-server listening on " << addresses << "\n"
            << std::flush;
  if (http != nullptr) {
    std::cout << "weightinit-server metrics on " << http->address() << "\n"
              << std::flush;
  }
  log.Info(absl::StrCat("version ", weightinit::kVersion, " listening on ",
                        addresses, RootSeedText(flags.server),
                        CertificateText(**server)));

  const weightinit::MemoryTrimmer trimmer(
      [&] { return (*server)->active_streams() == 0; },
      [&] { (*server)->FreeUnusedBuffers(); });
  int stop_signal = 0;
  sigwait(&stop_signals, &stop_signal);
  std::thread([stop_signals] {
    int second = 0;
    sigwait(&stop_signals, &second);
    _exit(128 + second);
  }).detach();
  if (flags.drain_delay > absl::ZeroDuration()) {
    log.Info(absl::StrCat("signal ", stop_signal, ": serving on for ",
                          absl::FormatDuration(flags.drain_delay),
                          ", not healthy any more"));
    (*server)->AnnounceDrain();
    absl::SleepFor(flags.drain_delay);
  }
  log.Info(absl::StrCat("signal ", stop_signal, ": draining ",
                        (*server)->active_streams(), " streams for up to ",
                        flags.drain_seconds, " s"));
  const int cut = (*server)->Drain(absl::Seconds(flags.drain_seconds));
  log.Info(cut == 0 ? "drained"
                    : absl::StrCat("drained, but for ", cut,
                                   " streams that were cut"));
  // Not through the destructors: nothing of ours runs any more, but after a
  // write that had to wait, gRPC's own shutdown can take the ten seconds of its
  // backup poller, which is as long as Docker waits before it kills.
  std::cout.flush();
  _exit(0);
}

int Main(int argc, char** argv) {
  weightinit::ConfigureMemory();
  Flags flags;
  if (const std::optional<int> status =
          weightinit::ParseFlags(argc, argv, &flags)) {
    return *status;
  }
  if (flags.task == Flags::Task::kHealthCheck) return Probe(flags);
  const absl::Status forced = weightinit::ForceSimdTarget(flags.simd_target);
  if (!forced.ok()) {
    std::cerr << "weightinit-server: --simd-target: " << forced.message()
              << "\n";
    return kExitUsage;
  }
  if (flags.task == Flags::Task::kCheckConfig) return Check(std::move(flags));
  return Serve(std::move(flags));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "weightinit-server: %s\n", error.what());
    return kExitFailure;
  }
}

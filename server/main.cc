// weightinit-server: flags, log and signals around Server.

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/health_probe.h"
#include "server/logging.h"
#include "server/server.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/version.h"

namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr absl::Duration kProbeTimeout = absl::Seconds(2);

struct Flags {
  weightinit::ServerOptions server;
  weightinit::LogOptions log;
  std::string simd_target;
  int drain_seconds = 25;
  bool health_check = false;
  std::string health_check_address;
};

// Declares the flags of `app`; they write to `flags`.
void Declare(CLI::App* app, Flags* flags) {
  app->set_version_flag(
      "--version", std::string("weightinit-server ") + weightinit::kVersion);
  app->set_config("--config", "", "Read flags from a TOML or INI file");
  app->add_option("--listen", flags->server.listen,
                  "Where to listen, HOST:PORT; port 0 takes a free one")
      ->envname("WEIGHTINIT_SERVER_LISTEN")
      ->capture_default_str();
  app->add_option("--max-elements", flags->server.limits.max_elements,
                  "Largest tensor served, in elements before slicing")
      ->envname("WEIGHTINIT_SERVER_MAX_ELEMENTS")
      ->check(CLI::Range(int64_t{1}, weightinit::kMaxElementsCeiling))
      ->capture_default_str();
  app->add_option("--max-streams", flags->server.max_streams,
                  "Streams served at once; more are refused")
      ->envname("WEIGHTINIT_SERVER_MAX_STREAMS")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app->add_option("--generator-threads", flags->server.generator_threads,
                  "Threads that compute weights; 0 for one per core")
      ->envname("WEIGHTINIT_SERVER_GENERATOR_THREADS")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app->add_option("--simd-target", flags->simd_target,
                  "Instruction set to compute with, such as avx2; it changes "
                  "no bit. Default: the best of this machine")
      ->envname("WEIGHTINIT_TARGET");
  app->add_option("--drain-seconds", flags->drain_seconds,
                  "How long running streams may go on after SIGTERM")
      ->envname("WEIGHTINIT_SERVER_DRAIN_SECONDS")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app->add_option("--log-format", flags->log.format, "Form of the log lines")
      ->envname("WEIGHTINIT_SERVER_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app->add_option("--log-level", flags->log.level, "Lowest level logged")
      ->envname("WEIGHTINIT_SERVER_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app->add_option_function<std::string>(
         "--health-check",
         [flags](const std::string& address) {
           flags->health_check = true;
           flags->health_check_address = address;
         },
         "Do not serve: ask the server at this address (default: that of "
         "--listen) whether it serves; exit 0 if so, else 1")
      ->type_name("[HOST:PORT]")
      ->expected(0, 1);
}

int Probe(const Flags& flags) {
  const std::string& address = flags.health_check_address.empty()
                                   ? flags.server.listen
                                   : flags.health_check_address;
  const absl::Status status = weightinit::ProbeHealth(address, kProbeTimeout);
  if (status.ok()) return 0;
  std::cerr << "weightinit-server: " << status.message() << "\n";
  return kExitFailure;
}

// Connections are file descriptors.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    spdlog::warn("cannot raise the limit of open files");
  }
}

int Serve(const Flags& flags) {
  // Blocked before any thread starts, so that all threads inherit it and the
  // signals wait for sigwait.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  // A connection that is gone is an error of its stream, not of the process.
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return kExitFailure;

  weightinit::SetUpLogging(flags.log);
  RaiseFileLimit();

  auto server = weightinit::Server::Start(flags.server);
  if (!server.ok()) {
    std::cerr << "weightinit-server: " << server.status().message() << "\n";
    return server.status().code() == absl::StatusCode::kInvalidArgument
               ? kExitUsage
               : kExitFailure;
  }
  // Scripts wait for this line.
  std::cout << "weightinit-server listening on " << (*server)->address()
            << std::endl;
  spdlog::info("version {} listening on {}", weightinit::kVersion,
               (*server)->address());

  int stop_signal = 0;
  sigwait(&stop_signals, &stop_signal);
  spdlog::info("signal {}: draining {} streams for up to {} s", stop_signal,
               (*server)->active_streams(), flags.drain_seconds);
  std::thread([stop_signals] {
    int second = 0;
    sigwait(&stop_signals, &second);
    _exit(128 + second);
  }).detach();
  (*server)->Drain(absl::Seconds(flags.drain_seconds));
  spdlog::info("drained");
  spdlog::shutdown();
  // Not through the destructors: nothing of ours runs any more, but after a
  // write that had to wait, gRPC's own shutdown can take the ten seconds of its
  // backup poller, which is as long as Docker waits before it kills.
  std::cout.flush();
  _exit(0);
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Serves deterministic weight tensors over gRPC.",
               "weightinit-server");
  Declare(&app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (flags.health_check) return Probe(flags);
  const absl::Status forced = weightinit::ForceSimdTarget(flags.simd_target);
  if (!forced.ok()) {
    std::cerr << "weightinit-server: --simd-target: " << forced.message()
              << "\n";
    return kExitUsage;
  }
  return Serve(flags);
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

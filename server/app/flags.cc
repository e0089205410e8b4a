#include "server/app/flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "server/app/config_file.h"
#include "server/app/flag_sources.h"
#include "server/app/memory.h"
#include "server/app/security_flags.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/version.h"

namespace weightinit {
namespace {

constexpr int kExitUsage = 2;

constexpr double kDay = 86400;

// What seconds may be given, and whether 0 stands for no limit.
enum ZeroMeans { kNotOff, kOff };
struct SecondsRange {
  double low;
  double high;
  ZeroMeans zero;
};

// A flag in seconds that writes to `duration`.
void DeclareSeconds(CLI::App* app, const std::string& name,
                    absl::Duration* duration, const SecondsRange& range,
                    std::string description) {
  if (range.zero == kOff) description += "; 0 for ever";
  const double seconds = *duration == absl::InfiniteDuration()
                             ? 0
                             : absl::ToDoubleSeconds(*duration);
  std::string variable = "WEIGHTINIT_SERVER" + name.substr(1);
  for (char& letter : variable) {
    letter = letter == '-'
                 ? '_'
                 : absl::ascii_toupper(static_cast<unsigned char>(letter));
  }
  const auto is_allowed = [range](const std::string& text) -> std::string {
    double given = 0;
    if (absl::SimpleAtod(text, &given) &&
        ((given == 0 && range.zero == kOff) ||
         (given >= range.low && given <= range.high))) {
      return "";
    }
    return absl::StrCat(text, " is not ", range.zero == kOff ? "0 or " : "",
                        "from ", range.low, " to ", range.high);
  };
  app->add_option_function<std::string>(
         name,
         [duration, for_ever = range.zero == kOff](const std::string& text) {
           double given = 0;
           if (!absl::SimpleAtod(text, &given)) return;  // As checked.
           *duration = given == 0 && for_ever ? absl::InfiniteDuration()
                                              : absl::Seconds(given);
         },
         description)
      ->envname(variable)
      ->check(is_allowed)
      ->type_name("SECONDS")
      ->default_str(absl::StrCat(seconds));
}

// How much is served at once, and for how long.
void DeclareBounds(CLI::App* app, ServerOptions* server) {
  app->add_option("--max-streams", server->admission.max_streams,
                  "Streams served at once; more are refused")
      ->envname("WEIGHTINIT_SERVER_MAX_STREAMS")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app->add_option("--max-streams-per-client",
                  server->admission.max_streams_per_client,
                  "Of these, streams of one client, which is an address; all "
                  "that come through a proxy have one")
      ->envname("WEIGHTINIT_SERVER_MAX_STREAMS_PER_CLIENT")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app->add_option("--max-requested-elements",
                  server->admission.max_requested_elements,
                  "Elements that all tensors served at once have together; one "
                  "alone may have more")
      ->envname("WEIGHTINIT_SERVER_MAX_REQUESTED_ELEMENTS")
      ->check(CLI::Range(int64_t{1}, kMaxElementsCeiling))
      ->default_str("no limit");
  server->admission.max_bytes_held = MemoryLimit() / 4;
  app->add_option(
         "--max-bytes-held", server->admission.max_bytes_held,
         "Memory that all streams may hold together, in bytes; near it "
         "chunks become smaller")
      ->envname("WEIGHTINIT_SERVER_MAX_BYTES_HELD")
      ->check(CLI::Range(int64_t{1} << 20, int64_t{1} << 60))
      ->default_str("a quarter of the memory that the process may have");
  DeclareSeconds(app, "--write-stall-seconds", &server->patience.write_stall,
                 {0.1, kDay, kOff},
                 "A stream whose client reads nothing for this long is ended");
  DeclareSeconds(app, "--max-stream-seconds", &server->patience.life,
                 {1, 365 * kDay, kOff},
                 "A stream is ended after this; clients go on by another one");
  app->add_option(
         "--max-connections", server->connections.max_connections,
         "Connections at once; more are closed as they come. Each takes "
         "two file descriptors")
      ->envname("WEIGHTINIT_SERVER_MAX_CONNECTIONS")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  DeclareSeconds(app, "--connection-idle-seconds",
                 &server->connections.max_idle, {1, kDay, kNotOff},
                 "A connection without a call for this long is closed");
  DeclareSeconds(app, "--max-connection-age-seconds",
                 &server->connections.max_age, {1, 365 * kDay, kOff},
                 "A client is told to connect anew after this, so that load "
                 "balancers can spread it; its streams go on");
  DeclareSeconds(app, "--keepalive-seconds", &server->connections.keepalive,
                 {1, kDay, kOff},
                 "A connection that has been silent for this long is asked "
                 "whether it is alive");
}

// Declares the flags of `app`; they write to `flags`.
void Declare(CLI::App* app, Flags* flags) {
  app->set_version_flag("--version",
                        std::string("weightinit-server ") + kVersion);
  app->add_option("--config", flags->config_file,
                  "Read settings from this TOML file: flags without their "
                  "dashes (max-streams = 64). What the command line or the "
                  "environment gives comes first")
      ->envname("WEIGHTINIT_SERVER_CONFIG")
      ->type_name("FILE")
      ->configurable(false);
  app->add_flag("--print-config", flags->print_config,
                "Do not serve: print all settings, as such a file, and where "
                "each is from")
      ->configurable(false);
  app->add_flag_callback(
         "--check-config", [flags] { flags->task = Flags::Task::kCheckConfig; },
         "Do not serve: check all settings and the files that they name; exit "
         "0 if a server could start with them, else 2")
      ->configurable(false);
  app->add_option(
         "--listen", flags->server.listen,
         "Where to listen, HOST:PORT or unix:PATH; port 0 takes a free "
         "one. May be given several times; several in one are separated "
         "by commas")
      ->envname("WEIGHTINIT_SERVER_LISTEN")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->default_str(absl::StrJoin(flags->server.listen, ","));
  app->add_option("--max-elements", flags->server.limits.max_elements,
                  "Largest tensor served, in elements before slicing")
      ->envname("WEIGHTINIT_SERVER_MAX_ELEMENTS")
      ->check(CLI::Range(int64_t{1}, kMaxElementsCeiling))
      ->capture_default_str();
  app->add_option("--max-operations", flags->server.limits.max_operations,
                  "Largest work for one tensor's slice, in floating-point "
                  "operations beside those of its draws; an orthogonal matrix "
                  "of N rows and columns takes 4/3 N^3")
      ->envname("WEIGHTINIT_SERVER_MAX_OPERATIONS")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()))
      ->capture_default_str();
  DeclareBounds(app, &flags->server);
  app->add_option("--generator-threads", flags->server.generator_threads,
                  "Threads that compute weights; 0 for one per core")
      ->envname("WEIGHTINIT_SERVER_GENERATOR_THREADS")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app->add_option_function<std::string>(
         "--root-seed-file",
         [flags](const std::string& path) { flags->root_seed_file = path; },
         "File with the root seed, a secret of 32 to 4096 bytes that the seeds "
         "of names (seed_name) are derived from; replicas need the same. "
         "Default: none, and requests that name a seed are refused")
      ->envname("WEIGHTINIT_SERVER_ROOT_SEED_FILE");
  DeclareSecurityFlags(app, &flags->server.security);
  app->add_option("--simd-target", flags->simd_target,
                  "Instruction set to compute with, such as avx2; it changes "
                  "no bit. Default: the best of this machine")
      ->envname("WEIGHTINIT_TARGET");
  DeclareSeconds(
      app, "--drain-delay-seconds", &flags->drain_delay, {0, kDay, kNotOff},
      "How long everything is served after SIGTERM, while health says "
      "NOT_SERVING and load balancers take notice");
  app->add_option("--drain-seconds", flags->drain_seconds,
                  "How long running streams may go on after that")
      ->envname("WEIGHTINIT_SERVER_DRAIN_SECONDS")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app->add_option("--metrics-listen", flags->metrics_listen,
                  "Answer HTTP here: /metrics for Prometheus, /healthz, "
                  "/readyz; not encrypted, for an address that only the "
                  "monitoring reaches. Default: nowhere")
      ->envname("WEIGHTINIT_SERVER_METRICS_LISTEN")
      ->type_name("HOST:PORT");
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
           flags->task = Flags::Task::kHealthCheck;
           flags->health_check_address = address;
         },
         "Do not serve: ask the server at this address (default: the first "
         "of --listen, one of unix:PATH before others) whether it serves; exit "
         "0 if so, else 1. By TLS if --tls-ca or --tls-cert is given")
      ->type_name("[HOST:PORT]")
      ->expected(0, 1)
      ->configurable(false);
  app->add_option("--tls-ca", flags->tls_ca,
                  "With --health-check: file with the certificates that sign "
                  "that of the server. Default: its certificate is not checked")
      ->type_name("FILE")
      ->configurable(false);
}

// CLI11 2.4 and later take no notice of a variable whose value fails the check
// of its option; earlier ones refuse it, and so do we. Throws CLI::ParseError.
void RefuseBadVariables(CLI::App& app) {
  for (CLI::Option* const option : app.get_options()) {
    const std::string variable = option->get_envname();
    if (variable.empty() || option->count() > 0) continue;
    const char* const value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    option->add_result(value);
    option->run_callback();
  }
}

}  // namespace

std::optional<int> ParseFlags(int argc, char** argv, Flags* flags) {
  CLI::App app("Serves deterministic weight tensors over gRPC.",
               "weightinit-server");
  Declare(&app, flags);
  try {
    app.parse(argc, argv);
    RefuseBadVariables(app);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  Flags ignored;
  const FlagDeclaration declare = [&ignored](CLI::App* scratch) {
    Declare(scratch, &ignored);
  };
  std::vector<ConfigSetting> settings;
  if (!flags->config_file.empty()) {
    auto read = ReadConfigFile(flags->config_file);
    absl::Status status = read.status();
    if (status.ok()) {
      settings = *std::move(read);
      status = ApplySettings(settings, declare, &app);
    }
    if (!status.ok()) {
      std::cerr << "weightinit-server: "
                << (absl::IsInvalidArgument(status) ? "" : "--config: ")
                << status.message() << "\n";
      return kExitUsage;
    }
  }
  if (flags->print_config) {
    std::cout << SettingsText(app, argc, argv, settings, declare);
    return 0;
  }
  return std::nullopt;
}

}  // namespace weightinit

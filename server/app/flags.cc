#include "server/app/flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "weightinit/core/limits.h"
#include "weightinit/core/version.h"

namespace weightinit {
namespace {

constexpr int kExitUsage = 2;

// Declares the flags of `app`; they write to `flags`.
void Declare(CLI::App* app, Flags* flags) {
  app->set_version_flag("--version",
                        std::string("weightinit-server ") + kVersion);
  app->set_config("--config", "", "Read flags from a TOML or INI file");
  app->add_option("--listen", flags->server.listen,
                  "Where to listen, HOST:PORT; port 0 takes a free one")
      ->envname("WEIGHTINIT_SERVER_LISTEN")
      ->capture_default_str();
  app->add_option("--max-elements", flags->server.limits.max_elements,
                  "Largest tensor served, in elements before slicing")
      ->envname("WEIGHTINIT_SERVER_MAX_ELEMENTS")
      ->check(CLI::Range(int64_t{1}, kMaxElementsCeiling))
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
  app->add_option_function<std::string>(
         "--root-seed-file",
         [flags](const std::string& path) { flags->root_seed_file = path; },
         "File with the root seed, a secret of 32 to 4096 bytes that the seeds "
         "of names (seed_name) are derived from; replicas need the same. "
         "Default: none, and requests that name a seed are refused")
      ->envname("WEIGHTINIT_SERVER_ROOT_SEED_FILE");
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
  return std::nullopt;
}

}  // namespace weightinit

// The command line `weightinit`.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/interrupt.h"
#include "client/cpp/cli/model_command.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/request_options.h"
#include "client/cpp/cli/seed_command.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/names.h"
#include "weightinit/core/parameters.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/version.h"

namespace weightinit::cli {
namespace {

constexpr char kFooter[] =
    "\nExit status: 0 success; 1 failure at run time, such as a file that "
    "cannot be\n"
    "written; 2 usage: a bad option, or a request that the service rejects;\n"
    "3 service unavailable, overloaded or too slow; 4 the data received "
    "failed\n"
    "verification; 128 + n ended by signal n. Unless it is 0, the output file "
    "is as it\n"
    "was before. Data and results go to standard output, messages to standard "
    "error.";

template <typename E>
std::string NameList() {
  return absl::StrJoin(
      AllNamed<E>(), ", ",
      [](std::string* out, const Named<E>& named) { out->append(named.name); });
}

// Keeps the text as typed, the empty one too.
CLI::Option* AddText(CLI::App& app, const std::string& names,
                     std::optional<std::string>& target,
                     const std::string& help) {
  return app.add_option_function<std::string>(
      names, [&target](const std::string& text) { target = text; }, help);
}

// "uniform (default 0), truncated_normal (default -2)".
std::string UsesText(const ParameterInfo& parameter) {
  std::vector<std::string> texts;
  const auto& uses = parameter.uses;
  for (size_t first = 0, last = 0; first < uses.size(); first = last) {
    std::vector<std::string> schemes;
    const std::string& value = uses[first].default_value;
    for (; last < uses.size() && uses[last].default_value == value; ++last) {
      schemes.emplace_back(NameOf(uses[last].scheme));
    }
    texts.push_back(absl::StrCat(absl::StrJoin(schemes, ", "),
                                 value.empty()
                                     ? " (required)"
                                     : absl::StrCat(" (default ", value, ")")));
  }
  return absl::StrJoin(texts, ", ");
}

void AddParameter(CLI::App& app, const ParameterInfo& parameter,
                  std::optional<std::string>& target) {
  std::string help(parameter.what);
  if (!parameter.choices.empty()) {
    absl::StrAppend(&help, ": ", absl::StrJoin(parameter.choices, ", "));
  }
  absl::StrAppend(&help, ". Of ", UsesText(parameter));
  AddText(app, OptionOf({parameter.name.data(), parameter.name.size()}), target,
          help)
      ->group("Parameters of the scheme");
}

void AddConnectionOptions(CLI::App& app, ConnectionOptions& options,
                          bool& json) {
  AddText(app, "--server", options.servers,
          "HOST:PORT of the server; several between commas take over from each "
          "other. "
          "Without it this process computes");
  AddText(app, "--timeout", options.timeout,
          "Give up after this many seconds. Default: never");
  app.add_flag("--json", json, "Print one JSON object");
}

void AddRequestOptions(CLI::App& app, RequestOptions& options) {
  AddText(app, "--shape", options.shape,
          "Dimensions, as 512x256 or 512,256; \"\" for a scalar. Required");
  app.add_option_function<std::string>(
      "--name", [&options](const std::string& text) { options.name = text; },
      "Name of the tensor, which selects its random stream. Default: \"\"");
  AddText(app, "--seed", options.seed,
          "0 to 2^64 - 1, decimal or 0x hex. Default: 0");
  AddText(
      app, "--seed-name", options.seed_name,
      "Name of the seed, such as team/experiment-42, in place of --seed: the "
      "server derives the number from it and its root seed");
  AddText(app, "--activation", options.activation,
          "Activation after the layer: " + NameList<Activation>() +
              ". Default: linear");
  AddText(app, "--scheme", options.scheme,
          NameList<Scheme>() + ". Default: chosen from the activation");
  AddText(app, "--dtype", options.dtype,
          NameList<Dtype>() + ". Default: float32");
  AddText(app, "--layout", options.layout,
          NameList<Layout>() +
              ": order of dimensions, as in PyTorch or in Keras and "
              "JAX. Default: out_in");
  AddText(app, "--generator", options.generator,
          NameList<Generator>() + ". Default: philox4x32_v1");
  AddText(app, "--slice", options.slice,
          "Part to deliver, one start:stop for each dimension, as 0:16,: with "
          "Python's "
          "meaning. Default: all");
  AddText(app, "--first-element", options.first_element,
          "First element of the slice to deliver. Default: 0");
  AddText(app, "--element-count", options.element_count,
          "Elements to deliver from the first one on. Default: to the end of "
          "the slice");
  AddText(app, "--chunk-bytes", options.chunk_bytes,
          absl::StrCat("Bytes of a message, ", kMinChunkBytes, " to ",
                       kMaxChunkBytes, "; never changes a value. Default: ",
                       WeightClientOptions{}.chunk_bytes));

  const char* const fans = "Fans";
  AddText(app, "--groups", options.groups,
          "Groups of a grouped convolution. Default: 1")
      ->group(fans);
  app.add_flag("--transposed", options.transposed,
               "The weight is of a transposed convolution")
      ->group(fans);
  AddText(app, "--fan-in", options.fan_in, "Overrides the fan_in of the shape")
      ->group(fans);
  AddText(app, "--fan-out", options.fan_out,
          "Overrides the fan_out of the shape")
      ->group(fans);

  const std::vector<ParameterInfo>& parameters = AllParameters();
  auto parameter = parameters.begin();
#define WEIGHTINIT_PARAMETER(name, ...) \
  AddParameter(app, *parameter++, options.name);
#define WEIGHTINIT_CHOICE_PARAMETER(name, ...) \
  AddParameter(app, *parameter++, options.name);
#include "weightinit/core/request.def"
}

void AddRootSeedOption(CLI::App& app, ConnectionOptions& options) {
  AddText(
      app, "--root-seed-file", options.root_seed_file,
      "File with the root seed of the servers, to derive the seed of a name "
      "without --server");
}

void AddModelOptions(CLI::App& app, ModelOptions& options) {
  app.add_option("MANIFEST", options.manifest,
                 "The model, in YAML or JSON; - for standard input")
      ->required();
  AddText(app, "--seed", options.seed,
          "0 to 2^64 - 1, decimal or 0x hex. Default: 0");
  AddText(app, "--seed-name", options.seed_name,
          "A name in place of --seed, from which the server derives the seed");
  app.add_option("--only", options.only,
                 "Only tensors whose name matches this pattern, in which * is "
                 "any text and ? one character; may be given several times. "
                 "Default: all");
  AddText(app, "--threads", options.connection.threads,
          "Threads that compute when there is no --server. Default: one for "
          "each core");
  AddConnectionOptions(app, options.connection, options.json);
  AddRootSeedOption(app, options.connection);
  app.footer(kFooter);
}

// Standard streams that the parent closed must not become the output file.
void OpenStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Read-only: what is written to them still fails.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0) _exit(1);
  }
}

int Report(const absl::Status& status) {
  if (!status.ok()) {
    WriteText(STDERR_FILENO,
              absl::StrCat("weightinit: ", status.message(), "\n"))
        .IgnoreError();
  }
  return ExitStatus(status);
}

// The answer to --help, --version or a command line that does not parse.
int ReportParsing(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out;
  std::ostringstream err;
  if (app.exit(error, out, err) != 0) {
    return Report(absl::InvalidArgumentError(absl::StrCat(
        error.what(), "\nRun weightinit --help for the options.")));
  }
  return Report(WriteText(STDOUT_FILENO, out.str()));
}

int Main(int argc, char** argv) {
  OpenStandardStreams();
  // A closed pipe and a file size limit are errors of write, told like others.
  for (const int number : {SIGPIPE, SIGXFSZ}) {
    if (std::signal(number, SIG_IGN) == SIG_ERR) return 1;
  }
  ExitOnSignals(&Output::RemoveTemporary);

  CLI::App app("Deterministic initial weights of neural networks.",
               "weightinit");
  app.set_version_flag("--version", absl::StrCat("weightinit ", kVersion));
  app.footer(kFooter);
  app.require_subcommand(0, 1);

  std::string simd_target;
  app.add_option("--simd-target", simd_target,
                 "Instruction set to compute with when there is no --server, "
                 "such as avx2; it changes no bit. Default: the best of this "
                 "machine")
      ->envname("WEIGHTINIT_TARGET");

  InitOptions init_options;
  CLI::App* const init = app.add_subcommand(
      "init", "Compute a tensor, verify it, report on it, store it");
  AddRequestOptions(*init, init_options.request);
  AddText(
      *init, "-o,--output", init_options.output,
      "File to write: .npy, .safetensors or .bin; - for standard output, which "
      "gets "
      "the bytes alone unless --format says otherwise. It appears when it is "
      "complete. A bfloat16 .npy has dtype V2: view it as ml_dtypes.bfloat16. "
      "Default: none");
  AddText(*init, "--format", init_options.format,
          "npy, safetensors or bin. Default: the extension of --output");
  init->add_flag("--sha256", init_options.sha256,
                 "Report the SHA-256 of the tensor's bytes too. It is computed "
                 "in their order by one thread, at 1 to 2 GB/s");
  init->add_flag(
      "--resume", init_options.resume,
      "With --server: if the download breaks off, keep it as "
      "OUTPUT.partial and OUTPUT.partial.state, and go on from there "
      "the next time, once it is found intact. Default: nothing "
      "partial stays");
  AddText(*init, "--threads", init_options.connection.threads,
          "Threads that compute when there is no --server. Default: one for "
          "each core");
  AddConnectionOptions(*init, init_options.connection, init_options.json);
  AddRootSeedOption(*init, init_options.connection);
  init->footer(kFooter);

  DescribeOptions describe_options;
  CLI::App* const describe = app.add_subcommand(
      "describe", "Say what init would compute, and compute nothing");
  AddRequestOptions(*describe, describe_options.request);
  AddConnectionOptions(*describe, describe_options.connection,
                       describe_options.json);
  AddRootSeedOption(*describe, describe_options.connection);
  describe->footer(kFooter);

  InfoOptions info_options;
  CLI::App* const info = app.add_subcommand(
      "info", "Show the service's version, capabilities and limits");
  AddConnectionOptions(*info, info_options.connection, info_options.json);
  info->footer(kFooter);

  CLI::App* const seed =
      app.add_subcommand("seed", "Show the numbers of seeds that have names");
  seed->require_subcommand(0, 1);
  ResolveSeedOptions resolve_options;
  CLI::App* const resolve =
      seed->add_subcommand("resolve", "Print the seed of a name, for --seed");
  resolve->add_option("NAME", resolve_options.seed_name, "The name")
      ->required();
  AddConnectionOptions(*resolve, resolve_options.connection,
                       resolve_options.json);
  resolve->get_option("--server")
      ->description(
          "HOST:PORT of the server that derives it; several between commas "
          "take over from each other");
  AddRootSeedOption(*resolve, resolve_options.connection);
  resolve->footer(kFooter);

  CLI::App* const model = app.add_subcommand(
      "model", "Whole models, from a manifest in YAML or JSON");
  model->require_subcommand(0, 1);
  ModelOptions plan_options;
  CLI::App* const model_plan = model->add_subcommand(
      "plan", "List the tensors of a model, and compute nothing");
  AddModelOptions(*model_plan, plan_options);
  ModelInitOptions model_init_options;
  CLI::App* const model_init =
      model->add_subcommand("init", "Compute a model and store it in one file");
  AddModelOptions(*model_init, model_init_options.model);
  model_init
      ->add_option("-o,--output", model_init_options.output,
                   "File to write, NAME.safetensors. It appears when it is "
                   "complete; its bytes do not depend on the order of the "
                   "manifest's entries")
      ->required();
  ModelVerifyOptions model_verify_options;
  CLI::App* const model_verify = model->add_subcommand(
      "verify", "Compute a model again and compare it with a file");
  model_verify
      ->add_option("FILE", model_verify_options.file, "The .safetensors file")
      ->required();
  AddModelOptions(*model_verify, model_verify_options.model);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ReportParsing(app, error);
  }
  if (const absl::Status forced = ForceSimdTarget(simd_target); !forced.ok()) {
    return Report(forced);
  }
  if (init->parsed()) return Report(RunInit(init_options));
  if (describe->parsed()) return Report(RunDescribe(describe_options));
  if (info->parsed()) return Report(RunInfo(info_options));
  if (resolve->parsed()) return Report(RunResolveSeed(resolve_options));
  if (model_plan->parsed()) return Report(RunModelPlan(plan_options));
  if (model_init->parsed()) return Report(RunModelInit(model_init_options));
  if (model_verify->parsed()) {
    return Report(RunModelVerify(model_verify_options));
  }
  if (model->parsed()) {
    return Report(absl::InvalidArgumentError(
        "model: a subcommand is required: plan, init or verify\n"
        "Run weightinit model --help for the options."));
  }
  if (seed->parsed()) {
    return Report(absl::InvalidArgumentError(
        "seed: a subcommand is required: resolve\n"
        "Run weightinit seed --help for the options."));
  }
  return Report(absl::InvalidArgumentError(
      "a subcommand is required: init, describe, info, seed or model\n"
      "Run weightinit --help for the options."));
}

}  // namespace
}  // namespace weightinit::cli

int main(int argc, char** argv) {
  try {
    return weightinit::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, most likely: as little as can be.
    [[maybe_unused]] const ssize_t written =
        write(STDERR_FILENO, error.what(), std::strlen(error.what()));
    return 1;
  }
}

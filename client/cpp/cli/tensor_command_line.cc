// The command lines of init and describe.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/cli/command_line.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/request_options.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/core/catalogue.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/names.h"

namespace weightinit::cli {
namespace {

template <typename E>
std::string NameList() {
  return absl::StrJoin(
      AllNamed<E>(), ", ",
      [](std::string* out, const Named<E>& named) { out->append(named.name); });
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
          NameList<Scheme>() +
              ", or one of a framework, as keras.he_normal (see weightinit "
              "schemes). Default: chosen from role and activation");
  AddText(app, "--role", options.role,
          NameList<TensorRole>() +
              ": what the tensor is in its layer. Default: weight, or bias if "
              "its rank is below 2");
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
  AddText(
      app, "--shard", options.shard,
      "INDEX/COUNT, as 3/8, in place of --slice: the share with this index, "
      "from 0 on, of so many along --axis, cut as torch.chunk does: each "
      "has ceil(size / COUNT) of the dimension, the last ones fewer or "
      "nothing");
  AddText(app, "--axis", options.axis,
          "Dimension of --shard, counted from 0. Default: 0");
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

void AddInit(CLI::App& app, ChosenCommand& chosen) {
  const auto options = std::make_shared<InitOptions>();
  CLI::App* const init = app.add_subcommand(
      "init", "Compute a tensor, verify it, report on it, store it");
  AddRequestOptions(*init, options->request);
  AddText(
      *init, "-o,--output", options->output,
      "File to write: .npy, .safetensors or .bin; - for standard output, which "
      "gets "
      "the bytes alone unless --format says otherwise. It appears when it is "
      "complete. A bfloat16 .npy has dtype V2: view it as ml_dtypes.bfloat16. "
      "Default: none");
  AddText(*init, "--format", options->format,
          "npy, safetensors or bin. Default: the extension of --output");
  init->add_flag("--sha256", options->sha256,
                 "Report the SHA-256 of the tensor's bytes too. It is computed "
                 "in their order by one thread, at 1 to 2 GB/s");
  init->add_flag(
      "--resume", options->resume,
      "With --server: if the download breaks off, keep it as "
      "OUTPUT.partial and OUTPUT.partial.state, and go on from there "
      "the next time, once it is found intact. Default: nothing "
      "partial stays");
  AddSpeedOptions(*init, options->connection);
  AddConnectionOptions(*init, options->connection, options->json);
  AddRootSeedOption(*init, options->connection);
  init->footer(kExitStatusHelp);
  init->callback(
      [options, &chosen] { chosen = [options] { return RunInit(*options); }; });
}

void AddDescribe(CLI::App& app, ChosenCommand& chosen) {
  const auto options = std::make_shared<DescribeOptions>();
  CLI::App* const describe = app.add_subcommand(
      "describe", "Say what init would compute, and compute nothing");
  AddRequestOptions(*describe, options->request);
  AddConnectionOptions(*describe, options->connection, options->json);
  AddRootSeedOption(*describe, options->connection);
  describe->footer(kExitStatusHelp);
  describe->callback([options, &chosen] {
    chosen = [options] { return RunDescribe(*options); };
  });
}

}  // namespace

void AddTensorCommands(CLI::App& app, ChosenCommand& chosen) {
  AddInit(app, chosen);
  AddDescribe(app, chosen);
}

}  // namespace weightinit::cli

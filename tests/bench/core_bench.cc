// weightinit-bench-core: how fast one thread computes values, by Google
// Benchmark. Besides its flags there are
//   --memory_bytes=N   size of the tensor and of the memory, default 256 MiB
//   --list_targets     print the SIMD targets of this machine, and end
// and WEIGHTINIT_TARGET forces an instruction set.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "tests/bench/touched_memory.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit::bench {
namespace {

constexpr int kExitUsage = 2;

// A tensor [rows, 64] of which columns 3 to 9 are asked for.
constexpr int64_t kColumns = 64;
constexpr int64_t kFirstColumn = 3;
constexpr int64_t kEndColumn = 10;

struct Case {
  std::string name;
  Scheme scheme;
  Dtype dtype;
};

const std::vector<Case>& Cases() {
  static const auto& cases = *new std::vector<Case>{
      {"uniform_f32", Scheme::kUniform, Dtype::kFloat32},
      {"normal_f32", Scheme::kNormal, Dtype::kFloat32},
      {"truncated_f32", Scheme::kTruncatedNormal, Dtype::kFloat32},
      {"uniform_f64", Scheme::kUniform, Dtype::kFloat64},
      {"normal_f64", Scheme::kNormal, Dtype::kFloat64},
      {"normal_f16", Scheme::kNormal, Dtype::kFloat16},
      {"normal_bf16", Scheme::kNormal, Dtype::kBfloat16},
      {"constant_f32", Scheme::kOnes, Dtype::kFloat32},
  };
  return cases;
}

// Layers that are asked for in IN_OUT layout, by the chunk; "chunks" has the
// speed of the same elements in OUT_IN layout.
struct Layer {
  std::string name;
  std::vector<int64_t> shape;
};

const std::vector<Layer>& InOutLayers() {
  static const auto& layers =
      *new std::vector<Layer>{{"in_out_dense", {4096, 4096}},
                              {"in_out_conv", {3, 3, 512, 512}},
                              {"in_out_wide", {768, 50257}}};
  return layers;
}

// Reads the whole plan into `memory`, from its front again whenever it is full.
void Fill(benchmark::State& state, const TensorRequest& request,
          absl::Span<uint8_t> memory) {
  const auto plan = Resolve(request);
  if (!plan.ok()) {
    state.SkipWithError(plan.status().ToString().c_str());
    return;
  }
  while (state.KeepRunning()) {
    TensorReader reader(*plan);
    while (reader.Read(memory) > 0) benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * plan->elements);
  state.SetBytesProcessed(state.iterations() * plan->bytes);
}

void Register(const std::string& name, const TensorRequest& request,
              absl::Span<uint8_t> memory) {
  benchmark::RegisterBenchmark(
      name.c_str(), [=](auto& state) { Fill(state, request, memory); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void RegisterAll(absl::Span<uint8_t> memory) {
  const auto bytes = static_cast<int64_t>(memory.size());
  const absl::Span<uint8_t> chunk = memory.first(
      std::min(memory.size(), static_cast<size_t>(kDefaultChunkBytes)));
  for (const Case& c : Cases()) {
    TensorRequest request;
    request.tensor.scheme = c.scheme;
    request.tensor.dtype = c.dtype;
    request.tensor.shape = {bytes / DtypeBytes(c.dtype)};
    Register("whole/" + c.name, request, memory);
    Register("chunks/" + c.name, request, chunk);
    request.tensor.shape = {bytes / DtypeBytes(c.dtype) / kColumns, kColumns};
    request.slice = {{}, {kFirstColumn, kEndColumn}};
    Register("rows/" + c.name, request, memory);
    request.slice = {};
    request.tensor.fan.layout = Layout::kInOut;
    for (const Layer& layer : InOutLayers()) {
      request.tensor.shape = layer.shape;
      Register(layer.name + "/" + c.name, request, chunk);
    }
  }
}

// Orthogonal matrices of float32. The larger one fits the memory.
void RegisterOrthogonal(absl::Span<uint8_t> memory) {
  constexpr int64_t kSmall = 1024;
  constexpr int64_t kLarge = 4096;
  int64_t large = kLarge;
  while (large * large * 4 > static_cast<int64_t>(memory.size())) large /= 2;
  TensorRequest request;
  request.tensor.scheme = Scheme::kOrthogonal;
  request.tensor.shape = {kSmall, kSmall};
  Register("whole/orthogonal_small", request, memory);
  request.tensor.shape = {large, large};
  Register("whole/orthogonal_large", request, memory);
  // The rows that cost most.
  request.slice = {{large - large / 8, {}}, {}};
  Register("last_eighth/orthogonal_large", request, memory);
}

int ListTargets() {
  for (const SimdTarget& target : KnownSimdTargets()) {
    if (target.supported) std::cout << target.name << "\n";
  }
  return 0;
}

// What Google Benchmark leaves of the command line.
struct Flags {
  int64_t memory_bytes = int64_t{256} << 20;
  bool list_targets = false;
};

absl::StatusOr<Flags> ParseFlags(absl::Span<char* const> arguments) {
  Flags flags;
  for (absl::string_view argument : arguments) {
    const absl::string_view whole = argument;
    if (argument == "--list_targets") {
      flags.list_targets = true;
    } else if (!absl::ConsumePrefix(&argument, "--memory_bytes=") ||
               !absl::SimpleAtoi(argument, &flags.memory_bytes) ||
               flags.memory_bytes < 4096) {
      return absl::InvalidArgumentError(
          absl::StrCat(whole,
                       " is not --list_targets, or --memory_bytes=N "
                       "with N at least 4096"));
    }
  }
  return flags;
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const absl::StatusOr<Flags> flags =
      ParseFlags({argv + 1, static_cast<size_t>(argc - 1)});
  if (!flags.ok()) {
    std::cerr << "weightinit-bench-core: " << flags.status().message() << "\n";
    return kExitUsage;
  }
  if (flags->list_targets) return ListTargets();

  const char* const target = std::getenv("WEIGHTINIT_TARGET");
  if (const absl::Status status =
          ForceSimdTarget(target != nullptr ? target : "");
      !status.ok()) {
    std::cerr << "weightinit-bench-core: " << status.message() << "\n";
    return kExitUsage;
  }
  benchmark::AddCustomContext("simd_target", SimdTargetInUse());
  benchmark::AddCustomContext("compiler", WEIGHTINIT_COMPILER);
  const TouchedMemory memory(static_cast<size_t>(flags->memory_bytes));
  RegisterAll(memory.span());
  RegisterOrthogonal(memory.span());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace weightinit::bench

int main(int argc, char** argv) {
  // Out of memory, most likely.
  try {
    return weightinit::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "weightinit-bench-core: " << error.what() << "\n";
    return 1;
  }
}

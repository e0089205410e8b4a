// weightinit-bench-core: how fast one thread computes values, by Google
// Benchmark. Besides its flags there are
//   --memory_bytes=N   size of the tensor and of the memory, default 256 MiB
//   --list_targets     print the SIMD targets of this machine, and end
// and WEIGHTINIT_TARGET forces an instruction set.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
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
  }
}

int ListTargets() {
  for (const SimdTarget& target : KnownSimdTargets()) {
    if (target.supported) std::cout << target.name << "\n";
  }
  return 0;
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  CLI::App app("Speed of the core; also takes Google Benchmark's flags");
  size_t memory_bytes = size_t{256} << 20;
  bool list_targets = false;
  std::string target;
  app.add_option("--memory_bytes", memory_bytes)
      ->check(CLI::Range(size_t{4096}, size_t{1} << 36));
  app.add_flag("--list_targets", list_targets);
  app.add_option("--simd_target", target)->envname("WEIGHTINIT_TARGET");
  CLI11_PARSE(app, argc, argv);
  if (list_targets) return ListTargets();

  if (const absl::Status status = ForceSimdTarget(target); !status.ok()) {
    std::cerr << "weightinit-bench-core: " << status.message() << "\n";
    return kExitUsage;
  }
  benchmark::AddCustomContext("simd_target", SimdTargetInUse());
  benchmark::AddCustomContext("compiler", WEIGHTINIT_COMPILER);
  const TouchedMemory memory(memory_bytes);
  RegisterAll(memory.span());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace weightinit::bench

int main(int argc, char** argv) {
  // CLI11 reports a mistake in its own declarations by throwing.
  try {
    return weightinit::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "weightinit-bench-core: " << error.what() << "\n";
    return 1;
  }
}

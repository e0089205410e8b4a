// weightinit-exhaustive: one SHA-256 for each function of core/DETERMINISM.md
// from one random word to a number, over all 2^32 words.
//
// usage: weightinit-exhaustive [TARGET]    TARGET forces a SIMD target.
//
// Prints a line for each function, its name and its hash. Those of binary64,
// which has 2^64 words, take 2^32 of them, spread by a multiplication.

#include <atomic>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "core/kernels/kernel.h"
#include "core/random/sampler.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/sha256.h"
#include "weightinit/core/simd_target.h"

namespace weightinit {
namespace {

// How the words of a pair, those of neighbouring elements, come from a number.
enum class Pairing {
  kEach,    // Numbers in turn: the even ones first, the odd ones second.
  kRadius,  // First the number, second 0.
  kAngle,   // First 2^(bits - 1), second the number.
};

struct Function {
  std::string name;
  DistributionParameters parameters;
  Dtype dtype;
  Pairing pairing;
};

std::vector<Function> Functions() {
  const DistributionParameters uniform{Distribution::kUniform, 0, 0, -1, 1};
  const DistributionParameters normal{Distribution::kNormal, 0, 1, 0, 0};
  const auto truncated = [](double low, double high) {
    return DistributionParameters{Distribution::kTruncatedNormal, 0, 1, low,
                                  high};
  };
  std::vector<Function> functions;
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
    const std::string suffix =
        dtype == Dtype::kFloat32 ? ".binary32" : ".binary64";
    functions.push_back({"centred" + suffix, uniform, dtype, Pairing::kEach});
    functions.push_back({"radius" + suffix, normal, dtype, Pairing::kRadius});
    functions.push_back({"angle" + suffix, normal, dtype, Pairing::kAngle});
    functions.push_back(
        {"quantile.center" + suffix, truncated(-2, 2), dtype, Pairing::kEach});
    functions.push_back(
        {"quantile.all" + suffix, truncated(-30, 30), dtype, Pairing::kEach});
    functions.push_back(
        {"quantile.tail" + suffix, truncated(1, 30), dtype, Pairing::kEach});
  }
  functions.push_back(
      {"encode.binary16", normal, Dtype::kFloat16, Pairing::kRadius});
  functions.push_back(
      {"encode.bfloat16", normal, Dtype::kBfloat16, Pairing::kRadius});
  return functions;
}

constexpr uint64_t kNumbers = uint64_t{1} << 32;
// Numbers that are hashed at once, so that threads can share the work: the hash
// of a function is that of the hexadecimal hashes of its parts.
constexpr uint64_t kPart = uint64_t{1} << 24;

uint32_t WordOf(uint64_t number, uint32_t /*type*/) {
  return static_cast<uint32_t>(number);
}
uint64_t WordOf(uint64_t number, uint64_t /*type*/) {
  return number * 0x9E3779B97F4A7C15u;
}

template <typename F>
std::string HashPart(const Function& function, uint64_t first) {
  using Word = typename DrawWord<F>::type;
  constexpr auto kTileWords =
      static_cast<size_t>(kTileBlocks * kDrawsPerBlock<F>);
  const Sampler<F> sampler = MakeSampler<F>(function.parameters);
  const auto tile_bytes =
      kTileWords * static_cast<size_t>(DtypeBytes(function.dtype));
  const size_t tile_numbers =
      function.pairing == Pairing::kEach ? kTileWords : kTileWords / 2;
  std::vector<Word> words(kTileWords);
  std::vector<uint8_t> bytes(tile_bytes);
  Sha256 hash;
  for (uint64_t done = 0; done < kPart; done += tile_numbers) {
    for (size_t i = 0; i < kTileWords; ++i) {
      const uint64_t at =
          first + done + (function.pairing == Pairing::kEach ? i : i / 2);
      const bool wanted =
          function.pairing == Pairing::kEach ||
          (i % 2 == 0) == (function.pairing == Pairing::kRadius);
      const Word other =
          function.pairing == Pairing::kRadius
              ? Word{0}
              : static_cast<Word>(Word{1} << (sizeof(Word) * 8 - 1));
      words[i] = wanted ? WordOf(at, Word{}) : other;
    }
    DrawFromWords(sampler, words.data(), kTileBlocks, function.dtype,
                  bytes.data());
    hash.Update(bytes);
  }
  return hash.HexDigest();
}

std::string Hash(const Function& function) {
  constexpr uint64_t kParts = kNumbers / kPart;
  std::vector<std::string> parts(kParts);
  std::atomic<uint64_t> next{0};
  const auto work = [&] {
    for (uint64_t part = next++; part < kParts; part = next++) {
      parts[part] = function.dtype == Dtype::kFloat64
                        ? HashPart<double>(function, part * kPart)
                        : HashPart<float>(function, part * kPart);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) thread.join();
  Sha256 whole;
  for (const std::string& part : parts) {
    whole.Update({reinterpret_cast<const uint8_t*>(part.data()), part.size()});
  }
  return whole.HexDigest();
}

int Main(int argc, char** argv) {
  if (argc > 2) {
    std::cerr << "usage: weightinit-exhaustive [TARGET]\n";
    return 2;
  }
  if (const absl::Status status = ForceSimdTarget(argc == 2 ? argv[1] : "");
      !status.ok()) {
    std::cerr << "weightinit-exhaustive: " << status.message() << "\n";
    return 2;
  }
  for (const Function& function : Functions()) {
    std::cout << function.name << " " << Hash(function) << "\n" << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace weightinit

int main(int argc, char** argv) { return weightinit::Main(argc, argv); }

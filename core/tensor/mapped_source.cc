#include "core/tensor/mapped_source.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/random/mapped_uniform.h"
#include "core/tensor/encode.h"
#include "core/tensor/fill.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// Numbers on their way from draws to the delivery.
constexpr int64_t kBuffer = 256;

}  // namespace

MappedSource::MappedSource(const TensorPlan& plan)
    : walk_(plan.shape, plan.slice, plan.layout),
      draws_(plan.parameters, Dtype::kFloat64, plan.stream_key),
      dtype_(plan.dtype),
      structure_(plan.structure) {}

void MappedSource::Read(int64_t position, int64_t count, uint8_t* out) {
  std::array<double, kBuffer> numbers;
  while (count > 0) {
    Run run = walk_.RunAt(position);
    const int64_t n = run.count = std::min({count, run.count, kBuffer});
    PieceFiller pieces(draws_);
    pieces.Add(run, reinterpret_cast<uint8_t*>(numbers.data()));
    pieces.Finish();
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      numbers[i] = structure_ == Structure::kLogOfUniform
                       ? NaturalLog(numbers[i])
                       : InverseSoftplusOfExp(numbers[i]);
    }
    Encode(dtype_, numbers.data(), n, out);
    position += n;
    count -= n;
    out += n * DtypeBytes(dtype_);
  }
}

}  // namespace weightinit

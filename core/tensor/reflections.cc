#include "core/tensor/reflections.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/kernels/reflect.h"
#include "core/tensor/fill.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

DistributionParameters StandardNormal() {
  DistributionParameters parameters;
  parameters.distribution = Distribution::kNormal;
  parameters.stddev = 1;
  return parameters;
}

}  // namespace

Reflections::Reflections(StreamKey key, int64_t count, int64_t width)
    : count_(count),
      width_(width),
      filler_(StandardNormal(), Dtype::kFloat32, key) {}

ReflectionGroup Reflections::Make(
    int64_t group, double* vectors,
    std::array<double, kGroupReflections>& signs) {
  const int64_t first = group * kGroupReflections;
  const int64_t size = width_ - first;
  const int64_t here = std::min(kGroupReflections, count_ - first);
  draws_.resize(static_cast<size_t>(kGroupReflections * size));
  std::fill(draws_.begin() + here * size, draws_.end(), 0.0F);
  PieceFiller pieces(filler_);
  for (int64_t i = 0; i < here; ++i) {
    float* const draws = draws_.data() + i * size;
    pieces.Add({(first + i) * width_ + first, 1, size},
               reinterpret_cast<uint8_t*>(draws));
  }
  pieces.Finish();
  for (int64_t i = 0; i < here; ++i) {
    std::fill_n(draws_.data() + i * size, i, 0.0F);  // Before the head.
  }

  std::array<double, kGroupReflections> squares = {};
  for (int64_t c = 0; c < size; ++c) {
    for (size_t i = 0; i < kGroupReflections; ++i) {
      // The sum makes a -0 a +0.
      const double draw =
          static_cast<double>(
              draws_[i * static_cast<size_t>(size) + static_cast<size_t>(c)]) +
          0.0;
      vectors[c * kGroupReflections + static_cast<int64_t>(i)] = draw;
      squares[i] += draw * draw;
    }
  }
  std::array<double, kGroupReflections> factors = {};
  signs = {1, 1, 1, 1};
  for (size_t i = 0; i < static_cast<size_t>(here); ++i) {
    double& head = vectors[i * (kGroupReflections + 1)];
    if (squares[i] == 0) head = squares[i] = 1;
    const double length = std::sqrt(squares[i]);
    factors[i] = 1 / std::sqrt(squares[i] + length * std::fabs(head));
    signs[i] = head < 0 ? 1 : -1;
    head = head < 0 ? head - length : head + length;
  }
  for (int64_t c = 0; c < size; ++c) {
    for (size_t i = 0; i < kGroupReflections; ++i) {
      vectors[c * kGroupReflections + static_cast<int64_t>(i)] *= factors[i];
    }
  }
  ReflectionGroup made;
  made.first = first;
  made.vectors = vectors;
  MultiplyVectors(width_, made);
  return made;
}

}  // namespace weightinit

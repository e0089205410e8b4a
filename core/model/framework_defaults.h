// What PyTorch, Keras and Flax fill the tensors of a layer with.

#ifndef WEIGHTINIT_CORE_MODEL_FRAMEWORK_DEFAULTS_H_
#define WEIGHTINIT_CORE_MODEL_FRAMEWORK_DEFAULTS_H_

#include <cstdint>

#include "core/model/draft.h"
#include "weightinit/core/model.h"

namespace weightinit {

// The fans of a weight as a framework counts them: without groups, and of a
// transposed convolution in the order of its shape.
struct KernelFans {
  int64_t in = 0;
  int64_t out = 0;
};

// A weight of a dense layer, of a convolution or of a projection: PyTorch's
// kaiming_uniform_ with a = sqrt(5), which is U(+-1 / sqrt(in)); Keras'
// glorot_uniform; Flax' lecun_normal. Without a framework nothing changes, and
// so in the functions below.
void SetKernel(Framework framework, const KernelFans& fans, Draft& weight);

// The bias of such a layer: PyTorch's U(+-1 / sqrt(in)), else 0. REQUIRES: the
// bias is one already.
void SetBias(Framework framework, int64_t fan_in, Draft& bias);

// PyTorch's N(0, 1), Keras' U(+-0.05), Flax' N(0, 1 / dimensions).
void SetEmbedding(Framework framework, int64_t dimensions, Draft& weight);

// All of PyTorch's LSTM and GRU: U(+-1 / sqrt(hidden)).
void SetRecurrent(Framework framework, int64_t hidden, Draft& draft);

// The bound of glorot_uniform: sqrt(6 / (in + out)).
double GlorotBound(const KernelFans& fans);

// Uniform within +-bound, whatever the shape.
void SetUniform(double bound, Settings& settings);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_FRAMEWORK_DEFAULTS_H_

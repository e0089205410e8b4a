#include "core/model/fingerprint.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "weightinit/core/model_plan.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/sha256.h"

namespace weightinit {
namespace {

// With its terminating NUL.
constexpr char kTensorDomain[] = "weightinit.tensor.v1";
constexpr char kModelDomain[] = "weightinit.model.v1";

enum Kind : uint64_t {
  kElementwise = 0,
  kParts = 1,
  kAlias = 2,
  kMatrix = 3,
  kSparse = 4,
  kMapped = 5,
};

// Writes integers as 8 bytes, little-endian, texts behind their length.
class Encoder {
 public:
  void Raw(std::string_view bytes) { bytes_.append(bytes); }

  void Add(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) {
      bytes_.push_back(static_cast<char>((value >> shift) & 0xFF));
    }
  }
  void Add(int64_t value) { Add(static_cast<uint64_t>(value)); }
  void Add(double value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    Add(bits);
  }
  template <typename E>
  void AddEnum(E value) {
    Add(static_cast<uint64_t>(value));
  }
  void Add(const std::string& text) {
    Add(uint64_t{text.size()});
    Raw(text);
  }

  Digest Hash() const {
    return Sha256Of(
        {reinterpret_cast<const uint8_t*>(bytes_.data()), bytes_.size()});
  }

 private:
  std::string bytes_;
};

Kind KindOf(const TensorPlan& plan) {
  if (!plan.parts.empty()) return kParts;
  if (plan.structure == Structure::kSparse) return kSparse;
  if (plan.mapped()) return kMapped;
  return plan.drawn() ? kElementwise : kMatrix;
}

void Encode(const TensorPlan& plan, Encoder& encoder) {
  encoder.AddEnum(KindOf(plan));
  encoder.Add(plan.name);
  encoder.Add(uint64_t{plan.shape.size()});
  for (const int64_t size : plan.shape) encoder.Add(size);
  encoder.AddEnum(plan.dtype);
  encoder.AddEnum(plan.layout);
  if (KindOf(plan) == kMapped) encoder.AddEnum(plan.scheme);
  if (KindOf(plan) == kMatrix) {
    encoder.AddEnum(plan.scheme);
    encoder.Add(plan.groups);
    encoder.Add(*plan.gain);
    return;
  }
  if (plan.parts.empty()) {
    encoder.Add(plan.stream_key.key);
    encoder.Add(plan.stream_key.stream);
    encoder.AddEnum(plan.parameters.distribution);
    encoder.Add(plan.parameters.mean);
    encoder.Add(plan.parameters.stddev);
    encoder.Add(plan.parameters.low);
    encoder.Add(plan.parameters.high);
    if (KindOf(plan) == kSparse) encoder.Add(plan.zeros_per_column);
    return;
  }
  encoder.Add(plan.axis);
  encoder.Add(uint64_t{plan.stacked ? 1U : 0U});
  encoder.Add(uint64_t{plan.parts.size()});
  for (const TensorPlan& part : plan.parts) Encode(part, encoder);
}

}  // namespace

void Fingerprint::Add(const ModelTensor& tensor) {
  Encoder encoder;
  encoder.Raw({kTensorDomain, sizeof(kTensorDomain)});
  if (tensor.alias_of.empty()) {
    Encode(tensor.plan, encoder);
  } else {
    encoder.AddEnum(kAlias);
    encoder.Add(tensor.plan.name);
    encoder.Add(tensor.alias_of);
  }
  tensors_.push_back(encoder.Hash());
}

Digest Fingerprint::Finish(Generator generator, uint64_t seed) {
  // So that the order of entries does not matter.
  std::sort(tensors_.begin(), tensors_.end());
  Encoder encoder;
  encoder.Raw({kModelDomain, sizeof(kModelDomain)});
  encoder.AddEnum(generator);
  encoder.Add(seed);
  encoder.Add(uint64_t{tensors_.size()});
  for (const Digest& digest : tensors_) {
    encoder.Raw({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
  return encoder.Hash();
}

}  // namespace weightinit

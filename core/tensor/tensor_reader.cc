#include "weightinit/core/tensor_reader.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

TensorReader::TensorReader(TensorPlan plan)
    : TensorReader(std::move(plan), nullptr) {}

TensorReader::TensorReader(TensorPlan plan,
                           std::unique_ptr<ElementSource> source)
    : plan_(std::move(plan)),
      source_(source != nullptr ? std::move(source) : MakeElementSource(plan_)),
      position_(plan_.first_element),
      end_(plan_.first_element + plan_.elements) {}

bool TensorReader::Prepare(int64_t count) {
  return source_->Prepare(position_, std::min(count, remaining()));
}

int64_t TensorReader::Read(absl::Span<uint8_t> out) {
  const int64_t count = std::min(
      remaining(), static_cast<int64_t>(out.size()) / DtypeBytes(plan_.dtype));
  if (count > 0) source_->Read(position_, count, out.data());
  position_ += count;
  return count;
}

}  // namespace weightinit

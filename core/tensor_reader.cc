#include "weightinit/core/tensor_reader.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "core/fill.h"
#include "core/slice_walk.h"
#include "weightinit/core/resolve.h"

namespace weightinit {

// Elements by position. Immutable.
class TensorReader::Source {
 public:
  explicit Source(const TensorPlan &plan)
      : walk_(plan.shape, plan.slice, plan.layout),
        filler_(plan.parameters, plan.dtype, plan.stream_key) {}

  int64_t element_bytes() const { return filler_.element_bytes(); }

  // Writes `count` elements from `position` on.
  void Read(int64_t position, int64_t count, uint8_t *out) const {
    PieceFiller pieces(filler_);
    while (count > 0) {
      Run run = walk_.RunAt(position);
      const int64_t rows =
          std::min(walk_.AdjacentRows(position), count / run.count);
      int64_t n = 0;
      if (rows >= 2) {
        pieces.AddTransposed(run, rows, out);
        n = rows * run.count;
      } else {
        n = run.count = std::min(count, run.count);
        pieces.Add(run, out);
      }
      position += n;
      count -= n;
      out += n * element_bytes();
    }
    pieces.Finish();
  }

 private:
  SliceWalk walk_;
  Filler filler_;
};

TensorReader::TensorReader(TensorPlan plan)
    : plan_(std::move(plan)),
      source_(std::make_unique<const Source>(plan_)),
      position_(plan_.first_element),
      end_(plan_.first_element + plan_.elements) {}

TensorReader::TensorReader(TensorReader &&) noexcept = default;
TensorReader &TensorReader::operator=(TensorReader &&) noexcept = default;
TensorReader::~TensorReader() = default;

int64_t TensorReader::Read(absl::Span<uint8_t> out) {
  const int64_t count = std::min(
      remaining(), static_cast<int64_t>(out.size()) / source_->element_bytes());
  source_->Read(position_, count, out.data());
  position_ += count;
  return count;
}

}  // namespace weightinit

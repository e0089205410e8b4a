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
      : element_bytes_(DtypeBytes(plan.dtype)),
        walk_(plan.shape, plan.slice, plan.layout),
        filler_(plan.parameters, plan.dtype, plan.stream_key) {}

  int element_bytes() const { return element_bytes_; }

  // Writes the elements from `position` on, at most `count`, and returns how
  // many it wrote: at least one.
  int64_t ReadSome(int64_t position, int64_t count, uint8_t *out) const {
    const Run run = walk_.RunAt(position);
    const int64_t rows =
        std::min(walk_.AdjacentRows(position), count / run.count);
    if (rows >= 2) {
      filler_.FillTransposed(run, rows, out);
      return rows * run.count;
    }
    const int64_t n = std::min(count, run.count);
    filler_.Fill({run.first, run.stride, n}, out);
    return n;
  }

 private:
  int element_bytes_;
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
  const int bytes = source_->element_bytes();
  const int64_t count =
      std::min(remaining(), static_cast<int64_t>(out.size()) / bytes);
  for (int64_t done = 0; done < count;) {
    const int64_t n =
        source_->ReadSome(position_, count - done, out.data() + done * bytes);
    position_ += n;
    done += n;
  }
  return count;
}

}  // namespace weightinit

#include "weightinit/core/tensor_reader.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
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
  explicit Source(const TensorPlan& plan)
      : element_bytes_(DtypeBytes(plan.dtype)),
        walk_(plan.shape, plan.slice, plan.layout),
        filler_(plan.parameters, plan.dtype, plan.stream_key) {}

  int element_bytes() const { return element_bytes_; }

  // Writes the elements from `position` on, at most `count`, and returns how
  // many it wrote: at least one.
  int64_t ReadSome(int64_t position, int64_t count, uint8_t* out) const {
    const Run run = walk_.RunAt(position);
    const int64_t rows =
        std::min({walk_.AdjacentRows(position), count / run.count, kPanelRows});
    if (rows >= 2) {
      ReadPanel(run, rows, out);
      return rows * run.count;
    }
    const int64_t n = std::min(count, run.count);
    filler_.Fill(run.first, run.stride, n, out);
    return n;
  }

 private:
  // A multiple of the draws in a block, so that few are made for nothing.
  static constexpr int64_t kPanelRows = 64;

  // Writes `rows` rows of run.count elements, the first being `run` and each
  // next one logical index higher: column by column, where indices are
  // consecutive.
  void ReadPanel(const Run& run, int64_t rows, uint8_t* out) const {
    std::array<uint8_t, kPanelRows * sizeof(double)> column;
    const auto bytes = static_cast<size_t>(element_bytes_);
    for (int64_t c = 0; c < run.count; ++c) {
      filler_.Fill(run.first + c * run.stride, 1, rows, column.data());
      for (int64_t r = 0; r < rows; ++r) {
        std::memcpy(out + static_cast<size_t>(r * run.count + c) * bytes,
                    column.data() + static_cast<size_t>(r) * bytes, bytes);
      }
    }
  }

  int element_bytes_;
  SliceWalk walk_;
  Filler filler_;
};

TensorReader::TensorReader(TensorPlan plan)
    : plan_(std::move(plan)),
      source_(std::make_unique<const Source>(plan_)),
      position_(plan_.first_element),
      end_(plan_.first_element + plan_.elements) {}

TensorReader::TensorReader(TensorReader&&) noexcept = default;
TensorReader& TensorReader::operator=(TensorReader&&) noexcept = default;
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

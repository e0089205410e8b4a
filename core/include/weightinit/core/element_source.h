// Where the elements of a tensor come from.

#ifndef WEIGHTINIT_CORE_ELEMENT_SOURCE_H_
#define WEIGHTINIT_CORE_ELEMENT_SOURCE_H_

#include <cstdint>
#include <memory>

#include "weightinit/core/plan.h"

namespace weightinit {

// What it takes to read from a source, known before anything is computed.
struct SourceCost {
  // Memory that the source may hold while it is read, beside its reader's
  // buffer.
  int64_t bytes_held = 0;
  // Whether a part of the tensor costs its share of time and memory. If not,
  // the first read costs what the whole tensor does.
  bool slice_is_cheaper = true;
  // Work that is divided among several sources of one plan costs least if it is
  // cut at positions that are multiples of this: elements between two of them
  // are computed together, however few of them are read. 1: any cut will do.
  int64_t unit_elements = 1;
};

// What a source may hold if nobody says otherwise: room for a convolution's
// 3 x 3 x 512 x 512 elements of 8 bytes.
inline constexpr int64_t kDefaultMaxBytesHeld = int64_t{20} << 20;

// Makes the elements of one plan. What an element is never depends on how they
// are asked for. Not thread-safe; sources are independent of each other, and
// making one computes nothing.
class ElementSource {
 public:
  virtual ~ElementSource() = default;

  virtual SourceCost cost() const = 0;

  // Does some of what Read would have to do first for these elements, a few
  // milliseconds of it at most. True: there is no more of it. For callers that
  // have other work to do in between; others need not call it.
  virtual bool Prepare(int64_t position, int64_t count) {
    static_cast<void>(position);
    static_cast<void>(count);
    return true;
  }

  // Writes `count` elements, the first of which has the row-major index
  // `position` inside the slice: little-endian, row-major, packed. Any order is
  // allowed; rising positions are what a source is made for. REQUIRES: they lie
  // in the slice.
  virtual void Read(int64_t position, int64_t count, uint8_t* out) = 0;
};

// The source of the elements of `plan`. It holds at most `max_bytes_held`; more
// of them can make it faster, and never change a byte.
std::unique_ptr<ElementSource> MakeElementSource(
    const TensorPlan& plan, int64_t max_bytes_held = kDefaultMaxBytesHeld);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_ELEMENT_SOURCE_H_

// How a delivery is cut into pieces that threads compute.

#ifndef WEIGHTINIT_CLIENT_CPP_LOCAL_PIECE_LAYOUT_H_
#define WEIGHTINIT_CLIENT_CPP_LOCAL_PIECE_LAYOUT_H_

#include <algorithm>
#include <cstdint>

#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// Consecutive pieces, of equal size but for the last one, numbered from 0.
// Positions count elements from the first that is delivered.
struct PieceLayout {
  int64_t elements = 0;        // Of the delivery.
  int64_t piece_elements = 1;  // Of a piece; at least 1.
  int threads = 1;             // To compute them with.

  int64_t count() const {
    return elements / piece_elements +
           static_cast<int64_t>(elements % piece_elements != 0);
  }
  int64_t Begin(int64_t piece) const { return piece * piece_elements; }
  int64_t End(int64_t piece) const {
    return std::min(elements, Begin(piece) + piece_elements);
  }
};

// Chooses the borders of the pieces and the number of threads, at most
// `max_threads`, by what it costs to read from a source of `plan`. It changes
// speed only.
PieceLayout LayOutPieces(const TensorPlan& plan, const SourceCost& cost,
                         int max_threads);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_LOCAL_PIECE_LAYOUT_H_

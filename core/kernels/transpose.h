// Columns of elements to rows.

#ifndef WEIGHTINIT_CORE_KERNELS_TRANSPOSE_H_
#define WEIGHTINIT_CORE_KERNELS_TRANSPOSE_H_

#include <cstdint>

namespace weightinit {

// Each column may be read up to this many bytes beyond its elements.
inline constexpr int64_t kTransposeSlack = 16;

// Writes element r of column c as element c of row r, for `column_count`
// columns and `row_count` rows. A column is packed and starts at columns[c], a
// row is packed and starts at out + row_offsets[r]. REQUIRES: an element has 2,
// 4 or 8 bytes; rows and columns do not overlap.
void TransposeColumns(int64_t element_bytes, const uint8_t* const* columns,
                      int64_t column_count, const int64_t* row_offsets,
                      int64_t row_count, uint8_t* out);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_KERNELS_TRANSPOSE_H_

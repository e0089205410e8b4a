#include "core/kernels/transpose.h"

// As in kernel.cc.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/transpose.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep; includes this file again.
// After foreach_target.h, and for each target:
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {

// Squares of 128 bits a side, which every target has; larger ones would help
// little, because the time goes to the memory.
constexpr int64_t kVectorBytes = 16;
constexpr int64_t kLineBytes = 64;
// A line is fetched this many rows before it is written: rows lie far apart, so
// that no processor sees by itself what comes next.
constexpr int64_t kRowsAhead = 16;
static_assert(kVectorBytes <= kTransposeSlack);

#if HWY_TARGET == HWY_SCALAR

// As many elements of as many columns as a vector has.
template <typename T>
void TransposeSquare(const uint8_t* const* columns, int64_t from,
                     const int64_t* row_offsets, uint8_t* out) {
  constexpr size_t kSide = kVectorBytes / sizeof(T);
  for (size_t c = 0; c < kSide; ++c) {
    for (size_t r = 0; r < kSide; ++r) {
      std::memcpy(out + row_offsets[r] + c * sizeof(T),
                  columns[c] + from + static_cast<int64_t>(r * sizeof(T)),
                  sizeof(T));
    }
  }
}

#else

namespace hn = hwy::HWY_NAMESPACE;
using ByteTag = hn::Full128<uint8_t>;
using Vector = hn::Vec<ByteTag>;

// The first kCount of v, columns of as many elements of Bits, become rows.
template <typename Bits, size_t kCount>
struct Square {
  static HWY_INLINE void Transpose(Vector* v) {
    const hn::Full128<Bits> d;
    const ByteTag bytes;
    // Columns two by two make columns of elements twice as wide: those of the
    // upper rows first, then those of the lower ones.
    Vector pairs[kCount];
    for (size_t i = 0; i < kCount / 2; ++i) {
      const auto even = hn::BitCast(d, v[2 * i]);
      const auto odd = hn::BitCast(d, v[2 * i + 1]);
      pairs[i] = hn::BitCast(bytes, hn::InterleaveLower(d, even, odd));
      pairs[kCount / 2 + i] =
          hn::BitCast(bytes, hn::InterleaveUpper(d, even, odd));
    }
    if constexpr (kCount > 2) {
      using Twice = hwy::MakeWide<Bits>;
      Square<Twice, kCount / 2>::Transpose(pairs);
      Square<Twice, kCount / 2>::Transpose(pairs + kCount / 2);
    }
    for (size_t i = 0; i < kCount; ++i) v[i] = pairs[i];
  }
};

template <typename T>
HWY_INLINE void TransposeSquare(const uint8_t* const* columns, int64_t from,
                                const int64_t* row_offsets, uint8_t* out) {
  constexpr size_t kSide = kVectorBytes / sizeof(T);
  const ByteTag bytes;
  Vector v[kSide];
  for (size_t c = 0; c < kSide; ++c) v[c] = hn::LoadU(bytes, columns[c] + from);
  Square<T, kSide>::Transpose(v);
  for (size_t r = 0; r < kSide; ++r) {
    hn::StoreU(v[r], bytes, out + row_offsets[r]);
  }
}

#endif

template <typename T>
HWY_INLINE void TransposeColumnsOf(const uint8_t* const* columns,
                                   int64_t column_count,
                                   const int64_t* row_offsets,
                                   int64_t row_count, uint8_t* out) {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
  constexpr int64_t kSide = kVectorBytes / kBytes;
  // As many rows at a time as a vector has elements, from left to right, so
  // that lines of the cache are filled one after the other.
  for (int64_t r = 0; r < row_count; r += kSide) {
    const int64_t rows = std::min(kSide, row_count - r);
    int64_t c = 0;
    const int64_t ahead = std::min(r + kRowsAhead, row_count);
    const int64_t ahead_end = std::min(ahead + kSide, row_count);
    for (int64_t a = ahead; a < ahead_end; ++a) {
      for (int64_t at = 0; at < column_count * kBytes; at += kLineBytes) {
        hwy::Prefetch(out + row_offsets[a] + at);
      }
    }
    if (rows == kSide) {
      for (; c + kSide <= column_count; c += kSide) {
        TransposeSquare<T>(columns + c, r * kBytes, row_offsets + r,
                           out + c * kBytes);
      }
    }
    for (; c < column_count; c += kSide) {
      // At the edges a whole square is made and a part of it is copied.
      const int64_t n = std::min(kSide, column_count - c);
      const uint8_t* some[kSide];
      int64_t offsets[kSide];
      uint8_t square[kSide * kVectorBytes];
      for (int64_t i = 0; i < kSide; ++i) {
        some[i] = columns[c + std::min(i, n - 1)];
        offsets[i] = i * kVectorBytes;
      }
      TransposeSquare<T>(some, r * kBytes, offsets, square);
      for (int64_t i = 0; i < rows; ++i) {
        std::memcpy(out + row_offsets[r + i] + c * kBytes,
                    square + i * kVectorBytes, static_cast<size_t>(n * kBytes));
      }
    }
  }
}

void TransposeColumnsBySize(int64_t element_bytes,
                            const uint8_t* const* columns, int64_t column_count,
                            const int64_t* row_offsets, int64_t row_count,
                            uint8_t* out) {
  if (element_bytes == 4) {
    TransposeColumnsOf<uint32_t>(columns, column_count, row_offsets, row_count,
                                 out);
  } else if (element_bytes == 2) {
    TransposeColumnsOf<uint16_t>(columns, column_count, row_offsets, row_count,
                                 out);
  } else {
    TransposeColumnsOf<uint64_t>(columns, column_count, row_offsets, row_count,
                                 out);
  }
}

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weightinit {

HWY_EXPORT(TransposeColumnsBySize);

void TransposeColumns(int64_t element_bytes, const uint8_t* const* columns,
                      int64_t column_count, const int64_t* row_offsets,
                      int64_t row_count, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(TransposeColumnsBySize)
  (element_bytes, columns, column_count, row_offsets, row_count, out);
}

}  // namespace weightinit
#endif  // HWY_ONCE

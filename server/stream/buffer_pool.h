// Chunk buffers that are used again.

#ifndef WEIGHTINIT_SERVER_STREAM_BUFFER_POOL_H_
#define WEIGHTINIT_SERVER_STREAM_BUFFER_POOL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace weightinit {

// A free list of 64-byte-aligned buffers, so that a stream touches the same few
// pages for every chunk instead of asking the kernel for new ones. It keeps a
// bounded number of free bytes; how many buffers are lent at once is bounded by
// the streams that borrow them. Thread-safe. gRPC gives a buffer back from
// whichever thread drops the last reference, possibly after the server is gone,
// so every buffer shares ownership of its pool.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kMaxBufferBytes = size_t{2} << 20;

  // A buffer on loan; its destruction, on any thread, gives it back.
  class Buffer {
   public:
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    // Aligned to kAlignment; the contents are whatever was there before.
    uint8_t* data() const { return data_; }
    // At least the bytes that were asked for.
    size_t capacity() const;

   private:
    friend class BufferPool;
    Buffer(std::shared_ptr<BufferPool> pool, size_t size_class, uint8_t* data);

    const std::shared_ptr<BufferPool> pool_;
    const size_t size_class_;
    uint8_t* const data_;
  };

  // Keeps at most `max_free_bytes` for the next borrowers.
  static std::shared_ptr<BufferPool> Create(size_t max_free_bytes);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Throws std::bad_alloc. REQUIRES: 1 <= bytes <= kMaxBufferBytes.
  std::unique_ptr<Buffer> Take(size_t bytes);

  // Frees the buffers that nobody has.
  void FreeUnused();

  // The capacity of a buffer that is taken for `bytes`.
  static size_t CapacityFor(size_t bytes) { return CapacityOf(ClassOf(bytes)); }

  // Buffers on loan.
  int64_t in_use() const { return in_use_; }
  // Bytes kept for the next borrowers.
  size_t free_bytes() const;

 private:
  // Capacities are powers of two: 64 bytes to kMaxBufferBytes.
  static constexpr size_t kSizeClasses = 16;
  static size_t ClassOf(size_t bytes);
  static size_t CapacityOf(size_t size_class) {
    return kAlignment << size_class;
  }

  explicit BufferPool(size_t max_free_bytes)
      : max_free_bytes_(max_free_bytes) {}
  // A free buffer; null if there is none.
  uint8_t* TakeFree(size_t size_class);
  void GiveBack(size_t size_class, uint8_t* data);

  const size_t max_free_bytes_;

  mutable absl::Mutex mutex_;
  // Last in, first out: the warmest buffer is lent first.
  std::array<std::vector<uint8_t*>, kSizeClasses> free_ ABSL_GUARDED_BY(mutex_);
  size_t free_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<int64_t> in_use_{0};
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_BUFFER_POOL_H_

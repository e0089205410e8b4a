#include "server/stream/buffer_pool.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace weightinit {
namespace {

constexpr std::align_val_t kAlign{BufferPool::kAlignment};

uint8_t* Allocate(size_t bytes) {
  return static_cast<uint8_t*>(::operator new(bytes, kAlign));
}

void Free(uint8_t* data) { ::operator delete(data, kAlign); }

}  // namespace

BufferPool::Buffer::Buffer(std::shared_ptr<BufferPool> pool, size_t size_class,
                           uint8_t* data)
    : pool_(std::move(pool)), size_class_(size_class), data_(data) {}

BufferPool::Buffer::~Buffer() { pool_->GiveBack(size_class_, data_); }

size_t BufferPool::Buffer::capacity() const { return CapacityOf(size_class_); }

std::shared_ptr<BufferPool> BufferPool::Create(size_t max_free_bytes) {
  return std::shared_ptr<BufferPool>(new BufferPool(max_free_bytes));
}

BufferPool::~BufferPool() {
  for (const auto& buffers : free_) {
    for (uint8_t* data : buffers) Free(data);
  }
}

size_t BufferPool::ClassOf(size_t bytes) {
  static_assert((kAlignment << (kSizeClasses - 1)) == kMaxBufferBytes);
  size_t size_class = 0;
  while (CapacityOf(size_class) < bytes) ++size_class;
  return size_class;
}

std::unique_ptr<BufferPool::Buffer> BufferPool::Take(size_t bytes) {
  const size_t size_class = ClassOf(bytes);
  uint8_t* data = TakeFree(size_class);
  if (data == nullptr) data = Allocate(CapacityOf(size_class));
  ++in_use_;
  return std::unique_ptr<Buffer>(
      new Buffer(shared_from_this(), size_class, data));
}

uint8_t* BufferPool::TakeFree(size_t size_class) {
  const absl::MutexLock lock(&mutex_);
  auto& buffers = free_[size_class];
  if (buffers.empty()) return nullptr;
  uint8_t* const data = buffers.back();
  buffers.pop_back();
  free_bytes_ -= CapacityOf(size_class);
  return data;
}

void BufferPool::FreeUnused() {
  for (size_t size_class = 0; size_class < kSizeClasses; ++size_class) {
    while (uint8_t* const data = TakeFree(size_class)) Free(data);
  }
}

void BufferPool::GiveBack(size_t size_class, uint8_t* data) {
  --in_use_;
  {
    const absl::MutexLock lock(&mutex_);
    if (free_bytes_ + CapacityOf(size_class) <= max_free_bytes_) {
      free_[size_class].push_back(data);
      free_bytes_ += CapacityOf(size_class);
      return;
    }
  }
  Free(data);
}

size_t BufferPool::free_bytes() const {
  const absl::MutexLock lock(&mutex_);
  return free_bytes_;
}

}  // namespace weightinit

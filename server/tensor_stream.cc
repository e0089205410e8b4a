#include "server/tensor_stream.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/types/span.h"
#include "server/chunk_encoding.h"
#include "server/convert.h"
#include "weightinit/core/checksum.h"

namespace weightinit {
namespace {

// A delivery smaller than a chunk gets a buffer of its own size.
size_t ChunkBytes(const TensorPlan& plan) {
  return static_cast<size_t>(
      std::min(plan.chunk_elements * DtypeBytes(plan.dtype), plan.bytes));
}

// A delivery of one chunk up to this size is computed at once, in less time
// than it takes to wake a generator thread.
constexpr size_t kSmallBytes = 16384;

}  // namespace

TensorStream* TensorStream::Start(TensorPlan plan,
                                  StreamAdmission::Ticket ticket,
                                  GeneratorPool* generators,
                                  std::shared_ptr<BufferPool> buffers) {
  auto* stream = new TensorStream(std::move(plan), std::move(ticket),
                                  generators, std::move(buffers));
  Decision decision;
  {
    std::lock_guard<std::mutex> lock(stream->mutex_);
    const TensorPlan& resolved = stream->reader_.plan();
    stream->ready_.push_back(SerializeHeader(resolved));
    if (stream->chunk_bytes_ <= kSmallBytes && resolved.elements > 0 &&
        static_cast<size_t>(resolved.bytes) == stream->chunk_bytes_) {
      stream->ready_.push_back(stream->GenerateChunk());
    }
    decision = stream->Decide();
  }
  // gRPC calls OnDone only after the handler has returned the reactor, so the
  // object outlives this call even if the stream should end within it.
  stream->Carry(decision);
  return stream;
}

TensorStream::TensorStream(TensorPlan plan, StreamAdmission::Ticket ticket,
                           GeneratorPool* generators,
                           std::shared_ptr<BufferPool> buffers)
    : generators_(generators),
      buffers_(std::move(buffers)),
      chunk_bytes_(ChunkBytes(plan)),
      reader_(std::move(plan)),
      ticket_(std::move(ticket)) {}

void TensorStream::OnWriteDone(bool ok) {
  // A write fails only when the call has been cancelled or its connection lost.
  if (!ok) cancelled_ = true;
  Decision decision;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    writing_ = false;
    in_flight_.Clear();
    decision = Decide();
  }
  Carry(decision);
}

void TensorStream::OnCancel() { cancelled_ = true; }

void TensorStream::OnDone() { delete this; }

void TensorStream::Run() {
  grpc::ByteBuffer chunk;
  if (!cancelled_) chunk = GenerateChunk();
  Decision decision;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    generating_ = false;
    if (chunk.Valid()) ready_.emplace_back().Swap(&chunk);
    decision = Decide();
  }
  Carry(decision);
}

grpc::ByteBuffer TensorStream::GenerateChunk() {
  const int64_t first_element = reader_.position();
  auto buffer = buffers_->Take(chunk_bytes_);
  const int64_t elements =
      reader_.Read(absl::MakeSpan(buffer->data(), chunk_bytes_));
  const int64_t bytes = elements * DtypeBytes(reader_.plan().dtype);
  const uint32_t crc32 = ExtendCrc32(
      0, absl::MakeConstSpan(buffer->data(), static_cast<size_t>(bytes)));
  crc32_ = ConcatCrc32(crc32_, crc32, bytes);
  elements_sent_ += elements;
  bytes_sent_ += bytes;
  return EncodeChunk(first_element, crc32, std::move(buffer),
                     static_cast<size_t>(bytes));
}

TensorStream::Decision TensorStream::Decide() {
  Decision decision;
  if (finished_) return decision;
  if (cancelled_) {
    ready_.clear();
    if (!writing_ && !generating_) {
      finished_ = true;
      ticket_.FreePlace();
      decision.call = Decision::kCancel;
    }
    return decision;
  }
  if (!writing_ && !ready_.empty()) {
    in_flight_.Swap(&ready_.front());
    ready_.pop_front();
    writing_ = true;
    decision.call = Decision::kWrite;
  }
  // From here on reader_ is ours, unless a task is pending.
  if (!generating_ && reader_.remaining() > 0) {
    const int held = static_cast<int>(ready_.size()) + (writing_ ? 1 : 0);
    if (held < kMaxChunks) {
      generating_ = true;
      decision.generate = true;
    }
  } else if (!generating_ && !writing_) {
    finished_ = true;
    ticket_.FreePlace();
    in_flight_ = SerializeTrailer(elements_sent_, bytes_sent_, crc32_);
    decision.call = Decision::kWriteTrailer;
  }
  return decision;
}

void TensorStream::Carry(Decision decision) {
  if (decision.generate) generators_->Submit(this);
  switch (decision.call) {
    case Decision::kNothing:
      break;
    case Decision::kWrite:
      StartWrite(&in_flight_);
      break;
    case Decision::kWriteTrailer:
      StartWriteAndFinish(&in_flight_, grpc::WriteOptions(), grpc::Status::OK);
      break;
    case Decision::kCancel:
      Finish(grpc::Status::CANCELLED);
      break;
  }
}

}  // namespace weightinit

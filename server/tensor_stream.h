// One stream of InitializeTensor.

#ifndef WEIGHTINIT_SERVER_TENSOR_STREAM_H_
#define WEIGHTINIT_SERVER_TENSOR_STREAM_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "server/buffer_pool.h"
#include "server/generator_pool.h"
#include "server/stream_admission.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {

// Sends one header, the chunks in order, one trailer. While gRPC writes chunk
// n, a generator thread computes those after it, so that at most kMaxChunks are
// held: one in flight, the rest ready or being computed. A write completes when
// the transport has taken the message, so a client that does not read stops the
// generation too.
//
// It owns itself, as reactors do: OnDone, which gRPC calls last, deletes it.
// Invariants that make this safe, all under mutex_:
//  1. At most one write is in flight and at most one generator task is pending.
//  2. Until finished_, at least one of the two is so; whichever completes
//  decides
//     what comes next. Thus there is always someone to notice a cancellation,
//     within one chunk.
//  3. finished_ is set, and the call finished, only when neither is so; thus no
//     task refers to the reactor after OnDone.
// gRPC is called with the mutex released, because completions may arrive on
// other threads before such a call returns, and one of them may end this
// object.
class TensorStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                           private GeneratorPool::Task {
 public:
  static constexpr int kMaxChunks = 3;

  // Begins to stream `plan`. `generators` outlives the stream.
  static TensorStream* Start(TensorPlan plan, StreamAdmission::Ticket ticket,
                             GeneratorPool* generators,
                             std::shared_ptr<BufferPool> buffers);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // What has been decided and is to be done once the mutex is released.
  struct Decision {
    bool generate = false;
    enum { kNothing, kWrite, kWriteTrailer, kCancel } call = kNothing;
  };

  TensorStream(TensorPlan plan, StreamAdmission::Ticket ticket,
               GeneratorPool* generators, std::shared_ptr<BufferPool> buffers);
  ~TensorStream() override = default;

  // On a generator thread: computes the next chunk.
  void Run() override;
  grpc::ByteBuffer GenerateChunk();

  // REQUIRES: mutex_ is held.
  Decision Decide();
  // REQUIRES: mutex_ is not held. The object may be gone when it returns.
  void Carry(Decision decision);

  GeneratorPool* const generators_;
  const std::shared_ptr<BufferPool> buffers_;
  const size_t chunk_bytes_;  // Of a full chunk.

  // Used by the pending task alone, or with none pending.
  TensorReader reader_;
  int64_t elements_sent_ = 0;
  int64_t bytes_sent_ = 0;
  uint32_t crc32_ = 0;

  std::atomic<bool> cancelled_{false};

  std::mutex mutex_;
  // Guarded by mutex_.
  StreamAdmission::Ticket ticket_;
  std::deque<grpc::ByteBuffer> ready_;
  bool generating_ = false;
  bool writing_ = false;
  bool finished_ = false;
  // What the write in flight refers to; changed only when there is none.
  grpc::ByteBuffer in_flight_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_TENSOR_STREAM_H_

#include "client/cpp/local/local_model_fetch.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/threads.h"
#include "client/cpp/local/piece_layout.h"
#include "proto/cpp/crc32.h"
#include "proto/cpp/model_conversion.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// A tensor of which pieces are being made.
struct OpenTensor {
  TensorPlan plan;
  v1::ModelTensor description;
  PieceLayout layout;
  absl::Span<uint8_t> memory;  // The sink's, if it has any.
  size_t place = 0;            // Among the tensors of the delivery.
  // Of the pieces. Each is written by the thread that made it, and read when
  // all have been made.
  std::vector<uint32_t> crc32s;
  int64_t to_hand_out = 0;  // The next piece. Under the board's mutex.
  int64_t to_make = 0;      // Pieces still to be made. Likewise.

  int64_t element_bytes() const { return DtypeBytes(plan.dtype); }
  int64_t OffsetOf(int64_t piece) const {
    return layout.Begin(piece) * element_bytes();
  }
  size_t BytesOf(int64_t piece) const {
    return static_cast<size_t>((layout.End(piece) - layout.Begin(piece)) *
                               element_bytes());
  }

  // Of all pieces.
  uint32_t Crc32() const {
    uint32_t crc32 = 0;
    for (int64_t p = 0; p < layout.count(); ++p) {
      crc32 = ConcatCrc32(crc32, crc32s[static_cast<size_t>(p)],
                          static_cast<int64_t>(BytesOf(p)));
    }
    return crc32;
  }
};

struct Work {
  std::shared_ptr<OpenTensor> tensor;
  int64_t piece = 0;
};

// Hands out the pieces of one tensor after the other. Tensors are resolved and
// told of when their turn comes, so that memory does not grow with their
// number. Thread-safe.
class ModelBoard {
 public:
  ModelBoard(std::shared_ptr<const ModelPlan> plan, int threads,
             absl::Time deadline, ModelSink& sink)
      : tensors_(std::move(plan)),
        threads_(threads),
        deadline_(deadline),
        sink_(sink) {}

  // The next piece for the calling thread to make; nothing if all are handed
  // out, or the delivery has failed.
  std::optional<Work> Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    if (status_.ok() && absl::Now() >= deadline_) {
      status_ = absl::DeadlineExceededError("timeout reached");
    }
    while (status_.ok()) {
      if (open_ != nullptr && open_->to_hand_out < open_->layout.count()) {
        return Work{open_, open_->to_hand_out++};
      }
      if (!OpenNext()) break;
    }
    return std::nullopt;
  }

  void Made(const Work& work, uint32_t crc32) ABSL_LOCKS_EXCLUDED(mutex_) {
    work.tensor->crc32s[static_cast<size_t>(work.piece)] = crc32;
    const absl::MutexLock lock(&mutex_);
    if (--work.tensor->to_make == 0) End(*work.tensor);
  }

  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    status_.Update(status);
  }

  // When no thread is at work any more.
  absl::Status Finish(ModelFetchResult& result) ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    if (!status_.ok()) return status_;
    for (const Ended& tensor : ended_) {
      result.crc32 = ConcatCrc32(result.crc32, tensor.crc32, tensor.bytes);
      result.bytes += tensor.bytes;
    }
    result.tensors = static_cast<int64_t>(ended_.size());
    return absl::OkStatus();
  }

 private:
  struct Ended {
    uint32_t crc32 = 0;
    int64_t bytes = 0;
  };

  // False if there is no other tensor, or the sink wants none.
  bool OpenNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::optional<ModelTensor> next = tensors_.Next();
    if (!next.has_value()) return false;
    auto open = std::make_shared<OpenTensor>();
    ToProto(*next, &open->description);
    status_.Update(sink_.OnTensor(open->description));
    if (!status_.ok() || !next->alias_of.empty()) return status_.ok();
    open->plan = std::move(next->plan);
    open->layout = LayOutPieces(
        open->plan, MakeElementSource(open->plan)->cost(), threads_);
    open->crc32s.resize(static_cast<size_t>(open->layout.count()));
    open->to_make = open->layout.count();
    open->memory = sink_.MemoryFor(open->description);
    open->place = ended_.size();
    ended_.emplace_back();
    if (open->to_make == 0) End(*open);
    open_ = std::move(open);
    return status_.ok();
  }

  void End(const OpenTensor& tensor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const uint32_t crc32 = tensor.Crc32();
    ended_[tensor.place] = {crc32, tensor.plan.bytes};
    status_.Update(sink_.OnTensorEnd(tensor.description, crc32));
  }

  absl::Mutex mutex_;
  ModelTensors tensors_ ABSL_GUARDED_BY(mutex_);
  const int threads_;
  const absl::Time deadline_;
  // OnPiece is called without the mutex, all else with it.
  ModelSink& sink_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<OpenTensor> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<Ended> ended_ ABSL_GUARDED_BY(mutex_);  // Or open, at its place.
};

// Makes pieces until there are none.
void MakePieces(ModelBoard& board, ModelSink& sink) {
  std::shared_ptr<OpenTensor> tensor;
  std::unique_ptr<ElementSource> source;  // Of that tensor.
  std::vector<uint8_t> buffer;
  while (const std::optional<Work> work = board.Take()) {
    if (work->tensor != tensor) {
      tensor = work->tensor;
      source = MakeElementSource(tensor->plan);
    }
    const size_t bytes = tensor->BytesOf(work->piece);
    absl::Span<uint8_t> data;
    if (!tensor->memory.empty()) {
      data = tensor->memory.subspan(
          static_cast<size_t>(tensor->OffsetOf(work->piece)), bytes);
    } else {
      if (buffer.size() < bytes) buffer.resize(bytes);
      data = absl::MakeSpan(buffer).first(bytes);
    }
    const int64_t begin = tensor->layout.Begin(work->piece);
    source->Read(tensor->plan.first_element + begin,
                 tensor->layout.End(work->piece) - begin, data.data());
    const uint32_t crc32 = ExtendCrc32(0, data);
    const absl::Status status =
        sink.OnPiece(tensor->description, tensor->OffsetOf(work->piece), data);
    if (!status.ok()) {
      board.Fail(status);
      return;
    }
    board.Made(*work, crc32);
  }
}

}  // namespace

absl::StatusOr<ModelFetchResult> FetchModelLocally(
    std::shared_ptr<const ModelPlan> plan, const LocalFetchOptions& options,
    ModelSink& sink) {
  ModelFetchResult result;
  ToProto(plan->summary(), &result.summary);
  if (absl::Status status = sink.OnSummary(result.summary); !status.ok()) {
    return status;
  }
  ModelBoard board(std::move(plan), options.threads, options.deadline, sink);
  OnThreads(options.threads, [&] { MakePieces(board, sink); });
  if (absl::Status status = board.Finish(result); !status.ok()) return status;
  return result;
}

}  // namespace weightinit

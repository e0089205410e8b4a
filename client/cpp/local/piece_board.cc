#include "client/cpp/local/piece_board.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/cpp/crc32.h"

namespace weightinit {

PieceBoard::PieceBoard(int64_t pieces, int64_t window, Closing closing,
                       absl::Time deadline)
    : pieces_(pieces),
      closing_(closing),
      deadline_(deadline),
      open_(
          static_cast<size_t>(std::max<int64_t>(1, std::min(pieces, window)))) {
}

std::optional<int64_t> PieceBoard::Take() {
  const bool late =
      deadline_ != absl::InfiniteFuture() && absl::Now() >= deadline_;
  const absl::MutexLock lock(&mutex_);
  if (late && status_.ok() && next_ < pieces_) {
    status_ = absl::DeadlineExceededError("Deadline Exceeded");
    changed_.SignalAll();
  }
  while (!HasRoom()) changed_.Wait(&mutex_);
  if (!status_.ok() || next_ == pieces_) return std::nullopt;
  return next_++;
}

void PieceBoard::Made(int64_t piece, uint32_t crc32, int64_t bytes) {
  const absl::MutexLock lock(&mutex_);
  Slot(piece) = {true, crc32, bytes};
  changed_.SignalAll();
  if (closing_ == Closing::kByReceiver) return;
  while (closed_ < pieces_ && Slot(closed_).made) CloseFirst();
}

std::optional<int64_t> PieceBoard::AwaitFirstOpen() {
  const absl::MutexLock lock(&mutex_);
  while (!FirstOpenIsMade()) changed_.Wait(&mutex_);
  if (!status_.ok() || closed_ == pieces_) return std::nullopt;
  return closed_;
}

void PieceBoard::Close() {
  const absl::MutexLock lock(&mutex_);
  CloseFirst();
}

void PieceBoard::CloseFirst() {
  Piece& first = Slot(closed_);
  crc32_ = ConcatCrc32(crc32_, first.crc32, first.bytes);
  first.made = false;
  ++closed_;
  changed_.SignalAll();
}

void PieceBoard::Fail(const absl::Status& status) {
  const absl::MutexLock lock(&mutex_);
  status_.Update(status);
  changed_.SignalAll();
}

absl::Status PieceBoard::status() const {
  const absl::MutexLock lock(&mutex_);
  return status_;
}

int64_t PieceBoard::closed() const {
  const absl::MutexLock lock(&mutex_);
  return closed_;
}

uint32_t PieceBoard::crc32() const {
  const absl::MutexLock lock(&mutex_);
  return crc32_;
}

}  // namespace weightinit

// Which pieces of a delivery are under way: what the threads that compute one
// share.

#ifndef WEIGHTINIT_CLIENT_CPP_LOCAL_PIECE_BOARD_H_
#define WEIGHTINIT_CLIENT_CPP_LOCAL_PIECE_BOARD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {

// Hands out the numbers of pieces, rising from 0, and takes them back in any
// order. No piece is handed out that is `window` or more ahead of the first one
// that is still open, so that what is kept for each open piece is bounded.
// Thread-safe.
class PieceBoard {
 public:
  enum class Closing {
    kWhenMade,    // A piece is closed when it is made.
    kByReceiver,  // By Close, in order.
  };

  // No piece is handed out from `deadline` on.
  PieceBoard(int64_t pieces, int64_t window, Closing closing,
             absl::Time deadline);

  // The next piece, for the calling thread to make; waits while the window is
  // full. Nothing if all are handed out, or the delivery has failed.
  std::optional<int64_t> Take();

  // The calling thread has made `piece`, of `bytes` bytes with this CRC-32.
  void Made(int64_t piece, uint32_t crc32, int64_t bytes);

  // Waits until the first open piece is made. Nothing if there is none, or the
  // delivery has failed. With Closing::kByReceiver, by one thread.
  std::optional<int64_t> AwaitFirstOpen();

  // Closes the first open piece, which AwaitFirstOpen has returned.
  void Close();

  // Ends the delivery with an error; the first one counts.
  void Fail(const absl::Status& status);

  // OK unless the delivery has failed.
  absl::Status status() const;

  // Of the closed pieces before the first open one.
  int64_t closed() const;
  // Their CRC-32.
  uint32_t crc32() const;

 private:
  struct Piece {
    bool made = false;
    uint32_t crc32 = 0;
    int64_t bytes = 0;
  };

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !status_.ok() || next_ == pieces_ || next_ < closed_ + window();
  }
  bool FirstOpenIsMade() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !status_.ok() || closed_ == pieces_ || Slot(closed_).made;
  }
  void CloseFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t window() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int64_t>(open_.size());
  }
  const Piece& Slot(int64_t piece) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return open_[static_cast<size_t>(piece % window())];
  }
  Piece& Slot(int64_t piece) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return open_[static_cast<size_t>(piece % window())];
  }

  const int64_t pieces_;
  const Closing closing_;
  const absl::Time deadline_;
  mutable absl::Mutex mutex_;
  // Of anything below that a thread may wait for.
  absl::CondVar changed_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  // Pieces before it are handed out.
  int64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  // Pieces before it are closed.
  int64_t closed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t crc32_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those from closed_ on, each at its number modulo the window.
  std::vector<Piece> open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_LOCAL_PIECE_BOARD_H_

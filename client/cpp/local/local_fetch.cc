#include "client/cpp/local/local_fetch.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/fetch_errors.h"
#include "client/cpp/fetch/threads.h"
#include "client/cpp/local/piece_board.h"
#include "client/cpp/local/piece_layout.h"
#include "proto/cpp/crc32.h"
#include "proto/cpp/description_conversion.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// Pieces that may be open where an open one holds no memory but its line on the
// board. Far more than threads run apart by.
constexpr int64_t kWideWindow = 1024;

// One delivery. Its pieces are made by any thread, each with a Maker of its
// own.
class Delivery {
 public:
  Delivery(const TensorPlan& plan, const LocalFetchOptions& options)
      : plan_(plan), deadline_(options.deadline) {
    layout_ =
        LayOutPieces(plan, MakeElementSource(plan)->cost(), options.threads);
    ToProto(plan, &result_.description);
  }

  const v1::TensorDescription& description() const {
    return result_.description;
  }
  const PieceLayout& layout() const { return layout_; }
  const TensorPlan& plan() const { return plan_; }

  int64_t OffsetOf(int64_t piece) const {
    return layout_.Begin(piece) * element_bytes_;
  }
  size_t BytesOf(int64_t piece) const {
    return static_cast<size_t>((layout_.End(piece) - layout_.Begin(piece)) *
                               element_bytes_);
  }
  // Of the largest piece.
  size_t buffer_bytes() const { return layout_.count() > 0 ? BytesOf(0) : 0; }

  PieceBoard Board(int64_t window, PieceBoard::Closing closing) const {
    return PieceBoard(layout_.count(), window, closing, deadline_);
  }

  absl::StatusOr<FetchResult> Finish(const PieceBoard& board) {
    if (absl::Status status = board.status(); !status.ok()) {
      return AfterElements(status, layout_.Begin(board.closed()),
                           plan_.elements);
    }
    result_.crc32 = board.crc32();
    result_.elements = plan_.elements;
    result_.bytes = plan_.bytes;
    return std::move(result_);
  }

 private:
  const TensorPlan& plan_;
  const absl::Time deadline_;
  const int64_t element_bytes_ = DtypeBytes(plan_.dtype);
  PieceLayout layout_;
  FetchResult result_;
};

// Makes pieces of a delivery. Not thread-safe.
class Maker {
 public:
  explicit Maker(const Delivery& delivery)
      : delivery_(delivery), source_(MakeElementSource(delivery.plan())) {}

  // Writes a piece to `out`, which has room for it.
  void Make(int64_t piece, uint8_t* out) {
    const PieceLayout& layout = delivery_.layout();
    const int64_t begin = layout.Begin(piece);
    source_->Read(delivery_.plan().first_element + begin,
                  layout.End(piece) - begin, out);
  }

 private:
  const Delivery& delivery_;
  const std::unique_ptr<ElementSource> source_;
};

uint32_t Crc32Of(absl::Span<const uint8_t> data) {
  return ExtendCrc32(0, data);
}

// Each piece made, then delivered, by the calling thread.
void DeliverInTurn(const Delivery& delivery, TensorSink& sink,
                   PieceBoard& board) {
  Maker maker(delivery);
  std::vector<uint8_t> buffer(delivery.buffer_bytes());
  while (const std::optional<int64_t> piece = board.Take()) {
    maker.Make(*piece, buffer.data());
    const auto data =
        absl::MakeConstSpan(buffer).first(delivery.BytesOf(*piece));
    const uint32_t crc32 = Crc32Of(data);
    if (absl::Status status = sink.OnData(data); !status.ok()) {
      board.Fail(status);
      return;
    }
    board.Made(*piece, crc32, static_cast<int64_t>(data.size()));
  }
}

// Pieces made ahead by other threads, delivered in order by the calling one.
void DeliverAhead(const Delivery& delivery, size_t window, TensorSink& sink,
                  PieceBoard& board) {
  std::vector<std::vector<uint8_t>> ring(window);
  const auto data_of = [&](int64_t piece) -> std::vector<uint8_t>& {
    return ring[static_cast<size_t>(piece) % window];
  };
  const auto work = [&] {
    Maker maker(delivery);
    while (const std::optional<int64_t> piece = board.Take()) {
      std::vector<uint8_t>& data = data_of(*piece);
      data.resize(delivery.BytesOf(*piece));
      maker.Make(*piece, data.data());
      board.Made(*piece, Crc32Of(data), static_cast<int64_t>(data.size()));
    }
  };
  const Threads threads(delivery.layout().threads, work);
  if (threads.empty()) {
    board.Fail(absl::ResourceExhaustedError("no thread can be started"));
  }
  while (const std::optional<int64_t> piece = board.AwaitFirstOpen()) {
    if (absl::Status status = sink.OnData(data_of(*piece)); !status.ok()) {
      board.Fail(status);
      return;
    }
    board.Close();
  }
}

}  // namespace

absl::StatusOr<FetchResult> FetchLocally(const TensorPlan& plan,
                                         const LocalFetchOptions& options,
                                         TensorSink& sink) {
  Delivery delivery(plan, options);
  if (absl::Status status = sink.OnHeader(delivery.description());
      !status.ok()) {
    return status;
  }
  if (delivery.layout().threads == 1) {
    PieceBoard board = delivery.Board(1, PieceBoard::Closing::kWhenMade);
    DeliverInTurn(delivery, sink, board);
    return delivery.Finish(board);
  }
  // For each thread one piece that it makes and one that waits.
  const int64_t window = 2 * int64_t{delivery.layout().threads};
  PieceBoard board = delivery.Board(window, PieceBoard::Closing::kByReceiver);
  DeliverAhead(delivery, static_cast<size_t>(window), sink, board);
  return delivery.Finish(board);
}

absl::StatusOr<FetchResult> FetchLocally(const TensorPlan& plan,
                                         const LocalFetchOptions& options,
                                         absl::Span<uint8_t> buffer) {
  Delivery delivery(plan, options);
  if (absl::Status status = CheckBuffer(buffer.size(), delivery.description());
      !status.ok()) {
    return status;
  }
  PieceBoard board =
      delivery.Board(kWideWindow, PieceBoard::Closing::kWhenMade);
  OnThreads(delivery.layout().threads, [&] {
    Maker maker(delivery);
    while (const std::optional<int64_t> piece = board.Take()) {
      const auto data =
          buffer.subspan(static_cast<size_t>(delivery.OffsetOf(*piece)),
                         delivery.BytesOf(*piece));
      maker.Make(*piece, data.data());
      board.Made(*piece, Crc32Of(data), static_cast<int64_t>(data.size()));
    }
  });
  return delivery.Finish(board);
}

absl::StatusOr<FetchResult> FetchLocally(const TensorPlan& plan,
                                         const LocalFetchOptions& options,
                                         PieceSink& sink) {
  Delivery delivery(plan, options);
  if (absl::Status status = sink.OnHeader(delivery.description());
      !status.ok()) {
    return status;
  }
  PieceBoard board =
      delivery.Board(kWideWindow, PieceBoard::Closing::kWhenMade);
  OnThreads(delivery.layout().threads, [&] {
    Maker maker(delivery);
    std::vector<uint8_t> buffer(delivery.buffer_bytes());
    while (const std::optional<int64_t> piece = board.Take()) {
      const auto data = absl::MakeSpan(buffer).first(delivery.BytesOf(*piece));
      maker.Make(*piece, data.data());
      const uint32_t crc32 = Crc32Of(data);
      const absl::Status status = sink.OnPiece(delivery.OffsetOf(*piece), data);
      if (!status.ok()) {
        board.Fail(status);
        return;
      }
      board.Made(*piece, crc32, static_cast<int64_t>(data.size()));
    }
  });
  return delivery.Finish(board);
}

}  // namespace weightinit

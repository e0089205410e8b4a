#include "client/cpp/local/piece_board.h"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"

namespace weightinit {
namespace {

uint32_t Crc32Of(const std::string& text) {
  return ExtendCrc32(
      0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size()));
}

void Make(PieceBoard& board, int64_t piece, const std::string& text) {
  board.Made(piece, Crc32Of(text), static_cast<int64_t>(text.size()));
}

TEST(PieceBoardTest, ChecksumIsThatOfThePiecesInOrder) {
  PieceBoard board(3, 10, PieceBoard::Closing::kWhenMade,
                   absl::InfiniteFuture());
  for (int64_t piece = 0; piece < 3; ++piece) EXPECT_EQ(board.Take(), piece);
  EXPECT_EQ(board.Take(), std::nullopt);
  Make(board, 2, "c");
  Make(board, 0, "aa");
  EXPECT_EQ(board.closed(), 1);
  EXPECT_EQ(board.crc32(), Crc32Of("aa"));
  Make(board, 1, "bbb");
  EXPECT_EQ(board.closed(), 3);
  EXPECT_EQ(board.crc32(), Crc32Of("aabbbc"));
  EXPECT_TRUE(board.status().ok());
}

TEST(PieceBoardTest, FullWindowWaitsForTheFirstOpenPiece) {
  PieceBoard board(100, 2, PieceBoard::Closing::kWhenMade,
                   absl::InfiniteFuture());
  EXPECT_EQ(board.Take(), 0);
  EXPECT_EQ(board.Take(), 1);
  Make(board, 1, "b");
  // Piece 2 waits until piece 0 is made.
  std::optional<int64_t> taken;
  std::thread waiting([&] { taken = board.Take(); });
  Make(board, 0, "a");
  waiting.join();
  EXPECT_EQ(taken, 2);
  EXPECT_EQ(board.crc32(), Crc32Of("ab"));
}

TEST(PieceBoardTest, ReceiverGetsThePiecesInOrder) {
  PieceBoard board(50, 4, PieceBoard::Closing::kByReceiver,
                   absl::InfiniteFuture());
  std::vector<std::thread> makers;
  makers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    makers.emplace_back([&board] {
      while (const auto piece = board.Take()) Make(board, *piece, "x");
    });
  }
  int64_t next = 0;
  while (const auto piece = board.AwaitFirstOpen()) {
    EXPECT_EQ(*piece, next++);
    board.Close();
  }
  for (std::thread& maker : makers) maker.join();
  EXPECT_EQ(next, 50);
  EXPECT_EQ(board.crc32(), Crc32Of(std::string(50, 'x')));
}

TEST(PieceBoardTest, FailureWakesWhoeverWaits) {
  PieceBoard board(100, 1, PieceBoard::Closing::kByReceiver,
                   absl::InfiniteFuture());
  EXPECT_EQ(board.Take(), 0);
  std::thread maker([&] { EXPECT_EQ(board.Take(), std::nullopt); });
  std::thread receiver(
      [&] { EXPECT_EQ(board.AwaitFirstOpen(), std::nullopt); });
  board.Fail(absl::InternalError("first"));
  board.Fail(absl::InternalError("second"));
  maker.join();
  receiver.join();
  EXPECT_EQ(board.status(), absl::InternalError("first"));
}

TEST(PieceBoardTest, DeadlineEndsTheDeliveryUnlessAllIsHandedOut) {
  PieceBoard late(2, 2, PieceBoard::Closing::kWhenMade, absl::InfinitePast());
  EXPECT_EQ(late.Take(), std::nullopt);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  PieceBoard done(0, 2, PieceBoard::Closing::kWhenMade, absl::InfinitePast());
  EXPECT_EQ(done.Take(), std::nullopt);
  EXPECT_TRUE(done.status().ok());
  EXPECT_EQ(done.AwaitFirstOpen(), std::nullopt);
}

}  // namespace
}  // namespace weightinit

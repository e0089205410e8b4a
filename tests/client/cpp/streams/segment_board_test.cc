#include "client/cpp/streams/segment_board.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

// Segments begin at multiples of 10.
int64_t Align(int64_t place) { return place - place % 10; }

SegmentBoardOptions Options(int64_t bytes, int workers) {
  SegmentBoardOptions options;
  options.bytes = bytes;
  options.workers = workers;
  options.min_bytes = 20;
  options.patience = absl::Hours(1);
  return options;
}

void ExpectRest(const SegmentBoard& board, int worker, int64_t begin,
                int64_t end) {
  EXPECT_EQ(board.Rest(worker).begin, begin);
  EXPECT_EQ(board.Rest(worker).end, end);
}

TEST(SegmentBoardTest, SegmentsAreEqualAndAligned) {
  const SegmentBoard board(Options(100, 3), Align);
  ExpectRest(board, 0, 0, 30);
  ExpectRest(board, 1, 30, 60);
  ExpectRest(board, 2, 60, 100);
}

TEST(SegmentBoardTest, AClaimEndsWhereTheSegmentEnds) {
  SegmentBoard board(Options(100, 2), Align);
  EXPECT_EQ(board.Claim(0, 30), 30);
  ExpectRest(board, 0, 30, 50);
  EXPECT_EQ(board.Claim(0, 30), 20);
  EXPECT_EQ(board.Claim(0, 30), 0);
  EXPECT_EQ(board.claimed(), 50);
}

TEST(SegmentBoardTest, AWorkerThatIsDoneTakesTheSecondHalfOfWhatIsLeft) {
  SegmentBoard board(Options(300, 3), Align);
  EXPECT_EQ(board.Claim(0, 100), 100);
  EXPECT_EQ(board.Claim(1, 10), 10);
  EXPECT_EQ(board.Claim(2, 30), 30);
  ASSERT_TRUE(board.Acquire(0));
  ExpectRest(board, 1, 110, 150);
  ExpectRest(board, 0, 150, 200);
  ExpectRest(board, 2, 230, 300);
}

TEST(SegmentBoardTest, WhoHasASegmentKeepsIt) {
  SegmentBoard board(Options(100, 2), Align);
  EXPECT_TRUE(board.Acquire(0));
  ExpectRest(board, 0, 0, 50);
  ExpectRest(board, 1, 50, 100);
}

TEST(SegmentBoardTest, WhatIsTooShortToDivideIsLeftToItsWorker) {
  SegmentBoard board(Options(60, 2), Align);
  EXPECT_EQ(board.Claim(0, 30), 30);
  std::thread idle([&] { EXPECT_FALSE(board.Acquire(0)); });
  EXPECT_EQ(board.Claim(1, 20), 20);
  EXPECT_EQ(board.Claim(1, 20), 10);
  idle.join();
  EXPECT_EQ(board.claimed(), 60);
}

TEST(SegmentBoardTest, AWorkerThatStandsStillLosesAllIfItIsTheLast) {
  SegmentBoardOptions options = Options(60, 2);
  options.patience = absl::Milliseconds(1);
  SegmentBoard board(options, Align);
  absl::Notification interrupted;
  ASSERT_TRUE(board.SetInterrupt(1, [&] { interrupted.Notify(); }));
  EXPECT_EQ(board.Claim(0, 30), 30);
  ASSERT_TRUE(board.Acquire(0));
  ExpectRest(board, 0, 30, 60);
  EXPECT_TRUE(board.Rest(1).empty());
  EXPECT_TRUE(interrupted.HasBeenNotified());
  EXPECT_EQ(board.Claim(1, 30), 0);
  EXPECT_FALSE(board.SetInterrupt(1, [] {}));
  EXPECT_FALSE(board.Pause(1, absl::Hours(1)));
}

TEST(SegmentBoardTest, AfterAnErrorNobodyHasAnythingToDo) {
  SegmentBoard board(Options(100, 3), Align);
  absl::Notification interrupted;
  ASSERT_TRUE(board.SetInterrupt(1, [&] { interrupted.Notify(); }));
  std::thread paused([&] { EXPECT_FALSE(board.Pause(2, absl::Hours(1))); });
  board.Fail(absl::AbortedError("first"));
  board.Fail(absl::AbortedError("second"));
  paused.join();
  EXPECT_TRUE(interrupted.HasBeenNotified());
  EXPECT_EQ(board.status().message(), "first");
  EXPECT_EQ(board.Claim(0, 10), 0);
  EXPECT_FALSE(board.Acquire(0));
}

TEST(SegmentBoardTest, APauseEndsByItselfWhileThereIsWork) {
  SegmentBoard board(Options(100, 1), Align);
  EXPECT_TRUE(board.Pause(0, absl::Milliseconds(1)));
}

TEST(SegmentBoardTest, OfNothingThereIsNothingToDo) {
  SegmentBoard board(Options(0, 1), Align);
  EXPECT_FALSE(board.Acquire(0));
}

// Threads that claim, pause and take over at random.
TEST(SegmentBoardTest, EachByteIsClaimedOnce) {
  constexpr int kWorkers = 5;
  constexpr size_t kBytes = 100'000;
  SegmentBoardOptions options = Options(kBytes, kWorkers);
  options.patience = absl::Microseconds(50);
  SegmentBoard board(options, Align);
  std::vector<std::atomic<int>> claims(kBytes);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < kWorkers; ++worker) {
    threads.emplace_back([&, worker] {
      std::mt19937 random(static_cast<unsigned>(worker));
      while (board.Acquire(worker)) {
        const Segment rest = board.Rest(worker);
        if (rest.empty()) continue;
        int64_t at = rest.begin;
        int64_t claimed = 0;
        do {
          if (random() % 16 == 0) board.Pause(worker, absl::Microseconds(60));
          const auto wanted = static_cast<int64_t>(1 + random() % 40) * 10;
          claimed = board.Claim(worker, wanted);
          for (int64_t i = at; i < at + claimed; ++i) {
            ++claims[static_cast<size_t>(i)];
          }
          at += claimed;
        } while (claimed > 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(board.claimed(), static_cast<int64_t>(kBytes));
  size_t wrong = 0;
  for (const std::atomic<int>& count : claims) wrong += count == 1 ? 0 : 1;
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace weightinit

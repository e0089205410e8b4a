#include "client/cpp/streams/replica_pool.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/streams/replica.h"
#include "gtest/gtest.h"
#include "proto/cpp/status_conversion.h"

namespace weightinit {
namespace {

constexpr Backoff kLong{absl::Hours(1), absl::Hours(8)};

AttemptResult Broken() {
  AttemptResult result;
  result.status = absl::UnavailableError("gone");
  result.broken = true;
  return result;
}

AttemptResult Full(absl::Duration delay) {
  AttemptResult result;
  result.status =
      WithRetryDelay(absl::ResourceExhaustedError("no room"), delay);
  result.broken = result.full = true;
  return result;
}

TEST(ReplicaPoolTest, WorkersSpreadOverReplicas) {
  ReplicaPool pool(3, kLong);
  EXPECT_EQ(pool.Choose(0).replica, 0);
  EXPECT_EQ(pool.Choose(1).replica, 1);
  EXPECT_EQ(pool.Choose(2).replica, 2);
  // All have one attempt: the preference of each worker decides.
  EXPECT_EQ(pool.Choose(4).replica, 1);
  EXPECT_EQ(pool.Choose(4).replica, 2);
  EXPECT_EQ(pool.Choose(4).replica, 0);
}

TEST(ReplicaPoolTest, AReplicaThatFailedIsLeftAlone) {
  ReplicaPool pool(2, kLong);
  EXPECT_EQ(pool.Choose(0).replica, 0);
  pool.Release(0, Broken());
  EXPECT_EQ(pool.Choose(0).replica, 1);
  EXPECT_EQ(pool.Choose(0).replica, 1);
}

TEST(ReplicaPoolTest, IfAllHaveFailedItSaysWhenOneIsReady) {
  ReplicaPool pool(2, kLong);
  pool.Release(pool.Choose(0).replica, Broken());
  pool.Release(pool.Choose(0).replica, Broken());
  const ReplicaPool::Choice none = pool.Choose(0);
  EXPECT_EQ(none.replica, -1);
  EXPECT_GT(none.pause, absl::ZeroDuration());
  EXPECT_LE(none.pause, absl::Hours(1));
}

TEST(ReplicaPoolTest, AFullReplicaIsLeftAloneForAsLongAsItSays) {
  ReplicaPool pool(2, kLong);
  pool.Release(pool.Choose(0).replica, Full(absl::Minutes(10)));
  pool.Release(pool.Choose(0).replica, Full(absl::Minutes(20)));
  const ReplicaPool::Choice none = pool.Choose(0);
  EXPECT_EQ(none.replica, -1);
  EXPECT_GT(none.pause, absl::Minutes(9));
  EXPECT_LE(none.pause, absl::Minutes(15));
}

TEST(ReplicaPoolTest, AFullReplicaHasRoomOnceAStreamOnItEnds) {
  ReplicaPool pool(1, kLong);
  pool.Choose(0);
  pool.Choose(1);
  pool.Release(0, Full(absl::Minutes(10)));
  EXPECT_EQ(pool.Choose(1).replica, -1);
  pool.Release(0);
  EXPECT_EQ(pool.Choose(1).replica, 0);
}

TEST(ReplicaPoolTest, AReplicaThatFailedIsNotReadyBecauseAStreamOnItEnds) {
  ReplicaPool pool(1, kLong);
  pool.Choose(0);
  pool.Choose(1);
  pool.Release(0, Broken());
  pool.Release(0);
  EXPECT_EQ(pool.Choose(1).replica, -1);
}

TEST(ReplicaPoolTest, ThePauseDoublesUntilAnAttemptSucceeds) {
  const Backoff backoff{absl::Seconds(1), absl::Seconds(5)};
  for (int round = 0; round < 20; ++round) {
    const absl::Duration longest =
        round < 3 ? absl::Seconds(1 << round) : absl::Seconds(5);
    const absl::Duration pause = backoff.Pause(round);
    EXPECT_GE(pause, longest / 2);
    EXPECT_LE(pause, longest);
  }
}

}  // namespace
}  // namespace weightinit

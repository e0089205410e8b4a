#include "server/stream/ticker.h"

#include <atomic>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

TEST(TickerTest, TicksAgainAndAgainUntilItsEnd) {
  std::atomic<int> ticks{0};
  absl::Notification third;
  {
    const Ticker ticker(absl::Milliseconds(1), [&] {
      if (++ticks == 3) third.Notify();
    });
    third.WaitForNotification();
  }
  const int at_its_end = ticks;
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(ticks, at_its_end);
}

TEST(TickerTest, EndDoesNotWaitForTheInterval) {
  const absl::Time begin = absl::Now();
  {
    const Ticker ticker(absl::Hours(1), [] { ADD_FAILURE(); });
  }
  EXPECT_LT(absl::Now() - begin, absl::Minutes(1));
}

}  // namespace
}  // namespace weightinit

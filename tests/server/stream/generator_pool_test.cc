#include "server/stream/generator_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;

class FunctionTask final : public GeneratorPool::Task {
 public:
  explicit FunctionTask(std::function<void()> function)
      : function_(std::move(function)) {}
  void Run() override { function_(); }

 private:
  const std::function<void()> function_;
};

TEST(GeneratorPoolTest, OneThreadRunsTasksInTheOrderOfSubmission) {
  std::promise<void> all_submitted;
  std::vector<int> order;
  FunctionTask gate([&] { all_submitted.get_future().wait(); });
  FunctionTask first([&] { order.push_back(1); });
  FunctionTask second([&] { order.push_back(2); });
  {
    GeneratorPool pool(1);
    pool.Submit(&gate);
    pool.Submit(&first);
    pool.Submit(&second);
    pool.Submit(&first);
    all_submitted.set_value();
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 1));
}

// The niceness of the calling thread.
int Niceness() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
}

TEST(GeneratorPoolTest, ThreadsOfOthersComeFirst) {
  int of_pool = 0;
  FunctionTask look([&] { of_pool = Niceness(); });
  {
    GeneratorPool pool(1);
    pool.Submit(&look);
  }
  EXPECT_EQ(of_pool, std::min(19, Niceness() + GeneratorPool::kNiceness));
}

TEST(GeneratorPoolTest, TasksRunAtTheSameTimeOnDifferentThreads) {
  // Each waits for the other, so neither could end alone.
  std::promise<void> first_runs;
  std::promise<void> second_runs;
  FunctionTask first([&] {
    first_runs.set_value();
    second_runs.get_future().wait();
  });
  FunctionTask second([&] {
    second_runs.set_value();
    first_runs.get_future().wait();
  });
  GeneratorPool pool(2);
  pool.Submit(&first);
  pool.Submit(&second);
}

TEST(GeneratorPoolTest, TaskMaySubmitItselfAgain) {
  std::atomic<int> runs{0};
  std::promise<void> done;
  GeneratorPool pool(2);
  FunctionTask* self = nullptr;
  FunctionTask task([&] {
    if (++runs == 1000) {
      done.set_value();
    } else {
      pool.Submit(self);
    }
  });
  self = &task;
  pool.Submit(&task);
  done.get_future().wait();
  EXPECT_EQ(runs, 1000);
}

}  // namespace
}  // namespace weightinit

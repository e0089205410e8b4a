#include "server/stream/generator_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <thread>

#include "absl/synchronization/mutex.h"

namespace weightinit {
namespace {

// Lowers the priority of the calling thread; of this thread alone, which is
// what Linux means by the id of a thread. Where that is not allowed, all
// threads stay equal.
void GiveWay() {
  const auto self = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, self,
              getpriority(PRIO_PROCESS, self) + GeneratorPool::kNiceness);
}

}  // namespace

GeneratorPool::GeneratorPool(int threads) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

GeneratorPool::~GeneratorPool() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
}

void GeneratorPool::Submit(Task* task) {
  {
    const absl::MutexLock lock(&mutex_);
    tasks_.push_back(task);
  }
  changed_.Signal();
}

void GeneratorPool::Work() {
  GiveWay();
  while (Task* const task = NextTask()) task->Run();
}

GeneratorPool::Task* GeneratorPool::NextTask() {
  const absl::MutexLock lock(&mutex_);
  while (tasks_.empty()) {
    if (stopping_) return nullptr;
    changed_.Wait(&mutex_);
  }
  Task* const task = tasks_.front();
  tasks_.pop_front();
  return task;
}

}  // namespace weightinit

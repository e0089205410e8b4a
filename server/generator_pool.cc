#include "server/generator_pool.h"

#include <cstddef>
#include <mutex>
#include <thread>

namespace weightinit {

GeneratorPool::GeneratorPool(int threads) {
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

GeneratorPool::~GeneratorPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void GeneratorPool::Submit(Task* task) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    tasks_.push_back(task);
  }
  changed_.notify_one();
}

void GeneratorPool::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    Task* task = tasks_.front();
    tasks_.pop_front();
    lock.unlock();
    task->Run();
    lock.lock();
  }
}

}  // namespace weightinit

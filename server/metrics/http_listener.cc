#include "server/metrics/http_listener.h"

#include <httplib.h>
#include <sys/socket.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/listen/listen_address.h"

namespace weightinit {
namespace {

constexpr int kThreads = 8;
// Connections that wait for a thread. With more, the thread that accepts serves
// one itself, and others stay in the system's queue: each that was accepted has
// a file descriptor.
constexpr size_t kMaxWaiting = 64;
// For one piece of a request or an answer.
constexpr time_t kTimeoutSeconds = 1;
constexpr size_t kMaxBodyBytes = 1024;

// The threads of the listener, which httplib lets us choose.
class BoundedThreads final : public httplib::TaskQueue {
 public:
  // void or bool, by the version of httplib.
  using Enqueued =
      decltype(std::declval<httplib::TaskQueue&>().enqueue(nullptr));

  BoundedThreads() {
    for (int i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this] { Work(); });
    }
  }

  // Called by the thread that accepts alone.
  Enqueued enqueue(std::function<void()> task) override {
    if (is_full()) {
      task();
    } else {
      const absl::MutexLock lock(&mutex_);
      waiting_.push_back(std::move(task));
      changed_.Signal();
    }
    return Enqueued(true);
  }

  void shutdown() override {
    {
      const absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    changed_.SignalAll();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  bool is_full() ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    return waiting_.size() >= kMaxWaiting;
  }

  void Work() ABSL_LOCKS_EXCLUDED(mutex_) {
    while (const std::function<void()> task = Next()) task();
  }

  // Nothing when there will be no more.
  std::function<void()> Next() ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    while (waiting_.empty()) {
      if (stopping_) return nullptr;
      changed_.Wait(&mutex_);
    }
    std::function<void()> task = std::move(waiting_.front());
    waiting_.pop_front();
    return task;
  }

  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;
};

absl::StatusOr<ListenAddress> ParseAddress(const std::string& text) {
  auto address = ParseListenAddress(text);
  if (address.ok() && !address->is_unix()) return address;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text,
                   "\" is not HOST:PORT with a port from 0 to 65535, for "
                   "example 127.0.0.1:9090"));
}

}  // namespace

struct HttpListener::Impl {
  httplib::Server server;
  std::thread thread;
};

absl::Status HttpListener::Check(const std::string& address) {
  return ParseAddress(address).status();
}

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(
    const std::string& address, Answers answers) {
  auto parsed = ParseAddress(address);
  if (!parsed.ok()) return parsed.status();
  auto impl = std::make_unique<Impl>();
  httplib::Server& server = impl->server;
  server.new_task_queue = [] { return new BoundedThreads(); };
  server.set_read_timeout(kTimeoutSeconds);
  server.set_write_timeout(kTimeoutSeconds);
  server.set_keep_alive_timeout(kTimeoutSeconds);
  server.set_payload_max_length(kMaxBodyBytes);
  // Not SO_REUSEPORT, which is httplib's own choice: two servers would share
  // one port and nobody would notice.
  server.set_socket_options([](auto socket) {
    const int yes = 1;
    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.Get("/metrics", [metrics = std::move(answers.metrics)](
                             const httplib::Request&, httplib::Response& out) {
    out.set_content(metrics(), "text/plain; version=0.0.4; charset=utf-8");
  });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& out) {
    out.set_content("ok\n", "text/plain");
  });
  server.Get("/readyz", [ready = std::move(answers.ready)](
                            const httplib::Request&, httplib::Response& out) {
    const bool yes = ready();
    out.status = yes ? 200 : 503;
    out.set_content(yes ? "ok\n" : "draining\n", "text/plain");
  });
  const std::string host(parsed->bare_host());
  if (parsed->port == 0) {
    parsed->port = server.bind_to_any_port(host);
  } else if (!server.bind_to_port(host, parsed->port)) {
    parsed->port = -1;
  }
  if (parsed->port <= 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on \"", address, "\""));
  }
  impl->thread = std::thread([&server] { server.listen_after_bind(); });
  // Else it could not be stopped.
  while (!server.is_running()) std::this_thread::yield();
  return std::unique_ptr<HttpListener>(
      new HttpListener(std::move(impl), parsed->text()));
}

HttpListener::HttpListener(std::unique_ptr<Impl> impl, std::string address)
    : impl_(std::move(impl)), address_(std::move(address)) {}

HttpListener::~HttpListener() {
  impl_->server.stop();
  impl_->thread.join();
}

}  // namespace weightinit

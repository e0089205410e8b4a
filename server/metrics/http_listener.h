// An HTTP address for those who watch the server.

#ifndef WEIGHTINIT_SERVER_METRICS_HTTP_LISTENER_H_
#define WEIGHTINIT_SERVER_METRICS_HTTP_LISTENER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weightinit {

// Answers GET of /metrics; /healthz, which is 200 while the process lives; and
// /readyz, which is 200 while it serves and 503 else. Not encrypted, and open
// to whoever can connect: for an address that only the monitoring reaches. What
// others can take of it is bounded: a few threads, seconds for a request.
class HttpListener {
 public:
  // Called by threads of the listener, at once.
  struct Answers {
    std::function<std::string()> metrics;
    std::function<bool()> ready;
  };

  // Whether `address` is one to listen on: HOST:PORT. INVALID_ARGUMENT.
  static absl::Status Check(const std::string& address);

  // Listens on HOST:PORT, port 0 for a free one. INVALID_ARGUMENT: it is none.
  // UNAVAILABLE: it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(
      const std::string& address, Answers answers);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // With the real port.
  const std::string& address() const { return address_; }

 private:
  struct Impl;
  HttpListener(std::unique_ptr<Impl> impl, std::string address);

  const std::unique_ptr<Impl> impl_;
  const std::string address_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_METRICS_HTTP_LISTENER_H_

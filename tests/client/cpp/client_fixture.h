// What the tests of the client share: a request, a client that is quick to try
// again, a sink that keeps everything.

#ifndef WEIGHTINIT_TESTS_CLIENT_CPP_CLIENT_FIXTURE_H_
#define WEIGHTINIT_TESTS_CLIENT_CPP_CLIENT_FIXTURE_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {

// Of Request's tensor.
inline constexpr int64_t kElements = 100;

inline v1::InitializeTensorRequest Request() {
  v1::InitializeTensorRequest request;
  request.mutable_tensor()->set_name("fc1.weight");
  request.mutable_tensor()->add_shape(10);
  request.mutable_tensor()->add_shape(10);
  request.set_seed(42);
  return request;
}

inline grpc::Status Unavailable() {
  return {grpc::UNAVAILABLE, "scripted break"};
}

inline WeightClientOptions FastOptions(std::vector<std::string> servers) {
  WeightClientOptions options;
  options.servers = std::move(servers);
  options.initial_backoff = absl::Milliseconds(1);
  options.max_backoff = absl::Milliseconds(2);
  return options;
}

// Tries for about half a second. gRPC 1.51 sometimes takes a connection that is
// being made for one that failed (it reads errno too late), and connects anew
// only after 100 ms, whatever backoff it is given.
inline std::unique_ptr<WeightClient> ClientOf(
    std::vector<std::string> servers) {
  WeightClientOptions options = FastOptions(std::move(servers));
  options.max_attempts_without_progress = 250;
  auto client = WeightClient::Create(options);
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

// Keeps what it is given; fails on the data number `fail_at`.
class CollectingSink : public TensorSink {
 public:
  explicit CollectingSink(int fail_at = -1,
                          absl::Status failure = absl::OkStatus())
      : fail_at_(fail_at), failure_(std::move(failure)) {}

  absl::Status OnHeader(const v1::TensorDescription&) override {
    ++headers;
    return absl::OkStatus();
  }
  absl::Status OnData(absl::Span<const uint8_t> bytes) override {
    if (pieces++ == fail_at_) return failure_;
    data.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return absl::OkStatus();
  }

  int headers = 0;
  int pieces = 0;
  std::string data;

 private:
  const int fail_at_;
  const absl::Status failure_;
};

// A port that refuses connections while this object lives: bound, not listened
// on.
class RefusingPort {
 public:
  RefusingPort() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size),
              0);
    port_ = ntohs(address.sin_port);
  }
  ~RefusingPort() { close(fd_); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  int fd_;
  int port_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_CLIENT_CPP_CLIENT_FIXTURE_H_

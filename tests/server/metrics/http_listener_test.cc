#include "server/metrics/http_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A connection to a listener of this machine.
class Connection {
 public:
  explicit Connection(const HttpListener& listener)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int port = 0;
    const std::string& text = listener.address();
    EXPECT_TRUE(absl::SimpleAtoi(text.substr(text.rfind(':') + 1), &port));
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                      sizeof address),
              0);
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Send(const std::string& text) const {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // All until the listener closes.
  std::string Receive() const {
    std::string all;
    std::array<char, 4096> block;
    for (ssize_t got = 0;
         (got = recv(socket_, block.data(), block.size(), 0)) > 0;) {
      all.append(block.data(), static_cast<size_t>(got));
    }
    return all;
  }

 private:
  const int socket_;
};

class HttpListenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = HttpListener::Start("127.0.0.1:0",
                                       {[] { return std::string("figures\n"); },
                                        [this] { return ready_.load(); }});
    ASSERT_TRUE(started.ok()) << started.status();
    listener_ = *std::move(started);
  }

  std::string Get(const std::string& path) const {
    const Connection connection(*listener_);
    connection.Send("GET " + path +
                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return connection.Receive();
  }

  std::atomic<bool> ready_{true};
  std::unique_ptr<HttpListener> listener_;
};

TEST_F(HttpListenerTest, MetricsAreText) {
  const std::string answer = Get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nfigures\n"));
}

TEST_F(HttpListenerTest, ReadyUntilItIsNot) {
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200 "));
  ready_ = false;
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpListenerTest, OtherPathsAndMethodsAreNotFound) {
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Get("/metrics/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
  const Connection connection(*listener_);
  connection.Send(
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_THAT(connection.Receive(), StartsWith("HTTP/1.1 404 "));
}

TEST_F(HttpListenerTest, LargeBodiesAreRefused) {
  const Connection connection(*listener_);
  connection.Send(
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_THAT(connection.Receive(), StartsWith("HTTP/1.1 4"));
}

TEST_F(HttpListenerTest, ThoseWhoNeverSpeakDoNotKeepOthersOut) {
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<Connection>(*listener_));
    silent.back()->Send("GET /met");
  }
  EXPECT_THAT(Get("/metrics"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpListenerTest, PortThatIsTakenIsAnError) {
  const auto second = HttpListener::Start(
      listener_->address(), {[] { return ""; }, [] { return true; }});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(listener_->address()));
}

TEST(HttpListenerAddressTest, IsHostAndPort) {
  EXPECT_TRUE(HttpListener::Check("127.0.0.1:9090").ok());
  EXPECT_TRUE(HttpListener::Check("[::1]:0").ok());
  for (const char* const text : {"", "9090", "unix:/run/x", "host:70000"}) {
    EXPECT_EQ(HttpListener::Check(text).code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace weightinit

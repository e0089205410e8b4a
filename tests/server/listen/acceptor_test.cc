#include "server/listen/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/listen/connections.h"
#include "server/listen/listen_address.h"
#include "server/listen/listening_socket.h"

namespace weightinit {
namespace {

template <typename Condition>
bool Soon(const Condition& condition) {
  for (int attempt = 0; attempt < 3000; ++attempt) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return false;
}

// Connects to a port of this machine; returns 0 or the error.
int TryToConnect(const Descriptor& client, int port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(client.get(), reinterpret_cast<sockaddr*>(&name),
                 sizeof(name)) == 0
             ? 0
             : errno;
}

Descriptor NewSocket() {
  return Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// A client's end of a connection to a port of this machine.
Descriptor ConnectTo(int port) {
  Descriptor client = NewSocket();
  EXPECT_EQ(TryToConnect(client, port), 0);
  return client;
}

// How gRPC names a client's end to the server.
std::string PeerNameOf(const Descriptor& client) {
  sockaddr_in name{};
  socklen_t size = sizeof(name);
  getsockname(client.get(), reinterpret_cast<sockaddr*>(&name), &size);
  return "ipv4:127.0.0.1:" + std::to_string(ntohs(name.sin_port));
}

// Whether the other end is closed, without waiting for data.
bool IsClosed(const Descriptor& client) {
  char byte = 0;
  const ssize_t count = recv(client.get(), &byte, 1, MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN);
}

class AcceptorTest : public ::testing::Test {
 protected:
  void Start(int max_connections,
             absl::Duration max_idle = absl::InfiniteDuration()) {
    connections_ = std::make_unique<Connections>(max_idle);
    auto address = ParseListenAddress("127.0.0.1:0");
    auto sockets = Listen(*address);
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    port_ = sockets->address.port;
    std::vector<ListeningSockets> all;
    all.push_back(*std::move(sockets));
    auto acceptor =
        Acceptor::Start(std::move(all), max_connections, connections_.get(),
                        [this](int /*listening_socket*/, int connection) {
                          const absl::MutexLock lock(&mutex_);
                          served_.emplace_back(connection);
                        });
    ASSERT_TRUE(acceptor.ok()) << acceptor.status();
    acceptor_ = *std::move(acceptor);
  }

  size_t served() {
    const absl::MutexLock lock(&mutex_);
    return served_.size();
  }

  // Sends so much, and receives it at the other end.
  void SendMebibytes(const Descriptor& client, int count) {
    const std::vector<char> block(size_t{64} << 10);
    std::vector<char> received(block.size());
    const absl::MutexLock lock(&mutex_);
    for (int i = 0; i < count * 16; ++i) {
      ASSERT_EQ(send(client.get(), block.data(), block.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(block.size()));
      ASSERT_EQ(recv(served_.back().get(), received.data(), received.size(),
                     MSG_WAITALL),
                static_cast<ssize_t>(received.size()));
    }
  }

  // As gRPC ends a connection.
  void EndAll() {
    const absl::MutexLock lock(&mutex_);
    for (const Descriptor& each : served_) shutdown(each.get(), SHUT_RDWR);
    served_.clear();
  }

  int port_ = 0;
  absl::Mutex mutex_;
  std::vector<Descriptor> served_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<Acceptor> acceptor_;
};

TEST_F(AcceptorTest, ConnectionIsHandedOnAndForgottenWhenItEnds) {
  Start(10);
  const Descriptor client = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return served() == 1; }));
  EXPECT_EQ(connections_->count(), 1);
  EndAll();
  EXPECT_TRUE(Soon([&] { return IsClosed(client); }));
  EXPECT_TRUE(Soon([&] { return connections_->count() == 0; }));
}

TEST_F(AcceptorTest, WhoComesWhenListeningHasStoppedIsRefusedAndOthersStay) {
  Start(10);
  const Descriptor client = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return served() == 1; }));
  acceptor_->StopListening();
  const Descriptor late = NewSocket();
  EXPECT_EQ(TryToConnect(late, port_), ECONNREFUSED);
  EXPECT_FALSE(IsClosed(client));
  EndAll();
  EXPECT_TRUE(Soon([&] { return connections_->count() == 0; }));
  EXPECT_EQ(served(), 0U);
}

TEST_F(AcceptorTest, ConnectionAboveTheLimitIsClosedAtOnce) {
  Start(2);
  const Descriptor first = ConnectTo(port_);
  const Descriptor second = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return served() == 2; }));
  const Descriptor third = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return IsClosed(third); }));
  EXPECT_EQ(acceptor_->refused(), 1);
  EXPECT_FALSE(IsClosed(first));
  EndAll();
  EXPECT_TRUE(Soon([&] { return connections_->count() == 0; }));
  const Descriptor fourth = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return served() == 1; }));
}

TEST_F(AcceptorTest, ConnectionWithoutACallIsCutAndOneWithACallIsNot) {
  Start(10, absl::Milliseconds(200));
  const Descriptor silent = ConnectTo(port_);
  const Descriptor calling = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return served() == 2; }));
  {
    const Connections::Call call = connections_->Begin(PeerNameOf(calling));
    EXPECT_TRUE(Soon([&] { return IsClosed(silent); }));
    EXPECT_FALSE(IsClosed(calling));
  }
  EXPECT_TRUE(Soon([&] { return IsClosed(calling); }));
  EXPECT_TRUE(Soon([&] { return connections_->count() == 0; }));
}

TEST_F(AcceptorTest, ConnectionThatSendsOnWithoutACallIsCut) {
  Start(10);
  const Descriptor client = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return served() == 1; }));
  // No more than what calls take.
  for (int i = 0; i < 10; ++i) {
    SendMebibytes(client, 4);
    const Connections::Call call = connections_->Begin(PeerNameOf(client));
    connections_->CutFlooding();
  }
  EXPECT_FALSE(IsClosed(client));
  SendMebibytes(client, 9);
  EXPECT_TRUE(Soon([&] { return IsClosed(client); }));
  EXPECT_TRUE(Soon([&] { return connections_->count() == 0; }));
}

TEST_F(AcceptorTest, WhatAnEndedConnectionHasLeftIsStillSent) {
  Start(10);
  const Descriptor client = ConnectTo(port_);
  EXPECT_TRUE(Soon([&] { return served() == 1; }));
  // Unread input, which makes the kernel drop what is to be sent if the
  // connection is closed.
  ASSERT_EQ(send(client.get(), "x", 1, 0), 1);
  const std::vector<char> data(1 << 16, 'y');
  {
    const absl::MutexLock lock(&mutex_);
    ASSERT_EQ(send(served_[0].get(), data.data(), data.size(), 0),
              static_cast<ssize_t>(data.size()));
  }
  EndAll();
  size_t received = 0;
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const ssize_t count = recv(client.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    received += static_cast<size_t>(count);
  }
  EXPECT_EQ(received, data.size());
}

TEST(ListeningSocketTest, PortInUseIsAnErrorThatSaysSo) {
  const auto first = Listen(*ParseListenAddress("127.0.0.1:0"));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Listen(first->address);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

TEST(ListeningSocketTest, NameOfSeveralAddressesHasOnePort) {
  const auto sockets = Listen(*ParseListenAddress("localhost:0"));
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_GT(sockets->address.port, 0);
  EXPECT_TRUE(ConnectTo(sockets->address.port).is_open());
}

TEST(ListeningSocketTest, SocketThatNobodyServesIsReplacedAndAFileIsNot) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("weightinit-" + std::to_string(getpid()) + ".sock");
  const auto address = ParseListenAddress("unix:" + path.string());
  {
    const auto first = Listen(*address);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(std::filesystem::status(path).permissions() &
                  std::filesystem::perms::others_all,
              std::filesystem::perms::none);
    EXPECT_FALSE(Listen(*address).ok());
  }
  EXPECT_TRUE(Listen(*address).ok());
  std::filesystem::remove(path);
  { const Descriptor file(open(path.c_str(), O_CREAT | O_WRONLY, 0600)); }
  EXPECT_FALSE(Listen(*address).ok());
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace weightinit

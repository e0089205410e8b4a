// Servers that neither answer nor go away.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/fake_service.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

// A fake server in a process of its own, which ends with this object.
class ServerProcess {
 public:
  explicit ServerProcess(std::string fault) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    std::string path = WEIGHTINIT_FAKE_SERVER;
    const std::array<char*, 3> arguments = {path.data(), fault.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, path.c_str(), &actions, nullptr,
                          arguments.data(), environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    std::string line;
    for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
    close(ends[0]);
    address_ = line.substr(line.rfind(' ') + 1);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    Send(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  const std::string& address() const { return address_; }
  void Send(int signal) const { kill(pid_, signal); }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

// Does something with the first data.
class ActingSink final : public CollectingSink {
 public:
  explicit ActingSink(std::function<void()> act) : act_(std::move(act)) {}

  absl::Status OnData(absl::Span<const uint8_t> bytes) override {
    if (auto act = std::exchange(act_, nullptr)) act();
    return CollectingSink::OnData(bytes);
  }

 private:
  std::function<void()> act_;
};

// Long enough for a test that hangs to fail.
constexpr absl::Duration kTooLong = absl::Minutes(2);

TEST(ClientFrozenTest, AServerThatDoesNotAnswerKeepalivesIsLeft) {
  const ServerProcess frozen("stall");
  FakeServer good;
  WeightClientOptions options = FastOptions({frozen.address(), good.address()});
  options.keepalive_time = absl::Milliseconds(200);
  options.keepalive_timeout = absl::Milliseconds(200);
  options.stall_timeout = absl::InfiniteDuration();
  options.timeout = kTooLong;
  ActingSink sink([&frozen] { frozen.Send(SIGSTOP); });
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  frozen.Send(SIGCONT);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  EXPECT_EQ(result->resumed, 1);
}

TEST(ClientFrozenTest, AStreamThatBringsNothingGoesOnAtTheNextServer) {
  absl::Notification fetched;
  FakeServer stalled({[&fetched](FakeStream& s) {
    s.BreakAfter(2, grpc::Status::OK);
    s.before_end = [&fetched] { fetched.WaitForNotification(); };
  }});
  FakeServer good;
  WeightClientOptions options =
      FastOptions({stalled.address(), good.address()});
  options.stall_timeout = absl::Milliseconds(500);
  options.timeout = kTooLong;
  CollectingSink sink;
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  fetched.Notify();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  EXPECT_EQ(result->resumed, 1);
}

TEST(ClientFrozenTest, IfNoServerBringsAnythingTheErrorSaysSo) {
  absl::Notification fetched;
  FakeServer stalled({[&fetched](FakeStream& s) {
    s.BreakAfter(0, grpc::Status::OK);
    s.before_end = [&fetched] { fetched.WaitForNotification(); };
  }});
  WeightClientOptions options = FastOptions({stalled.address()});
  options.stall_timeout = absl::Milliseconds(200);
  options.max_attempts_without_progress = 1;
  options.timeout = kTooLong;
  CollectingSink sink;
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  fetched.Notify();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("nothing came from the server for 200ms"));
}

TEST(ClientFrozenTest, ACallWithoutItsAnswerGoesToTheNextServer) {
  const ServerProcess frozen("crc");
  FakeServer good;
  WeightClientOptions options = FastOptions({frozen.address(), good.address()});
  options.stall_timeout = absl::Milliseconds(300);
  // A frozen server takes the connection, and does not greet.
  options.connect_timeout = absl::Minutes(10);
  options.timeout = kTooLong;
  frozen.Send(SIGSTOP);
  const auto info = (*WeightClient::Create(options))->Info();
  frozen.Send(SIGCONT);
  EXPECT_TRUE(info.ok()) << info.status();
}

TEST(ClientFrozenTest, ASinkMayTakeLongerThanTheServer) {
  FakeServer server;
  WeightClientOptions options = FastOptions({server.address()});
  options.stall_timeout = absl::Seconds(1);
  ActingSink sink([&options] { absl::SleepFor(1.2 * options.stall_timeout); });
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->resumed, 0);
}

}  // namespace
}  // namespace weightinit

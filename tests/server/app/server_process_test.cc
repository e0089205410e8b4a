// The executable weightinit-server: its first line, signals and exit codes.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/server/server_fixture.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The reading end of a pipe whose writing end a child holds.
class Pipe {
 public:
  Pipe() {
    if (pipe2(fds_, O_CLOEXEC) != 0) std::abort();
  }
  ~Pipe() {
    CloseWriter();
    close(fds_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writer() const { return fds_[1]; }
  void CloseWriter() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }

  // Up to the first newline, or to the end.
  std::string ReadLine() {
    std::string line;
    char byte = 0;
    while (read(fds_[0], &byte, 1) == 1 && byte != '\n') line += byte;
    return line;
  }

  std::string ReadAll() {
    std::string all;
    char bytes[4096];
    ssize_t count = 0;
    while ((count = read(fds_[0], bytes, sizeof(bytes))) > 0) {
      all.append(bytes, static_cast<size_t>(count));
    }
    return all;
  }

 private:
  int fds_[2];
};

// A running weightinit-server; killed if the test leaves it running.
class ServerProcess {
 public:
  explicit ServerProcess(const std::vector<std::string>& flags,
                         const std::string& environment = "") {
    std::vector<std::string> arguments = {WEIGHTINIT_SERVER_PATH};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::string variable = environment;
    std::vector<char*> envp;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (!absl::StartsWith(*entry, "WEIGHTINIT_")) envp.push_back(*entry);
    }
    if (!variable.empty()) envp.push_back(variable.data());
    envp.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out_.writer(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_.writer(), STDERR_FILENO);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(),
                          envp.data()),
              0);
    posix_spawn_file_actions_destroy(&actions);
    out_.CloseWriter();
    err_.CloseWriter();
  }

  ~ServerProcess() {
    if (pid_ > 0) {
      Signal(SIGKILL);
      Wait();
    }
  }

  // HOST:PORT from the line that says that the server listens.
  std::string Address() {
    const std::string line = out_.ReadLine();
    absl::string_view address = line;
    EXPECT_TRUE(
        absl::ConsumePrefix(&address, "weightinit-server listening on "))
        << line << err_.ReadAll();
    return std::string(address);
  }

  void Signal(int signal_number) const { kill(pid_, signal_number); }

  // The exit code; minus the signal if one killed it.
  int Wait() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string Stdout() { return out_.ReadAll(); }
  std::string Stderr() { return err_.ReadAll(); }
  std::string StderrLine() { return err_.ReadLine(); }

 private:
  Pipe out_;
  Pipe err_;
  pid_t pid_ = 0;
};

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome RunServer(const std::vector<std::string>& flags,
                  const std::string& environment = "") {
  ServerProcess process(flags, environment);
  const std::string out = process.Stdout();
  const std::string err = process.Stderr();
  return {process.Wait(), out, err};
}

TEST(ServerProcessTest, SigtermInTheMiddleOfAStreamLetsItFinishAndExitsZero) {
  ServerProcess process({"--listen", "127.0.0.1:0"});
  const auto stub = v1::WeightInitService::NewStub(Connect(process.Address()));
  StalledStream stream(stub.get(), LargeRequest());
  process.StderrLine();  // That it listens.
  process.Signal(SIGTERM);
  EXPECT_THAT(process.StderrLine(), HasSubstr("draining 1 streams"));
  EXPECT_TRUE(stream.Finish().ok()) << stream.delivery.status.error_message();
  EXPECT_EQ(stream.delivery.data.size(), 32U << 20);
  const auto finished = std::chrono::steady_clock::now();
  EXPECT_EQ(process.Wait(), 0);
  // Docker kills ten seconds after it has asked to stop.
  EXPECT_LT(std::chrono::steady_clock::now() - finished,
            std::chrono::seconds(8));
}

TEST(ServerProcessTest, SecondSignalEndsItAtOnce) {
  ServerProcess process({"--listen", "127.0.0.1:0", "--drain-seconds=3600"});
  const auto stub = v1::WeightInitService::NewStub(Connect(process.Address()));
  StalledStream stream(stub.get(), LargeRequest());
  process.StderrLine();
  process.Signal(SIGTERM);
  EXPECT_THAT(process.StderrLine(), HasSubstr("draining 1 streams"));
  process.Signal(SIGINT);
  EXPECT_EQ(process.Wait(), 128 + SIGINT);
}

TEST(ServerProcessTest, StalledStreamIsCutOffWhenTheDrainIsOver) {
  ServerProcess process({"--listen", "127.0.0.1:0", "--drain-seconds=0"});
  const auto stub = v1::WeightInitService::NewStub(Connect(process.Address()));
  StalledStream stream(stub.get(), LargeRequest());
  process.Signal(SIGINT);
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_FALSE(stream.Finish().ok());
}

TEST(ServerProcessTest, HealthCheckTellsWhetherAServerServes) {
  ServerProcess process({"--listen", "127.0.0.1:0"});
  const std::string address = process.Address();
  EXPECT_EQ(RunServer({"--health-check", address}).code, 0);
  EXPECT_EQ(RunServer({"--listen", address, "--health-check"}).code, 0);
  const std::string port = address.substr(address.rfind(':'));
  EXPECT_EQ(RunServer({"--health-check", "0.0.0.0" + port}).code, 0);
  EXPECT_EQ(RunServer({"--health-check", "[::]" + port}).code, 0);
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
  const Outcome gone = RunServer({"--health-check", address});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr(address));
}

TEST(ServerProcessTest, PortInUseExitsOneAndSaysTheAddress) {
  ServerProcess process({"--listen", "127.0.0.1:0"});
  const std::string address = process.Address();
  const Outcome second = RunServer({"--listen", address});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.out, IsEmpty());
  EXPECT_THAT(second.err, HasSubstr("cannot listen on " + address));
}

TEST(ServerProcessTest, BadFlagExitsTwoAndIsNamed) {
  for (const char* flag :
       {"--max-streams=0", "--max-elements=0", "--generator-threads=1025",
        "--drain-seconds=-1", "--log-level=loud", "--log-format=xml"}) {
    const Outcome outcome = RunServer({flag});
    EXPECT_EQ(outcome.code, 2) << flag;
    EXPECT_THAT(outcome.err, HasSubstr(std::string(flag).substr(
                                 0, std::string(flag).find('='))));
  }
  EXPECT_EQ(RunServer({"--no-such-flag"}).code, 2);
  EXPECT_THAT(RunServer({"--listen", "nowhere"}).err,
              HasSubstr("\"nowhere\" is neither HOST:PORT"));
}

TEST(ServerProcessTest, EnvironmentAndConfigFileSetFlags) {
  const Outcome from_environment =
      RunServer({}, "WEIGHTINIT_SERVER_MAX_STREAMS=0");
  EXPECT_EQ(from_environment.code, 2);
  EXPECT_THAT(from_environment.err, HasSubstr("--max-streams"));

  const std::string path =
      absl::StrCat(::testing::TempDir(), "server_process_test.", getpid());
  FILE* file = fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  ASSERT_GE(fputs("listen = \"127.0.0.1:0\"\nmax-streams = 7\n", file), 0);
  ASSERT_EQ(fclose(file), 0);
  ServerProcess process({"--config", path});
  const auto stub = v1::WeightInitService::NewStub(Connect(process.Address()));
  unlink(path.c_str());
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(stub->GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.limits().max_streams(), 7);
}

TEST(ServerProcessTest, EachCallIsOneLineOfTheLog) {
  ServerProcess process({"--listen", "127.0.0.1:0"});
  const auto stub = v1::WeightInitService::NewStub(Connect(process.Address()));
  const auto request = ParseRequest("tensor { name: \"w\" shape: 8 } seed: 42");
  ASSERT_TRUE(Fetch(stub.get(), request).status.ok());
  const auto bad = ParseRequest("tensor { shape: -8 }");
  ASSERT_FALSE(Fetch(stub.get(), bad).status.ok());
  process.Signal(SIGTERM);
  const std::string log = process.Stderr();
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_THAT(log, HasSubstr(" info InitializeTensor OK peer=ipv4:127.0.0.1:"));
  EXPECT_THAT(log, HasSubstr(" name=\"w\" shape=8 scheme=zeros seed=42 "
                             "elements=8 bytes=32 crc32="));
  EXPECT_THAT(log, HasSubstr(" info InitializeTensor INVALID_ARGUMENT peer="));
  EXPECT_THAT(log, HasSubstr("error=\"tensor.shape[0]: is -8; must be at "
                             "least 0\""));
}

TEST(ServerProcessTest, CallsAreNotLoggedAboveLevelInfo) {
  ServerProcess process({"--listen", "127.0.0.1:0", "--log-level", "warn"});
  const auto stub = v1::WeightInitService::NewStub(Connect(process.Address()));
  ASSERT_TRUE(
      Fetch(stub.get(), ParseRequest("tensor { shape: 8 }")).status.ok());
  process.Signal(SIGTERM);
  EXPECT_THAT(process.Stderr(), IsEmpty());
  EXPECT_EQ(process.Wait(), 0);
}

TEST(ServerProcessTest, NameThatIsNotUtf8LeavesNoLineOfProtobuf) {
  ServerProcess process({"--listen", "127.0.0.1:0", "--log-level", "warn"});
  grpc::GenericStub stub(Connect(process.Address()));
  grpc::ClientContext context;
  // tensor { name: "\xff" }
  const grpc::Slice slice(std::string("\x0a\x03\x0a\x01\xff"));
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  absl::Notification done;
  grpc::Status status;
  stub.UnaryCall(&context, "/weightinit.v1.WeightInitService/DescribeTensor",
                 grpc::StubOptions(), &request, &response,
                 [&](grpc::Status result) {
                   status = std::move(result);
                   done.Notify();
                 });
  done.WaitForNotification();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "tensor.name: is not valid UTF-8");
  process.Signal(SIGTERM);
  EXPECT_THAT(process.Stderr(), IsEmpty());
  EXPECT_EQ(process.Wait(), 0);
}

TEST(ServerProcessTest, JsonLogIsOneObjectALine) {
  ServerProcess process({"--listen", "127.0.0.1:0", "--log-format", "json"});
  {
    const auto stub =
        v1::WeightInitService::NewStub(Connect(process.Address()));
    ASSERT_TRUE(
        Fetch(stub.get(), ParseRequest("tensor { shape: 8 }")).status.ok());
  }
  process.Signal(SIGTERM);
  std::istringstream lines(process.Stderr());
  EXPECT_EQ(process.Wait(), 0);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(object.is_object()) << line;
    EXPECT_EQ(object["level"], "info");
    EXPECT_TRUE(object["message"].is_string());
    EXPECT_TRUE(object["time"].is_string());
  }
  EXPECT_EQ(count, 4);  // Listening, the call, the signal, drained.
}

TEST(ServerProcessTest, VersionAndHelpExitZero) {
  const Outcome version = RunServer({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(absl::StartsWith(version.out, "weightinit-server "));
  EXPECT_EQ(RunServer({"--help"}).code, 0);
}

}  // namespace
}  // namespace weightinit

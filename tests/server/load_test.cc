// Clients of all kinds at once, cancels, and a drain in the midst of them: for
// ThreadSanitizer above all.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/server/server_fixture.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

constexpr int kClients = 6;

v1::InitializeTensorRequest RequestFor(int elements) {
  return ParseRequest(absl::StrCat("tensor { shape: ", elements,
                                   " name: \"w\" } seed: 1 chunk_bytes: 4096"));
}

v1::InitializeModelRequest ModelRequestOf() {
  return ParseRequest<v1::InitializeModelRequest>(R"pb(
    model {
      version: 1
      entries {
        name: "fc.{i}"
        repeat { index: "i" count: 8 }
        dense { in_features: 64 out_features: 32 }
      }
    }
    chunk_bytes: 1024
  )pb");
}

// What came of the calls of all clients.
struct Outcomes {
  std::atomic<int> whole{0};
  std::atomic<int> cancelled{0};
  std::atomic<int> refused{0};
};

// Makes calls until one says that the server is gone, or `calls` are made.
class LoadClient {
 public:
  LoadClient(const Server& server, unsigned seed, Outcomes& outcomes)
      : stub_(Connect(server.address())), dice_(seed), outcomes_(outcomes) {}

  void Run(int calls) {
    for (int i = 0; i < calls; ++i) {
      const grpc::StatusCode code = CallOnce();
      if (code == grpc::StatusCode::UNAVAILABLE) return;
      if (code == grpc::StatusCode::OK) {
        ++outcomes_.whole;
      } else if (code == grpc::StatusCode::CANCELLED) {
        ++outcomes_.cancelled;
      } else {
        EXPECT_EQ(code, grpc::StatusCode::RESOURCE_EXHAUSTED);
        ++outcomes_.refused;
      }
    }
  }

 private:
  grpc::StatusCode CallOnce() {
    switch (dice_() % 5) {
      case 0:
        return Describe();
      case 1:
        return Model();
      case 2:
        return Cancel();
      default: {
        static constexpr int kSizes[] = {3, 5000, 200000};
        // Checked as it comes.
        return Fetch(&stub_, RequestFor(kSizes[dice_() % 3]))
            .status.error_code();
      }
    }
  }

  grpc::StatusCode Describe() {
    grpc::ClientContext context;
    v1::DescribeTensorRequest request;
    request.mutable_tensor()->add_shape(7);
    v1::DescribeTensorResponse response;
    return stub_.DescribeTensor(&context, request, &response).error_code();
  }

  grpc::StatusCode Model() {
    grpc::ClientContext context;
    const auto reader = stub_.InitializeModel(&context, ModelRequestOf());
    v1::InitializeModelResponse part;
    int64_t bytes = 0;
    while (reader->Read(&part)) {
      bytes += static_cast<int64_t>(part.chunk().data().size());
    }
    const grpc::Status status = reader->Finish();
    if (status.ok()) {
      EXPECT_EQ(bytes, 8 * (64 * 32 + 32) * 4);
    }
    return status.error_code();
  }

  // A stream that is cancelled by another thread, at some moment.
  grpc::StatusCode Cancel() {
    grpc::ClientContext context;
    const auto reader = stub_.InitializeTensor(&context, RequestFor(2000000));
    std::thread other(
        [&context, pause = std::chrono::microseconds(dice_() % 3000)] {
          std::this_thread::sleep_for(pause);
          context.TryCancel();
        });
    Delivery delivery;
    ReadRest(reader.get(), &delivery);
    other.join();
    return delivery.status.error_code();
  }

  v1::WeightInitService::Stub stub_;
  std::mt19937 dice_;
  Outcomes& outcomes_;
};

std::vector<std::thread> StartClients(const Server& server, int calls,
                                      Outcomes& outcomes) {
  std::vector<std::thread> clients;
  for (unsigned seed = 0; seed < kClients; ++seed) {
    clients.emplace_back([&server, &outcomes, calls, seed] {
      LoadClient(server, seed, outcomes).Run(calls);
    });
  }
  return clients;
}

ServerOptions Options() {
  ServerOptions options;
  // Some are refused, and chunks become smaller at times.
  options.admission.max_streams = kClients - 1;
  options.admission.max_bytes_held = int64_t{1} << 20;
  options.generator_threads = 2;
  return options;
}

TEST(LoadTest, CallsOfAllKindsAndCancelsLeaveNothing) {
  const auto server = StartServer(Options());
  ASSERT_NE(server, nullptr);
  Outcomes outcomes;
  std::vector<std::thread> clients = StartClients(*server, 100, outcomes);
  for (std::thread& client : clients) client.join();
  EXPECT_GT(outcomes.whole, 0);
  EXPECT_GT(outcomes.cancelled, 0);
  EXPECT_TRUE(Eventually([&] { return server->active_streams() == 0; }));
  EXPECT_TRUE(Eventually([&] { return server->buffers_in_use() == 0; }));
  EXPECT_EQ(server->bytes_held(), 0);
  EXPECT_EQ(server->Drain(absl::Seconds(10)), 0);
}

TEST(LoadTest, DrainInTheMidstOfCallsEndsAllAndCutsNoneShort) {
  for (const absl::Duration grace :
       {absl::ZeroDuration(), absl::Milliseconds(20), absl::Seconds(20)}) {
    const auto server = StartServer(Options());
    ASSERT_NE(server, nullptr);
    Outcomes outcomes;
    // Until the server is gone. What is read to an end with status OK is whole.
    std::vector<std::thread> clients = StartClients(*server, 1 << 30, outcomes);
    EXPECT_TRUE(Eventually([&] { return outcomes.whole > 20; }));
    server->AnnounceDrain();
    server->Drain(grace);
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(server->active_streams(), 0);
  }
}

}  // namespace
}  // namespace weightinit

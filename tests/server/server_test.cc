// The server around the service, over real sockets: what it refuses, health,
// reflection, limits, drain.

#include "server/server.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "gtest/gtest.h"
#include "tests/server/server_fixture.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.limits.max_elements = 1 << 24;
    server_ = StartServer(options);
    ASSERT_NE(server_, nullptr);
    channel_ = Connect(server_->address());
    stub_ = v1::WeightInitService::NewStub(channel_);
  }

  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::WeightInitService::Stub> stub_;
};

struct BadInput {
  const char* situation;
  std::string request;
  std::vector<std::string> fields;
};

// One of each part of a request: what is wrong, and how, is the core's to say
// (tests/core/plan/resolve_violations_test.cc); that the client learns of it is
// the server's.
std::vector<BadInput> BadInputs() {
  return {
      {"no tensor", "seed: 1", {"tensor"}},
      {"shape",
       "tensor { shape: -2 shape: 4 shape: -1 }",
       {"tensor.shape[0]", "tensor.shape[2]"}},
      {"limit of this server", "tensor { shape: 16777217 }", {"tensor.shape"}},
      {"parameter",
       "tensor { shape: 4 scheme: SCHEME_NORMAL parameters { stddev: nan } }",
       {"tensor.parameters.stddev"}},
      {"fan",
       "tensor { shape: 4 scheme: SCHEME_XAVIER_NORMAL }",
       {"tensor.fan.fan_in", "tensor.fan.fan_out"}},
      {"slice",
       "tensor { shape: 4 shape: 6 } slice { stop: 5 } slice {}",
       {"slice[0].stop"}},
      {"several at once",
       "tensor { shape: -1 dtype: 99 } chunk_bytes: 1 first_element: -1",
       {"tensor.shape[0]", "tensor.dtype", "chunk_bytes", "first_element"}},
  };
}

TEST_F(ServerTest, BadInputIsRefusedWithEveryFieldNamed) {
  for (const BadInput& bad : BadInputs()) {
    SCOPED_TRACE(bad.situation);
    const auto request = ParseRequest(bad.request);
    const auto streamed = Fetch(stub_.get(), request);
    EXPECT_EQ(streamed.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_FALSE(streamed.header.has_value());

    v1::DescribeTensorRequest describe;
    ASSERT_TRUE(describe.ParseFromString(request.SerializeAsString()));
    grpc::ClientContext context;
    v1::DescribeTensorResponse response;
    const auto described = stub_->DescribeTensor(&context, describe, &response);
    EXPECT_EQ(described.error_message(), streamed.status.error_message());

    for (const grpc::Status& status : {streamed.status, described}) {
      const ErrorDetails details = DetailsOf(status);
      EXPECT_EQ(details.reason, "INVALID_REQUEST");
      EXPECT_EQ(details.domain, "weightinit");
      EXPECT_THAT(details.fields, UnorderedElementsAreArray(bad.fields));
      for (const std::string& field : bad.fields) {
        EXPECT_THAT(status.error_message(), HasSubstr(field));
      }
    }
  }
}

TEST_F(ServerTest, MoreViolationsThanFitAreCounted) {
  std::string text = "tensor {";
  for (int i = 0; i < 16; ++i) text += " shape: -1";
  const auto delivery =
      Fetch(stub_.get(), ParseRequest(text + "} chunk_bytes: 1"));
  EXPECT_EQ(DetailsOf(delivery.status).fields.size(), 16U);
  EXPECT_THAT(delivery.status.error_message(), HasSubstr("; and "));
}

// Calls `method` with a request as it stands, which the typed stub would refuse
// to make or the test has no generated code for.
grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                     const std::string& method, const std::string& request,
                     grpc::ByteBuffer* response) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const auto call = stub.PrepareUnaryCall(&context, method,
                                          grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  return status;
}

TEST_F(ServerTest, NameThatIsNotUtf8IsInvalidNotInternal) {
  const std::string request("\x0a\x03\x0a\x01\xff", 5);
  for (const char* method : {"InitializeTensor", "DescribeTensor"}) {
    grpc::ByteBuffer response;
    const auto status = CallRaw(
        channel_, absl::StrCat("/weightinit.v1.WeightInitService/", method),
        request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(DetailsOf(status).fields, ElementsAre("tensor.name"));
  }
}

TEST_F(ServerTest, BytesThatAreNoRequestAreInvalidNotInternal) {
  for (const char* method : {"InitializeTensor", "DescribeTensor"}) {
    grpc::ByteBuffer response;
    const auto status = CallRaw(
        channel_, absl::StrCat("/weightinit.v1.WeightInitService/", method),
        "\x0a\x05", &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(),
                HasSubstr(absl::StrCat("not a valid ", method, "Request")));
  }
}

TEST_F(ServerTest, InfoSaysTheLimitsInForce) {
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  const auto status = stub_->GetServerInfo(&context, {}, &info);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(info.limits().max_elements(), 1 << 24);
  EXPECT_EQ(info.limits().max_streams(), 256);
  EXPECT_THAT(info.version(), ::testing::MatchesRegex("[0-9]+.[0-9]+.[0-9]+"));
}

TEST_F(ServerTest, HealthServesForTheServerAndForTheService) {
  for (const char* service : {"", "weightinit.v1.WeightInitService"}) {
    HealthCheckRequest request;
    request.set_service(service);
    grpc::ClientContext context;
    HealthCheckResponse response;
    const auto status =
        Health::NewStub(channel_)->Check(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
  }
}

// Asks grpc.reflection.v1alpha, as a tool does that knows no generated code.
std::unique_ptr<google::protobuf::Message> Reflect(
    const std::shared_ptr<grpc::Channel>& channel, const std::string& text) {
  const auto make = [](const std::string& name) {
    const std::string full = "grpc.reflection.v1alpha." + name;
    const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()
                                 ->FindMessageTypeByName(full);
    return std::unique_ptr<google::protobuf::Message>(
        google::protobuf::MessageFactory::generated_factory()
            ->GetPrototype(descriptor)
            ->New());
  };
  auto request = make("ServerReflectionRequest");
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(text, request.get()));
  grpc::ByteBuffer buffer;
  const auto status = CallRaw(
      channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      request->SerializeAsString(), &buffer);
  EXPECT_TRUE(status.ok()) << status.error_message();
  auto response = make("ServerReflectionResponse");
  grpc::ProtoBufferReader reader(&buffer);
  EXPECT_TRUE(response->ParseFromZeroCopyStream(&reader));
  return response;
}

TEST_F(ServerTest, ReflectionListsTheServices) {
  const auto response = Reflect(channel_, "list_services: ''");
  EXPECT_THAT(response->ShortDebugString(),
              HasSubstr("name: \"weightinit.v1.WeightInitService\""));
  EXPECT_THAT(response->ShortDebugString(),
              HasSubstr("name: \"grpc.health.v1.Health\""));
}

TEST_F(ServerTest, ReflectionDescribesTheServicesAndTheirMessages) {
  for (const char* symbol :
       {"weightinit.v1.WeightInitService", "weightinit.v1.TensorDescription",
        "grpc.health.v1.Health"}) {
    const auto response = Reflect(
        channel_, absl::StrCat("file_containing_symbol: '", symbol, "'"));
    const auto* field =
        response->GetDescriptor()->FindFieldByName("file_descriptor_response");
    ASSERT_TRUE(response->GetReflection()->HasField(*response, field))
        << symbol << ": " << response->ShortDebugString();
    const auto& files = response->GetReflection()->GetMessage(*response, field);
    const auto* file_field =
        files.GetDescriptor()->FindFieldByName("file_descriptor_proto");
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(
        files.GetReflection()->GetRepeatedString(files, file_field, 0)));
    std::vector<std::string> defined;
    for (const auto& service : file.service()) {
      defined.push_back(absl::StrCat(file.package(), ".", service.name()));
    }
    for (const auto& message : file.message_type()) {
      defined.push_back(absl::StrCat(file.package(), ".", message.name()));
    }
    EXPECT_THAT(defined, Contains(symbol));
  }
}

TEST_F(ServerTest, PortInUseIsAnErrorThatSaysTheAddress) {
  ServerOptions options;
  options.listen = {server_->address()};
  const auto second = Server::Start(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(server_->address()));
}

TEST(ServerOptionsTest, OptionOutOfRangeIsAnErrorThatNamesIt) {
  const auto message = [](const ServerOptions& options) {
    const auto server = Server::Start(options);
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(server.status().message());
  };
  ServerOptions options;
  options.admission.max_streams = 0;
  EXPECT_THAT(message(options), HasSubstr("max_streams: 0"));
  options = {};
  options.generator_threads = -1;
  EXPECT_THAT(message(options), HasSubstr("generator_threads: -1"));
  options = {};
  options.limits.max_elements = kMaxElementsCeiling + 1;
  EXPECT_THAT(message(options), HasSubstr("max_elements: "));
  for (const char* listen : {"50051", "127.0.0.1", "127.0.0.1:", ":1",
                             "127.0.0.1:65536", "127.0.0.1:x", "::1:50051"}) {
    options = {};
    options.listen = {listen};
    EXPECT_THAT(message(options), HasSubstr(listen));
  }
}

// A watch of the server's health.
struct HealthWatch {
  explicit HealthWatch(const std::shared_ptr<grpc::Channel>& channel)
      : stub(Health::NewStub(channel)), reader(stub->Watch(&context, {})) {}

  HealthCheckResponse::ServingStatus Next() const {
    HealthCheckResponse response;
    EXPECT_TRUE(reader->Read(&response));
    return response.status();
  }

  grpc::ClientContext context;
  std::unique_ptr<Health::Stub> stub;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader;
};

TEST_F(ServerTest, DrainLetsARunningStreamFinishAndRefusesNewOnes) {
  StalledStream running(stub_.get(), LargeRequest());
  HealthWatch watch(Connect(server_->address()));
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);

  std::thread drain([this] { server_->Drain(absl::Minutes(5)); });
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  // On a connection that stands, and on one of its own.
  const auto other =
      v1::WeightInitService::NewStub(Connect(server_->address()));
  for (v1::WeightInitService::Stub* stub : {stub_.get(), other.get()}) {
    const grpc::Status refused = Fetch(stub, LargeRequest()).status;
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(DetailsOf(refused).reason, "SHUTTING_DOWN");
  }
  EXPECT_EQ(server_->active_streams(), 1);

  EXPECT_TRUE(running.Finish().ok()) << running.delivery.status.error_message();
  EXPECT_EQ(running.delivery.data.size(), 32U << 20);
  // The health watch, which never ends by itself, does not hold it up.
  drain.join();
}

TEST_F(ServerTest, DrainCancelsAStalledStreamWhenItsGraceIsOver) {
  // More than any transport takes while the client does not read.
  StalledStream stalled(
      stub_.get(), ParseRequest("tensor { shape: 16777216 dtype: DTYPE_FLOAT64"
                                "  scheme: SCHEME_ZEROS }"));
  EXPECT_EQ(server_->Drain(absl::Milliseconds(100)), 1);
  EXPECT_EQ(server_->active_streams(), 0);
  EXPECT_FALSE(stalled.Finish().ok());
  EXPECT_FALSE(stalled.delivery.trailer.has_value());
}

TEST_F(ServerTest, DrainThatIsAnnouncedIsSeenBeforeAnythingIsRefused) {
  HealthWatch watch(Connect(server_->address()));
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  server_->AnnounceDrain();
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_TRUE(Fetch(stub_.get(), ParseRequest("tensor {}")).status.ok());
  const auto other =
      v1::WeightInitService::NewStub(Connect(server_->address()));
  EXPECT_TRUE(Fetch(other.get(), ParseRequest("tensor {}")).status.ok());
  EXPECT_EQ(server_->Drain(absl::Minutes(5)), 0);
}

TEST_F(ServerTest, DrainOfAnIdleServerDoesNotWaitForItsGrace) {
  EXPECT_TRUE(Fetch(stub_.get(), ParseRequest("tensor {}")).status.ok());
  const absl::Time start = absl::Now();
  server_->Drain(absl::Minutes(5));
  server_->Drain(absl::Minutes(5));
  EXPECT_LT(absl::Now() - start, absl::Minutes(2));
}

}  // namespace
}  // namespace weightinit

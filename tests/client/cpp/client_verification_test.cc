#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/fake_service.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Corruption {
  std::string name;
  FakeService::Script script;
  std::string message;
  // Elements before the corruption, which are delivered.
  int64_t delivered = 0;
};

void PrintTo(const Corruption& corruption, std::ostream* out) {
  *out << corruption.name;
}

class CorruptionTest : public ::testing::TestWithParam<Corruption> {};

TEST_P(CorruptionTest, IsDataLossAndNotTriedAgain) {
  FakeServer server({GetParam().script});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss)
      << result.status();
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr(GetParam().message));
  EXPECT_EQ(sink.data, FakeData(0, GetParam().delivered));
  EXPECT_THAT(server.service().requests(), SizeIs(1));
}

TEST(VerificationTest, HeaderWithAnotherElementCountIsDataLoss) {
  FakeServer server({[](FakeStream& s) {
    s.description().set_elements(90);
    s.description().set_bytes(360);
  }});
  v1::InitializeTensorRequest request = Request();
  request.set_first_element(10);
  request.set_element_count(20);
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("announces 90 elements, which is not element_count 20 "
                        "of 100 of the slice less first_element 10"));
  EXPECT_EQ(sink.pieces, 0);
}

TEST(VerificationTest, HeaderWithoutTheSliceThatWasAskedForIsDataLoss) {
  // As of a server that knows of no slices: it describes the whole tensor.
  FakeServer server({[](FakeStream&) {}});
  v1::InitializeTensorRequest request = Request();
  request.add_slice()->set_start(5);
  request.add_slice();
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("describes the slice all, requested was 5:10,0:10"));
  EXPECT_EQ(sink.pieces, 0);
}

TEST(VerificationTest, SliceThatIsTheWholeTensorIsDescribedByNone) {
  FakeServer server({[](FakeStream&) {}});
  v1::InitializeTensorRequest request = Request();
  request.add_slice()->set_stop(10);
  request.add_slice();
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  EXPECT_TRUE(result.ok()) << result.status();
}

INSTANTIATE_TEST_SUITE_P(
    All, CorruptionTest,
    ::testing::Values(
        Corruption{
            "WrongChunkCrc",
            [](FakeStream& s) { s.chunk(2).set_crc32(s.chunk(2).crc32() ^ 1); },
            "the chunk at element 32 has CRC-32", 32},
        Corruption{
            "FlippedBit",
            [](FakeStream& s) { (*s.chunk(1).mutable_data())[5] ^= 0x10; },
            "the chunk at element 16 has CRC-32", 16},
        Corruption{"ChunksExchanged",
                   [](FakeStream& s) { std::swap(s.parts[2], s.parts[3]); },
                   "a chunk starts at element 32, expected was 16", 16},
        Corruption{"ChunkMissing",
                   [](FakeStream& s) { s.parts.erase(s.parts.begin() + 2); },
                   "a chunk starts at element 32, expected was 16", 16},
        Corruption{"ChunkTwice",
                   [](FakeStream& s) {
                     s.parts.insert(s.parts.begin() + 2, s.parts[1]);
                   },
                   "a chunk starts at element 0, expected was 16", 16},
        Corruption{"LastChunkMissing",
                   [](FakeStream& s) { s.parts.erase(s.parts.end() - 2); },
                   "the trailer came after 96 of 100 elements", 96},
        Corruption{"SliceThatWasNotAskedFor",
                   [](FakeStream& s) {
                     v1::DimensionRange& range = *s.description().add_slice();
                     range.set_start(1);
                     range.set_stop(5);
                     s.description().add_slice()->set_stop(10);
                   },
                   "describes the slice 1:5,0:10, requested was all", 0},
        Corruption{"SliceOfAnotherShape",
                   [](FakeStream& s) {
                     s.description().set_slice_shape(0, 50);
                     s.description().set_slice_shape(1, 2);
                   },
                   "describes a slice of shape 50x2, requested was 10x10", 0},
        Corruption{"PartOfAnElement",
                   [](FakeStream& s) {
                     s.chunk(0).mutable_data()->pop_back();
                     s.chunk(0).set_crc32(FakeCrc32(s.chunk(0).data()));
                   },
                   "63 bytes", 0},
        Corruption{"EmptyChunk",
                   [](FakeStream& s) {
                     s.chunk(1).clear_data();
                     s.chunk(1).set_crc32(0);
                   },
                   "0 bytes", 16},
        Corruption{"MoreThanDescribed",
                   [](FakeStream& s) {
                     s.chunk(6).set_data(FakeData(96, 101));
                     s.chunk(6).set_crc32(FakeCrc32(s.chunk(6).data()));
                   },
                   "has 5 elements, only 4 are to come", 96},
        Corruption{"NoTrailer", [](FakeStream& s) { s.parts.pop_back(); },
                   "ended without a trailer after 100 elements", 100},
        Corruption{"NothingAtAll", [](FakeStream& s) { s.parts.clear(); },
                   "ended without a trailer after 0 elements", 0},
        Corruption{"TrailerTwice",
                   [](FakeStream& s) { s.parts.push_back(s.parts.back()); },
                   "a second trailer", 100},
        Corruption{"ChunkAfterTrailer",
                   [](FakeStream& s) { s.parts.push_back(s.parts[1]); },
                   "a chunk after the trailer", 100},
        Corruption{"TrailerWithWrongElements",
                   [](FakeStream& s) { s.trailer().set_elements(99); },
                   "the trailer counts 99 elements", 100},
        Corruption{"TrailerWithWrongBytes",
                   [](FakeStream& s) { s.trailer().set_bytes(401); },
                   "401 bytes", 100},
        Corruption{"TrailerWithWrongCrc",
                   [](FakeStream& s) { s.trailer().set_crc32(7); },
                   "the trailer has CRC-32 0x00000007", 100},
        Corruption{"NoHeader",
                   [](FakeStream& s) { s.parts.erase(s.parts.begin()); },
                   "a chunk before the header", 0},
        Corruption{"OnlyTrailer",
                   [](FakeStream& s) { s.parts = {s.parts.back()}; },
                   "a trailer before the header", 0},
        Corruption{
            "HeaderTwice",
            [](FakeStream& s) { s.parts.insert(s.parts.begin(), s.parts[0]); },
            "a second header", 0},
        Corruption{"PartNotSet", [](FakeStream& s) { s.parts[2].clear_part(); },
                   "no part set", 16},
        Corruption{
            "OtherName",
            [](FakeStream& s) { s.description().set_name("fc2.weight"); },
            "describes another tensor", 0},
        Corruption{"OtherSeed",
                   [](FakeStream& s) { s.description().set_seed(43); },
                   "describes another tensor", 0},
        Corruption{"OtherShape",
                   [](FakeStream& s) { s.description().set_shape(1, 11); },
                   "describes another tensor", 0},
        Corruption{
            "UnknownDtype",
            [](FakeStream& s) { s.description().set_dtype(v1::Dtype(99)); },
            "unknown dtype 99", 0},
        Corruption{"ElementsNotThoseOfTheShape",
                   [](FakeStream& s) { s.description().set_elements(101); },
                   "101 elements", 0},
        Corruption{"BytesNotThoseOfTheElements",
                   [](FakeStream& s) { s.description().set_bytes(200); },
                   "200 bytes for 100 elements", 0}),
    [](const auto& test) { return test.param.name; });

TEST(ClientVerificationTest, BufferBeginsWithWhatPassedBeforeABadChunk) {
  FakeServer server(
      {[](FakeStream& s) { s.chunk(2).set_crc32(s.chunk(2).crc32() ^ 1); }});
  std::vector<uint8_t> buffer(kElements * 4);
  const auto result =
      ClientOf({server.address()})->Fetch(Request(), absl::MakeSpan(buffer));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("after 32 of 100 elements"));
  buffer.resize(FakeData(0, 32).size());
  EXPECT_EQ(std::string(buffer.begin(), buffer.end()), FakeData(0, 32));
}

// Answers every stream with bytes that are no response, and goes on for ever.
class GarbageService final
    : public v1::WeightInitService::WithRawCallbackMethod_InitializeTensor<
          v1::WeightInitService::Service> {
 public:
  grpc::ServerWriteReactor<grpc::ByteBuffer>* InitializeTensor(
      grpc::CallbackServerContext*, const grpc::ByteBuffer*) override {
    class Reactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
     public:
      Reactor() { StartWrite(&garbage_); }
      void OnWriteDone(bool ok) override {
        if (ok) {
          StartWrite(&garbage_);
        } else {
          Finish(grpc::Status::CANCELLED);
        }
      }
      void OnDone() override { delete this; }

     private:
      const grpc::Slice slice_{"\x12garbage"};
      const grpc::ByteBuffer garbage_{&slice_, 1};
    };
    return new Reactor;
  }
};

TEST(ClientVerificationTest, ResponseThatIsNoneIsDataLossAndEndsTheStream) {
  GarbageService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  CollectingSink sink;
  const auto result =
      ClientOf({absl::StrCat("127.0.0.1:", port)})->Fetch(Request(), sink);
  EXPECT_EQ(result.status(),
            absl::DataLossError(
                "verification failed: a response that cannot be parsed"));
  EXPECT_EQ(sink.headers, 0);
}

TEST(ClientVerificationTest, ResumedStreamOfAnotherTensorIsDataLoss) {
  FakeServer server({[](FakeStream& s) { s.BreakAfter(1, Unavailable()); },
                     [](FakeStream& s) { s.description().set_stddev(2); }});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("stddev"));
  EXPECT_EQ(sink.data, FakeData(0, kFakeChunkElements));
}

TEST(ClientVerificationTest, AdviceMayDifferBetweenServers) {
  FakeServer server({[](FakeStream& s) { s.BreakAfter(1, Unavailable()); },
                     [](FakeStream& s) {
                       s.description().add_advisories()->set_message(
                           "other words");
                     }});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  EXPECT_TRUE(result.ok()) << result.status();
}

}  // namespace
}  // namespace weightinit

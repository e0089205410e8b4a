// The messages of a real model stream: whole, broken at every message, and
// damaged.

#include "client/cpp/fetch/model_consumer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "proto/cpp/model_conversion.h"
#include "server/model_message_source.h"
#include "server/stream/buffer_pool.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/core/limits.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A matrix of several chunks, a bias, an alias, a tensor of no elements, and
// one of parts.
v1::InitializeModelRequest Request() {
  v1::InitializeModelRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        model {
          version: 1
          entries {
            name: "fc"
            dense { in_features: 9 out_features: 7 }
          }
          entries { name: "tied" alias: "fc.weight" }
          entries {
            name: "none"
            tensor { shape: 0 }
          }
          entries {
            name: "attn"
            attention {
              embed_dim: 4
              num_heads: 2
              bias: false
              fused_weight_name: "qkv"
            }
          }
        }
        seed: 5
        chunk_bytes: 64
      )pb",
      &request));
  return request;
}

// The messages that a server sends.
std::vector<std::string> Messages(const v1::InitializeModelRequest& request) {
  ModelMessageSource source(
      [request] { return PlanOf(request, Limits(), nullptr); }, 0,
      BufferPool::Create(1 << 20));
  std::vector<std::string> messages;
  while (source.next_effort() != MessageSource::Effort::kNone) {
    absl::StatusOr<StreamMessage> message = source.Next();
    EXPECT_TRUE(message.ok()) << message.status();
    if (!message.ok()) break;
    grpc::Slice slice;
    EXPECT_TRUE(message->wire.DumpToSingleSlice(&slice).ok());
    messages.emplace_back(reinterpret_cast<const char*>(slice.begin()),
                          slice.size());
  }
  return messages;
}

// Keeps all that comes, and what was called.
class CollectingModel final : public ModelSink {
 public:
  absl::Status OnSummary(const v1::ModelSummary& /*summary*/) override {
    ++summaries;
    return absl::OkStatus();
  }
  absl::Status OnTensor(const v1::ModelTensor& tensor) override {
    names.push_back(tensor.description().name());
    return absl::OkStatus();
  }
  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override {
    std::string& all = data_of[tensor.description().name()];
    EXPECT_EQ(static_cast<size_t>(offset), all.size());
    all.append(reinterpret_cast<const char*>(data.data()), data.size());
    return absl::OkStatus();
  }
  absl::Status OnTensorEnd(const v1::ModelTensor& tensor,
                           uint32_t crc32) override {
    crc32_of[tensor.description().name()] = crc32;
    return absl::OkStatus();
  }

  int summaries = 0;
  std::vector<std::string> names;
  std::map<std::string, std::string> data_of;
  std::map<std::string, uint32_t> crc32_of;
};

// Has memory for each tensor, and checks that its pieces stand there.
class MemoryModel final : public ModelSink {
 public:
  absl::Span<uint8_t> MemoryFor(const v1::ModelTensor& tensor) override {
    std::string& memory = memory_of[tensor.description().name()];
    // A resumed tensor describes its rest only.
    if (memory.empty()) {
      memory.resize(static_cast<size_t>(tensor.description().bytes()));
    }
    return {reinterpret_cast<uint8_t*>(memory.data()), memory.size()};
  }
  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override {
    const std::string& memory = memory_of[tensor.description().name()];
    EXPECT_EQ(static_cast<const void*>(data.data()), memory.data() + offset);
    EXPECT_EQ(offset, bytes_of[tensor.description().name()]);
    bytes_of[tensor.description().name()] += static_cast<int64_t>(data.size());
    return absl::OkStatus();
  }

  std::map<std::string, std::string> memory_of;
  std::map<std::string, int64_t> bytes_of;
};

// Feeds messages of the stream that answers `request`.
absl::Status Feed(const v1::InitializeModelRequest& request,
                  const std::vector<std::string>& messages, size_t count,
                  ModelSink& sink, ModelDelivery& delivery) {
  ModelConsumer consumer(request, sink, delivery);
  for (size_t i = 0; i < count; ++i) {
    const grpc::Slice slice(messages[i]);
    grpc::ByteBuffer buffer(&slice, 1);
    if (absl::Status status = consumer.OnMessage(buffer); !status.ok()) {
      return status;
    }
  }
  return count == messages.size() ? consumer.OnEnd() : absl::OkStatus();
}

TEST(ModelConsumerTest, AWholeStreamIsDeliveredTensorByTensor) {
  CollectingModel sink;
  ModelDelivery delivery;
  const auto messages = Messages(Request());
  const absl::Status status =
      Feed(Request(), messages, messages.size(), sink, delivery);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(sink.names, ElementsAre("fc.weight", "fc.bias", "tied", "none",
                                      "attn.qkv", "attn.o_proj.weight"));
  EXPECT_EQ(sink.data_of["fc.weight"].size(), 9 * 7 * 4U);
  EXPECT_EQ(sink.data_of["attn.qkv"].size(), 12 * 4 * 4U);
  EXPECT_EQ(delivery.result.tensors, 5);
  EXPECT_EQ(delivery.result.bytes, delivery.result.summary.bytes());
  EXPECT_EQ(sink.crc32_of.size(), 5U);
}

TEST(ModelConsumerTest, AStreamBrokenAnywhereGoesOnWhereItBroke) {
  CollectingModel whole;
  ModelDelivery complete;
  const auto messages = Messages(Request());
  ASSERT_TRUE(Feed(Request(), messages, messages.size(), whole, complete).ok());
  for (size_t first = 0; first < messages.size(); ++first) {
    CollectingModel sink;
    ModelDelivery delivery;
    ASSERT_TRUE(Feed(Request(), messages, first, sink, delivery).ok());
    // The second stream breaks too, after three messages.
    for (const size_t count : {size_t{3}, SIZE_MAX}) {
      const auto rest = RestOf(Request(), delivery);
      const auto more = Messages(rest);
      const absl::Status status =
          Feed(rest, more, std::min(count, more.size()), sink, delivery);
      ASSERT_TRUE(status.ok()) << first << ": " << status;
    }
    EXPECT_EQ(sink.summaries, 1);
    EXPECT_EQ(sink.names, whole.names) << first;
    EXPECT_EQ(sink.data_of, whole.data_of) << first;
    EXPECT_EQ(sink.crc32_of, whole.crc32_of) << first;
    EXPECT_EQ(delivery.result.crc32, complete.result.crc32);
    EXPECT_EQ(delivery.result.tensors, complete.result.tensors);
  }
}

TEST(ModelConsumerTest, AStreamBrokenAnywhereGoesOnInTheMemoryOfTheSink) {
  CollectingModel whole;
  ModelDelivery once;
  const auto messages = Messages(Request());
  ASSERT_TRUE(Feed(Request(), messages, messages.size(), whole, once).ok());
  for (size_t broken = 0; broken < messages.size(); ++broken) {
    MemoryModel sink;
    ModelDelivery delivery;
    ASSERT_TRUE(Feed(Request(), messages, broken, sink, delivery).ok());
    const auto rest = RestOf(Request(), delivery);
    const auto others = Messages(rest);
    const absl::Status status =
        Feed(rest, others, others.size(), sink, delivery);
    ASSERT_TRUE(status.ok()) << broken << ": " << status;
    EXPECT_EQ(sink.memory_of.erase("none"), 1U);
    EXPECT_TRUE(sink.memory_of == whole.data_of) << broken;
  }
}

TEST(ModelConsumerTest, ARangeThatBreaksIsResumedToItsOwnEnd) {
  v1::InitializeModelRequest request = Request();
  request.set_first_tensor(0);
  request.set_tensor_count(1);
  request.set_first_element(3);
  request.set_element_count(40);
  CollectingModel whole;
  ModelDelivery complete;
  const auto messages = Messages(request);
  ASSERT_TRUE(Feed(request, messages, messages.size(), whole, complete).ok());
  EXPECT_EQ(whole.data_of["fc.weight"].size(), 40 * 4U);
  for (size_t first = 0; first < messages.size(); ++first) {
    CollectingModel sink;
    ModelDelivery delivery;
    ASSERT_TRUE(Feed(request, messages, first, sink, delivery).ok());
    const auto rest = RestOf(request, delivery);
    const auto more = Messages(rest);
    const absl::Status status = Feed(rest, more, more.size(), sink, delivery);
    ASSERT_TRUE(status.ok()) << first << ": " << status;
    EXPECT_EQ(sink.data_of, whole.data_of) << first;
  }
}

// Expects that the stream with message `index` changed is refused.
void ExpectRefused(
    size_t index,
    const std::function<void(v1::InitializeModelResponse&)>& change,
    const std::string& why) {
  auto messages = Messages(Request());
  v1::InitializeModelResponse response;
  ASSERT_TRUE(response.ParseFromString(messages[index]));
  change(response);
  messages[index] = response.SerializeAsString();
  CollectingModel sink;
  ModelDelivery delivery;
  const absl::Status status =
      Feed(Request(), messages, messages.size(), sink, delivery);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(why));
}

TEST(ModelConsumerTest, DamageIsDataLossThatSaysWhatIsWrong) {
  ExpectRefused(
      0, [](auto& r) { r.mutable_summary()->set_seed(6); }, "another seed");
  ExpectRefused(
      0, [](auto& r) { r.clear_summary(); }, "no part set");
  ExpectRefused(
      1, [](auto& r) { r.mutable_tensor()->set_index(-1); },
      "expected was one from 0 on");
  ExpectRefused(
      2, [](auto& r) { (*r.mutable_chunk()->mutable_data())[5] ^= 1; },
      "CRC-32");
  ExpectRefused(
      2, [](auto& r) { r.mutable_chunk()->set_first_element(1); },
      "starts at element 1");
  const size_t last = Messages(Request()).size() - 1;
  ExpectRefused(
      last, [](auto& r) { r.mutable_model_trailer()->set_bytes(1); },
      "the model's trailer counts");
  ExpectRefused(
      last, [](auto& r) { r.mutable_model_trailer()->set_crc32(1); },
      "the CRC-32 differs");
}

TEST(ModelConsumerTest, AMissingMessageIsDataLoss) {
  const auto messages = Messages(Request());
  for (size_t missing = 0; missing < messages.size(); ++missing) {
    std::vector<std::string> rest = messages;
    rest.erase(rest.begin() + static_cast<int64_t>(missing));
    CollectingModel sink;
    ModelDelivery delivery;
    // The alias is the one message that nothing depends on.
    v1::InitializeModelResponse response;
    ASSERT_TRUE(response.ParseFromString(messages[missing]));
    if (!response.tensor().alias_of().empty()) continue;
    const absl::Status status =
        Feed(Request(), rest, rest.size(), sink, delivery);
    EXPECT_TRUE(absl::IsDataLoss(status)) << missing << ": " << status;
  }
}

TEST(ModelConsumerTest, AReplicaWithAnotherModelIsNotMixedIn) {
  CollectingModel sink;
  ModelDelivery delivery;
  ASSERT_TRUE(Feed(Request(), Messages(Request()), 3, sink, delivery).ok());
  v1::InitializeModelRequest other = RestOf(Request(), delivery);
  other.mutable_model()->mutable_defaults()->set_activation(
      v1::ACTIVATION_RELU);
  const auto messages = Messages(other);
  const absl::Status status =
      Feed(other, messages, messages.size(), sink, delivery);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("another model"));
}

}  // namespace
}  // namespace weightinit

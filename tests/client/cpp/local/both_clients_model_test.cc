// A model is the same from a server and from the process itself, whatever the
// number of threads.

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/collecting_model.h"
#include "tests/server/server_fixture.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::InitializeModelRequest ModelRequest() {
  v1::InitializeModelRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        model {
          version: 1
          name: "small"
          defaults { activation: ACTIVATION_GELU }
          entries {
            name: "h.{i}"
            repeat { index: "i" count: 5 }
            block {
              entries {
                name: "attn"
                attention {
                  embed_dim: 96
                  num_heads: 4
                  fused_weight_name: "qkv.weight"
                  fused_bias_name: "qkv.bias"
                }
              }
              entries {
                name: "fc"
                dense { in_features: 96 out_features: 4000 }
              }
              entries {
                name: "ln"
                layer_norm { normalized_shape: 96 }
              }
            }
          }
          entries {
            name: "wte"
            embedding { num_embeddings: 700 embedding_dim: 96 }
          }
          entries { name: "lm_head.weight" alias: "wte.weight" }
          entries {
            name: "conv"
            defaults { layout: LAYOUT_IN_OUT }
            conv {
              in_channels: 40
              out_channels: 70
              kernel_size: 3
              kernel_size: 3
            }
          }
          entries {
            name: "none"
            tensor { shape: 0 }
          }
        }
        seed: 11
      )pb",
      &request));
  return request;
}

// Number of threads; 0 for a server.
class BothClientsModelTest : public ::testing::TestWithParam<int> {
 protected:
  BothClientsModelTest() {
    if (GetParam() == 0) {
      server_ = StartServer();
      client_ = ClientOf({server_->address()});
    } else {
      LocalOptions options;
      options.threads = GetParam();
      client_ = *WeightClient::Local(options);
    }
  }

  WeightClient& client() { return *client_; }

 private:
  std::unique_ptr<Server> server_;
  std::unique_ptr<WeightClient> client_;
};

TEST_P(BothClientsModelTest, EachTensorIsTheOneFetchedByItself) {
  CollectingModel sink;
  const auto result = client().FetchModel(ModelRequest(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.ended, result->tensors);
  EXPECT_EQ(result->bytes, result->summary.bytes());
  const auto local = *WeightClient::Local();
  v1::DescribeModelRequest describe;
  *describe.mutable_model() = ModelRequest().model();
  describe.set_seed(11);
  uint32_t crc32 = 0;
  size_t next = 0;
  const auto summary =
      client().DescribeModel(describe, [&](const v1::ModelTensor& tensor) {
        const v1::TensorDescription& description = tensor.description();
        EXPECT_EQ(description.name(), sink.names.at(next++));
        if (!tensor.alias_of().empty()) return absl::OkStatus();
        const std::string& data = sink.data_of.at(description.name());
        crc32 = ConcatCrc32(
            crc32,
            ExtendCrc32(0, {reinterpret_cast<const uint8_t*>(data.data()),
                            data.size()}),
            static_cast<int64_t>(data.size()));
        if (description.parts_size() > 0) return absl::OkStatus();
        v1::InitializeTensorRequest single;
        single.set_seed(11);
        single.mutable_tensor()->set_name(description.name());
        *single.mutable_tensor()->mutable_shape() = description.shape();
        single.mutable_tensor()->set_scheme(description.scheme());
        single.mutable_tensor()->set_activation(description.activation());
        single.mutable_tensor()->mutable_fan()->set_layout(
            description.layout());
        CollectingSink alone;
        EXPECT_TRUE(local->Fetch(single, alone).ok());
        EXPECT_TRUE(alone.data == data) << description.name();
        return absl::OkStatus();
      });
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(next, sink.names.size());
  EXPECT_EQ(summary->fingerprint(), result->summary.fingerprint());
  EXPECT_EQ(summary->fingerprint().size(), 32U);
  EXPECT_EQ(result->crc32, crc32);
}

TEST_P(BothClientsModelTest, ASelectionIsThatPartOfTheModel) {
  CollectingModel whole;
  ASSERT_TRUE(client().FetchModel(ModelRequest(), whole).ok());
  v1::InitializeModelRequest request = ModelRequest();
  request.add_only("h.*.fc.weight");
  v1::TensorSelection* const selection = request.add_selections();
  selection->set_match("*");
  selection->mutable_shard()->set_count(3);
  std::map<std::string, std::string> joined;
  for (int64_t index = 0; index < 3; ++index) {
    selection->mutable_shard()->set_index(index);
    CollectingModel part;
    const auto result = client().FetchModel(request, part);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(part.names.size(), 5U);
    for (const auto& [name, data] : part.data_of) joined[name] += data;
  }
  for (const auto& [name, data] : joined) {
    EXPECT_TRUE(data == whole.data_of.at(name)) << name;
  }
}

TEST_P(BothClientsModelTest, ARangeEndsWhereItIsTold) {
  v1::InitializeModelRequest request = ModelRequest();
  request.set_first_tensor(1);
  request.set_tensor_count(3);
  CollectingModel sink;
  ASSERT_TRUE(client().FetchModel(request, sink).ok());
  EXPECT_THAT(sink.names,
              ElementsAre("h.0.attn.qkv.bias", "h.0.attn.o_proj.weight",
                          "h.0.attn.o_proj.bias"));
}

TEST_P(BothClientsModelTest, ABadModelIsAnErrorBeforeAnythingIsDelivered) {
  v1::InitializeModelRequest request = ModelRequest();
  request.mutable_model()->mutable_entries(1)->set_name("h.0.fc");
  CollectingModel sink;
  const auto result = client().FetchModel(request, sink);
  EXPECT_TRUE(absl::IsInvalidArgument(result.status())) << result.status();
  EXPECT_TRUE(sink.names.empty());
  request = ModelRequest();
  request.clear_model();
  EXPECT_THAT(
      std::string(client().FetchModel(request, sink).status().message()),
      HasSubstr("model: is required"));
  request = ModelRequest();
  request.set_first_tensor(1000);
  EXPECT_TRUE(absl::IsOutOfRange(client().FetchModel(request, sink).status()));
  request = ModelRequest();
  request.set_seed(0);
  request.set_seed_name("experiment");
  EXPECT_TRUE(
      absl::IsFailedPrecondition(client().FetchModel(request, sink).status()));
}

TEST_P(BothClientsModelTest, AnErrorOfTheSinkEndsTheFetch) {
  CollectingModel sink;
  sink.fail_at = "h.1.fc.weight";
  sink.failure = absl::InternalError("disk full");
  const auto result = client().FetchModel(ModelRequest(), sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("disk full"));
}

TEST_P(BothClientsModelTest, AnErrorOfTheVisitorEndsTheDescription) {
  v1::DescribeModelRequest request;
  *request.mutable_model() = ModelRequest().model();
  int seen = 0;
  const auto summary =
      client().DescribeModel(request, [&](const v1::ModelTensor&) {
        return ++seen == 3 ? absl::AbortedError("enough") : absl::OkStatus();
      });
  EXPECT_TRUE(absl::IsAborted(summary.status())) << summary.status();
  EXPECT_EQ(seen, 3);
}

INSTANTIATE_TEST_SUITE_P(All, BothClientsModelTest,
                         ::testing::Values(0, 1, 2, 5),
                         [](const ::testing::TestParamInfo<int>& info) {
                           return info.param == 0
                                      ? std::string("Server")
                                      : "Threads" + std::to_string(info.param);
                         });

}  // namespace
}  // namespace weightinit

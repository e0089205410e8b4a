// A model into buffers is the model that a sink gets, from a server and from
// the process itself.

#include "weightinit/client/model_buffers.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/collecting_model.h"
#include "tests/server/server_fixture.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

// "large.weight" is above 8 MiB, where a client of servers copies another way.
v1::InitializeModelRequest ModelRequest() {
  v1::InitializeModelRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        model {
          version: 1
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
            name: "large"
            dense { in_features: 1100 out_features: 2000 }
          }
          entries { name: "tied" alias: "large.weight" }
          entries {
            name: "conv"
            defaults { layout: LAYOUT_IN_OUT dtype: DTYPE_BFLOAT16 }
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

constexpr char kUntouched = '\xa5';

// Memory for what a client delivers.
class Memory {
 public:
  // `more` bytes more than needed of each tensor.
  Memory(WeightClient& client, const v1::InitializeModelRequest& request,
         size_t more) {
    v1::DescribeModelRequest describe;
    EXPECT_TRUE(describe.ParseFromString(request.SerializeAsString()));
    EXPECT_TRUE(client
                    .DescribeModel(describe,
                                   [&](const v1::ModelTensor& tensor) {
                                     Add(tensor, more);
                                     return absl::OkStatus();
                                   })
                    .ok());
  }

  ModelBuffers buffers() {
    ModelBuffers buffers;
    for (auto& [name, data] : data_of) {
      buffers[name] =
          absl::MakeSpan(reinterpret_cast<uint8_t*>(data.data()), data.size());
    }
    return buffers;
  }

  bool untouched() const {
    for (const auto& [name, data] : data_of) {
      for (const char byte : data) {
        if (byte != kUntouched) return false;
      }
    }
    return true;
  }

  std::map<std::string, std::string> data_of;

 private:
  void Add(const v1::ModelTensor& tensor, size_t more) {
    if (!tensor.alias_of().empty()) return;
    data_of[tensor.description().name()].assign(
        static_cast<size_t>(tensor.description().bytes()) + more, kUntouched);
  }
};

// Number of threads; 0 for a server.
class ModelBuffersTest : public ::testing::TestWithParam<int> {
 protected:
  ModelBuffersTest() {
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

  // The message of a fetch that fails and writes nothing.
  std::string FailToFetch(Memory& memory, const ModelBuffers& buffers) {
    const auto result = client().FetchModel(ModelRequest(), buffers);
    EXPECT_TRUE(absl::IsInvalidArgument(result.status())) << result.status();
    EXPECT_TRUE(memory.untouched());
    return std::string(result.status().message());
  }

 private:
  std::unique_ptr<Server> server_;
  std::unique_ptr<WeightClient> client_;
};

TEST_P(ModelBuffersTest, HoldWhatASinkGets) {
  CollectingModel copied;
  const auto expected = client().FetchModel(ModelRequest(), copied);
  ASSERT_TRUE(expected.ok()) << expected.status();
  Memory memory(client(), ModelRequest(), 0);
  const auto result = client().FetchModel(ModelRequest(), memory.buffers());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->crc32, expected->crc32);
  EXPECT_EQ(result->bytes, expected->bytes);
  EXPECT_EQ(result->tensors, expected->tensors);
  EXPECT_TRUE(memory.data_of == copied.data_of);
}

TEST_P(ModelBuffersTest, LargerOnesKeepWhatIsBehindTheTensor) {
  CollectingModel copied;
  ASSERT_TRUE(client().FetchModel(ModelRequest(), copied).ok());
  Memory memory(client(), ModelRequest(), 5);
  ASSERT_TRUE(client().FetchModel(ModelRequest(), memory.buffers()).ok());
  for (auto& [name, data] : memory.data_of) {
    EXPECT_THAT(absl::MakeSpan(data).last(5), Each(kUntouched)) << name;
    data.resize(data.size() - 5);
    EXPECT_TRUE(data == copied.data_of[name]) << name;
  }
}

TEST_P(ModelBuffersTest, OfAPartOfTheModelHoldThatPart) {
  v1::InitializeModelRequest request = ModelRequest();
  request.add_only("large.*");
  v1::TensorSelection& selection = *request.add_selections();
  selection.set_match("*");
  selection.mutable_shard()->set_index(1);
  selection.mutable_shard()->set_count(3);
  CollectingModel copied;
  ASSERT_TRUE(client().FetchModel(request, copied).ok());
  Memory memory(client(), request, 0);
  EXPECT_EQ(memory.data_of.size(), 2U);
  ASSERT_TRUE(client().FetchModel(request, memory.buffers()).ok());
  EXPECT_TRUE(memory.data_of == copied.data_of);
}

TEST_P(ModelBuffersTest, ATensorWithoutElementsNeedsNone) {
  Memory memory(client(), ModelRequest(), 0);
  ModelBuffers buffers = memory.buffers();
  buffers.erase("none");
  EXPECT_TRUE(client().FetchModel(ModelRequest(), buffers).ok());
}

TEST_P(ModelBuffersTest, AMissingOneIsNamedAndNothingIsWritten) {
  Memory memory(client(), ModelRequest(), 0);
  ModelBuffers buffers = memory.buffers();
  buffers.erase("conv.weight");
  EXPECT_THAT(FailToFetch(memory, buffers),
              HasSubstr("buffers[\"conv.weight\"]: is missing; the tensor "
                        "needs 50400 bytes"));
}

TEST_P(ModelBuffersTest, OneThatIsTooSmallIsNamedAndNothingIsWritten) {
  Memory memory(client(), ModelRequest(), 0);
  ModelBuffers buffers = memory.buffers();
  buffers["large.bias"].remove_suffix(1);
  const std::string message = FailToFetch(memory, buffers);
  EXPECT_THAT(message, HasSubstr("buffers[\"large.bias\"]: has 7999 bytes; the "
                                 "tensor needs 8000"));
  EXPECT_THAT(message, Not(HasSubstr("conv.weight")));
}

TEST_P(ModelBuffersTest, OneOfNoTensorIsNamedAndNothingIsWritten) {
  Memory memory(client(), ModelRequest(), 0);
  ModelBuffers buffers = memory.buffers();
  buffers["conv.wieght"] = {};
  EXPECT_THAT(FailToFetch(memory, buffers),
              HasSubstr("buffers[\"conv.wieght\"]: is of no tensor that the "
                        "request delivers"));
}

TEST_P(ModelBuffersTest, OneOfAnAliasIsNamedAndNothingIsWritten) {
  Memory memory(client(), ModelRequest(), 0);
  ModelBuffers buffers = memory.buffers();
  buffers["tied"] = {};
  EXPECT_THAT(FailToFetch(memory, buffers),
              HasSubstr("buffers[\"tied\"]: is of an alias, of "
                        "\"large.weight\""));
}

TEST_P(ModelBuffersTest, EveryWrongOneIsNamedUpTo16) {
  Memory memory(client(), ModelRequest(), 0);
  ModelBuffers buffers = memory.buffers();
  buffers.erase("attn.qkv.weight");
  for (int i = 10; i < 30; ++i) buffers["extra" + std::to_string(i)] = {};
  const std::string message = FailToFetch(memory, buffers);
  EXPECT_THAT(message, HasSubstr("attn.qkv.weight"));
  EXPECT_THAT(message, HasSubstr("extra24"));
  EXPECT_THAT(message, Not(HasSubstr("extra25")));
}

TEST_P(ModelBuffersTest, ABadModelIsItsOwnError) {
  v1::InitializeModelRequest request = ModelRequest();
  request.mutable_model()->set_version(2);
  EXPECT_THAT(
      std::string(
          client().FetchModel(request, ModelBuffers()).status().message()),
      HasSubstr("model.version"));
}

INSTANTIATE_TEST_SUITE_P(All, ModelBuffersTest, ::testing::Values(0, 1, 3),
                         [](const ::testing::TestParamInfo<int>& info) {
                           return info.param == 0
                                      ? std::string("Server")
                                      : "Threads" + std::to_string(info.param);
                         });

}  // namespace
}  // namespace weightinit

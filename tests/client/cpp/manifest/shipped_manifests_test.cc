// The manifests of client/models. That their names and shapes are those of the
// frameworks is tests/models' to check.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/cpp/model_conversion.h"
#include "weightinit/client/manifest.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const char kDirectory[] = WEIGHTINIT_MODELS;

struct Shipped {
  std::string name;
  int64_t parameters;
  int64_t buffer_elements;
  int64_t tensors;  // With buffers and aliases.
};

const std::vector<Shipped>& AllShipped() {
  static const auto& all = *new std::vector<Shipped>{
      {"bert_base_uncased", 109482240, 0, 199},
      {"gpt2", 124439808, 0, 149},
      {"lenet5", 61706, 0, 10},
      {"llama3_8b", 8030261248, 0, 291},
      {"mixtral_8x7b", 46702792704, 0, 995},
      {"resnet50", 25557032, 53120, 267},
      {"vit_b_16", 86567656, 0, 152},
  };
  return all;
}

v1::ModelSpec ReadShipped(const std::string& name) {
  absl::StatusOr<v1::ModelSpec> model =
      ReadManifest(std::string(kDirectory) + "/" + name + ".yaml");
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *std::move(model) : v1::ModelSpec();
}

std::shared_ptr<const ModelPlan> PlanOfShipped(const std::string& name) {
  v1::DescribeModelRequest request;
  *request.mutable_model() = ReadShipped(name);
  absl::StatusOr<std::shared_ptr<const ModelPlan>> plan =
      PlanOf(request, Limits(), nullptr);
  EXPECT_TRUE(plan.ok()) << name << ": " << plan.status();
  return plan.ok() ? *plan : nullptr;
}

TEST(ShippedManifestsTest, HaveTheNumbersOfParametersOfTheModels) {
  for (const Shipped& shipped : AllShipped()) {
    const auto plan = PlanOfShipped(shipped.name);
    ASSERT_NE(plan, nullptr);
    EXPECT_EQ(plan->summary().name, shipped.name);
    EXPECT_EQ(plan->summary().parameters, shipped.parameters) << shipped.name;
    EXPECT_EQ(plan->summary().buffer_elements, shipped.buffer_elements)
        << shipped.name;
    EXPECT_EQ(plan->summary().tensors, shipped.tensors) << shipped.name;
  }
}

TEST(ShippedManifestsTest, HaveRulesThatMatch) {
  for (const Shipped& shipped : AllShipped()) {
    const auto plan = PlanOfShipped(shipped.name);
    ASSERT_NE(plan, nullptr);
    for (const Advisory& advisory : plan->summary().advisories) {
      ADD_FAILURE() << shipped.name << ": " << advisory.message;
    }
  }
}

TEST(ShippedManifestsTest, AreNotFloodedWithAdvisories) {
  for (const Shipped& shipped : AllShipped()) {
    const auto plan = PlanOfShipped(shipped.name);
    ASSERT_NE(plan, nullptr);
    ModelTensors tensors(plan);
    std::vector<std::string> about_variance;
    while (std::optional<ModelTensor> tensor = tensors.Next()) {
      for (const Advisory& advisory : tensor->plan.advisories) {
        if (advisory.code == AdvisoryCode::kSymmetryNotBroken) continue;
        about_variance.push_back(tensor->plan.name);
      }
    }
    if (shipped.name == "lenet5") {
      // Small weights and no normalisation.
      EXPECT_THAT(about_variance, SizeIs(4));
    } else if (shipped.name == "vit_b_16") {
      EXPECT_THAT(about_variance, ElementsAre("conv_proj.weight"));
    } else {
      EXPECT_THAT(about_variance, IsEmpty()) << shipped.name;
    }
  }
}

TEST(ShippedManifestsTest, AreAllInThisTest) {
  std::set<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(kDirectory)) {
    if (file.path().extension() == ".yaml") {
      files.insert(file.path().stem().string());
    }
  }
  for (const Shipped& shipped : AllShipped()) files.erase(shipped.name);
  EXPECT_THAT(files, IsEmpty());
}

TEST(ShippedManifestsTest, ReadBackFromWhatIsWritten) {
  for (const Shipped& shipped : AllShipped()) {
    const v1::ModelSpec model = ReadShipped(shipped.name);
    const absl::StatusOr<v1::ModelSpec> back =
        ParseManifest(WriteManifest(model), "written.yaml");
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_TRUE(
        google::protobuf::util::MessageDifferencer::Equals(*back, model))
        << shipped.name;
  }
}

// The tensor of that name in a shipped model.
ModelTensor Tensor(const std::string& model, const std::string& name) {
  const auto plan = PlanOfShipped(model);
  if (plan == nullptr) return {};
  ModelTensors tensors(plan);
  while (std::optional<ModelTensor> tensor = tensors.Next()) {
    if (tensor->plan.name == name) return *tensor;
  }
  ADD_FAILURE() << model << " has no " << name;
  return {};
}

TEST(ShippedManifestsTest, Gpt2TiesItsHeadAndScalesItsResidualBranches) {
  EXPECT_EQ(Tensor("gpt2", "lm_head.weight").alias_of,
            "transformer.wte.weight");
  EXPECT_DOUBLE_EQ(Tensor("gpt2", "transformer.h.3.mlp.c_proj.weight")
                       .plan.parameters.stddev,
                   0.004082482904638631);
  const ModelTensor fused =
      Tensor("gpt2", "transformer.h.11.attn.c_attn.weight");
  EXPECT_EQ(fused.plan.shape, (std::vector<int64_t>{768, 2304}));
  ASSERT_EQ(fused.plan.parts.size(), 3U);
  EXPECT_EQ(fused.plan.parts[2].parameters.stddev, 0.02);
  EXPECT_EQ(fused.plan.parts[2].fan_in, 768);
}

TEST(ShippedManifestsTest, VitHasTheFansOfTheFusedProjection) {
  const ModelTensor fused =
      Tensor("vit_b_16",
             "encoder.layers.encoder_layer_0.self_attention.in_proj_weight");
  ASSERT_EQ(fused.plan.parts.size(), 3U);
  // sqrt(6 / (768 + 2304)).
  EXPECT_NEAR(fused.plan.parts[1].parameters.high, 0.04419417382415922, 1e-16);
}

}  // namespace
}  // namespace weightinit

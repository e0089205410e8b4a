#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/server/server_fixture.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::SizeIs;

using V1 = grpc::reflection::v1::ServerReflection;
using Request = grpc::reflection::v1::ServerReflectionRequest;
using Response = grpc::reflection::v1::ServerReflectionResponse;

class ReflectionTest : public StreamFixture {
 protected:
  // The answers to questions in one call.
  std::vector<Response> Ask(const std::vector<std::string>& questions) const {
    const auto stub = V1::NewStub(Connect(server_->address()));
    grpc::ClientContext context;
    const auto stream = stub->ServerReflectionInfo(&context);
    std::vector<Response> answers;
    for (const std::string& question : questions) {
      EXPECT_TRUE(stream->Write(ParseRequest<Request>(question)));
      answers.emplace_back();
      EXPECT_TRUE(stream->Read(&answers.back())) << question;
    }
    EXPECT_TRUE(stream->WritesDone());
    Response none;
    EXPECT_FALSE(stream->Read(&none));
    EXPECT_TRUE(stream->Finish().ok());
    return answers;
  }
  Response AskOne(const std::string& question) const {
    return Ask({question}).front();
  }
};

// Their names.
std::vector<std::string> FilesOf(const Response& response) {
  std::vector<std::string> names;
  for (const std::string& bytes :
       response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    names.push_back(file.name());
  }
  return names;
}

TEST_F(ReflectionTest, ServicesAreListedInBothVersions) {
  const auto names = [](const auto& response) {
    std::vector<std::string> all;
    for (const auto& service : response.list_services_response().service()) {
      all.push_back(service.name());
    }
    return all;
  };
  const auto expected = ElementsAre("grpc.health.v1.Health",
                                    "grpc.reflection.v1.ServerReflection",
                                    "grpc.reflection.v1alpha.ServerReflection",
                                    "weightinit.v1.WeightInitService");
  EXPECT_THAT(names(AskOne("list_services: '*'")), expected);

  namespace v1alpha = grpc::reflection::v1alpha;
  const auto stub =
      v1alpha::ServerReflection::NewStub(Connect(server_->address()));
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  v1alpha::ServerReflectionRequest request;
  request.set_list_services("");
  EXPECT_TRUE(stream->Write(request));
  EXPECT_TRUE(stream->WritesDone());
  v1alpha::ServerReflectionResponse response;
  EXPECT_TRUE(stream->Read(&response));
  EXPECT_THAT(names(response), expected);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ReflectionTest, FileComesWithThoseThatItImports) {
  const Response response = AskOne(
      "file_containing_symbol: 'weightinit.v1.WeightInitService' "
      "host: 'here'");
  EXPECT_EQ(response.valid_host(), "here");
  EXPECT_EQ(response.original_request().file_containing_symbol(),
            "weightinit.v1.WeightInitService");
  EXPECT_THAT(
      FilesOf(response),
      ElementsAre("weightinit/v1/weight_init_service.proto",
                  "weightinit/v1/model.proto", "weightinit/v1/tensor.proto"));
  EXPECT_THAT(FilesOf(AskOne("file_by_filename: 'weightinit/v1/tensor.proto'")),
              ElementsAre("weightinit/v1/tensor.proto"));
}

TEST_F(ReflectionTest, OneCallAnswersSeveralQuestions) {
  const std::vector<Response> answers =
      Ask({"list_services: ''",
           "file_containing_symbol: 'weightinit.v1.TensorSpec'",
           "list_services: ''"});
  EXPECT_THAT(answers[0].list_services_response().service(), SizeIs(4));
  EXPECT_THAT(FilesOf(answers[1]), Not(SizeIs(0)));
  EXPECT_THAT(answers[2].list_services_response().service(), SizeIs(4));
}

TEST_F(ReflectionTest, WhatIsNotThereIsAnErrorInTheAnswer) {
  for (const char* const question :
       {"file_containing_symbol: 'weightinit.v1.None'",
        "file_by_filename: 'none.proto'",
        "all_extension_numbers_of_type: 'weightinit.v1.None'",
        "file_containing_extension { containing_type: "
        "'weightinit.v1.TensorSpec' extension_number: 1 }"}) {
    EXPECT_EQ(AskOne(question).error_response().error_code(), grpc::NOT_FOUND)
        << question;
  }
  EXPECT_EQ(AskOne("host: 'a'").error_response().error_code(),
            grpc::INVALID_ARGUMENT);
}

TEST_F(ReflectionTest, CallThatIsLeftOpenDoesNotKeepTheServer) {
  const auto stub = V1::NewStub(Connect(server_->address()));
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  Response response;
  EXPECT_TRUE(stream->Write(ParseRequest<Request>("list_services: ''")));
  EXPECT_TRUE(stream->Read(&response));
  server_.reset();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_FALSE(stream->Finish().ok());
}

}  // namespace
}  // namespace weightinit

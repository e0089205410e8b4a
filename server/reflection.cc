#include "server/reflection.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/support/server_callback.h"
#include "grpcpp/support/status.h"
#include "proto/cpp/status_conversion.h"
#include "server/security/access_list.h"
#include "server/security/security.h"

namespace weightinit {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;

const DescriptorPool& Pool() { return *DescriptorPool::generated_pool(); }

// Adds a file, and then those that it imports.
template <typename Files>
void AddFile(const FileDescriptor& file, std::set<const FileDescriptor*>& added,
             Files* files) {
  if (!added.insert(&file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  files->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddFile(*file.dependency(i), added, files);
  }
}

template <typename Response>
void SetError(grpc::StatusCode code, const std::string& message,
              Response* response) {
  response->mutable_error_response()->set_error_code(code);
  response->mutable_error_response()->set_error_message(message);
}

// `what` is for the error of a file that is not there.
template <typename Response>
void SetFile(const FileDescriptor* file, const std::string& what,
             Response* response) {
  if (file == nullptr) {
    SetError(grpc::NOT_FOUND, absl::StrCat("there is no ", what), response);
    return;
  }
  std::set<const FileDescriptor*> added;
  AddFile(*file, added, response->mutable_file_descriptor_response());
}

template <typename Extension>
const FileDescriptor* FileOf(const Extension& wanted) {
  const auto* const type =
      Pool().FindMessageTypeByName(wanted.containing_type());
  if (type == nullptr) return nullptr;
  const auto* const extension =
      Pool().FindExtensionByNumber(type, wanted.extension_number());
  return extension == nullptr ? nullptr : extension->file();
}

template <typename Response>
void SetExtensions(const std::string& name, Response* response) {
  const auto* const type = Pool().FindMessageTypeByName(name);
  if (type == nullptr) {
    SetError(grpc::NOT_FOUND, absl::StrCat("there is no message ", name),
             response);
    return;
  }
  auto* const numbers = response->mutable_all_extension_numbers_response();
  numbers->set_base_type_name(name);
  std::vector<const google::protobuf::FieldDescriptor*> extensions;
  Pool().FindAllExtensions(type, &extensions);
  for (const auto* extension : extensions) {
    numbers->add_extension_number(extension->number());
  }
}

template <typename Request, typename Response>
Response Answer(const Request& request,
                const std::vector<std::string>& services) {
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      SetFile(Pool().FindFileByName(request.file_by_filename()),
              absl::StrCat("file ", request.file_by_filename()), &response);
      break;
    case Request::kFileContainingSymbol:
      SetFile(Pool().FindFileContainingSymbol(request.file_containing_symbol()),
              absl::StrCat("symbol ", request.file_containing_symbol()),
              &response);
      break;
    case Request::kFileContainingExtension:
      SetFile(FileOf(request.file_containing_extension()), "such extension",
              &response);
      break;
    case Request::kAllExtensionNumbersOfType:
      SetExtensions(request.all_extension_numbers_of_type(), &response);
      break;
    case Request::kListServices:
      for (const std::string& name : services) {
        response.mutable_list_services_response()->add_service()->set_name(
            name);
      }
      break;
    default:
      SetError(grpc::INVALID_ARGUMENT, "the request asks nothing", &response);
  }
  return response;
}

// One call. Owns itself, as reactors do.
template <typename Request, typename Response>
class Conversation final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  // `services` outlives it.
  Conversation(const absl::Status& allowed,
               const std::vector<std::string>& services)
      : services_(services) {
    if (allowed.ok()) {
      this->StartRead(&request_);
    } else {
      this->Finish(ToGrpcStatus(allowed));
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      this->Finish(grpc::Status::OK);
      return;
    }
    response_ = Answer<Request, Response>(request_, services_);
    this->StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      this->StartRead(&request_);
    } else {
      this->Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  const std::vector<std::string>& services_;
  Request request_;
  Response response_;
};

template <typename Service, typename Request, typename Response>
class Reflection final : public Service::CallbackService {
 public:
  Reflection(std::vector<std::string> services, const Security* security)
      : services_(std::move(services)), security_(security) {}

  grpc::ServerBidiReactor<Request, Response>* ServerReflectionInfo(
      grpc::CallbackServerContext* context) override {
    return new Conversation<Request, Response>(Allow(*context), services_);
  }

 private:
  absl::Status Allow(const grpc::CallbackServerContext& context) const {
    if (security_ == nullptr) return absl::OkStatus();
    const auto client = security_->Identify(context);
    if (!client.ok()) return client.status();
    return CheckRole(client->get(), kDescribe);
  }

  const std::vector<std::string> services_;
  const Security* const security_;
};

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeReflectionServices(
    std::vector<std::string> services, const Security* security) {
  namespace v1 = grpc::reflection::v1;
  namespace v1alpha = grpc::reflection::v1alpha;
  services.emplace_back(v1::ServerReflection::service_full_name());
  services.emplace_back(v1alpha::ServerReflection::service_full_name());
  std::sort(services.begin(), services.end());
  std::vector<std::unique_ptr<grpc::Service>> all;
  all.push_back(std::make_unique<
                Reflection<v1::ServerReflection, v1::ServerReflectionRequest,
                           v1::ServerReflectionResponse>>(services, security));
  all.push_back(std::make_unique<Reflection<v1alpha::ServerReflection,
                                            v1alpha::ServerReflectionRequest,
                                            v1alpha::ServerReflectionResponse>>(
      std::move(services), security));
  return all;
}

}  // namespace weightinit

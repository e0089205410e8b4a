#include "server/service.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <utility>

#include "server/convert.h"
#include "server/stream_admission.h"
#include "server/tensor_stream.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using Stub = v1::WeightInitService;

// The two RPCs that take a tensor see the request as it came, so that one that
// cannot be parsed is answered with the field at fault, and so that chunks are
// sent without a copy.
using RawService = Stub::WithRawCallbackMethod_InitializeTensor<
    Stub::WithRawCallbackMethod_DescribeTensor<
        Stub::WithCallbackMethod_GetServerInfo<Stub::Service>>>;

// A stream that ends before it begins.
class Refusal final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

class WeightInitServiceImpl final : public RawService {
 public:
  explicit WeightInitServiceImpl(ServiceContext context)
      : context_(std::move(context)) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* InitializeTensor(
      grpc::CallbackServerContext* /*context*/,
      const grpc::ByteBuffer* request) override {
    auto ticket = context_.admission->Admit();
    if (!ticket.ok()) return new Refusal(ticket.status());
    auto plan = PlanInitializeTensor(*request, context_.limits);
    if (!plan.ok()) return new Refusal(plan.status());
    return TensorStream::Start(*std::move(plan), *std::move(ticket),
                               context_.generators, context_.buffers);
  }

  grpc::ServerUnaryReactor* DescribeTensor(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override {
    auto* reactor = context->DefaultReactor();
    auto plan = PlanDescribeTensor(*request, context_.limits);
    if (plan.ok()) *response = SerializeDescription(*plan);
    reactor->Finish(plan.ok() ? grpc::Status::OK : ToGrpcStatus(plan.status()));
    return reactor;
  }

  grpc::ServerUnaryReactor* GetServerInfo(
      grpc::CallbackServerContext* context,
      const v1::GetServerInfoRequest* /*request*/,
      v1::GetServerInfoResponse* response) override {
    DescribeServer(context_.limits, context_.admission->max_streams(),
                   response);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeWeightInitService(ServiceContext context) {
  return std::make_unique<WeightInitServiceImpl>(std::move(context));
}

const char* WeightInitServiceName() { return Stub::service_full_name(); }

}  // namespace weightinit

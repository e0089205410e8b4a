#include "server/service.h"

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "grpcpp/support/status.h"
#include "proto/cpp/description_conversion.h"
#include "proto/cpp/status_conversion.h"
#include "server/convert.h"
#include "server/listen/connections.h"
#include "server/model_message_source.h"
#include "server/security/access_list.h"
#include "server/security/security.h"
#include "server/stream/call_identity.h"
#include "server/stream/call_observer.h"
#include "server/stream/message_source.h"
#include "server/stream/message_stream.h"
#include "server/stream/stream_admission.h"
#include "server/stream/stream_reactor.h"
#include "server/tensor_message_source.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/tensor_reader.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using Base = v1::WeightInitService;

// The RPCs that take names see the request as it came, so that one that cannot
// be parsed is answered with the field at fault, and so that chunks are sent
// without a copy.
using RawService = Base::WithRawCallbackMethod_InitializeTensor<
    Base::WithRawCallbackMethod_DescribeTensor<
        Base::WithRawCallbackMethod_InitializeModel<
            Base::WithRawCallbackMethod_DescribeModel<
                Base::WithRawCallbackMethod_ResolveSeed<
                    Base::WithCallbackMethod_GetServerInfo<Base::Service>>>>>>;

// Chunks do not become smaller than this where memory is short.
constexpr int64_t kSmallestChunkBytes = int64_t{32} << 10;

// Who calls; null for anybody, an error for one who may not.
using Caller = absl::StatusOr<std::shared_ptr<const Client>>;

// Whom limits per client are for: the name in the access file, else the address
// without the port; all that come by sockets of the file system are one.
std::string NameOf(const Client* client, const std::string& peer) {
  // An address has a colon, a name has none.
  return client != nullptr ? client->name : peer.substr(0, peer.rfind(':'));
}

// Whether a client may name the seed that it names, if it names one.
absl::Status CheckSeedName(const Client* client, const std::string& seed_name) {
  return seed_name.empty() ? absl::OkStatus() : CheckRole(client, kSeed);
}

absl::Status OutOfMemory() {
  return WithRetryDelay(
      absl::ResourceExhaustedError("the server has no memory for the stream; "
                                   "try again later"),
      absl::Seconds(1));
}

// The end of a call that has no messages to stream. Reactor: of streams, or of
// calls of one response.
template <typename Reactor>
class Ending final : public Reactor {
 public:
  Ending(const absl::Status& status, Connections::Call call)
      : call_(std::move(call)) {
    this->Finish(ToGrpcStatus(status));
  }
  void OnCancel() override { call_.TakeBack(); }
  void OnDone() override { delete this; }

 private:
  Connections::Call call_;
};

class WeightInitServiceImpl final : public RawService {
 public:
  explicit WeightInitServiceImpl(ServiceContext context)
      : context_(std::move(context)) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* InitializeTensor(
      grpc::CallbackServerContext* context,
      const grpc::ByteBuffer* request) override {
    ObservedCall call = Begin("InitializeTensor", context);
    const Caller caller = CallerOf(*context, kGenerate, call);
    auto stream = Admit(
        *context, caller,
        [&]() -> absl::StatusOr<std::unique_ptr<MessageSource>> {
          auto plan = PlanInitializeTensor(*request, context_.limits,
                                           context_.root_seed.get());
          if (!plan.ok()) return plan.status();
          absl::Status named = CheckSeedName(caller->get(), plan->seed_name);
          if (!named.ok()) return named;
          call.SetTensor(*plan);
          return std::make_unique<TensorMessageSource>(
              TensorReader(*std::move(plan)), context_.buffers);
        });
    return Stream(context, std::move(stream), std::move(call));
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* InitializeModel(
      grpc::CallbackServerContext* context,
      const grpc::ByteBuffer* request) override {
    ObservedCall call = Begin("InitializeModel", context);
    const Caller caller = CallerOf(*context, kGenerate, call);
    auto stream = Admit(*context, caller, [&] {
      return std::make_unique<ModelMessageSource>(
          Planner(*request, *caller, PlanInitializeModel),
          static_cast<int64_t>(request->Length()), context_.buffers);
    });
    return Stream(context, std::move(stream), std::move(call));
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* DescribeModel(
      grpc::CallbackServerContext* context,
      const grpc::ByteBuffer* request) override {
    ObservedCall call = Begin("DescribeModel", context);
    const Caller caller = CallerOf(*context, kDescribe, call);
    auto stream = Admit(*context, caller, [&] {
      return std::make_unique<ModelDescriptionSource>(
          Planner(*request, *caller, PlanDescribeModel),
          static_cast<int64_t>(request->Length()));
    });
    return Stream(context, std::move(stream), std::move(call));
  }

  grpc::ServerUnaryReactor* DescribeTensor(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override {
    ObservedCall call = Begin("DescribeTensor", context);
    const Caller caller = CallerOf(*context, kDescribe, call);
    if (!caller.ok()) return Answer(caller.status(), context, call);
    auto plan =
        PlanDescribeTensor(*request, context_.limits, context_.root_seed.get());
    absl::Status status = plan.status();
    if (plan.ok()) status = CheckSeedName(caller->get(), plan->seed_name);
    if (status.ok()) {
      call.SetTensor(*plan);
      *response = SerializeDescription(*plan);
    }
    return Answer(status, context, call);
  }

  grpc::ServerUnaryReactor* ResolveSeed(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override {
    ObservedCall call = Begin("ResolveSeed", context);
    const Caller caller = CallerOf(*context, kSeed, call);
    if (!caller.ok()) return Answer(caller.status(), context, call);
    const auto seed =
        weightinit::ResolveSeed(*request, context_.root_seed.get());
    if (seed.ok()) {
      call.SetSeed(seed->seed, seed->name);
      *response = SerializeSeed(*seed);
    }
    return Answer(seed.status(), context, call);
  }

  grpc::ServerUnaryReactor* GetServerInfo(
      grpc::CallbackServerContext* context,
      const v1::GetServerInfoRequest* /*request*/,
      v1::GetServerInfoResponse* response) override {
    ObservedCall call = Begin("GetServerInfo", context);
    const Caller caller = CallerOf(*context, kDescribe, call);
    if (!caller.ok()) return Answer(caller.status(), context, call);
    DescribeServer(context_.limits, context_.admission->limits().max_streams,
                   response);
    if (context_.root_seed != nullptr) {
      response->set_root_seed_id(context_.root_seed->id());
    }
    return Answer(absl::OkStatus(), context, call);
  }

 private:
  struct AdmittedStream {
    std::unique_ptr<MessageSource> source;
    StreamAdmission::Ticket ticket;
  };

  ObservedCall Begin(absl::string_view method,
                     grpc::CallbackServerContext* context) const {
    ObservedCall call(context_.observer, method);
    CallIdentity identity = IdentityOf(context->client_metadata());
    if (call.observed() && identity.request_id.empty()) {
      identity.request_id = NewRequestId();
    }
    if (!identity.request_id.empty()) {
      context->AddInitialMetadata(kRequestIdKey, identity.request_id);
    }
    if (call.observed()) call.Begin(context->peer(), std::move(identity));
    return call;
  }

  // Who calls, if they may call for `role`.
  Caller CallerOf(const grpc::CallbackServerContext& context, Role role,
                  ObservedCall& call) const {
    if (context_.security == nullptr) return nullptr;
    auto client = context_.security->Identify(context);
    if (!client.ok() || *client == nullptr) return client;
    call.SetClient((*client)->name);
    absl::Status status = CheckRole(client->get(), role);
    if (!status.ok()) return status;
    return client;
  }

  // A place first: a server that is full does not even read requests. Makes the
  // source, a unique_ptr or a StatusOr of one, by make().
  template <typename Make>
  absl::StatusOr<AdmittedStream> Admit(
      const grpc::CallbackServerContext& context, const Caller& caller,
      const Make& make) const {
    if (!caller.ok()) return caller.status();
    auto ticket =
        context_.admission->Admit(NameOf(caller->get(), context.peer()));
    if (!ticket.ok()) return ticket.status();
    absl::StatusOr<std::unique_ptr<MessageSource>> source;
    try {
      source = make();
      if (!source.ok()) return source.status();
      absl::Status held = ticket->RequestElements((*source)->elements());
      held.Update(HoldBytes(**source, *ticket));
      if (!held.ok()) return held;
    } catch (const std::bad_alloc&) {
      return OutOfMemory();
    }
    return AdmittedStream{*std::move(source), *std::move(ticket)};
  }

  // Where memory is short the stream has smaller chunks.
  static absl::Status HoldBytes(MessageSource& source,
                                StreamAdmission::Ticket& ticket) {
    int64_t chunk_bytes = kMaxChunkBytes;
    for (;;) {
      absl::Status held =
          ticket.HoldBytes(source.MaxBytesHeld(MessageStream::kMaxMessages));
      if (held.ok() || chunk_bytes <= kSmallestChunkBytes) return held;
      chunk_bytes /= 4;
      source.LimitChunks(chunk_bytes);
    }
  }

  // Plans the model of `request` by one of the functions of convert.h.
  template <typename Plan>
  ModelPlanner Planner(const grpc::ByteBuffer& request,
                       const std::shared_ptr<const Client>& client,
                       const Plan& plan) const {
    return [request, client, plan, limits = context_.limits,
            root_seed = context_.root_seed]()
               -> absl::StatusOr<std::shared_ptr<const ModelPlan>> {
      auto planned = plan(request, limits, root_seed.get());
      if (!planned.ok()) return planned;
      absl::Status named =
          CheckSeedName(client.get(), (*planned)->summary().seed_name);
      if (!named.ok()) return named;
      return planned;
    };
  }

  // Begins to stream, or refuses.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Stream(
      grpc::CallbackServerContext* context,
      absl::StatusOr<AdmittedStream> stream, ObservedCall call) const {
    if (!stream.ok()) {
      call.Refuse(stream.status());
      return new Ending<grpc::ServerWriteReactor<grpc::ByteBuffer>>(
          stream.status(), context_.connections->Begin(context->peer()));
    }
    return StreamReactor::Start(std::move(stream->source),
                                std::move(stream->ticket), std::move(call),
                                context_.connections->Begin(context->peer()),
                                context_.generators, context_.watch, context);
  }

  // Ends a call of one response.
  grpc::ServerUnaryReactor* Answer(const absl::Status& status,
                                   grpc::CallbackServerContext* context,
                                   ObservedCall& call) const {
    if (status.ok()) {
      call.End(absl::StatusCode::kOk);
    } else {
      call.Refuse(status);
    }
    return new Ending<grpc::ServerUnaryReactor>(
        status, context_.connections->Begin(context->peer()));
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeWeightInitService(ServiceContext context) {
  return std::make_unique<WeightInitServiceImpl>(std::move(context));
}

const char* WeightInitServiceName() { return Base::service_full_name(); }

}  // namespace weightinit

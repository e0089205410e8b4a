#include "server/stream/call_observer.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "weightinit/core/plan.h"

namespace weightinit {

void CallObservers::OnBegin(const CallRecord& call) {
  for (CallObserver* const each : observers_) each->OnBegin(call);
}

void CallObservers::OnRefusal(const CallRecord& call, const absl::Status& why) {
  for (CallObserver* const each : observers_) each->OnRefusal(call, why);
}

void CallObservers::OnProgress(const CallRecord& call, int64_t bytes) {
  for (CallObserver* const each : observers_) each->OnProgress(call, bytes);
}

void CallObservers::OnEnd(const CallRecord& call, absl::StatusCode code) {
  for (CallObserver* const each : observers_) each->OnEnd(call, code);
}

void ObservedCall::Begin(std::string peer, CallIdentity identity) {
  if (!observed()) return;
  record_.peer = std::move(peer);
  record_.identity = std::move(identity);
  record_.begin = absl::Now();
  observer_->OnBegin(record_);
}

void ObservedCall::SetClient(const std::string& name) {
  if (observed()) record_.client = name;
}

void ObservedCall::SetTensor(const TensorPlan& plan) {
  if (!observed()) return;
  record_.tensor = CallTensor{plan.name, plan.shape, plan.scheme, plan.dtype};
  SetSeed(plan.seed, plan.seed_name);
}

void ObservedCall::SetSeed(uint64_t number, const std::string& name) {
  if (observed()) record_.seed = CallSeed{number, name};
}

void ObservedCall::SetModel(const CallModel& model) {
  if (!observed()) return;
  record_.model = model;
  record_.seed = model.seed;
}

void ObservedCall::Refuse(const absl::Status& why) {
  if (observed()) observer_->OnRefusal(record_, why);
}

void ObservedCall::Progress(const DeliveryTotals& delivered) {
  if (!observed()) return;
  const int64_t before =
      record_.delivered.has_value() ? record_.delivered->bytes : 0;
  record_.delivered = delivered;
  observer_->OnProgress(record_, delivered.bytes - before);
}

void ObservedCall::End(absl::StatusCode code) {
  if (observed()) observer_->OnEnd(record_, code);
}

}  // namespace weightinit

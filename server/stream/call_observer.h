// Who is told of every call: a log, and what else counts or limits calls.

#ifndef WEIGHTINIT_SERVER_STREAM_CALL_OBSERVER_H_
#define WEIGHTINIT_SERVER_STREAM_CALL_OBSERVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/stream/call_identity.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// Of all data that a stream has sent.
struct DeliveryTotals {
  int64_t elements = 0;
  int64_t bytes = 0;
  uint32_t crc32 = 0;
};

// Which tensor a call is about.
struct CallTensor {
  std::string name;
  std::vector<int64_t> shape;
  Scheme scheme = Scheme::kUnspecified;
  Dtype dtype = Dtype::kUnspecified;
};

// Which seed a call is about: with the peer and the tensor, who initialised
// what.
struct CallSeed {
  uint64_t number = 0;
  std::string name;  // Empty where the request gave the number.
};

// Which model a call is about.
struct CallModel {
  std::string name;
  int64_t tensors = 0;
  CallSeed seed;
  std::string fingerprint;  // 64 hexadecimal digits.
};

// One call, as far as it has come.
struct CallRecord {
  absl::string_view method;  // "InitializeTensor".
  std::string peer;          // As gRPC writes it: "ipv4:127.0.0.1:40000".
  std::string client;        // By the access file; empty without one.
  absl::Time begin;
  CallIdentity identity;
  // Once the request has been resolved; nothing in a call without a tensor.
  std::optional<CallTensor> tensor;
  // Likewise; nothing in a call without a model.
  std::optional<CallModel> model;
  // Likewise; nothing in a call without a seed.
  std::optional<CallSeed> seed;
  // From the first message of a stream on.
  std::optional<DeliveryTotals> delivered;
};

// Told of the calls of a server. A call is begun, may progress, and is then
// either refused or ended. What is told of one call comes in order; calls are
// told of at once and by any thread. A method should return soon: it keeps a
// stream, or the thread that serves it, waiting.
class CallObserver {
 public:
  virtual ~CallObserver() = default;

  virtual void OnBegin(const CallRecord& call) = 0;
  // Nothing has been delivered, and nothing will: `why` is what the client
  // gets.
  virtual void OnRefusal(const CallRecord& call, const absl::Status& why) = 0;
  // The transport has taken another message, with so many bytes of data.
  virtual void OnProgress(const CallRecord& call, int64_t bytes) = 0;
  // `code` is OK, or CANCELLED where the client went away.
  virtual void OnEnd(const CallRecord& call, absl::StatusCode code) = 0;
};

// Tells several observers, in order, which outlive it.
class CallObservers final : public CallObserver {
 public:
  explicit CallObservers(std::vector<CallObserver*> observers)
      : observers_(std::move(observers)) {}

  void OnBegin(const CallRecord& call) override;
  void OnRefusal(const CallRecord& call, const absl::Status& why) override;
  void OnProgress(const CallRecord& call, int64_t bytes) override;
  void OnEnd(const CallRecord& call, absl::StatusCode code) override;

 private:
  const std::vector<CallObserver*> observers_;
};

// What a call tells its observer; nothing without one. Not thread-safe.
class ObservedCall {
 public:
  // `observer` may be null, and outlives the call.
  ObservedCall(CallObserver* observer, absl::string_view method)
      : observer_(observer) {
    record_.method = method;
  }

  // Whether anybody listens: what follows is not worth preparing if not.
  bool observed() const { return observer_ != nullptr; }

  void Begin(std::string peer, CallIdentity identity);
  void SetClient(const std::string& name);
  // The tensor and its seed.
  void SetTensor(const TensorPlan& plan);
  // The model and its seed.
  void SetModel(const CallModel& model);
  void SetSeed(uint64_t number, const std::string& name);
  void Refuse(const absl::Status& why);
  void Progress(const DeliveryTotals& delivered);
  void End(absl::StatusCode code);

 private:
  CallObserver* const observer_;
  CallRecord record_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_CALL_OBSERVER_H_

// A client of weightinit.v1.WeightInitService that checks what it receives and
// resumes broken streams; or one that computes the same in the process.

#ifndef WEIGHTINIT_CLIENT_WEIGHT_CLIENT_H_
#define WEIGHTINIT_CLIENT_WEIGHT_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "grpcpp/channel.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_buffers.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/client/tensor_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Streams of one call.
inline constexpr int kMaxParallel = 64;

// How connections are encrypted, by files in PEM form that are read once.
struct TlsOptions {
  // The certificates that sign those of servers; empty: the ones that this
  // machine trusts. A server's is of the host as `servers` has it.
  std::string ca_file;
  // The client's own certificate, followed by those that signed it, and its
  // key, for servers that ask for one; both or none.
  std::string cert_file;
  std::string key_file;
};

struct WeightClientOptions {
  // Each "host:port", "dns:///host:port" or "unix:PATH", at least one. The
  // second stands for every address that the name has when the client is made;
  // a socket of the file system is never encrypted. All of them give
  // the same bytes. What is delivered in order comes from one of them, until it
  // fails, then from the next, and round again; the rest from all of them at
  // once, see `parallel`.
  std::vector<std::string> servers;
  // Streams of one call of FetchModel, or of Fetch into a buffer or a
  // PieceSink, from 0 to 64; 0: one for each address of the servers. Each
  // delivers a segment of the bytes, at least 4 MiB; one that is done takes
  // over half of what another has left, or all of it if that one stands still.
  // It changes speed only.
  int parallel = 0;
  // Consecutive attempts that deliver nothing before a call gives up; each
  // server is tried at least once. There is no bound on attempts that make
  // progress.
  int max_attempts_without_progress = 5;
  // Pause after all servers have failed: doubles from the first to the second,
  // each time shortened by up to half at random. However short it is, gRPC
  // connects anew to a server that it did not reach only after 100 ms.
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(5);
  // How long a call waits for room while every server that answers is full, if
  // it has no timeout; with one it waits until then. At least 0.
  absl::Duration max_wait_when_full = absl::Minutes(1);
  // For one attempt to connect.
  absl::Duration connect_timeout = absl::Seconds(5);
  // A connection on which a call waits, and nothing came for `keepalive_time`,
  // is asked whether the server is alive; without an answer within
  // `keepalive_timeout` it is closed, and the call goes on elsewhere. A server
  // closes a connection that is asked too often: more than every 5 s. Infinite:
  // never asked.
  absl::Duration keepalive_time = absl::Seconds(20);
  absl::Duration keepalive_timeout = absl::Seconds(10);
  // A stream that brings nothing for so long, while the caller's sink waits, is
  // broken and goes on at another server; likewise a call without its answer.
  absl::Duration stall_timeout = absl::Seconds(60);
  // For one call of Describe, Info or Fetch, with all its attempts.
  absl::Duration timeout = absl::InfiniteDuration();
  // Size of the chunks that Fetch asks for, 64 to 2097152 bytes, where the
  // request leaves it open; 0: what the server prefers. It changes speed only:
  // larger ones cost fewer messages, until they outgrow the caches.
  int32_t chunk_bytes = 524288;
  // Nothing: connections are not encrypted.
  std::optional<TlsOptions> tls;
  // Shown with each call, for servers that ask who calls; empty for none.
  // Visible ASCII characters. Without `tls` it is refused for any server that
  // is not on loopback, since it could be read on the way, unless
  // `allow_plaintext_token`. Channels that the caller has made are not looked
  // at.
  std::string token;
  bool allow_plaintext_token = false;
};

struct LocalOptions {
  // Threads of one call of Fetch, from 0 to 1024; 0: one for each core that the
  // process may use. It changes speed only.
  int threads = 0;
  // The largest tensor, before slicing, that a request may name: from 1 to 2^59
  // elements.
  int64_t max_elements = int64_t{1} << 40;
  // For one call of Fetch.
  absl::Duration timeout = absl::InfiniteDuration();
};

// Asks one of several equal servers, or computes in the process. Thread-safe:
// calls may run at once, and share the connections.
//
// Every method returns the server's error as an absl::Status of the same code,
// whose message names each violated field. UNAVAILABLE, and a stream that was
// reset, are first tried again on the next server. So is RESOURCE_EXHAUSTED of
// a server that has no room now; when all have none, the one that may have it
// first is asked again, at the time that its RetryInfo says.
class WeightClient {
 public:
  static absl::StatusOr<std::unique_ptr<WeightClient>> Create(
      const WeightClientOptions& options);

  // Uses these channels, at least one, in place of options.servers.
  static absl::StatusOr<std::unique_ptr<WeightClient>> FromChannels(
      const std::vector<std::shared_ptr<grpc::Channel>>& channels,
      const WeightClientOptions& options);

  // Computes in the process, without a server and without gRPC. Results and
  // errors are those of a server of the same version. A call of Fetch uses
  // `threads` threads and, beside the caller's buffer, at most 1 MiB for each
  // of them. The request's chunk_bytes is checked and has no other effect.
  static absl::StatusOr<std::unique_ptr<WeightClient>> Local(
      const LocalOptions& options = {});

  virtual ~WeightClient() = default;

  virtual absl::StatusOr<v1::TensorDescription> Describe(
      const v1::DescribeTensorRequest& request) = 0;

  // Of a client that computes itself, limits.max_streams is 2^31 - 1: none.
  virtual absl::StatusOr<v1::GetServerInfoResponse> Info() = 0;

  // The seed of a name, with which the same tensors can be asked for without a
  // server that knows the name. FAILED_PRECONDITION: there is no root seed to
  // derive it from.
  virtual absl::StatusOr<uint64_t> ResolveSeed(
      const std::string& seed_name) = 0;

  // Streams a tensor into `sink`. The stream is checked part by part: order,
  // counts and checksums, and that it is the tensor asked for. DATA_LOSS: a
  // check failed; nothing of the bad chunk reached the sink, and nothing was
  // tried again. A broken stream is resumed where it broke.
  virtual absl::StatusOr<FetchResult> Fetch(
      const v1::InitializeTensorRequest& request, TensorSink& sink) = 0;

  // The same into the front of `buffer`, each byte copied once.
  // INVALID_ARGUMENT: it is too small, and nothing was written. After another
  // error what it holds is unspecified; but where one stream at a time was
  // used, it begins with the elements that the error's message counts.
  virtual absl::StatusOr<FetchResult> Fetch(
      const v1::InitializeTensorRequest& request,
      absl::Span<uint8_t> buffer) = 0;

  // The same into a sink that takes the pieces in any order, and from several
  // threads.
  virtual absl::StatusOr<FetchResult> Fetch(
      const v1::InitializeTensorRequest& request, PieceSink& sink) = 0;

  // The tensors that the same request to FetchModel would deliver, one by one,
  // in order, and generates nothing. An error of `visit` ends the call, which
  // returns it.
  virtual absl::StatusOr<v1::ModelSummary> DescribeModel(
      const v1::DescribeModelRequest& request,
      const std::function<absl::Status(const v1::ModelTensor&)>& visit) = 0;

  // Streams a model into `sink`, checked part by part as a tensor is. A broken
  // stream is resumed where it broke.
  virtual absl::StatusOr<ModelFetchResult> FetchModel(
      const v1::InitializeModelRequest& request, ModelSink& sink) = 0;

  // The same into memory of the caller's, each byte copied once. Asks for the
  // description first. INVALID_ARGUMENT: the buffers are not those of the
  // tensors, see ModelBuffers, and nothing was written. After another error
  // what they hold is unspecified.
  absl::StatusOr<ModelFetchResult> FetchModel(
      const v1::InitializeModelRequest& request, const ModelBuffers& buffers);

 protected:
  WeightClient() = default;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_WEIGHT_CLIENT_H_

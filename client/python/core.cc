// weightinit._core: the local client for Python. Requests come in and answers
// go out as serialized messages; data goes into the caller's memory. Every call
// that computes lets other Python threads run.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "proto/cpp/crc32.h"
#include "weightinit/client/manifest.h"
#include "weightinit/client/model_buffers.h"
#include "weightinit/client/preset.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/preset.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace nb = nanobind;

namespace weightinit {
namespace {

using Memory = nb::ndarray<uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using ConstMemory =
    nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// weightinit._core.StatusError(code, message, [(field, description), ...]).
nb::handle status_error;

// With the GIL.
[[noreturn]] void Raise(const absl::Status& status) {
  nb::list violations;
  for (const Violation& violation : GetViolations(status)) {
    violations.append(nb::make_tuple(violation.field, violation.description));
  }
  const std::string message(status.message());
  const nb::object arguments = nb::make_tuple(
      static_cast<int>(status.code()),
      nb::steal(PyUnicode_DecodeUTF8(
          message.data(), static_cast<Py_ssize_t>(message.size()), "replace")),
      violations);
  PyErr_SetObject(status_error.ptr(), arguments.ptr());
  throw nb::python_error();
}

template <typename Value>
Value Take(absl::StatusOr<Value> result) {
  if (!result.ok()) Raise(result.status());
  return *std::move(result);
}

template <typename Message>
Message Parse(const nb::bytes& serialized) {
  Message message;
  if (!message.ParseFromArray(serialized.data(),
                              static_cast<int>(serialized.size()))) {
    Raise(absl::InvalidArgumentError("the request cannot be parsed"));
  }
  return message;
}

nb::bytes Serialize(const std::string& text) {
  return nb::bytes(text.data(), text.size());
}

absl::Span<uint8_t> SpanOf(const Memory& memory) {
  return {memory.data(), memory.size()};
}

class Local {
 public:
  Local(int threads, int64_t max_elements)
      : options_{threads, max_elements, absl::InfiniteDuration()} {
    const auto client = WeightClient::Local(options_);
    if (!client.ok()) Raise(client.status());
  }

  nb::bytes Describe(const nb::bytes& request) const {
    const auto message = Parse<v1::DescribeTensorRequest>(request);
    return Serialize(
        Take(Client(std::nullopt)->Describe(message)).SerializeAsString());
  }

  // Fills `out`; its CRC-32.
  uint32_t Tensor(const nb::bytes& request, const Memory& out,
                  std::optional<double> timeout) const {
    const auto message = Parse<v1::InitializeTensorRequest>(request);
    const auto client = Client(timeout);
    absl::StatusOr<FetchResult> result;
    {
      const nb::gil_scoped_release release;
      result = client->Fetch(message, SpanOf(out));
    }
    return Take(std::move(result)).crc32;
  }

  // The summary, and the tensors in order.
  std::pair<nb::bytes, std::vector<nb::bytes>> DescribeModel(
      const nb::bytes& request) const {
    const auto message = Parse<v1::DescribeModelRequest>(request);
    const auto client = Client(std::nullopt);
    std::vector<std::string> tensors;
    absl::StatusOr<v1::ModelSummary> summary;
    {
      const nb::gil_scoped_release release;
      summary =
          client->DescribeModel(message, [&](const v1::ModelTensor& tensor) {
            tensors.push_back(tensor.SerializeAsString());
            return absl::OkStatus();
          });
    }
    const v1::ModelSummary taken = Take(std::move(summary));
    std::vector<nb::bytes> serialized;
    serialized.reserve(tensors.size());
    for (const std::string& tensor : tensors) {
      serialized.push_back(Serialize(tensor));
    }
    return {Serialize(taken.SerializeAsString()), std::move(serialized)};
  }

  // Fills one buffer for each tensor; the CRC-32 of all.
  uint32_t Model(const nb::bytes& request,
                 const std::map<std::string, Memory>& out,
                 std::optional<double> timeout) const {
    const auto message = Parse<v1::InitializeModelRequest>(request);
    const auto client = Client(timeout);
    ModelBuffers buffers;
    for (const auto& [name, memory] : out) buffers[name] = SpanOf(memory);
    absl::StatusOr<ModelFetchResult> result;
    {
      const nb::gil_scoped_release release;
      result = client->FetchModel(message, buffers);
    }
    return Take(std::move(result)).crc32;
  }

  uint64_t ResolveSeed(const std::string& seed_name) const {
    return Take(Client(std::nullopt)->ResolveSeed(seed_name));
  }

  nb::bytes Info() const {
    return Serialize(Take(Client(std::nullopt)->Info()).SerializeAsString());
  }

 private:
  std::unique_ptr<WeightClient> Client(std::optional<double> timeout) const {
    LocalOptions options = options_;
    if (timeout.has_value()) options.timeout = absl::Seconds(*timeout);
    return Take(WeightClient::Local(options));
  }

  LocalOptions options_;
};

uint32_t Crc32(const ConstMemory& data, uint32_t crc) {
  const nb::gil_scoped_release release;
  return ExtendCrc32(crc, {data.data(), data.size()});
}

// Copies `data` to the front of `out`, at least as many bytes; its CRC-32. In
// blocks that stay in a core's cache in between.
uint32_t CopyWithCrc32(const ConstMemory& data, const Memory& out) {
  constexpr size_t kBlock = size_t{1} << 15;
  if (out.size() < data.size()) {
    Raise(absl::InvalidArgumentError("the data does not fit"));
  }
  const nb::gil_scoped_release release;
  uint32_t crc32 = 0;
  for (size_t at = 0; at < data.size(); at += kBlock) {
    const size_t bytes = std::min(kBlock, data.size() - at);
    std::memcpy(out.data() + at, data.data() + at, bytes);
    crc32 = ExtendCrc32(crc32, {out.data() + at, bytes});
  }
  return crc32;
}

nb::bytes ParseManifestText(const std::string& text,
                            const std::string& file_name) {
  return Serialize(Take(ParseManifest(text, file_name)).SerializeAsString());
}

// The model with the constants and the rules of presets, names or paths.
nb::bytes ApplyPresets(const nb::bytes& model,
                       const std::vector<std::string>& names,
                       const std::map<std::string, double>& constants) {
  auto spec = Parse<v1::ModelSpec>(model);
  std::vector<v1::Preset> presets;
  for (const std::string& name : names) {
    presets.push_back(Take(ReadPreset(name)));
  }
  absl::Status status = SetConstants(constants, presets, spec);
  for (const v1::Preset& preset : presets) {
    if (status.ok()) status = ApplyPreset(preset, spec);
  }
  if (!status.ok()) Raise(status);
  return Serialize(spec.SerializeAsString());
}

// Those that come along.
nb::list Presets() {
  nb::list presets;
  for (const std::string& name : PresetNames()) {
    presets.append(Serialize(Take(ReadPreset(name)).SerializeAsString()));
  }
  return presets;
}

}  // namespace
}  // namespace weightinit

NB_MODULE(_core, module) {
  using weightinit::Local;
  module.attr("StatusError") = nb::steal(PyErr_NewException(
      "weightinit._core.StatusError", PyExc_Exception, nullptr));
  weightinit::status_error = module.attr("StatusError").ptr();
  nb::class_<Local>(module, "Local")
      .def(nb::init<int, int64_t>(), nb::arg("threads"),
           nb::arg("max_elements"))
      .def("describe", &Local::Describe, nb::arg("request"))
      .def("tensor", &Local::Tensor, nb::arg("request"),
           nb::arg("out").noconvert(), nb::arg("timeout").none())
      .def("describe_model", &Local::DescribeModel, nb::arg("request"))
      .def("model", &Local::Model, nb::arg("request"), nb::arg("out"),
           nb::arg("timeout").none())
      .def("resolve_seed", &Local::ResolveSeed, nb::arg("seed_name"))
      .def("info", &Local::Info);
  module.def("crc32", &weightinit::Crc32, nb::arg("data"), nb::arg("crc") = 0);
  module.def("copy_with_crc32", &weightinit::CopyWithCrc32, nb::arg("data"),
             nb::arg("out").noconvert());
  module.def("concat_crc32", &weightinit::ConcatCrc32, nb::arg("first"),
             nb::arg("second"), nb::arg("second_bytes"));
  // For tests and benchmarks.
  module.def(
      "force_simd_target",
      [](const std::string& name) {
        const absl::Status status = weightinit::ForceSimdTarget(name);
        if (!status.ok()) weightinit::Raise(status);
      },
      nb::arg("name"));
  module.def("parse_manifest", &weightinit::ParseManifestText, nb::arg("text"),
             nb::arg("file_name"));
  module.def("apply_presets", &weightinit::ApplyPresets, nb::arg("model"),
             nb::arg("presets"), nb::arg("constants"));
  module.def("presets", &weightinit::Presets);
}

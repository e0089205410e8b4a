// weightinit-generate: the core behind a pipe, for tests in other languages.
//
// Each line of stdin is a request, a JSON object of which only "shape" is
// required:
//
//   name shape scheme activation dtype layout groups transposed fan_in fan_out
//   parameters{gain negative_slope mean stddev low high value scale sparsity
//   fan_mode distribution} slice[[start, stop or null], ...] seed first_element
//
// Enum values are the names of weightinit/core/names.h. For each request stdout
// gets the length of the payload in 8 bytes, little-endian, and the payload;
// for one that cannot be served the length is 2^64 - 1, and 8 bytes of length
// and the text of the error follow. Output is flushed after each request.
//
// usage: weightinit-generate [TARGET]    TARGET forces a SIMD target;
//        weightinit-generate --targets   prints those that this machine has.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kErrorFollows = std::numeric_limits<uint64_t>::max();

// Reads the members of one JSON object, of which each may be absent. The first
// thing wrong is kept in `error`; the members read after it stay as they were.
class ObjectReader {
 public:
  ObjectReader(const Json& object, std::string* error)
      : object_(object), error_(error) {
    if (!object.is_object()) Fail("a request and its parameters are objects");
  }

  template <typename T>
  void Integer(const char* key, T* to) {
    const Json* member = Find(key);
    if (member == nullptr) return;
    if (!member->is_number_integer()) return Fail(key, " is not an integer");
    *to = member->get<T>();
  }

  void Integer(const char* key, std::optional<int64_t>* to) {
    if (Find(key) != nullptr) Integer(key, &to->emplace());
  }

  void Number(const char* key, std::optional<double>* to) {
    const Json* member = Find(key);
    if (member == nullptr) return;
    if (!member->is_number()) return Fail(key, " is not a number");
    *to = member->get<double>();
  }

  void Boolean(const char* key, bool* to) {
    const Json* member = Find(key);
    if (member == nullptr) return;
    if (!member->is_boolean()) return Fail(key, " is not a boolean");
    *to = member->get<bool>();
  }

  void String(const char* key, std::string* to) {
    const Json* member = Find(key);
    if (member == nullptr) return;
    if (!member->is_string()) return Fail(key, " is not a string");
    *to = member->get<std::string>();
  }

  template <typename E>
  void Enum(const char* key, E* to) {
    std::string name;
    String(key, &name);
    if (name.empty()) return;
    const std::optional<E> value = Parse<E>(name);
    if (!value) return Fail(key, " cannot be ", name);
    *to = *value;
  }

  void Shape(const char* key, std::vector<int64_t>* to) {
    const Json* member = Find(key);
    if (member == nullptr) return Fail(key, " is missing");
    if (!IsArrayOf(*member, &Json::is_number_integer)) {
      return Fail(key, " is not an array of integers");
    }
    *to = member->get<std::vector<int64_t>>();
  }

  void Slice(const char* key, std::vector<DimensionRange>* to) {
    const Json* member = Find(key);
    if (member == nullptr) return;
    if (!IsArrayOf(*member, &Json::is_array)) {
      return Fail(key, " is not an array of arrays");
    }
    for (const Json& range : *member) {
      if (range.size() != 2 || !range[0].is_number_integer() ||
          !(range[1].is_number_integer() || range[1].is_null())) {
        return Fail(key, " has a range that is not [start, stop]");
      }
      DimensionRange& dimension = to->emplace_back();
      dimension.start = range[0].get<int64_t>();
      if (!range[1].is_null()) dimension.stop = range[1].get<int64_t>();
    }
  }

  // A nested object; none if it is absent.
  const Json* Object(const char* key) { return Find(key); }

  // Call it last: a member that was not read is an error, because a test with a
  // misspelt key would not test what it says.
  void Finish() {
    if (!error_->empty()) return;
    for (const auto& [key, value] : object_.items()) {
      if (read_.count(key) == 0) Fail("unknown key ", key);
    }
  }

 private:
  const Json* Find(const char* key) {
    read_.insert(key);
    if (!error_->empty()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  static bool IsArrayOf(const Json& value,
                        bool (Json::*is_kind)() const noexcept) {
    return value.is_array() &&
           std::all_of(value.begin(), value.end(), std::mem_fn(is_kind));
  }

  template <typename... Parts>
  void Fail(const Parts&... parts) {
    if (error_->empty()) *error_ = absl::StrCat(parts...);
  }

  const Json& object_;
  std::string* const error_;
  std::set<std::string> read_;
};

absl::StatusOr<TensorRequest> ParseRequest(const std::string& line) {
  const Json object = Json::parse(line, /*cb=*/nullptr,
                                  /*allow_exceptions=*/false);
  if (object.is_discarded()) {
    return absl::InvalidArgumentError("the line is not JSON");
  }
  std::string error;
  TensorRequest request;
  TensorSpec& tensor = request.tensor;
  ObjectReader reader(object, &error);
  reader.String("name", &tensor.name);
  reader.Shape("shape", &tensor.shape);
  reader.Enum("scheme", &tensor.scheme);
  reader.Enum("activation", &tensor.activation);
  reader.Enum("dtype", &tensor.dtype);
  reader.Enum("layout", &tensor.fan.layout);
  reader.Integer("groups", &tensor.fan.groups);
  reader.Boolean("transposed", &tensor.fan.transposed);
  reader.Integer("fan_in", &tensor.fan.fan_in);
  reader.Integer("fan_out", &tensor.fan.fan_out);
  reader.Slice("slice", &request.slice);
  reader.Integer("seed", &request.seed);
  reader.Integer("first_element", &request.first_element);
  if (const Json* parameters = reader.Object("parameters")) {
    SchemeParameters& to = tensor.parameters;
    ObjectReader members(*parameters, &error);
#define WEIGHTINIT_PARAMETER(name, ...) members.Number(#name, &to.name);
#define WEIGHTINIT_CHOICE_PARAMETER(name, ...) members.Enum(#name, &to.name);
#include "weightinit/core/request.def"
    members.Finish();
  }
  reader.Finish();
  if (!error.empty()) return absl::InvalidArgumentError(error);
  return request;
}

void WriteLength(uint64_t length) {
  char bytes[8];
  for (char& byte : bytes) {
    byte = static_cast<char>(length & 0xFF);
    length >>= 8;
  }
  std::cout.write(bytes, sizeof bytes);
}

void WriteError(const absl::Status& status) {
  const std::string text = status.ToString();
  WriteLength(kErrorFollows);
  WriteLength(text.size());
  std::cout << text;
}

void WriteTensor(TensorPlan plan) {
  WriteLength(static_cast<uint64_t>(plan.bytes));
  std::vector<uint8_t> chunk(
      static_cast<size_t>(plan.chunk_elements * DtypeBytes(plan.dtype)));
  const int element_bytes = DtypeBytes(plan.dtype);
  TensorReader reader(std::move(plan));
  while (const int64_t elements = reader.Read(absl::MakeSpan(chunk))) {
    std::cout.write(reinterpret_cast<const char*>(chunk.data()),
                    elements * element_bytes);
  }
}

int PrintTargets() {
  for (const SimdTarget& target : KnownSimdTargets()) {
    if (target.supported) std::cout << target.name << "\n";
  }
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  std::ios::sync_with_stdio(false);
  if (!arguments.empty()) {
    if (arguments[0] == "--targets") return PrintTargets();
    const absl::Status forced = ForceSimdTarget(arguments[0]);
    if (!forced.ok()) {
      std::cerr << "weightinit-generate: " << forced.message() << "\n";
      return 2;
    }
  }
  std::string line;
  while (std::cout && std::getline(std::cin, line)) {
    absl::StatusOr<TensorRequest> request = ParseRequest(line);
    absl::StatusOr<TensorPlan> plan =
        request.ok() ? Resolve(*request) : request.status();
    if (plan.ok()) {
      WriteTensor(*std::move(plan));
    } else {
      WriteError(plan.status());
    }
    std::cout.flush();
  }
  return std::cout ? 0 : 1;
}

}  // namespace
}  // namespace weightinit

int main(int argc, char** argv) {
  try {
    return weightinit::Main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "weightinit-generate: %s\n", error.what());
    return 1;
  }
}

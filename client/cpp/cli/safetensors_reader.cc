#include "client/cpp/cli/safetensors_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/safetensors_header.h"
#include "nlohmann/json.hpp"
#include "weightinit/core/request.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {
namespace {

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(text), "\"");
}

// Takes the events of nlohmann's parser. A header has only three levels, and a
// tensor only three fields; anything else ends the parsing, so that memory is
// that of the tensors.
class HeaderEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader& header() { return header_; }
  const std::string& error() const { return error_; }

  bool null() override { return Unexpected(); }
  bool boolean(bool /*value*/) override { return Unexpected(); }
  bool number_integer(number_integer_t /*value*/) override {
    return Unexpected();
  }
  bool number_float(number_float_t /*value*/,
                    const string_t& /*text*/) override {
    return Unexpected();
  }
  bool binary(binary_t& /*value*/) override { return Unexpected(); }

  bool number_unsigned(number_unsigned_t value) override {
    if (level_ != Level::kNumbers ||
        value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Unexpected();
    }
    numbers_.push_back(static_cast<int64_t>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (level_ == Level::kMetadata) {
      header_.metadata.emplace_back(key_, value);
      return true;
    }
    if (level_ != Level::kTensor || key_ != "dtype") return Unexpected();
    header_.tensors.back().dtype = value;
    return true;
  }

  bool start_object(size_t /*elements*/) override {
    switch (level_) {
      case Level::kOutside:
        level_ = Level::kHeader;
        return true;
      case Level::kHeader:
        keys_.clear();
        if (name_ == kSafetensorsMetadata) {
          level_ = Level::kMetadata;
        } else {
          level_ = Level::kTensor;
          header_.tensors.emplace_back().name = name_;
        }
        return true;
      default:
        return Unexpected();
    }
  }

  bool key(string_t& value) override {
    if (level_ == Level::kHeader) {
      name_ = value;
      if (names_.insert(value).second) return true;
      return Fail(absl::StrCat(Place(), " is there twice"));
    }
    key_ = value;
    if (level_ == Level::kTensor && value != "dtype" && value != "shape" &&
        value != "data_offsets") {
      return Fail(absl::StrCat(
          Place(), " is no field of a tensor; dtype, shape, data_offsets are"));
    }
    if (keys_.insert(value).second) return true;
    return Fail(absl::StrCat(Place(), " is there twice"));
  }

  bool end_object() override {
    if (level_ == Level::kHeader) {
      level_ = Level::kOutside;
      return true;
    }
    if (level_ == Level::kTensor) {
      for (const char* const field : {"dtype", "shape", "data_offsets"}) {
        key_ = field;
        if (!keys_.contains(key_)) {
          return Fail(absl::StrCat(Place(), " is missing"));
        }
      }
    }
    level_ = Level::kHeader;
    return true;
  }

  bool start_array(size_t /*elements*/) override {
    if (level_ != Level::kTensor || key_ == "dtype") return Unexpected();
    level_ = Level::kNumbers;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    level_ = Level::kTensor;
    SafetensorsTensor& tensor = header_.tensors.back();
    if (key_ == "shape") {
      tensor.shape = numbers_;
      return true;
    }
    if (numbers_.size() != 2 || numbers_[0] > numbers_[1]) {
      return Fail(absl::StrCat(
          Place(), " are not two numbers, the first not above the second"));
    }
    tensor.begin = numbers_[0];
    tensor.end = numbers_[1];
    return true;
  }

  bool parse_error(size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return Fail(absl::StrCat("the header is not JSON: it goes wrong at its ",
                             "byte ", position));
  }

 private:
  enum class Level { kOutside, kHeader, kMetadata, kTensor, kNumbers };

  // What the last key names.
  std::string Place() const {
    switch (level_) {
      case Level::kOutside:
        return "the header";
      case Level::kHeader:
        return name_ == kSafetensorsMetadata
                   ? name_
                   : absl::StrCat("tensor ", Quoted(name_));
      case Level::kMetadata:
        return absl::StrCat(name_, ": ", Quoted(key_));
      default:
        return absl::StrCat("tensor ", Quoted(name_), ": ",
                            absl::Utf8SafeCHexEscape(key_));
    }
  }

  bool Unexpected() {
    const char* expected = "object";
    if (level_ == Level::kMetadata ||
        (level_ == Level::kTensor && key_ == "dtype")) {
      expected = "text";
    } else if (level_ == Level::kTensor || level_ == Level::kNumbers) {
      expected = "list of whole numbers from 0 to 2^63 - 1";
    }
    return Fail(absl::StrCat(Place(), " is no ", expected));
  }

  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  SafetensorsHeader header_;
  std::string error_;
  Level level_ = Level::kOutside;
  std::string name_;  // The last key of the header,
  std::string key_;   // and of an object in it.
  std::vector<int64_t> numbers_;
  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_set<std::string> keys_;
};

// Bytes of an element; 0 for a dtype that weightinit does not have.
int64_t ElementBytes(absl::string_view dtype) {
  const auto wire = DtypeOfSafetensors(dtype);
  return wire.has_value() ? DtypeBytes(static_cast<Dtype>(*wire)) : 0;
}

absl::Status CheckBytes(const SafetensorsTensor& tensor) {
  int64_t bytes = ElementBytes(tensor.dtype);
  if (bytes == 0) return absl::OkStatus();
  bool overflow = false;
  const bool empty =
      std::count(tensor.shape.begin(), tensor.shape.end(), 0) > 0;
  for (const int64_t size : tensor.shape) {
    overflow = overflow || __builtin_mul_overflow(bytes, size, &bytes);
  }
  if (empty ? tensor.begin == tensor.end
            : !overflow && tensor.end - tensor.begin == bytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "tensor ", Quoted(tensor.name), ": data_offsets hold ",
      tensor.end - tensor.begin, " bytes, its shape and dtype are others"));
}

// The data lie one behind the other, without holes.
absl::Status CheckOffsets(const std::vector<SafetensorsTensor>& tensors,
                          int64_t data_bytes) {
  int64_t end = 0;
  for (const SafetensorsTensor& tensor : tensors) {
    if (tensor.begin != end) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor ", Quoted(tensor.name), ": data_offsets begin at ",
          tensor.begin, "; the data before it end at ", end));
    }
    if (absl::Status status = CheckBytes(tensor); !status.ok()) return status;
    end = tensor.end;
  }
  if (data_bytes > end) {
    return absl::InvalidArgumentError(absl::StrCat(
        data_bytes - end, " bytes stand behind the data of the last tensor"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json,
                                                         int64_t data_bytes) {
  HeaderEvents events;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &events)) {
    return absl::InvalidArgumentError(events.error());
  }
  SafetensorsHeader header = std::move(events.header());
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const SafetensorsTensor& a, const SafetensorsTensor& b) {
              return std::tie(a.begin, a.end, a.name) <
                     std::tie(b.begin, b.end, b.name);
            });
  if (absl::Status status = CheckOffsets(header.tensors, data_bytes);
      !status.ok()) {
    return status;
  }
  return header;
}

absl::StatusOr<std::string> ReadSafetensorsJson(const InputFile& file) {
  const auto wrong = [&file](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": ", what));
  };
  if (file.bytes() < kSafetensorsLengthBytes) {
    return wrong("is no safetensors file: it has less than 8 bytes");
  }
  const auto prefix = file.ReadAt(0, kSafetensorsLengthBytes);
  if (!prefix.ok()) return prefix.status();
  uint64_t length = 0;
  for (size_t i = 0; i < prefix->size(); ++i) {
    length |= uint64_t{static_cast<uint8_t>((*prefix)[i])} << (8 * i);
  }
  if (length > static_cast<uint64_t>(kMaxSafetensorsHeaderBytes)) {
    return wrong(absl::StrCat("is no safetensors file: its header would have ",
                              length, " bytes; at most ",
                              kMaxSafetensorsHeaderBytes, " are allowed"));
  }
  const auto bytes = static_cast<int64_t>(length);
  if (file.bytes() - kSafetensorsLengthBytes < bytes) {
    return wrong(absl::StrCat(
        "is no whole safetensors file: its header ends at byte ",
        kSafetensorsLengthBytes + bytes, ", the file at ", file.bytes()));
  }
  return file.ReadAt(kSafetensorsLengthBytes, bytes);
}

absl::StatusOr<SafetensorsHeader> ReadSafetensorsHeader(
    const std::string& path) {
  const auto file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  const auto json = ReadSafetensorsJson(**file);
  if (!json.ok()) return json.status();
  const auto header_end =
      kSafetensorsLengthBytes + static_cast<int64_t>(json->size());
  auto header = ParseSafetensorsHeader(*json, (*file)->bytes() - header_end);
  if (header.ok()) return header;
  return absl::Status(header.status().code(),
                      absl::StrCat(path, ": ", header.status().message()));
}

}  // namespace weightinit::cli

#include "client/cpp/fetch/tensor_verifier.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/util/message_differencer.h"
#include "proto/cpp/crc32.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

using google::protobuf::util::MessageDifferencer;

absl::Status Corrupt(const std::string& what) {
  return absl::DataLossError(absl::StrCat("verification failed: ", what));
}

std::string Hex(uint32_t crc32) { return absl::StrFormat("%#010x", crc32); }

// Bytes of one element; 0 for a dtype that this client does not know.
int64_t ElementBytes(v1::Dtype dtype) {
  const auto known = static_cast<Dtype>(dtype);
  return IsNamed(known) ? DtypeBytes(known) : 0;
}

// Product of dimensions; nothing if one is negative or it overflows.
std::optional<int64_t> Product(
    const google::protobuf::RepeatedField<int64_t>& shape) {
  int64_t product = 1;
  bool overflow = false;
  bool zero = false;
  for (const int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    zero = zero || dimension == 0;
    overflow = overflow || __builtin_mul_overflow(product, dimension, &product);
  }
  if (zero) return 0;
  if (overflow) return std::nullopt;
  return product;
}

using Ranges = google::protobuf::RepeatedPtrField<v1::DimensionRange>;

// As --slice is written: "0:16,4:8"; "all" for none.
std::string SliceText(const Ranges& slice) {
  if (slice.empty()) return "all";
  return absl::StrJoin(slice, ",",
                       [](std::string* out, const v1::DimensionRange& range) {
                         absl::StrAppend(out, range.start(), ":", range.stop());
                       });
}

// What a description says of the slice of `request`: every range in full, or
// none for the whole tensor. Its ranges are those of the shape's dimensions, so
// far as both have them.
Ranges DescribedSlice(const v1::InitializeTensorRequest& request) {
  Ranges slice = request.slice();
  bool whole = true;
  for (int d = 0; d < std::min(slice.size(), request.tensor().shape_size());
       ++d) {
    const int64_t size = request.tensor().shape(d);
    v1::DimensionRange& range = slice[d];
    if (!range.has_stop()) range.set_stop(size);
    whole = whole && range.start() == 0 && range.stop() == size;
  }
  if (whole) slice.Clear();
  return slice;
}

// The shape of `slice` of a tensor of `shape`.
std::vector<int64_t> SliceShape(
    const google::protobuf::RepeatedField<int64_t>& shape,
    const Ranges& slice) {
  std::vector<int64_t> sizes(shape.begin(), shape.end());
  if (slice.empty()) return sizes;
  sizes.clear();
  for (const v1::DimensionRange& range : slice) {
    // Whatever a server says, it does not overflow.
    sizes.push_back(static_cast<int64_t>(static_cast<uint64_t>(range.stop()) -
                                         static_cast<uint64_t>(range.start())));
  }
  return sizes;
}

// DATA_LOSS unless `description` has the slice that `request` asks for.
absl::Status VerifySlice(const v1::InitializeTensorRequest& request,
                         const v1::TensorDescription& description) {
  const Ranges slice = DescribedSlice(request);
  const bool same =
      std::equal(slice.begin(), slice.end(), description.slice().begin(),
                 description.slice().end(),
                 [](const v1::DimensionRange& a, const v1::DimensionRange& b) {
                   return a.start() == b.start() && a.stop() == b.stop();
                 });
  if (!same) {
    return Corrupt(absl::StrCat("the header describes the slice ",
                                SliceText(description.slice()),
                                ", requested was ", SliceText(slice)));
  }
  const std::vector<int64_t> shape =
      SliceShape(request.tensor().shape(), slice);
  if (!std::equal(shape.begin(), shape.end(), description.slice_shape().begin(),
                  description.slice_shape().end())) {
    return Corrupt(absl::StrCat("the header describes a slice of shape ",
                                absl::StrJoin(description.slice_shape(), "x"),
                                ", requested was ", absl::StrJoin(shape, "x")));
  }
  return absl::OkStatus();
}

}  // namespace

TensorVerifier::TensorVerifier(const v1::InitializeTensorRequest& request)
    : request_(request) {}

absl::Status TensorVerifier::OnHeader(
    const v1::TensorDescription& description) {
  if (has_header_) return Corrupt("a second header");
  has_header_ = true;
  const v1::TensorSpec& tensor = request_.tensor();
  if (description.name() != tensor.name() ||
      !std::equal(description.shape().begin(), description.shape().end(),
                  tensor.shape().begin(), tensor.shape().end())) {
    return Corrupt(
        "the header describes another tensor than the one requested");
  }
  if (absl::Status status =
          VerifySeed(request_.seed(), request_.seed_name(), description);
      !status.ok()) {
    return status;
  }
  element_bytes_ = ElementBytes(description.dtype());
  if (element_bytes_ == 0) {
    return Corrupt(
        absl::StrCat("the header has unknown dtype ", description.dtype()));
  }
  if (tensor.dtype() != v1::DTYPE_UNSPECIFIED &&
      tensor.dtype() != description.dtype()) {
    return Corrupt(absl::StrCat(
        "the header has dtype ", v1::Dtype_Name(description.dtype()),
        ", requested was ", v1::Dtype_Name(tensor.dtype())));
  }
  if (absl::Status status = VerifySlice(request_, description); !status.ok()) {
    return status;
  }
  const std::optional<int64_t> slice_elements =
      Product(description.slice_shape());
  if (!slice_elements.has_value() || request_.first_element() < 0 ||
      !IsWanted(description.elements(),
                *slice_elements - request_.first_element())) {
    return Corrupt(absl::StrCat(
        "the header announces ", description.elements(),
        " elements, which is not ",
        request_.has_element_count()
            ? absl::StrCat("element_count ", request_.element_count(), " of ")
            : "",
        slice_elements.has_value() ? absl::StrCat(*slice_elements)
                                   : "an overflow",
        " of the slice less first_element ", request_.first_element()));
  }
  int64_t bytes = 0;
  if (description.elements() < 0 ||
      __builtin_mul_overflow(description.elements(), element_bytes_, &bytes) ||
      description.bytes() != bytes) {
    return Corrupt(absl::StrCat("the header announces ", description.bytes(),
                                " bytes for ", description.elements(),
                                " elements of ", element_bytes_, " bytes"));
  }
  described_elements_ = description.elements();
  return absl::OkStatus();
}

bool TensorVerifier::IsWanted(int64_t elements, int64_t rest) const {
  if (!request_.has_element_count()) return elements == rest;
  return elements == request_.element_count() && elements <= rest;
}

absl::Status TensorVerifier::OnChunk(const ReceivedChunk& chunk) {
  if (!has_header_) return Corrupt("a chunk before the header");
  if (has_trailer_) return Corrupt("a chunk after the trailer");
  const int64_t expected = request_.first_element() + elements_;
  if (chunk.first_element != expected) {
    return Corrupt(absl::StrCat("a chunk starts at element ",
                                chunk.first_element, ", expected was ",
                                expected));
  }
  if (chunk.bytes == 0 || chunk.bytes % element_bytes_ != 0) {
    return Corrupt(absl::StrCat(
        "the chunk at element ", expected, " has ", chunk.bytes,
        " bytes, expected was a positive multiple of ", element_bytes_));
  }
  const int64_t elements = chunk.bytes / element_bytes_;
  if (elements > described_elements_ - elements_) {
    return Corrupt(absl::StrCat(
        "the chunk at element ", expected, " has ", elements,
        " elements, only ", described_elements_ - elements_, " are to come"));
  }
  return absl::OkStatus();
}

absl::Status TensorVerifier::OnChunkData(const ReceivedChunk& chunk,
                                         uint32_t crc32) {
  if (crc32 != chunk.crc32) {
    return Corrupt(absl::StrCat("the chunk at element ", chunk.first_element,
                                " has CRC-32 ", Hex(crc32), ", expected was ",
                                Hex(chunk.crc32)));
  }
  crc32_ = ConcatCrc32(crc32_, crc32, chunk.bytes);
  elements_ += chunk.bytes / element_bytes_;
  bytes_ += chunk.bytes;
  return absl::OkStatus();
}

absl::Status TensorVerifier::OnTrailer(const v1::TensorTrailer& trailer) {
  if (!has_header_) return Corrupt("a trailer before the header");
  if (has_trailer_) return Corrupt("a second trailer");
  has_trailer_ = true;
  if (elements_ != described_elements_) {
    return Corrupt(absl::StrCat("the trailer came after ", elements_, " of ",
                                described_elements_, " elements"));
  }
  if (trailer.elements() != elements_ || trailer.bytes() != bytes_) {
    return Corrupt(absl::StrCat(
        "the trailer counts ", trailer.elements(), " elements and ",
        trailer.bytes(), " bytes, received were ", elements_, " and ", bytes_));
  }
  if (trailer.crc32() != crc32_) {
    return Corrupt(absl::StrCat("the trailer has CRC-32 ", Hex(trailer.crc32()),
                                ", that of the data received is ",
                                Hex(crc32_)));
  }
  return absl::OkStatus();
}

absl::Status TensorVerifier::OnEnd() const {
  if (has_trailer_) return absl::OkStatus();
  return Corrupt(absl::StrCat("the stream ended without a trailer after ",
                              elements_, " elements"));
}

absl::Status VerifySeed(uint64_t seed, const std::string& seed_name,
                        const v1::TensorDescription& description) {
  constexpr absl::string_view kOther =
      "the server describes another tensor than the one requested: ";
  if (!seed_name.empty() && description.seed_name().empty()) {
    return Corrupt(absl::StrCat(kOther,
                                "it has no seed_name; a server of a version "
                                "without seed names ignores them"));
  }
  if (description.seed_name() != seed_name) {
    return Corrupt(absl::StrCat(kOther, "its seed_name is another"));
  }
  if (seed_name.empty() && description.seed() != seed) {
    return Corrupt(absl::StrCat(kOther, "its seed is ", description.seed(),
                                ", requested was ", seed));
  }
  return absl::OkStatus();
}

absl::Status VerifyResumedDescription(const v1::TensorDescription& first,
                                      const v1::TensorDescription& resumed,
                                      int64_t delivered) {
  v1::TensorDescription expected = first;
  if (first.elements() > 0) {
    const int64_t element_bytes = first.bytes() / first.elements();
    expected.set_bytes(first.bytes() - delivered * element_bytes);
  }
  expected.set_elements(first.elements() - delivered);
  MessageDifferencer differencer;
  // Advice is worded by the server, whose version may differ.
  differencer.IgnoreField(
      v1::TensorDescription::descriptor()->FindFieldByNumber(
          v1::TensorDescription::kAdvisoriesFieldNumber));
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(expected, resumed)) return absl::OkStatus();
  return Corrupt(absl::StrCat("the resumed stream describes another tensor: ",
                              differences));
}

}  // namespace weightinit

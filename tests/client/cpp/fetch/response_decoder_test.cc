#include "client/cpp/fetch/response_decoder.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using Part = v1::InitializeTensorResponse;
using ::testing::IsEmpty;
using ::testing::SizeIs;

grpc::ByteBuffer BufferOf(const std::vector<std::string>& slices) {
  std::vector<grpc::Slice> copies(slices.begin(), slices.end());
  return {copies.data(), copies.size()};
}

// `wire` in slices that end at `cuts`, in ascending order, and at its end.
grpc::ByteBuffer Cut(const std::string& wire, const std::vector<size_t>& cuts) {
  std::vector<std::string> slices;
  size_t begin = 0;
  for (const size_t cut : cuts) {
    slices.push_back(wire.substr(begin, cut - begin));
    begin = cut;
  }
  slices.push_back(wire.substr(begin));
  return BufferOf(slices);
}

std::string Join(const ReceivedChunk& chunk) {
  std::string data;
  for (const auto& piece : chunk.pieces) {
    EXPECT_FALSE(piece.empty());
    data.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  EXPECT_EQ(static_cast<int64_t>(data.size()), chunk.bytes);
  return data;
}

// Whether `decoder` says of `message` what the generated code says of `wire`,
// which are the same bytes. Returns whether they are valid.
bool SameAsGenerated(ResponseDecoder& decoder, grpc::ByteBuffer& message,
                     const std::string& wire) {
  Part expected;
  const bool valid = expected.ParseFromString(wire);
  EXPECT_EQ(decoder.Decode(message), valid);
  if (!valid) {
    EXPECT_EQ(decoder.part_case(), Part::PART_NOT_SET);
    return false;
  }
  EXPECT_EQ(decoder.part_case(), expected.part_case());
  switch (expected.part_case()) {
    case Part::kHeader:
      EXPECT_EQ(decoder.header().SerializeAsString(),
                expected.header().SerializeAsString());
      break;
    case Part::kChunk:
      EXPECT_EQ(decoder.chunk().first_element,
                expected.chunk().first_element());
      EXPECT_EQ(decoder.chunk().crc32, expected.chunk().crc32());
      EXPECT_EQ(Join(decoder.chunk()), expected.chunk().data());
      break;
    case Part::kTrailer:
      EXPECT_EQ(decoder.trailer().SerializeAsString(),
                expected.trailer().SerializeAsString());
      break;
    case Part::PART_NOT_SET:
      break;
  }
  return true;
}

bool SameAsGenerated(const std::string& wire) {
  ResponseDecoder decoder;
  grpc::ByteBuffer message = Cut(wire, {wire.size() / 2});
  return SameAsGenerated(decoder, message, wire);
}

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) {
    bytes.push_back(static_cast<char>(value | 0x80));
  }
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string Field(char tag, const std::string& content) {
  return tag + Varint(content.size()) + content;
}

const std::string kFirstElement = "\x08" + Varint(300);
const std::string kCrc32 = "\x15" + std::string("\x01\x02\x03\x84");
const std::string kData =
    Field('\x1a', "The forty bytes that make up this payload");
// Field 9, a varint, and field 17, of bytes.
const std::string kUnknown = "\x48\x05" + std::string("\x8a\x01\x02zz");

std::string ChunkPart(const std::string& fields) {
  return Field('\x12', fields);
}

std::string UsualChunk() { return ChunkPart(kFirstElement + kCrc32 + kData); }

std::string HeaderPart() {
  Part part;
  v1::TensorDescription& description =
      *part.mutable_header()->mutable_description();
  description.add_shape(512);
  description.set_seed(42);
  description.set_stddev(0.125);
  return part.SerializeAsString();
}

std::string TrailerPart() {
  Part part;
  part.mutable_trailer()->set_elements(1 << 20);
  part.mutable_trailer()->set_bytes(4 << 20);
  part.mutable_trailer()->set_crc32(0xdeadbeef);
  return part.SerializeAsString();
}

TEST(ResponseDecoderTest, EverySplitOfAChunkIntoSlicesGivesTheSame) {
  const std::string wire = UsualChunk();
  ResponseDecoder decoder;
  for (size_t first = 0; first <= wire.size(); ++first) {
    for (size_t second = first; second <= wire.size(); ++second) {
      grpc::ByteBuffer message = Cut(wire, {first, second});
      ASSERT_TRUE(SameAsGenerated(decoder, message, wire))
          << first << ", " << second;
    }
  }
  std::vector<size_t> everywhere(wire.size() - 1);
  for (size_t i = 0; i < everywhere.size(); ++i) everywhere[i] = i + 1;
  grpc::ByteBuffer message = Cut(wire, everywhere);
  EXPECT_TRUE(SameAsGenerated(decoder, message, wire));
}

TEST(ResponseDecoderTest, DataStaysInTheSlicesOfTheMessage) {
  Part part;
  part.mutable_chunk()->set_first_element(300);
  part.mutable_chunk()->set_data(std::string(1000, 'x'));
  const std::string wire = part.SerializeAsString();
  const std::vector<grpc::Slice> slices = {
      {wire.data(), 100}, {wire.data() + 100, wire.size() - 100}};
  grpc::ByteBuffer message(slices.data(), slices.size());
  ResponseDecoder decoder;
  ASSERT_TRUE(decoder.Decode(message));
  ASSERT_THAT(decoder.chunk().pieces, SizeIs(2));
  EXPECT_EQ(decoder.chunk().pieces[0].end(), slices[0].end());
  EXPECT_EQ(decoder.chunk().pieces[1].begin(), slices[1].begin());
  EXPECT_EQ(decoder.chunk().pieces[1].end(), slices[1].end());
  EXPECT_EQ(decoder.chunk().bytes, 1000);
}

TEST(ResponseDecoderTest, FieldsOfAChunkComeInAnyOrder) {
  std::vector<std::string> fields = {kCrc32, kFirstElement, kData};
  std::sort(fields.begin(), fields.end());
  do {
    EXPECT_TRUE(SameAsGenerated(ChunkPart(fields[0] + fields[1] + fields[2])));
  } while (std::next_permutation(fields.begin(), fields.end()));
}

TEST(ResponseDecoderTest, FieldsMayBeMissing) {
  EXPECT_TRUE(SameAsGenerated(ChunkPart(kData)));
  EXPECT_TRUE(SameAsGenerated(ChunkPart(kFirstElement + kCrc32)));
  EXPECT_TRUE(SameAsGenerated(ChunkPart("")));
}

TEST(ResponseDecoderTest, UnknownFieldsAreSkippedWhereverTheyStand) {
  EXPECT_TRUE(SameAsGenerated(kUnknown + UsualChunk()));
  EXPECT_TRUE(SameAsGenerated(UsualChunk() + kUnknown));
  EXPECT_TRUE(SameAsGenerated(ChunkPart(kUnknown + kCrc32 + kData)));
  EXPECT_TRUE(SameAsGenerated(ChunkPart(kCrc32 + kUnknown + kData)));
  EXPECT_TRUE(SameAsGenerated(ChunkPart(kCrc32 + kData + kUnknown)));
}

TEST(ResponseDecoderTest, RepeatedOccurrencesAreMerged) {
  EXPECT_TRUE(
      SameAsGenerated(ChunkPart(kFirstElement + "\x08\x05" + kCrc32 + kData)));
  EXPECT_TRUE(SameAsGenerated(ChunkPart(kData + Field('\x1a', "other"))));
  EXPECT_TRUE(
      SameAsGenerated(ChunkPart(kFirstElement + kData) + ChunkPart(kCrc32)));
  EXPECT_TRUE(SameAsGenerated(HeaderPart() + UsualChunk()));
  EXPECT_TRUE(SameAsGenerated(UsualChunk() + TrailerPart()));
}

TEST(ResponseDecoderTest, VarintsMayBeLongerThanNeeded) {
  const std::string data = "abcd";
  for (const std::string& first_element :
       {std::string("\x85\x00", 2), std::string("\x85\x80\x80\x80\x00", 5),
        std::string("\x85\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10)}) {
    EXPECT_TRUE(SameAsGenerated(
        ChunkPart(absl::StrCat("\x08", first_element, Field('\x1a', data)))));
  }
  for (const std::string& length :
       {std::string("\x84\x00", 2), std::string("\x84\x80\x80\x00", 4),
        std::string("\x84\x80\x80\x80\x00", 5)}) {
    EXPECT_TRUE(SameAsGenerated(ChunkPart(absl::StrCat("\x1a", length, data))));
  }
  // Longer than the generated code takes.
  EXPECT_FALSE(SameAsGenerated(
      ChunkPart("\x1a" + std::string("\x84\x80\x80\x80\x80\x00", 6) + data)));
  EXPECT_FALSE(SameAsGenerated(ChunkPart(
      "\x08" + std::string("\x85\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11) +
      kData)));
  // The tag of the chunk.
  EXPECT_TRUE(
      SameAsGenerated(std::string("\x92\x00", 2) + UsualChunk().substr(1)));
}

TEST(ResponseDecoderTest, FirstElementMayBeNegativeOrLarge) {
  for (const int64_t first_element :
       {int64_t{-1}, INT64_MIN, INT64_MAX, int64_t{1} << 62}) {
    Part part;
    part.mutable_chunk()->set_first_element(first_element);
    part.mutable_chunk()->set_data("abcd");
    EXPECT_TRUE(SameAsGenerated(part.SerializeAsString())) << first_element;
  }
}

TEST(ResponseDecoderTest, EmptyDataHasNoPieces) {
  for (const std::string& wire :
       {ChunkPart(kCrc32), ChunkPart(kCrc32 + Field('\x1a', ""))}) {
    ASSERT_TRUE(SameAsGenerated(wire));
    grpc::ByteBuffer message = Cut(wire, {});
    ResponseDecoder decoder;
    ASSERT_TRUE(decoder.Decode(message));
    EXPECT_THAT(decoder.chunk().pieces, IsEmpty());
    EXPECT_EQ(decoder.chunk().bytes, 0);
  }
}

TEST(ResponseDecoderTest, HeaderTrailerAndNothingAreDecoded) {
  EXPECT_TRUE(SameAsGenerated(HeaderPart()));
  EXPECT_TRUE(SameAsGenerated(TrailerPart()));
  EXPECT_TRUE(SameAsGenerated(""));
  EXPECT_TRUE(SameAsGenerated(kUnknown));
  ResponseDecoder decoder;
  grpc::ByteBuffer no_slices(nullptr, 0);
  EXPECT_TRUE(SameAsGenerated(decoder, no_slices, ""));
}

TEST(ResponseDecoderTest, NothingStaysFromTheMessageBefore) {
  ResponseDecoder decoder;
  for (const std::string& wire :
       {UsualChunk(), HeaderPart(), ChunkPart(Field('\x1a', "wxyz")),
        ChunkPart(kData + kCrc32), ChunkPart(""), TrailerPart(),
        std::string("\x12"), std::string(), UsualChunk()}) {
    grpc::ByteBuffer message = Cut(wire, {});
    SameAsGenerated(decoder, message, wire);
  }
}

TEST(ResponseDecoderTest, TruncatedMessagesAreInvalid) {
  const std::string wire = UsualChunk();
  for (size_t size = 1; size < wire.size(); ++size) {
    EXPECT_FALSE(SameAsGenerated(wire.substr(0, size))) << size;
  }
}

TEST(ResponseDecoderTest, LengthsPastTheEndAreInvalid) {
  const std::string wire = UsualChunk();
  const size_t data_length = wire.size() - kData.size() + 1;
  for (const size_t at : {size_t{1}, data_length}) {
    std::string longer = wire;
    ++longer[at];
    EXPECT_FALSE(SameAsGenerated(longer));
    std::string shorter = wire;
    --shorter[at];
    EXPECT_FALSE(SameAsGenerated(shorter));
  }
  EXPECT_FALSE(SameAsGenerated(ChunkPart("\x1a" + Varint(UINT32_MAX) + "ab")));
  EXPECT_FALSE(SameAsGenerated(ChunkPart("\x1a" + Varint(UINT64_MAX) + "ab")));
}

TEST(ResponseDecoderTest, WrongWireTypesAreInvalidOrUnknown) {
  // Groups: one that does not end, and an end without a start.
  EXPECT_FALSE(SameAsGenerated(ChunkPart("\x1b")));
  EXPECT_FALSE(SameAsGenerated(ChunkPart("\x1c")));
  EXPECT_FALSE(SameAsGenerated(ChunkPart(std::string("\x00", 1) + kData)));
  EXPECT_TRUE(SameAsGenerated(ChunkPart("\x18\x05" + kCrc32 + kData)));
}

TEST(ResponseDecoderTest, NameThatIsNotUtf8IsInvalid) {
  Part part;
  part.mutable_header()->mutable_description()->set_name("fc1");
  std::string wire = part.SerializeAsString();
  wire[wire.find("fc1")] = '\xff';
  EXPECT_FALSE(SameAsGenerated(wire));
}

TEST(ResponseDecoderTest, MutatedMessagesAreWhatTheGeneratedCodeSays) {
  const std::vector<std::string> originals = {
      UsualChunk(), HeaderPart(), TrailerPart(),
      ChunkPart(kUnknown + kData + kCrc32), UsualChunk() + UsualChunk()};
  // Reproducible on purpose.
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp,cert-msc32-c)
  const auto below = [&random](size_t end) {
    return std::uniform_int_distribution<size_t>(0, end - 1)(random);
  };
  ResponseDecoder decoder;
  int valid = 0;
  constexpr int kMessages = 50000;
  for (int i = 0; i < kMessages; ++i) {
    std::string wire = originals[below(originals.size())];
    for (size_t change = below(3) + 1; change > 0 && !wire.empty(); --change) {
      const size_t at = below(wire.size());
      switch (below(4)) {
        case 0:
          wire[at] = static_cast<char>(wire[at] ^ (1 << below(8)));
          break;
        case 1:
          wire[at] = static_cast<char>(below(256));
          break;
        case 2:
          wire.insert(at, 1, static_cast<char>(below(256)));
          break;
        default:
          wire.erase(at, 1 + below(3));
          break;
      }
    }
    std::vector<size_t> cuts = {below(wire.size() + 1), below(wire.size() + 1)};
    std::sort(cuts.begin(), cuts.end());
    grpc::ByteBuffer message = Cut(wire, cuts);
    if (SameAsGenerated(decoder, message, wire)) ++valid;
    ASSERT_FALSE(HasFailure()) << i << ": " << testing::PrintToString(wire);
  }
  // Enough of both that the comparison means something.
  EXPECT_GT(valid, kMessages / 20);
  EXPECT_LT(valid, kMessages * 19 / 20);
}

}  // namespace
}  // namespace weightinit

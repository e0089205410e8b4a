// Archives of more than 4 GiB or 65535 entries, of which only what is around
// the data is made.

#include "client/cpp/cli/zip_format.h"

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/npz_layout.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {
namespace {

using ::testing::SizeIs;

// The number of `bytes` bytes at `at`, little-endian.
uint64_t NumberAt(const std::string& text, size_t at, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) {
    number |= uint64_t{static_cast<uint8_t>(text.at(at + i))} << (8 * i);
  }
  return number;
}

// A file with holes where nothing is put.
class SparseFile {
 public:
  SparseFile() : path_(::testing::TempDir() + "/zip_format_test.XXXXXX") {
    close(mkstemp(path_.data()));
  }
  ~SparseFile() { std::filesystem::remove(path_); }

  void Put(int64_t offset, const std::string& text) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << text;
    ASSERT_TRUE(file.good());
  }
  std::unique_ptr<InputFile> Open() const { return *InputFile::Open(path_); }

 private:
  std::string path_;
};

// What a reader finds in an archive of `entries` whose directory is at
// `offset`.
std::optional<ZipListing> Reread(const std::vector<ZipEntry>& entries,
                                 int64_t offset, const std::string& comment) {
  SparseFile file;
  file.Put(offset, ZipDirectory(entries, offset, comment));
  return ReadZipDirectory(*file.Open());
}

void ExpectSame(const std::vector<ZipEntry>& a,
                const std::vector<ZipEntry>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].bytes, b[i].bytes) << a[i].name;
    EXPECT_EQ(a[i].crc32, b[i].crc32) << a[i].name;
    EXPECT_EQ(a[i].offset, b[i].offset) << a[i].name;
  }
}

constexpr int64_t kLimit = 0xffffffff;  // Of numbers without ZIP64.

TEST(ZipFormatTest, ReaderFindsWhatWasWritten) {
  const std::vector<ZipEntry> entries = {{"a.npy", 5, 0xdeadbeef, 0},
                                         {"ü/b.npy", 0, 0, 50}};
  const auto listing = Reread(entries, 100, "a comment");
  ASSERT_TRUE(listing.has_value());
  ExpectSame(listing->entries, entries);
  EXPECT_EQ(listing->comment, "a comment");
}

TEST(ZipFormatTest, LargeNumbersAreInZip64Fields) {
  for (const int64_t big : {kLimit - 1, kLimit, kLimit + 1, int64_t{1} << 40}) {
    const std::vector<ZipEntry> entries = {
        {"big", big, 1, 0}, {"behind", 7, 2, big}, {"both", big, 3, big}};
    const auto listing = Reread(entries, 3 * kLimit, "");
    ASSERT_TRUE(listing.has_value()) << big;
    ExpectSame(listing->entries, entries);
  }
}

TEST(ZipFormatTest, LocalHeaderHasZip64FieldsWhereTheSizeNeedsThem) {
  const std::string small = ZipLocalHeader({"name", kLimit - 1, 9, 0});
  EXPECT_THAT(small, SizeIs(30 + 4));
  EXPECT_EQ(NumberAt(small, 4, 2), 20u);
  EXPECT_EQ(NumberAt(small, 18, 4), uint64_t{kLimit - 1});
  const std::string large = ZipLocalHeader({"name", kLimit, 9, 0});
  EXPECT_THAT(large, SizeIs(30 + 4 + 20));
  EXPECT_EQ(NumberAt(large, 4, 2), 45u);
  EXPECT_EQ(NumberAt(large, 18, 4), uint64_t{kLimit});
  EXPECT_EQ(NumberAt(large, 22, 4), uint64_t{kLimit});
  EXPECT_EQ(NumberAt(large, 34, 2), 1u);
  EXPECT_EQ(NumberAt(large, 36, 2), 16u);
  EXPECT_EQ(NumberAt(large, 38, 8), uint64_t{kLimit});
  EXPECT_EQ(NumberAt(large, 46, 8), uint64_t{kLimit});
}

TEST(ZipFormatTest, ManyEntriesAreCountedInZip64) {
  for (const size_t count : {size_t{65534}, size_t{65535}, size_t{70000}}) {
    std::vector<ZipEntry> entries(count);
    for (size_t i = 0; i < count; ++i) entries[i].name = std::to_string(i);
    const auto listing = Reread(entries, 0, "");
    ASSERT_TRUE(listing.has_value()) << count;
    EXPECT_EQ(listing->entries.size(), count);
    EXPECT_EQ(listing->entries.back().name, std::to_string(count - 1));
  }
}

TEST(ZipFormatTest, FileThatIsNoArchiveHasNoDirectory) {
  const std::string directory = ZipDirectory({{"a", 5, 1, 0}}, 0, "");
  for (const std::string& text :
       {std::string(), std::string("PK"), std::string(100, '\0'),
        directory.substr(1), directory.substr(0, directory.size() - 1),
        directory + "x"}) {
    SparseFile file;
    file.Put(0, text);
    EXPECT_FALSE(ReadZipDirectory(*file.Open()).has_value()) << text.size();
  }
}

TEST(NpzLayoutTest, TensorsOfMoreThan4GiBAreWhereTheDirectorySays) {
  NpzLayout layout;
  v1::ModelSummary summary;
  Crc32s crc32s;
  constexpr int64_t kElements = int64_t{3} << 30;
  for (int64_t i = 0; i < 3; ++i) {
    v1::ModelTensor tensor;
    tensor.set_index(i);
    v1::TensorDescription& description = *tensor.mutable_description();
    description.set_name(std::string(1, static_cast<char>('c' - i)));
    description.set_dtype(v1::DTYPE_FLOAT16);
    description.add_slice_shape(kElements);
    description.set_bytes(2 * kElements);
    ASSERT_TRUE(layout.Add(tensor).ok());
    crc32s[i] = 0;
  }
  ASSERT_TRUE(layout.Finish(summary).ok());
  SparseFile file;
  for (const FixedBytes& part : layout.ahead()) {
    file.Put(part.offset, part.bytes);
  }
  for (const FixedBytes& part : layout.Behind(crc32s)) {
    file.Put(part.offset, part.bytes);
  }
  const auto opened = file.Open();
  EXPECT_EQ(opened->bytes(), layout.bytes());
  const auto listing = ReadZipDirectory(*opened);
  ASSERT_TRUE(listing.has_value());
  ASSERT_THAT(listing->entries, SizeIs(3));
  for (int64_t i = 0; i < 3; ++i) {
    v1::ModelTensor tensor;
    tensor.set_index(2 - i);
    const ZipEntry& entry = listing->entries[static_cast<size_t>(i)];
    EXPECT_EQ(entry.name, std::string(1, static_cast<char>('a' + i)) + ".npy");
    EXPECT_EQ(entry.bytes, 128 + 2 * kElements);
    // Behind the local header with its ZIP64 field, the name and the .npy
    // header.
    EXPECT_EQ(layout.PlaceOf(tensor.index()).offset,
              entry.offset + 30 + 20 + 5 + 128);
  }
  EXPECT_EQ(layout.Difference(0, *opened), "");
}

}  // namespace
}  // namespace weightinit::cli

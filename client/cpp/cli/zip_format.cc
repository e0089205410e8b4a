#include "client/cpp/cli/zip_format.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/input_file.h"

namespace weightinit::cli {
namespace {

// Numbers and names are those of the .ZIP File Format Specification, 6.3.
constexpr uint64_t kLocalSignature = 0x04034b50;
constexpr uint64_t kCentralSignature = 0x02014b50;
constexpr uint64_t kEndSignature = 0x06054b50;
constexpr uint64_t kEnd64Signature = 0x06064b50;
constexpr uint64_t kLocator64Signature = 0x07064b50;
constexpr size_t kCentralBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64Bytes = 56;
constexpr size_t kLocator64Bytes = 20;
constexpr size_t kMaxCommentBytes = 65535;

constexpr uint64_t kVersion = 20;
constexpr uint64_t kVersion64 = 45;
constexpr uint64_t kUnix = 3 << 8;
// A regular file that all may read.
constexpr uint64_t kAttributes = uint64_t{0100644} << 16;
constexpr uint64_t kUtf8 = 1 << 11;
constexpr uint64_t kEarliestDate = (1 << 5) | 1;  // Month and day.
constexpr uint64_t kTag64 = 1;
// Stands for a number that is in a ZIP64 field.
constexpr uint64_t kIn64 = 0xffffffff;
constexpr uint64_t kCountIn64 = 0xffff;

// Little-endian numbers, one behind the other.
class Record {
 public:
  Record& Add(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      text_.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
    }
    return *this;
  }
  Record& Add2(uint64_t value) { return Add(value, 2); }
  Record& Add4(uint64_t value) { return Add(value, 4); }
  Record& Add8(uint64_t value) { return Add(value, 8); }
  Record& Add(absl::string_view text) {
    absl::StrAppend(&text_, text);
    return *this;
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

bool Needs64(int64_t number) { return static_cast<uint64_t>(number) >= kIn64; }

uint64_t Or64(int64_t number) {
  return std::min(static_cast<uint64_t>(number), kIn64);
}

// The ZIP64 extra field of these numbers; nothing for none.
std::string Extra64(const std::vector<int64_t>& numbers) {
  if (numbers.empty()) return "";
  Record extra;
  extra.Add2(kTag64).Add2(8 * numbers.size());
  for (const int64_t number : numbers) {
    extra.Add8(static_cast<uint64_t>(number));
  }
  return extra.text();
}

std::string CentralHeader(const ZipEntry& entry) {
  std::vector<int64_t> numbers;
  if (Needs64(entry.bytes)) numbers = {entry.bytes, entry.bytes};
  if (Needs64(entry.offset)) numbers.push_back(entry.offset);
  const std::string extra = Extra64(numbers);
  const uint64_t version = extra.empty() ? kVersion : kVersion64;
  Record header;
  header.Add4(kCentralSignature).Add2(version | kUnix).Add2(version);
  header.Add2(kUtf8).Add2(0).Add2(0).Add2(kEarliestDate);
  header.Add4(entry.crc32).Add4(Or64(entry.bytes)).Add4(Or64(entry.bytes));
  header.Add2(entry.name.size()).Add2(extra.size()).Add2(0).Add2(0).Add2(0);
  header.Add4(kAttributes).Add4(Or64(entry.offset));
  return header.Add(entry.name).Add(extra).text();
}

// The number of `bytes` bytes at `at`. REQUIRES: it is within `text`.
uint64_t NumberAt(absl::string_view text, size_t at, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) {
    number |= uint64_t{static_cast<uint8_t>(text[at + i])} << (8 * i);
  }
  return number;
}

// The next number of a ZIP64 field, in the place of `number` if that says so.
int64_t Take64(absl::string_view& extra, uint64_t number) {
  if (number == kIn64 && extra.size() >= 8) {
    number = NumberAt(extra, 0, 8);
    extra.remove_prefix(8);
  }
  return static_cast<int64_t>(number);
}

// The content of the ZIP64 field among `extra` fields; empty if there is none.
absl::string_view Find64(absl::string_view extra) {
  while (extra.size() >= 4) {
    const uint64_t tag = NumberAt(extra, 0, 2);
    const size_t size = NumberAt(extra, 2, 2);
    extra.remove_prefix(4);
    if (tag == kTag64) return extra.substr(0, size);
    extra.remove_prefix(std::min(size, extra.size()));
  }
  return "";
}

// Takes an entry from the front of `directory`; false if none is there.
bool TakeEntry(absl::string_view& directory, ZipEntry& entry) {
  if (directory.size() < kCentralBytes ||
      NumberAt(directory, 0, 4) != kCentralSignature) {
    return false;
  }
  const size_t name = NumberAt(directory, 28, 2);
  const size_t extra = NumberAt(directory, 30, 2);
  const size_t comment = NumberAt(directory, 32, 2);
  if (directory.size() < kCentralBytes + name + extra + comment) return false;
  absl::string_view extra64 =
      Find64(directory.substr(kCentralBytes + name, extra));
  entry.name = std::string(directory.substr(kCentralBytes, name));
  entry.compressed = NumberAt(directory, 10, 2) != 0;
  entry.crc32 = static_cast<uint32_t>(NumberAt(directory, 16, 4));
  entry.bytes = Take64(extra64, NumberAt(directory, 24, 4));
  Take64(extra64, NumberAt(directory, 20, 4));
  entry.offset = Take64(extra64, NumberAt(directory, 42, 4));
  directory.remove_prefix(kCentralBytes + name + extra + comment);
  return true;
}

// Where the central directory is.
struct Extent {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// `end` is in `tail`, the last bytes of `file`.
std::optional<Extent> FindDirectory(const InputFile& file,
                                    absl::string_view tail, size_t end) {
  Extent extent{NumberAt(tail, end + 16, 4), NumberAt(tail, end + 12, 4)};
  if (end < kLocator64Bytes) return extent;
  const absl::string_view locator = tail.substr(end - kLocator64Bytes);
  if (NumberAt(locator, 0, 4) != kLocator64Signature) return extent;
  const uint64_t at = NumberAt(locator, 8, 8);
  if (at > static_cast<uint64_t>(file.bytes()) - kEnd64Bytes) {
    return std::nullopt;
  }
  const auto end64 =
      file.ReadAt(static_cast<int64_t>(at), int64_t{kEnd64Bytes});
  if (!end64.ok() || NumberAt(*end64, 0, 4) != kEnd64Signature) {
    return std::nullopt;
  }
  return Extent{NumberAt(*end64, 48, 8), NumberAt(*end64, 40, 8)};
}

}  // namespace

std::string ZipLocalHeader(const ZipEntry& entry) {
  const std::string extra =
      Needs64(entry.bytes) ? Extra64({entry.bytes, entry.bytes}) : "";
  Record header;
  header.Add4(kLocalSignature).Add2(extra.empty() ? kVersion : kVersion64);
  header.Add2(kUtf8).Add2(0).Add2(0).Add2(kEarliestDate);
  header.Add4(entry.crc32).Add4(Or64(entry.bytes)).Add4(Or64(entry.bytes));
  header.Add2(entry.name.size()).Add2(extra.size());
  return header.Add(entry.name).Add(extra).text();
}

std::string ZipDirectory(const std::vector<ZipEntry>& entries, int64_t offset,
                         const std::string& comment) {
  Record record;
  for (const ZipEntry& entry : entries) record.Add(CentralHeader(entry));
  const auto bytes = static_cast<int64_t>(record.text().size());
  const uint64_t count = entries.size();
  if (count >= kCountIn64 || Needs64(bytes) || Needs64(offset)) {
    record.Add4(kEnd64Signature).Add8(kEnd64Bytes - 12);
    record.Add2(kVersion64 | kUnix).Add2(kVersion64).Add4(0).Add4(0);
    record.Add8(count).Add8(count);
    record.Add8(static_cast<uint64_t>(bytes));
    record.Add8(static_cast<uint64_t>(offset));
    record.Add4(kLocator64Signature).Add4(0);
    record.Add8(static_cast<uint64_t>(offset + bytes)).Add4(1);
  }
  const uint64_t count16 = std::min(count, kCountIn64);
  record.Add4(kEndSignature).Add2(0).Add2(0).Add2(count16).Add2(count16);
  record.Add4(Or64(bytes)).Add4(Or64(offset));
  return record.Add2(comment.size()).Add(comment).text();
}

std::optional<ZipListing> ReadZipDirectory(const InputFile& file) {
  const int64_t tail_bytes = std::min<int64_t>(
      file.bytes(), kLocator64Bytes + kEndBytes + kMaxCommentBytes);
  const auto read = file.ReadAt(file.bytes() - tail_bytes, tail_bytes);
  if (!read.ok() || read->size() < kEndBytes) return std::nullopt;
  const absl::string_view tail = *read;
  // From the last place where the end can be.
  size_t end = tail.size() - kEndBytes;
  while (NumberAt(tail, end, 4) != kEndSignature ||
         end + kEndBytes + NumberAt(tail, end + 20, 2) != tail.size()) {
    if (end == 0) return std::nullopt;
    --end;
  }
  const auto extent = FindDirectory(file, tail, end);
  const auto file_bytes = static_cast<uint64_t>(file.bytes());
  if (!extent.has_value() || extent->offset > file_bytes ||
      extent->bytes > file_bytes - extent->offset) {
    return std::nullopt;
  }
  const auto directory = file.ReadAt(static_cast<int64_t>(extent->offset),
                                     static_cast<int64_t>(extent->bytes));
  if (!directory.ok()) return std::nullopt;
  ZipListing listing;
  listing.comment = std::string(tail.substr(end + kEndBytes));
  absl::string_view rest = *directory;
  ZipEntry entry;
  while (TakeEntry(rest, entry)) listing.entries.push_back(entry);
  if (!rest.empty()) return std::nullopt;
  return listing;
}

}  // namespace weightinit::cli

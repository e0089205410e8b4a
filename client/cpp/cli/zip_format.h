// ZIP archives whose entries are stored as they are, without compression.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_ZIP_FORMAT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_ZIP_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cpp/cli/input_file.h"

namespace weightinit::cli {

inline constexpr size_t kMaxZipNameBytes = 65535;

struct ZipEntry {
  std::string name;    // UTF-8, 1 to kMaxZipNameBytes bytes.
  int64_t bytes = 0;   // Of its content.
  uint32_t crc32 = 0;  // Of its content.
  int64_t offset = 0;  // Of its local header, from the start of the archive.
  bool compressed = false;  // Only of what is read.
};

// What stands before the content of an entry. Its time is 1980-01-01, the
// earliest there is; it has the ZIP64 fields where the size needs them.
std::string ZipLocalHeader(const ZipEntry& entry);

// What stands behind the last entry: the central directory, which begins at
// `offset`, and its end. `comment` has at most 65535 bytes.
std::string ZipDirectory(const std::vector<ZipEntry>& entries, int64_t offset,
                         const std::string& comment);

struct ZipListing {
  std::vector<ZipEntry> entries;
  std::string comment;
};

// What the central directory of `file` says, whoever wrote it; nothing if there
// is none.
std::optional<ZipListing> ReadZipDirectory(const InputFile& file);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_ZIP_FORMAT_H_

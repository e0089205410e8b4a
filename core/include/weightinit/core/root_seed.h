// The secret that the seeds of names are derived from.

#ifndef WEIGHTINIT_CORE_ROOT_SEED_H_
#define WEIGHTINIT_CORE_ROOT_SEED_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weightinit {

inline constexpr size_t kMinRootSeedBytes = 32;
inline constexpr size_t kMaxRootSeedBytes = 4096;

// Who has it knows the seeds of all names; the seeds do not give it away.
// core/DETERMINISM.md, "Seeds from names", defines every bit. Its methods are
// thread-safe; its bytes are erased with it.
class RootSeed {
 public:
  // INVALID_ARGUMENT: the number of bytes is not from kMinRootSeedBytes to
  // kMaxRootSeedBytes.
  static absl::StatusOr<RootSeed> FromBytes(std::string_view bytes);

  RootSeed(RootSeed&&) noexcept = default;
  RootSeed& operator=(RootSeed&&) = delete;
  ~RootSeed();

  // The first 8 bytes, little-endian, of HMAC-SHA-256 with the root seed as key
  // over
  //   "weightinit.seed.v1" 0x00 | length of the name, 8 bytes | name,
  // the length little-endian.
  uint64_t SeedOf(std::string_view name) const;

  // Tells root seeds apart without giving them away: 16 hexadecimal digits, the
  // first 8 bytes of HMAC-SHA-256 over "weightinit.root_seed_id.v1" 0x00.
  const std::string& id() const { return id_; }

 private:
  explicit RootSeed(std::string_view bytes);

  std::vector<unsigned char> key_;
  std::string id_;
};

struct RootSeedFile {
  RootSeed root_seed;
  // Whether the file may be read by any user of the machine, or changed by
  // others than its owner.
  bool exposed = false;
};

// The root seed in the file at `path`: its bytes as they are, without one line
// feed at the end, which editors and shells put there. INVALID_ARGUMENT, which
// names the path: the file cannot be read, or holds too little or too much.
absl::StatusOr<RootSeedFile> ReadRootSeedFile(const std::string& path);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_ROOT_SEED_H_

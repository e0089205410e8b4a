// Integers as the messages that are hashed hold them.

#ifndef WEIGHTINIT_CORE_RANDOM_LITTLE_ENDIAN_H_
#define WEIGHTINIT_CORE_RANDOM_LITTLE_ENDIAN_H_

#include <cstdint>
#include <string>

namespace weightinit {

inline void AppendLittleEndian(uint64_t value, std::string& bytes) {
  for (int shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
}

// Of 8 bytes.
inline uint64_t LoadLittleEndian(const unsigned char* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_LITTLE_ENDIAN_H_

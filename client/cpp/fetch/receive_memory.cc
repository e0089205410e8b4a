#include "client/cpp/fetch/receive_memory.h"

#include <cstdlib>

namespace weightinit {

void KeepReceiveMemory() {
#ifdef __GLIBC__
  // gRPC takes the blocks it receives into from the heap, and frees them with
  // each message. glibc gives back what is free at the end of the heap as soon
  // as that is more than 128 KiB, and the next message faults every page in
  // anew, which costs more than checking and copying the data. Once a process
  // has freed a large block of its own mapping, though, glibc takes it for one
  // that reuses such memory: it then leaves twice that block's size at the end
  // of the heap. So this is such a block, a little below the 32 MiB up to which
  // glibc learns. It is never touched; and where the program has set limits
  // with mallopt, glibc keeps to those.
  static const bool kept = [] {
    // volatile: the compiler may remove an allocation that it sees unused.
    void* volatile block = std::malloc(size_t{31} << 20);
    std::free(block);
    return true;
  }();
  static_cast<void>(kept);
#endif
}

}  // namespace weightinit

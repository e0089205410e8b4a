// The memory that gRPC receives into.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_RECEIVE_MEMORY_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_RECEIVE_MEMORY_H_

namespace weightinit {

// Lets the process keep the memory of received messages for the next ones,
// where the allocator would give it back to the system each time. Thread-safe;
// calls after the first do nothing.
void KeepReceiveMemory();

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_RECEIVE_MEMORY_H_

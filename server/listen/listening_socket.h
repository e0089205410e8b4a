// Sockets that listen.

#ifndef WEIGHTINIT_SERVER_LISTEN_LISTENING_SOCKET_H_
#define WEIGHTINIT_SERVER_LISTEN_LISTENING_SOCKET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/listen/listen_address.h"

namespace weightinit {

// A file descriptor that is closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { Close(); }

  bool is_open() const { return number_ >= 0; }
  int get() const { return number_; }
  int Release();
  void Close();

 private:
  int number_ = -1;
};

// Sockets that accept connections without blocking.
struct ListeningSockets {
  // As given, with the real port.
  ListenAddress address;
  // One for each address that the host has, at least one.
  std::vector<Descriptor> descriptors;
};

// Listens on every address that the host of `address` has, all with the same
// port. A socket in the file system replaces one that nobody listens on any
// more, and only its owner and group may connect. UNAVAILABLE: the host has no
// address here, or the port or path is in use or not allowed.
absl::StatusOr<ListeningSockets> Listen(const ListenAddress& address);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_LISTEN_LISTENING_SOCKET_H_

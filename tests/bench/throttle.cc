// weightinit-bench-throttle: a network of bounded speed in front of a server.
//
// usage: weightinit-bench-throttle 127.0.0.1:PORT BYTES_PER_SECOND
// Prints "... listening on 127.0.0.1:PORT" and passes on what comes there: to
// the server at once, from the server so many bytes a second, all connections
// together. Ends when its standard input does.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBlockBytes = 64 << 10;
// What may pass at once after a pause.
constexpr auto kBurst = std::chrono::milliseconds(5);
// At once; further ones are closed.
constexpr int kMaxConnections = 64;

// Makes those that pass wait, so that all together keep to a rate. Thread-safe.
class Rate {
 public:
  explicit Rate(double bytes_per_second)
      : bytes_per_second_(bytes_per_second) {}

  void Pass(size_t bytes) {
    Clock::time_point turn;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      next_ = std::max(next_, Clock::now() - kBurst) +
              std::chrono::duration_cast<Clock::duration>(
                  std::chrono::duration<double>(static_cast<double>(bytes) /
                                                bytes_per_second_));
      turn = next_;
    }
    std::this_thread::sleep_until(turn);
  }

 private:
  const double bytes_per_second_;
  std::mutex mutex_;
  Clock::time_point next_ = Clock::now();
};

// Passes on what `from` sends until it ends, at `rate` if there is one.
void Copy(int from, int to, Rate* rate) {
  std::vector<char> block(kBlockBytes);
  for (;;) {
    const ssize_t received = recv(from, block.data(), block.size(), 0);
    if (received <= 0) break;
    if (rate != nullptr) rate->Pass(static_cast<size_t>(received));
    for (ssize_t sent = 0; sent < received;) {
      const ssize_t n =
          send(to, block.data() + sent, static_cast<size_t>(received - sent),
               MSG_NOSIGNAL);
      if (n <= 0) {
        shutdown(from, SHUT_RD);
        return;
      }
      sent += n;
    }
  }
  shutdown(to, SHUT_WR);
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// Serves a connection to its end.
void Serve(int client, uint16_t server_port, Rate& rate) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port);
  if (server >= 0 &&
      connect(server, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0) {
    const int on = 1;
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::thread up([=] { Copy(client, server, nullptr); });
    Copy(server, client, &rate);
    shutdown(client, SHUT_RDWR);
    up.join();
  }
  close(client);
  if (server >= 0) close(server);
}

int Main(int argc, char** argv) {
  absl::string_view server = argc == 3 ? argv[1] : "";
  int port = 0;
  double bytes_per_second = 0;
  if (!absl::ConsumePrefix(&server, "127.0.0.1:") ||
      !absl::SimpleAtoi(server, &port) || port < 1 || port > UINT16_MAX ||
      !absl::SimpleAtod(argv[2], &bytes_per_second) ||
      !(bytes_per_second >= 1)) {
    std::cerr << "usage: weightinit-bench-throttle 127.0.0.1:PORT "
                 "BYTES_PER_SECOND\n";
    return 2;
  }
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, any, size) != 0 ||
      listen(listener, kMaxConnections) != 0 ||
      getsockname(listener, any, &size) != 0) {
    std::perror("weightinit-bench-throttle");
    return 1;
  }
  std::cout << "weightinit-bench-throttle listening on 127.0.0.1:"
            << ntohs(address.sin_port) << "\n"
            << std::flush;

  Rate rate(bytes_per_second);
  std::atomic<int> connections{0};
  for (;;) {
    pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {listener, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    char ignored[256];
    if (ready[0].revents != 0 &&
        read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0) {
      break;
    }
    if (ready[1].revents == 0) continue;
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    if (connections == kMaxConnections) {
      close(client);
      continue;
    }
    ++connections;
    std::thread([client, port, &rate, &connections] {
      Serve(client, static_cast<uint16_t>(port), rate);
      --connections;
    }).detach();
  }
  // Whatever is still open ends with the process.
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) { return Main(argc, argv); }

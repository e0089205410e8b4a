// A server of streams that went wrong, for tests of the command line.
//
//   fake_server FAULT
//
// prints "fake_server listening on HOST:PORT" and serves until it is killed.
// FAULT is one of the names in Faults.

#include <algorithm>
#include <iostream>
#include <map>
#include <string>

#include "absl/synchronization/notification.h"
#include "tests/client/cpp/fake_service.h"

namespace weightinit {
namespace {

// Sends two chunks, says so, and never ends.
void Stall(FakeStream& stream) {
  stream.BreakAfter(2, grpc::Status::OK);
  stream.before_end = [] {
    std::cout << "stalled"
              << "\n"
              << std::flush;
    absl::Notification never;
    never.WaitForNotification();
  };
}

const std::map<std::string, FakeService::Script>& Faults() {
  static const auto& faults = *new std::map<std::string, FakeService::Script>{
      {"crc",
       [](FakeStream& s) { s.chunk(1).set_crc32(s.chunk(1).crc32() ^ 1); }},
      {"order", [](FakeStream& s) { std::swap(s.parts[1], s.parts[2]); }},
      {"no_header", [](FakeStream& s) { s.parts.erase(s.parts.begin()); }},
      {"no_trailer", [](FakeStream& s) { s.parts.pop_back(); }},
      {"trailer", [](FakeStream& s) { s.trailer().set_crc32(7); }},
      // Of a version that does not know the field.
      {"no_seed_name",
       [](FakeStream& s) {
         s.description().clear_seed_name();
         s.description().set_seed(0);
       }},
      {"exhausted",
       [](FakeStream& s) {
         s.BreakAfter(1, {grpc::RESOURCE_EXHAUSTED,
                          "Received message larger than max (9 vs. 4)"});
       }},
      {"busy_once",
       [](FakeStream& s) {
         s.BreakAfter(1, {grpc::RESOURCE_EXHAUSTED, "too busy"});
       }},
      {"internal",
       [](FakeStream& s) {
         s.BreakAfter(1, {grpc::INTERNAL, "a bug"});
       }},
      {"stall", Stall},
  };
  return faults;
}

int Main(int argc, char** argv) {
  const auto fault = Faults().find(argc == 2 ? argv[1] : "");
  if (fault == Faults().end()) {
    std::cerr << "fake_server: expected one of";
    for (const auto& [name, script] : Faults()) std::cerr << " " << name;
    std::cerr << "\n";
    return 2;
  }
  FakeServer server({fault->second});
  std::cout << "fake_server listening on " << server.address() << "\n"
            << std::flush;
  server.Wait();
  return 0;
}

}  // namespace
}  // namespace weightinit

int main(int argc, char** argv) { return weightinit::Main(argc, argv); }

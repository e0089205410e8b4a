#include "server/listen/listen_address.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

TEST(ListenAddressTest, AddressesAreWrittenAsTheyWereRead) {
  for (const char* text : {"127.0.0.1:50051", "[::1]:0", "localhost:1",
                           "unix:/run/weightinit.sock", "unix:relative"}) {
    const auto address = ParseListenAddress(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->text(), text);
  }
}

TEST(ListenAddressTest, HostOfIpv6HasNoBrackets) {
  EXPECT_EQ(ParseListenAddress("[::1]:80")->bare_host(), "::1");
  EXPECT_EQ(ParseListenAddress("127.0.0.1:80")->bare_host(), "127.0.0.1");
}

TEST(ListenAddressTest, WhatIsNoAddressIsAnErrorThatSaysIt) {
  for (const std::string& text :
       {std::string("50051"), std::string("127.0.0.1"), std::string(":1"),
        std::string("127.0.0.1:65536"), std::string("::1:50051"),
        std::string("unix:"), "unix:/" + std::string(200, 'a')}) {
    const auto address = ParseListenAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(address.status().message()), HasSubstr(text));
  }
}

}  // namespace
}  // namespace weightinit

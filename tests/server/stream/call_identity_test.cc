#include "server/stream/call_identity.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/support/string_ref.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kParent[] = "00f067aa0ba902b7";

std::string RequestIdOf(const std::string& sent) {
  return IdentityOf({{kRequestIdKey, sent}}).request_id;
}

std::string TraceIdOf(const std::string& sent) {
  return IdentityOf({{"traceparent", sent}}).trace_id;
}

TEST(CallIdentityTest, RequestIdIsTheClients) {
  EXPECT_EQ(RequestIdOf("job-7/retry:2"), "job-7/retry:2");
  EXPECT_EQ(RequestIdOf(std::string(128, 'x')), std::string(128, 'x'));
}

TEST(CallIdentityTest, RequestIdThatCouldForgeALineIsNone) {
  for (const std::string& sent :
       {std::string(), std::string("a b"), std::string("a\nb"),
        std::string("a\"b"), std::string("a\\b"), std::string("\xc3\xa9"),
        std::string(129, 'x')}) {
    EXPECT_THAT(RequestIdOf(sent), IsEmpty()) << sent;
  }
  EXPECT_THAT(IdentityOf({}).request_id, IsEmpty());
}

TEST(CallIdentityTest, NewRequestIdsDiffer) {
  EXPECT_THAT(NewRequestId(), MatchesRegex("[0-9a-f]{16}"));
  EXPECT_NE(NewRequestId(), NewRequestId());
}

TEST(CallIdentityTest, TraceIsThatOfTheStandard) {
  const std::string sent = absl::StrCat("00-", kTrace, "-", kParent, "-01");
  const CallIdentity identity = IdentityOf({{"traceparent", sent}});
  EXPECT_EQ(identity.trace_id, kTrace);
  EXPECT_EQ(identity.parent_id, kParent);
  // A later version may have more.
  EXPECT_EQ(TraceIdOf(absl::StrCat("01-", kTrace, "-", kParent, "-01-more")),
            kTrace);
}

TEST(CallIdentityTest, TraceThatIsNotWellFormedIsNone) {
  const std::string zeros(32, '0');
  const std::string upper = "4BF92F3577B34DA6A3CE929D0E0E4736";
  for (const std::string& sent :
       {std::string(), absl::StrCat("00-", kTrace, "-", kParent),
        absl::StrCat("ff-", kTrace, "-", kParent, "-01"),
        absl::StrCat("00-", kTrace, "-", kParent, "-01-more"),
        absl::StrCat("01-", kTrace, "-", kParent, "-01more"),
        absl::StrCat("00-", zeros, "-", kParent, "-01"),
        absl::StrCat("00-", kTrace, "-", zeros.substr(16), "-01"),
        absl::StrCat("00-", upper, "-", kParent, "-01"),
        absl::StrCat("00_", kTrace, "-", kParent, "-01")}) {
    EXPECT_THAT(TraceIdOf(sent), IsEmpty()) << sent;
  }
}

}  // namespace
}  // namespace weightinit

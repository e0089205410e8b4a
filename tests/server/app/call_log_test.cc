#include "server/app/call_log.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CallRecord Fetched() {
  CallRecord call;
  call.method = "InitializeTensor";
  call.peer = "ipv4:127.0.0.1:40000";
  call.tensor = CallTensor{"fc1.weight", {512, 256}, Scheme::kHeNormal};
  call.seed = CallSeed{18446744073709551615U, ""};
  call.delivered = DeliveryTotals{131072, 524288, 0x0abcdef1};
  return call;
}

TEST(CallLogTest, TextSaysWhatWasServed) {
  EXPECT_EQ(CallText(Fetched(), absl::OkStatus(), 0.25),
            "InitializeTensor OK peer=ipv4:127.0.0.1:40000 name=\"fc1.weight\" "
            "shape=512x256 scheme=he_normal seed=18446744073709551615 "
            "elements=131072 bytes=524288 crc32=0abcdef1 seconds=0.250000");
}

TEST(CallLogTest, RequestAndTraceAreSaid) {
  CallRecord call = Fetched();
  call.identity = {"job-7", "4bf92f3577b34da6a3ce929d0e0e4736",
                   "00f067aa0ba902b7"};
  EXPECT_THAT(CallText(call, absl::OkStatus(), 0.25),
              HasSubstr(" peer=ipv4:127.0.0.1:40000 request_id=job-7 "
                        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 "
                        "parent_id=00f067aa0ba902b7 name="));
  EXPECT_THAT(CallJsonMembers(call, absl::OkStatus(), 0.25),
              HasSubstr(R"(,"request_id":"job-7",)"
                        R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",)"
                        R"("parent_id":"00f067aa0ba902b7","name":)"));
}

TEST(CallLogTest, JsonSaysTheSame) {
  EXPECT_EQ(CallJsonMembers(Fetched(), absl::OkStatus(), 0.25),
            R"("message":"call","method":"InitializeTensor","code":"OK",)"
            R"("peer":"ipv4:127.0.0.1:40000","name":"fc1.weight",)"
            R"("shape":[512,256],"scheme":"he_normal",)"
            R"("seed":18446744073709551615,"elements":131072,"bytes":524288,)"
            R"("crc32":180150001,"seconds":0.250000)");
}

TEST(CallLogTest, NamedSeedIsSaidByNameAndNumber) {
  CallRecord call = Fetched();
  call.seed = CallSeed{7, "team/a"};
  EXPECT_THAT(CallText(call, absl::OkStatus(), 0),
              HasSubstr(" scheme=he_normal seed_name=\"team/a\" seed=7 "
                        "elements=131072 "));
  EXPECT_THAT(CallJsonMembers(call, absl::OkStatus(), 0),
              HasSubstr(R"("scheme":"he_normal","seed_name":"team/a",)"
                        R"("seed":7,"elements":131072,)"));
}

TEST(CallLogTest, CallWithASeedAndNoTensorSaysTheSeed) {
  CallRecord call;
  call.method = "ResolveSeed";
  call.peer = "ipv4:127.0.0.1:40000";
  call.seed = CallSeed{7, "team/a"};
  EXPECT_EQ(CallText(call, absl::OkStatus(), 0),
            "ResolveSeed OK peer=ipv4:127.0.0.1:40000 seed_name=\"team/a\" "
            "seed=7 seconds=0.000000");
  EXPECT_EQ(CallJsonMembers(call, absl::OkStatus(), 0),
            R"("message":"call","method":"ResolveSeed","code":"OK",)"
            R"("peer":"ipv4:127.0.0.1:40000","seed_name":"team/a","seed":7,)"
            R"("seconds":0.000000)");
}

TEST(CallLogTest, ModelIsSaidByNameSeedAndFingerprint) {
  CallRecord call;
  call.method = "InitializeModel";
  call.peer = "ipv4:127.0.0.1:40000";
  call.model = CallModel{"gpt\n2", 149, {42, "team/a"}, "f6d2"};
  call.seed = call.model->seed;
  EXPECT_EQ(CallText(call, absl::OkStatus(), 0),
            "InitializeModel OK peer=ipv4:127.0.0.1:40000 "
            "seed_name=\"team/a\" seed=42 model=\"gpt\\n2\" tensors=149 "
            "fingerprint=f6d2 seconds=0.000000");
  EXPECT_EQ(CallJsonMembers(call, absl::OkStatus(), 0),
            R"("message":"call","method":"InitializeModel","code":"OK",)"
            R"("peer":"ipv4:127.0.0.1:40000","seed_name":"team/a","seed":42,)"
            R"("model":"gpt\n2","tensors":149,"fingerprint":"f6d2",)"
            R"("seconds":0.000000)");
}

TEST(CallLogTest, RefusalSaysWhy) {
  CallRecord call;
  call.method = "DescribeTensor";
  const absl::Status why = absl::InvalidArgumentError("tensor: is required");
  EXPECT_EQ(CallText(call, why, 0),
            "DescribeTensor INVALID_ARGUMENT peer= seconds=0.000000 "
            "error=\"tensor: is required\"");
  EXPECT_EQ(CallJsonMembers(call, why, 0),
            R"("message":"call","method":"DescribeTensor",)"
            R"("code":"INVALID_ARGUMENT","peer":"","seconds":0.000000,)"
            R"("error":"tensor: is required")");
}

TEST(CallLogTest, NameCannotForgeALine) {
  CallRecord call = Fetched();
  call.tensor->name = "w\" \n2026 info forged";
  call.seed->name = "s\" \n2026 info forged";
  const std::string text = CallText(call, absl::OkStatus(), 0);
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_THAT(text, HasSubstr(R"(name="w\" \n2026 info forged")"));
  EXPECT_THAT(text, HasSubstr(R"(seed_name="s\" \n2026 info forged")"));
  EXPECT_THAT(CallJsonMembers(call, absl::OkStatus(), 0), Not(HasSubstr("\n")));
}

TEST(CallLogTest, LevelThatHidesInfoHasNoLog) {
  for (const char* const level : {"warn", "error", "off"}) {
    Log log({"text", level});
    EXPECT_EQ(MakeCallLog(&log), nullptr) << level;
  }
  for (const char* const level : {"debug", "info"}) {
    Log log({"text", level});
    EXPECT_NE(MakeCallLog(&log), nullptr) << level;
  }
}

}  // namespace
}  // namespace weightinit

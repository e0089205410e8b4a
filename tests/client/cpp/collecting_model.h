// A sink that keeps a model, and checks on the way that each tensor is covered
// once.

#ifndef WEIGHTINIT_TESTS_CLIENT_CPP_COLLECTING_MODEL_H_
#define WEIGHTINIT_TESTS_CLIENT_CPP_COLLECTING_MODEL_H_

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"
#include "weightinit/client/model_sink.h"

namespace weightinit {

// Takes pieces in any order, from several threads. What it has is for one
// thread to look at, after the fetch.
class CollectingModel final : public ModelSink {
 public:
  absl::Status OnSummary(const v1::ModelSummary& /*summary*/) override {
    ++summaries;
    return absl::OkStatus();
  }

  absl::Status OnTensor(const v1::ModelTensor& tensor) override {
    const absl::MutexLock lock(&mutex_);
    EXPECT_GE(tensor.index(), next_);  // In the order of the model.
    next_ = tensor.index() + 1;
    const v1::TensorDescription& description = tensor.description();
    names.push_back(description.name());
    if (tensor.alias_of().empty()) {
      data_of[description.name()].resize(
          static_cast<size_t>(description.bytes()));
    }
    return absl::OkStatus();
  }

  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override {
    const std::string& name = tensor.description().name();
    const absl::MutexLock lock(&mutex_);
    delivered_ += static_cast<int64_t>(data.size());
    if (name == fail_at || delivered_ > fail_after) return failure;
    std::string& all = data_of.at(name);
    EXPECT_EQ(all.size(), static_cast<size_t>(tensor.description().bytes()));
    EXPECT_LE(static_cast<size_t>(offset) + data.size(), all.size());
    std::memcpy(all.data() + offset, data.data(), data.size());
    covered_[name] += data.size();
    return absl::OkStatus();
  }

  absl::Status OnTensorEnd(const v1::ModelTensor& tensor,
                           uint32_t crc32) override {
    const absl::MutexLock lock(&mutex_);
    const std::string& all = data_of.at(tensor.description().name());
    EXPECT_EQ(covered_[tensor.description().name()], all.size());
    EXPECT_EQ(crc32,
              ExtendCrc32(0, {reinterpret_cast<const uint8_t*>(all.data()),
                              all.size()}));
    ++ended;
    return absl::OkStatus();
  }

  int summaries = 0;
  std::vector<std::string> names;
  std::map<std::string, std::string> data_of;  // Aliases have none.
  int ended = 0;

  // What it fails with: at a piece of this tensor, or above so many bytes.
  absl::Status failure = absl::InternalError("disk full");
  std::string fail_at = "-";
  int64_t fail_after = int64_t{1} << 60;

 private:
  absl::Mutex mutex_;
  int64_t next_ = 0;
  int64_t delivered_ = 0;
  std::map<std::string, size_t> covered_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_CLIENT_CPP_COLLECTING_MODEL_H_

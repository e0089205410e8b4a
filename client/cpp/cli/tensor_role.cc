#include "client/cpp/cli/tensor_role.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace weightinit::cli {
namespace {

bool IsOneOf(absl::string_view text,
             std::initializer_list<absl::string_view> texts) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// The words between "_", without the digits at their ends: "ln", "f" of "ln_f",
// "bn" of "bn1".
std::vector<absl::string_view> WordsOf(absl::string_view text) {
  std::vector<absl::string_view> words = absl::StrSplit(text, '_');
  for (absl::string_view& word : words) {
    while (!word.empty() &&
           absl::ascii_isdigit(static_cast<unsigned char>(word.back()))) {
      word.remove_suffix(1);
    }
  }
  return words;
}

bool IsNorm(absl::string_view text) {
  const std::vector<absl::string_view> words = WordsOf(text);
  return absl::StrContains(text, "norm") ||
         std::any_of(words.begin(), words.end(), [](absl::string_view word) {
           return IsOneOf(word, {"ln", "bn", "gn", "rms"});
         });
}

// "embed_out" and "unembed" are the layers of the way back.
bool IsEmbedding(absl::string_view text) {
  if (IsOneOf(text, {"embed_tokens", "embed_positions", "embed_in"})) {
    return true;
  }
  absl::string_view last;
  for (const absl::string_view word : WordsOf(text)) {
    if (!word.empty()) last = word;
  }
  if (absl::StartsWith(last, "un")) return false;
  return IsOneOf(last, {"emb", "wte", "wpe"}) ||
         absl::EndsWith(last, "embed") || absl::EndsWith(last, "embedding") ||
         absl::EndsWith(last, "embeddings");
}

bool IsBias(absl::string_view last) {
  return IsOneOf(last, {"bias", "beta"}) || absl::EndsWith(last, "_bias") ||
         absl::StartsWith(last, "bias_ih") || absl::StartsWith(last, "bias_hh");
}

bool IsScale(absl::string_view last) {
  return IsOneOf(last, {"weight", "scale", "gamma"}) ||
         absl::EndsWith(last, "_weight") || absl::EndsWith(last, "_scale") ||
         absl::EndsWith(last, "_gamma");
}

// A name in lower case, cut before its last part: "a.ln_1.weight" is "a.",
// "ln_1" and "weight". TensorFlow and Flax have "/" for ".", and ":0" behind.
struct NameParts {
  explicit NameParts(absl::string_view name) {
    const size_t end = name.find_last_of("./");
    const size_t begin = end == absl::string_view::npos ? 0 : end + 1;
    prefix = std::string(name.substr(0, begin));
    last = absl::AsciiStrToLower(name.substr(begin));
    last.resize(std::min(last.find(':'), last.size()));
    if (begin < 2) return;
    const absl::string_view above = name.substr(0, end);
    const size_t dot = above.find_last_of("./");
    parent = absl::AsciiStrToLower(
        dot == absl::string_view::npos ? above : above.substr(dot + 1));
  }

  std::string prefix;  // As it is written, with its last "." or "/".
  std::string parent;
  std::string last;
};

}  // namespace

TensorRole RoleOf(const std::string& name, const TensorShapes& tensors) {
  const std::vector<int64_t>& shape = tensors.at(name);
  const NameParts parts(name);
  const auto beside = [&](absl::string_view other) {
    return tensors.find(absl::StrCat(parts.prefix, other));
  };
  const auto is_beside = [&](absl::string_view other) {
    return beside(other) != tensors.end();
  };
  const auto has_same_shape = [&](absl::string_view other) {
    return is_beside(other) && beside(other)->second == shape;
  };
  if (IsOneOf(parts.last, {"running_mean", "moving_mean"})) {
    return TensorRole::kRunningMean;
  }
  if (IsOneOf(parts.last, {"running_var", "moving_variance"})) {
    return TensorRole::kRunningVariance;
  }
  if (IsBias(parts.last)) return TensorRole::kBias;
  if (IsScale(parts.last) &&
      (has_same_shape("bias") || has_same_shape("beta"))) {
    return TensorRole::kNormWeight;
  }
  if (shape.size() >= 2) {
    const bool table = IsEmbedding(parts.last) ||
                       (shape.size() == 2 && parts.last == "weight" &&
                        IsEmbedding(parts.parent));
    return table ? TensorRole::kEmbedding : TensorRole::kWeight;
  }
  if (!IsScale(parts.last)) return TensorRole::kUnknown;
  return IsNorm(parts.parent) || IsNorm(parts.last) ||
                 is_beside("running_mean") || is_beside("moving_mean")
             ? TensorRole::kNormWeight
             : TensorRole::kUnknownScale;
}

}  // namespace weightinit::cli

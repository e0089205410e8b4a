#include "client/cpp/cli/model_report.h"

#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/wire_names.h"
#include "weightinit/core/request.h"

namespace weightinit::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxAdvisories = 20;

std::string ShapeText(const v1::TensorDescription& description) {
  if (description.slice_shape().empty()) return "scalar";
  return absl::StrJoin(description.slice_shape(), "x");
}

std::string Count(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string SchemeText(const v1::TensorDescription& description) {
  if (description.parts_size() > 0) {
    return Count(description.parts_size(), "part");
  }
  return std::string(WireName<Scheme>(description.scheme()));
}

// `label` and the items behind it; nothing without items.
template <typename Items>
std::string Listed(absl::string_view label, const Items& items) {
  return items.empty() ? "" : absl::StrCat(label, absl::StrJoin(items, ", "));
}

template <typename Advisories>
Json AdvisoriesJson(const Advisories& advisories) {
  Json json = Json::array();
  for (const v1::Advisory& advisory : advisories) {
    json.push_back(
        {{"code", std::string(WireName<AdvisoryCode>(advisory.code()))},
         {"message", advisory.message()}});
  }
  return json;
}

// A tensor, or a part of one.
Json DescriptionJson(const v1::TensorDescription& description) {
  Json json;
  json["name"] = description.name();
  json["shape"] = description.shape();
  if (!description.slice().empty()) {
    for (const v1::DimensionRange& range : description.slice()) {
      json["slice"].push_back({range.start(), range.stop()});
    }
    json["slice_shape"] = description.slice_shape();
  }
  json["dtype"] = std::string(WireName<Dtype>(description.dtype()));
  json["layout"] = std::string(WireName<Layout>(description.layout()));
  if (description.parts_size() == 0) {
    json["scheme"] = std::string(WireName<Scheme>(description.scheme()));
    json["activation"] =
        std::string(WireName<Activation>(description.activation()));
  }
  if (description.has_fan_in()) json["fan_in"] = description.fan_in();
  if (description.has_fan_out()) json["fan_out"] = description.fan_out();
  json["mean"] = description.mean();
  json["stddev"] = description.stddev();
  if (description.parts_size() > 0) {
    json["axis"] = description.axis();
    json["stacked"] = description.stacked();
    for (const v1::TensorDescription& part : description.parts()) {
      json["parts"].push_back(DescriptionJson(part));
    }
  }
  return json;
}

Json SummaryJson(const v1::ModelSummary& summary) {
  Json json;
  json["model"] = summary.name();
  json["seed"] = summary.seed();
  json["seed_name"] =
      summary.seed_name().empty() ? Json() : Json(summary.seed_name());
  json["generator"] = std::string(WireName<Generator>(summary.generator()));
  json["fingerprint"] = absl::BytesToHexString(summary.fingerprint());
  json["tensor_count"] = summary.tensors();
  json["aliases"] = summary.aliases();
  json["parameters"] = summary.parameters();
  json["buffer_elements"] = summary.buffer_elements();
  json["model_bytes"] = summary.model_bytes();
  json["selected_tensors"] = summary.selected_tensors();
  json["bytes"] = summary.bytes();
  json["advisories"] = AdvisoriesJson(summary.advisories());
  return json;
}

void AddRow(absl::string_view label, absl::string_view value,
            std::string* out) {
  absl::StrAppendFormat(out, "%-13s%s\n", label, value);
}

std::string SummaryText(const v1::ModelSummary& summary) {
  std::string text;
  if (!summary.name().empty()) {
    AddRow("model", absl::Utf8SafeCHexEscape(summary.name()), &text);
  }
  AddRow("tensors",
         absl::StrCat(summary.tensors(),
                      summary.aliases() == 0
                          ? ""
                          : absl::StrCat(", of them ", summary.aliases(),
                                         summary.aliases() == 1 ? " alias"
                                                                : " aliases")),
         &text);
  AddRow("parameters",
         absl::StrCat(summary.parameters(),
                      summary.buffer_elements() == 0
                          ? ""
                          : absl::StrCat(", and ", summary.buffer_elements(),
                                         " elements of buffers")),
         &text);
  AddRow("bytes", absl::StrCat(summary.model_bytes()), &text);
  if (summary.bytes() != summary.model_bytes()) {
    AddRow("selected",
           absl::StrCat(Count(summary.selected_tensors(), "tensor"), ", ",
                        summary.bytes(), " bytes"),
           &text);
  }
  AddRow(
      "generator",
      absl::StrCat(
          std::string(WireName<Generator>(summary.generator())), ", seed ",
          summary.seed(),
          summary.seed_name().empty()
              ? ""
              : absl::StrCat(
                    " (", absl::Utf8SafeCHexEscape(summary.seed_name()), ")")),
      &text);
  AddRow("fingerprint", absl::BytesToHexString(summary.fingerprint()), &text);
  return text;
}

double MegabytesPerSecond(const ModelReport& report) {
  return report.seconds > 0
             ? static_cast<double>(report.result.bytes) / 1e6 / report.seconds
             : 0;
}

}  // namespace

std::string ModelInitText(const ModelReport& report) {
  std::string text = SummaryText(report.result.summary);
  AddRow("crc32", absl::StrFormat("%08x", report.result.crc32), &text);
  AddRow("output",
         absl::StrFormat(
             "%s, %s%d bytes in %.3g s, %.0f MB/s", report.output,
             report.files.empty()
                 ? ""
                 : absl::StrCat(
                       Count(static_cast<int64_t>(report.files.size()), "file"),
                       ", "),
             report.file_bytes, report.seconds, MegabytesPerSecond(report)),
         &text);
  return text;
}

std::string ModelInitJson(const ModelReport& report) {
  Json json = SummaryJson(report.result.summary);
  json["crc32"] = report.result.crc32;
  json["resumed"] = report.result.resumed;
  json["output"] = report.output;
  if (!report.files.empty()) json["files"] = report.files;
  json["file_bytes"] = report.file_bytes;
  json["seconds"] = report.seconds;
  return json.dump() + "\n";
}

std::string ModelVerifyJson(const std::string& file,
                            const ModelFetchResult& result) {
  Json json = SummaryJson(result.summary);
  json["file"] = file;
  json["equal"] = true;
  return json.dump() + "\n";
}

std::string ModelAdvisoryText(const v1::ModelSummary& summary) {
  std::string text;
  for (const v1::Advisory& advisory : summary.advisories()) {
    absl::StrAppend(&text, "advisory: ", advisory.message(), "\n");
  }
  return text;
}

void ModelTable::Add(const v1::ModelTensor& tensor) {
  const v1::TensorDescription& description = tensor.description();
  for (const v1::Advisory& advisory : description.advisories()) {
    // What a preset does, it does for the reasons of its source.
    if (!presets_.PresetsOf(tensor).empty()) break;
    if (++advisory_count_ > kMaxAdvisories) break;
    absl::StrAppend(&advisories_,
                    "advisory: ", absl::Utf8SafeCHexEscape(description.name()),
                    ": ", advisory.message(), "\n");
  }
  if (json_) {
    Json json;
    if (tensor.alias_of().empty()) {
      json = DescriptionJson(description);
      json["bytes"] = description.bytes();
      json["byte_offset"] = tensor.byte_offset();
      json["buffer"] = tensor.buffer();
      json["rules"] = presets_.OwnRulesOf(tensor);
      json["presets"] = presets_.PresetsOf(tensor);
      json["advisories"] = AdvisoriesJson(description.advisories());
    } else {
      json["name"] = description.name();
      json["alias_of"] = tensor.alias_of();
    }
    absl::StrAppend(&rows_, rows_.empty() ? "\n" : ",\n", json.dump());
    return;
  }
  const std::string name = absl::Utf8SafeCHexEscape(description.name());
  if (!tensor.alias_of().empty()) {
    absl::StrAppendFormat(&rows_, "%-48s is %s\n", name,
                          absl::Utf8SafeCHexEscape(tensor.alias_of()));
    return;
  }
  absl::StrAppendFormat(&rows_, "%-48s %-16s %-9s %-17s %.6g%s%s%s\n", name,
                        ShapeText(description),
                        WireName<Dtype>(description.dtype()),
                        SchemeText(description), description.stddev(),
                        tensor.buffer() ? ", buffer" : "",
                        Listed(", rule ", presets_.OwnRulesOf(tensor)),
                        Listed(", preset ", presets_.PresetsOf(tensor)));
}

std::string ModelTable::advisories() const {
  if (advisory_count_ <= kMaxAdvisories) return advisories_;
  return absl::StrCat(advisories_, "advisory: and ",
                      advisory_count_ - kMaxAdvisories,
                      " more tensors; --json has them all\n");
}

std::string ModelTable::Finish(const v1::ModelSummary& summary) {
  if (!json_) {
    return absl::StrFormat("%-48s %-16s %-9s %-17s %s\n", "name", "shape",
                           "dtype", "scheme", "stddev") +
           rows_ + "\n" + SummaryText(summary);
  }
  // The tensors are not parsed again, which would take the memory of all.
  std::string json = SummaryJson(summary).dump();
  json.pop_back();
  return absl::StrCat(json, ",\"tensors\":[", rows_, "]}\n");
}

}  // namespace weightinit::cli

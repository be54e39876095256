#include "learner/objective/document.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/nearest.h"
#include "common/status_macros.h"
#include "learner/objective/aggregation.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

const std::vector<std::string>& KnownKeys() {
  static const auto* keys = new std::vector<std::string>{
      "objective",      "params",           "old_logp",    "new_logp", "advantages", "mask",
      "old_entropy",    "entropy",          "old_n",       "new_n",    "tis",        "rollout_logp",
      "group_accuracy", "measured_entropy", "aggregation", "seed"};
  return *keys;
}

std::string Shown(const Json& value) {
  if (value.is_structured() && value.size() > 4) return absl::StrCat("a list or object of ", value.size());
  return value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

constexpr int kMaxNesting = 16;

// Python's json module writes NaN and Infinity for numbers that JSON does not have; they are read as null,
// which is allowed where the mask is 0. Text in quotes is left alone.
absl::StatusOr<std::string> WithoutBareNan(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      out += c;
      if (c == '\\' && i + 1 < text.size()) {
        out += text[++i];
      } else {
        quoted = c != '"';
      }
      continue;
    }
    const absl::string_view rest = text.substr(i);
    size_t length = 0;
    for (const absl::string_view word : {"NaN", "-Infinity", "Infinity"}) {
      if (length == 0 && absl::StartsWith(rest, word)) length = word.size();
    }
    if (length > 0) {
      out += "null";
      i += length - 1;
      continue;
    }
    quoted = c == '"';
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kMaxNesting) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected at most ", kMaxNesting, " levels of lists and objects"));
    }
    out += c;
  }
  return out;
}

absl::StatusOr<Json> ParseText(absl::string_view text) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string clean, WithoutBareNan(text));
  try {
    return Json::parse(clean);
  } catch (const Json::exception& error) {  // the wall: nothing is thrown out of this room
    return absl::InvalidArgumentError(absl::StrCat("not JSON: ", error.what()));
  }
}

absl::Status Wrong(absl::string_view key, absl::string_view expected, const Json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", key, "\": expected ", expected, ", found ", Shown(found)));
}

// A finite number, or "inf" where a bound may be off.
absl::StatusOr<double> Number(absl::string_view key, const Json& value) {
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    return Wrong(key, "a number or \"inf\"", value);
  return value.get<double>();
}

// [intercept, slope]; null and "off" are off.
absl::StatusOr<std::optional<EpsLine>> Line(absl::string_view key, const Json& value) {
  if (value.is_null() || value == "off") return std::nullopt;
  if (!value.is_array() || value.size() != 2 || !value[0].is_number() || !value[1].is_number()) {
    return Wrong(key, "[intercept, slope], or null for off", value);
  }
  return EpsLine{.intercept = value[0].get<double>(), .slope = value[1].get<double>()};
}

absl::Status ReadParams(const Json& params, ObjectiveSpec& spec) {
  if (!params.is_object()) return Wrong("params", "an object", params);
  const std::vector<std::string> known = ObjectiveParameters(spec.name);
  for (const auto& [name, value] : params.items()) {
    if (std::ranges::find(known, name) == known.end()) {
      return absl::InvalidArgumentError(absl::StrCat(spec.name, ": unknown parameter \"", name.substr(0, 60),
                                                     "\"", DidYouMean(name, known)));
    }
    if (name == "upper" || name == "lower") {
      ENTRAIN_ASSIGN_OR_RETURN((name == "upper" ? spec.upper : spec.lower),
                               Line(absl::StrCat("params.", name), value));
    } else if (name == "horizon") {
      if (value.is_null()) continue;
      ENTRAIN_ASSIGN_OR_RETURN(spec.horizon, Number("params.horizon", value));
      if (!(spec.horizon > 0) || std::isinf(spec.horizon))
        return Wrong("params.horizon", "a number above 0", value);
    } else if (name == "dual_c" && value.is_null()) {
      spec.numbers[name] = std::numeric_limits<double>::infinity();  // off
    } else if (value.is_string() && value != "inf") {
      spec.words[name] = value.get<std::string>();
    } else {
      ENTRAIN_ASSIGN_OR_RETURN(spec.numbers[name], Number(absl::StrCat("params.", name), value));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TruncatedImportanceSampling> ReadTis(const Json& json) {
  if (!json.is_object()) return Wrong("tis", "an object", json);
  TruncatedImportanceSampling tis;
  for (const auto& [key, value] : json.items()) {
    const std::string name = absl::StrCat("tis.", key);
    if (key == "level" && (value == "token" || value == "sequence")) {
      tis.level = value == "token" ? TruncatedImportanceSampling::Level::kToken
                                   : TruncatedImportanceSampling::Level::kSequence;
    } else if (key == "mode" && (value == "truncate" || value == "mask")) {
      tis.mode = value == "truncate" ? TruncatedImportanceSampling::Mode::kTruncate
                                     : TruncatedImportanceSampling::Mode::kMask;
    } else if (key == "cap") {
      ENTRAIN_ASSIGN_OR_RETURN(tis.cap, Number(name, value));
      if (!(tis.cap > 0)) return Wrong(name, "a number above 0", value);
    } else if (key == "lo") {
      if (value.is_null()) continue;
      ENTRAIN_ASSIGN_OR_RETURN(tis.lowest, Number(name, value));
    } else if (key == "level" || key == "mode") {
      return Wrong(name, key == "level" ? "token or sequence" : "truncate or mask", value);
    } else {
      return absl::InvalidArgumentError(absl::StrCat("\"tis\": unknown key \"", key.substr(0, 60), "\"",
                                                     DidYouMean(key, {"level", "mode", "cap", "lo"})));
    }
  }
  return tis;
}

struct Shape {
  size_t rows = 0, columns = 0;
};

// A [B][T] matrix of numbers; entries that are not finite are written null, "inf", "-inf" or "nan" and
// allowed where the mask is 0.
absl::StatusOr<std::vector<double>> Matrix(const Json& document, const char* key, Shape& shape,
                                           const std::vector<double>* mask) {
  const Json& rows = document[key];
  const auto wrong = [&](absl::string_view found) {
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\": expected ", shape.rows, " rows of ",
                                                   shape.columns, " numbers, found ", found));
  };
  if (!rows.is_array() || rows.empty() || !rows[0].is_array())
    return Wrong(key, "a list of rows of numbers", rows);
  if (shape.rows == 0) shape = {.rows = rows.size(), .columns = rows[0].size()};
  if (rows.size() != shape.rows) return wrong(absl::StrCat(rows.size(), " rows"));
  std::vector<double> values;
  for (const Json& row : rows) {
    if (!row.is_array() || row.size() != shape.columns) return wrong(absl::StrCat("the row ", Shown(row)));
    for (const Json& value : row) {
      const bool masked = mask != nullptr && !((*mask)[values.size()] > 0);
      if (value.is_number() && std::isfinite(value.get<double>())) {
        values.push_back(value.get<double>());
      } else if (masked) {
        values.push_back(std::numeric_limits<double>::quiet_NaN());
      } else {
        return Wrong(
            absl::StrCat(key, "[", (values.size()) / shape.columns, "][", values.size() % shape.columns, "]"),
            "a finite number", value);
      }
    }
  }
  return values;
}

ObjectiveNeeds NeedsOf(const std::string& name) {
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    if (info.name == name) return info.needs;
  }
  return {};
}

// "group_accuracy": one number for each row.
absl::StatusOr<std::vector<double>> Accuracies(const Json& document, const Shape& shape) {
  const Json& list = document.contains("group_accuracy") ? document["group_accuracy"] : Json();
  const auto wrong = [&] {
    return Wrong("group_accuracy", absl::StrCat(shape.rows, " numbers, one for each row"), list);
  };
  if (!list.is_array() || list.size() != shape.rows) return wrong();
  std::vector<double> values;
  for (const Json& value : list) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) return wrong();
    values.push_back(value.get<double>());
  }
  return values;
}

// clip_cov's "selected": the draw, given instead of made. [B][T] of true and false, or 1 and 0.
absl::StatusOr<std::vector<uint8_t>> Selected(const Json& rows, const Shape& shape) {
  const auto wrong = [&] {
    return Wrong("params.selected",
                 absl::StrCat(shape.rows, " rows of ", shape.columns, " times true or false"), rows);
  };
  if (!rows.is_array() || rows.size() != shape.rows) return wrong();
  std::vector<uint8_t> out;
  for (const Json& row : rows) {
    if (!row.is_array() || row.size() != shape.columns) return wrong();
    for (const Json& value : row) {
      if (!value.is_boolean() && value != 0 && value != 1) return wrong();
      out.push_back(value == true || value == 1 ? 1 : 0);
    }
  }
  return out;
}

// Reads the columns that `spec` uses; the others are ignored, whatever they hold.
absl::StatusOr<TokenBatch> ReadBatch(const Json& document, const ObjectiveSpec& spec, Shape& shape) {
  for (const char* key : {"old_logp", "new_logp", "advantages", "mask"}) {
    if (!document.contains(key)) return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is missing"));
  }
  TokenBatch batch;
  ENTRAIN_ASSIGN_OR_RETURN(batch.mask, Matrix(document, "mask", shape, nullptr));
  for (const double value : batch.mask) {
    if (value < 0)
      return absl::InvalidArgumentError(
          absl::StrCat("\"mask\": expected numbers of 0 or more, found ", value));
  }
  std::vector<std::pair<const char*, std::vector<double>*>> columns = {
      {"old_logp", &batch.old_logp}, {"new_logp", &batch.new_logp}, {"advantages", &batch.advantage}};
  if (spec.tis.has_value()) columns.emplace_back("rollout_logp", &batch.rollout_logp);
  const ObjectiveNeeds needs = NeedsOf(spec.name);
  const auto need = [&](bool needed, const char* key, std::vector<double>* column) -> absl::Status {
    if (!needed) return absl::OkStatus();
    columns.emplace_back(key, column);
    if (document.contains(key)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is missing; ", spec.name, " needs it"));
  };
  ENTRAIN_RETURN_IF_ERROR(need(needs.old_entropy, "old_entropy", &batch.old_entropy));
  ENTRAIN_RETURN_IF_ERROR(need(needs.entropy, "entropy", &batch.entropy));
  ENTRAIN_RETURN_IF_ERROR(need(needs.old_n, "old_n", &batch.old_n));
  for (const auto& [key, column] : columns) {
    ENTRAIN_ASSIGN_OR_RETURN(*column, Matrix(document, key, shape, &batch.mask));
  }
  if (needs.group_accuracy) {
    ENTRAIN_ASSIGN_OR_RETURN(batch.group_accuracy, Accuracies(document, shape));
  }
  if (needs.measured_entropy) {
    if (!document.contains("measured_entropy"))
      return absl::InvalidArgumentError(
          absl::StrCat("\"measured_entropy\" is missing; ", spec.name, " needs it"));
    ENTRAIN_ASSIGN_OR_RETURN(batch.measured_entropy,
                             Number("measured_entropy", document["measured_entropy"]));
  }
  for (size_t row = 0; row <= shape.rows; ++row)
    batch.sequence_begin.push_back(static_cast<int64_t>(row * shape.columns));
  return batch;
}

nlohmann::ordered_json Rows(const std::vector<double>& values, const Shape& shape) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (size_t row = 0; row < shape.rows; ++row) {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (size_t column = 0; column < shape.columns; ++column) {
      const double value = values[row * shape.columns + column];
      out.push_back(std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr));
    }
    rows.push_back(std::move(out));
  }
  return rows;
}

absl::StatusOr<ObjectiveSpec> BuildSpec(const std::string& name, const Json& params, const Json& aggregation,
                                        const Json& tis) {
  ObjectiveSpec spec{.name = name};
  ENTRAIN_RETURN_IF_ERROR(ValidateObjective(spec));  // the name, before its parameters
  if (!params.is_null()) ENTRAIN_RETURN_IF_ERROR(ReadParams(params, spec));
  if (!aggregation.is_null()) {
    if (!aggregation.is_string()) return Wrong("aggregation", "a name", aggregation);
    spec.aggregation = AggregationFromName(aggregation.get<std::string>());
    if (!spec.aggregation.has_value()) {
      return Wrong(
          "aggregation",
          "token-mean, seq-mean-token-mean, seq-mean-token-sum, seq-mean-token-sum-norm or token-sum",
          aggregation);
    }
  }
  if (!tis.is_null()) {
    ENTRAIN_ASSIGN_OR_RETURN(spec.tis, ReadTis(tis));
  }
  ENTRAIN_RETURN_IF_ERROR(ValidateObjective(spec));
  return spec;
}

const Json& Member(const Json& document, const char* key) {
  static const Json* none = new Json(nullptr);
  return document.contains(key) ? document[key] : *none;
}

}  // namespace

absl::StatusOr<ObjectiveSpec> ParseObjective(const std::string& name, absl::string_view params_json,
                                             absl::string_view aggregation, absl::string_view tis_json) {
  const auto parse = [](absl::string_view text) -> absl::StatusOr<Json> {
    return text.empty() ? Json() : ParseText(text);
  };
  ENTRAIN_ASSIGN_OR_RETURN(const Json params, parse(params_json));
  ENTRAIN_ASSIGN_OR_RETURN(const Json tis, parse(tis_json));
  return BuildSpec(name, params, aggregation.empty() ? Json() : Json(std::string(aggregation)), tis);
}

absl::StatusOr<std::string> EvaluateObjectiveDocument(absl::string_view text) {
  ENTRAIN_ASSIGN_OR_RETURN(const Json document, ParseText(text));
  if (!document.is_object()) return absl::InvalidArgumentError("expected one JSON object");
  for (const auto& [key, value] : document.items()) {
    if (std::ranges::find(KnownKeys(), key) == KnownKeys().end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown key \"", key.substr(0, 60), "\"", DidYouMean(key, KnownKeys())));
    }
  }
  if (!document.contains("objective")) return absl::InvalidArgumentError("\"objective\" is missing");
  if (!document.contains("params")) return absl::InvalidArgumentError("\"params\" is missing");
  if (!document["objective"].is_string()) return Wrong("objective", "a name", document["objective"]);
  const std::string name = document["objective"].get<std::string>();
  Json params = Member(document, "params"), selected;
  if (name == "clip_cov" && params.is_object() && params.contains("selected")) {
    selected = params["selected"];
    params.erase("selected");
  }
  ENTRAIN_ASSIGN_OR_RETURN(const ObjectiveSpec spec,
                           BuildSpec(name, params, Member(document, "aggregation"), Member(document, "tis")));
  PlanKey key;
  if (document.contains("seed")) {
    if (!document["seed"].is_number_unsigned())
      return Wrong("seed", "an integer of 0 or more", document["seed"]);
    key.seed = document["seed"].get<uint64_t>();
  }
  if (spec.tis.has_value() && !document.contains("rollout_logp"))
    return absl::InvalidArgumentError("\"rollout_logp\" is missing; \"tis\" needs it");
  Shape shape;
  ENTRAIN_ASSIGN_OR_RETURN(TokenBatch batch, ReadBatch(document, spec, shape));
  if (!selected.is_null()) {
    ENTRAIN_ASSIGN_OR_RETURN(batch.selected, Selected(selected, shape));
  }
  ENTRAIN_RETURN_IF_ERROR(PrepareBatch(spec, batch));
  ENTRAIN_RETURN_IF_ERROR(PlanMinibatch(spec, key, batch));
  ENTRAIN_ASSIGN_OR_RETURN(const ObjectiveResult result,
                           EvaluateObjective(spec, batch, CountDenominators(batch)));
  nlohmann::ordered_json out;
  out["loss"] =
      std::isfinite(result.loss) ? nlohmann::ordered_json(result.loss) : nlohmann::ordered_json(nullptr);
  if (!std::isfinite(result.loss)) out["error"] = "the loss is not finite";
  out["grad_new_logp"] = Rows(result.grad_new_logp, shape);
  out["grad_entropy"] =
      result.grad_entropy.empty() ? nlohmann::ordered_json(nullptr) : Rows(result.grad_entropy, shape);
  // Beside the loss's own: what was found on the way.
  batch.found.insert(result.stats.begin(), result.stats.end());
  out["stats"] = batch.found;
  return out.dump();
}

}  // namespace entrain

#include "verifier/math/answer_comparison.h"

namespace entrain {
namespace {

constexpr size_t kMaxMatrixEntries = 1024;

}  // namespace

std::optional<AnswerComparison::Matrix> AnswerComparison::MatrixOf(AnswerSide& side, const Part& part,
                                                                   int depth) {
  if (depth > kMaxDepth) return std::nullopt;
  const Node& node = side[part.node];
  const auto child = [&](uint32_t i) { return Part{side.Child(part.node, i), part.signs}; };
  if (node.op == Op::kMatrix || node.op == Op::kTuple) {
    Matrix out;
    if (node.child_count == 0 || node.child_count > kMaxMatrixEntries) return std::nullopt;
    if (node.op == Op::kTuple && side[side.Child(part.node, 0)].op == Op::kTuple) {
      // ((1, 2), (3, 4)): rows
      for (uint32_t i = 0; i < node.child_count; ++i) {
        const std::optional<Matrix> row = MatrixOf(side, child(i), depth + 1);
        if (!row.has_value() || row->columns != 1 || (i > 0 && row->rows != out.columns)) return std::nullopt;
        out.columns = row->rows;
        out.entries.insert(out.entries.end(), row->entries.begin(), row->entries.end());
        if (out.entries.size() > kMaxMatrixEntries) return std::nullopt;
      }
      out.rows = node.child_count;
      return out;
    }
    out.columns = node.op == Op::kTuple ? 1 : node.payload;
    if (out.columns == 0 || node.child_count % out.columns != 0) return std::nullopt;
    out.rows = node.child_count / out.columns;
    for (uint32_t i = 0; i < node.child_count; ++i) {
      if (side.ShapeOf(child(i).node) != Shape::kScalar) return std::nullopt;
      out.entries.push_back(ValueOfScalar(side, child(i)));
    }
    return out;
  }
  if (!side.Has(part.node, kVectorInside)) {
    return Matrix{.rows = 0, .columns = 0, .entries = {ValueOfScalar(side, part)}};  // a scalar
  }
  if (node.op == Op::kPower) {
    const Rational* exponent = terms_.AsRational(MakeTerm(side, child(1)));
    if (exponent == nullptr || !exponent->IsSmallInteger()) return std::nullopt;
    const int64_t times = exponent->SmallInteger();
    if (times < 1 || times > 16) return std::nullopt;
    const std::optional<Matrix> base = MatrixOf(side, child(0), depth + 1);
    std::optional<Matrix> out = base;
    for (int64_t i = 1; i < times && out.has_value(); ++i) out = Multiplied(*out, *base);
    return out;
  }
  if (node.op == Op::kNegate || node.op == Op::kUnit) {
    std::optional<Matrix> out = MatrixOf(side, child(0), depth + 1);
    if (out.has_value() && node.op == Op::kNegate) {
      for (ScalarValue& entry : out->entries) entry.term = terms_.Negative(entry.term);
    }
    return out;
  }
  if (node.op == Op::kDivide) {
    if (side.Has(side.Child(part.node, 1), kVectorInside)) return std::nullopt;
    std::optional<Matrix> out = MatrixOf(side, child(0), depth + 1);
    const TermId below = MakeTerm(side, child(1));
    if (out.has_value()) {
      for (ScalarValue& entry : out->entries) entry = {terms_.Quotient(entry.term, below), -1};
    }
    return out;
  }
  if (node.op != Op::kAdd && node.op != Op::kMultiply) return std::nullopt;
  std::optional<Matrix> out = MatrixOf(side, child(0), depth + 1);
  for (uint32_t i = 1; i < node.child_count && out.has_value(); ++i) {
    const std::optional<Matrix> next = MatrixOf(side, child(i), depth + 1);
    if (!next.has_value() || given_work_.UsedUp()) return std::nullopt;
    if (node.op == Op::kMultiply) {
      out = Multiplied(*out, *next);
    } else {
      if (out->rows != next->rows || out->columns != next->columns) return std::nullopt;
      for (size_t k = 0; k < out->entries.size(); ++k)
        out->entries[k] = {terms_.Sum({out->entries[k].term, next->entries[k].term}), -1};
    }
  }
  return out;
}

std::optional<AnswerComparison::Matrix> AnswerComparison::Multiplied(const Matrix& a, const Matrix& b) {
  if (a.rows == 0 || b.rows == 0) {
    Matrix out = a.rows == 0 ? b : a;
    const TermId factor = a.rows == 0 ? a.entries[0].term : b.entries[0].term;
    for (ScalarValue& entry : out.entries) entry = {terms_.Product({factor, entry.term}), -1};
    return out;
  }
  if (a.columns != b.rows || static_cast<size_t>(a.rows) * b.columns > kMaxMatrixEntries) return std::nullopt;
  Matrix out{.rows = a.rows, .columns = b.columns};
  for (uint32_t i = 0; i < a.rows; ++i) {
    for (uint32_t j = 0; j < b.columns; ++j) {
      std::vector<TermId> summands;
      for (uint32_t k = 0; k < a.columns; ++k) {
        if (given_work_.UsedUp()) return std::nullopt;
        summands.push_back(
            terms_.Product({a.entries[i * a.columns + k].term, b.entries[k * b.columns + j].term}));
      }
      out.entries.push_back({terms_.Sum(summands), -1});
    }
  }
  return out;
}

Sameness AnswerComparison::CompareMatrices(const Part& given, const Part& reference) {
  const std::optional<Matrix> g = MatrixOf(given_, given, 0), r = MatrixOf(reference_, reference, 0);
  if (Sameness whose; StepsUsedUp(whose)) return whose;
  if (!g.has_value() || !r.has_value()) {
    // What cannot be computed is still the same when it is written the same.
    return MakeTerm(given_, given) == MakeTerm(reference_, reference) ? Sameness::kSame
                                                                      : Differs("matrices that differ");
  }
  // A tuple is the same as a row or a column.
  const auto is_tuple = [](const AnswerSide& side, NodeId id) { return side[id].op == Op::kTuple; };
  const bool any_tuple = is_tuple(given_, given.node) || is_tuple(reference_, reference.node);
  const auto is_vector = [](const Matrix& matrix) { return matrix.rows == 1 || matrix.columns == 1; };
  const bool shapes = (g->rows == r->rows && g->columns == r->columns) ||
                      (any_tuple && is_vector(*g) && is_vector(*r) && g->entries.size() == r->entries.size());
  if (!shapes) return Differs("matrices of another shape");
  for (size_t i = 0; i < g->entries.size(); ++i) {
    const Sameness entries = scalars_.Compare(g->entries[i], r->entries[i], detail_);
    if (entries != Sameness::kSame) return entries;
  }
  return Sameness::kSame;
}

}  // namespace entrain

#include "verifier/numeric/number_value.h"

#include <span>
#include <vector>

namespace entrain {
namespace {

constexpr size_t kMaxBits = 1u << 21;  // of all values on the way: 600,000 digits

// 1, 10, 100, …
bool IsPowerOfTen(const mpq_class& value) {
  if (value.get_den() != 1 || value <= 0) return false;
  mpz_class rest = value.get_num();
  // A power of ten has as many factors 2 as 5 and no other.
  mpz_class five = 5, two = 2;
  const auto fives = mpz_remove(rest.get_mpz_t(), rest.get_mpz_t(), five.get_mpz_t());
  const auto twos = mpz_remove(rest.get_mpz_t(), rest.get_mpz_t(), two.get_mpz_t());
  return rest == 1 && fives == twos;
}

using Value = std::optional<mpq_class>;

class Reader {
 public:
  explicit Reader(const Formula& formula) : formula_(formula), values_(formula.nodes.size()) {}

  NumberValue Read() {
    for (NodeId id = 0; id < formula_.nodes.size() && !past_limit_; ++id) {
      values_[id] = Of(formula_.nodes[id], id);
      CheckSize(values_[id]);
    }
    return {.value = past_limit_ ? std::nullopt : values_.back(), .past_limit = past_limit_};
  }

 private:
  // What is read is short, but powers of ten are not.
  void CheckSize(const Value& value) {
    if (!value.has_value()) return;
    bits_ += mpz_sizeinbase(value->get_num_mpz_t(), 2) + mpz_sizeinbase(value->get_den_mpz_t(), 2);
    past_limit_ = past_limit_ || bits_ > kMaxBits;
  }

  std::span<const NodeId> Children(const Node& node) const {
    return std::span(formula_.children).subspan(node.first_child, node.child_count);
  }

  Value Of(const Node& node, NodeId id) {
    const std::span<const NodeId> children = Children(node);
    switch (node.op) {
      case Op::kNumber:
        return formula_.numbers[node.payload].value;
      case Op::kNegate: {
        const Value& value = values_[children[0]];
        return value.has_value() ? Value(-*value) : std::nullopt;
      }
      case Op::kPercent: {
        const Value& value = values_[children[0]];
        return value.has_value() ? Value(*value / 100) : std::nullopt;
      }
      case Op::kUnit:
      case Op::kDegrees:
        return values_[children[0]];
      case Op::kDivide: {
        const Value &top = values_[children[0]], &bottom = values_[children[1]];
        return top.has_value() && bottom.has_value() && *bottom != 0 ? Value(*top / *bottom) : std::nullopt;
      }
      case Op::kPower:
        return Power(values_[children[0]], values_[children[1]]);
      case Op::kMultiply:
        return Product(children);
      case Op::kRelation:
        return id == formula_.root() ? Named(node, children) : std::nullopt;
      default:
        return std::nullopt;
    }
  }

  // 10^n only: other powers are calculations.
  Value Power(const Value& base, const Value& exponent) {
    if (!base.has_value() || *base != 10 || !exponent.has_value() || exponent->get_den() != 1)
      return std::nullopt;
    if (abs(*exponent) > kMaxPowerOfTen) {
      past_limit_ = true;
      return std::nullopt;
    }
    const long count = mpz_class(exponent->get_num()).get_si();
    mpz_class power;
    mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::abs(count)));
    return count < 0 ? mpq_class(1, power) : mpq_class(power);
  }

  // A number times powers of ten: 1.5 \times 10^3, 5 million.
  Value Product(std::span<const NodeId> factors) {
    Value product = values_[factors[0]];
    for (const NodeId factor : factors.subspan(1)) {
      const Value& value = values_[factor];
      if (!product.has_value() || !value.has_value()) return std::nullopt;
      const mpq_class size = *value < 1 && *value > 0 ? mpq_class(1 / *value) : *value;
      if (!IsPowerOfTen(size)) return std::nullopt;
      *product *= *value;
      CheckSize(product);
      if (past_limit_) return std::nullopt;
    }
    return product;
  }

  // x = 3
  Value Named(const Node& node, std::span<const NodeId> sides) {
    const Relation relation = formula_.relations[node.payload];
    const bool equal = relation == Relation::kEqual || relation == Relation::kApproximately;
    const Op left = formula_.nodes[sides[0]].op;
    if (sides.size() != 2 || !equal || (left != Op::kSymbol && left != Op::kText)) return std::nullopt;
    return values_[sides[1]];
  }

  const Formula& formula_;
  std::vector<Value> values_;
  size_t bits_ = 0;
  bool past_limit_ = false;
};

}  // namespace

NumberValue ValueOfNumber(const Formula& formula) { return Reader(formula).Read(); }

}  // namespace entrain

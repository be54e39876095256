#pragma once

#include <string>

#include "verifier/math/formula.h"

namespace entrain {

// A formula as nested lists, operator first, for tests and for people: "(+ x (* 2 y))", "(set 1 2)". At most
// about `max_bytes` bytes; what is longer ends in "…".
std::string FormulaToText(const Formula& formula, size_t max_bytes = 10'000);

}  // namespace entrain

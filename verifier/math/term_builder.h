#pragma once

#include <map>
#include <string>
#include <vector>

#include "verifier/math/formula.h"
#include "verifier/math/term.h"

namespace entrain {

// How one formula is read as terms.
struct Reading {
  bool bare = false;   // percent and degree signs outside of functions count for nothing: 50 % is 50
  uint32_t signs = 0;  // bit k: the k-th ± of the formula is a minus
  bool units = false;  // a unit is a factor; else it is left away
  bool names = true;   // symbols by name; else by order of appearance
};

// Makes terms of the scalar parts of one formula. What is no scalar becomes an opaque term of its parts.
// Without recursion, linear in the part that is asked for; what was made is remembered. Single-threaded.
class TermBuilder {
 public:
  TermBuilder(Terms& terms, const Formula& formula);

  TermId Build(NodeId node, const Reading& reading);
  // From now on symbols of these names are read as others; {}: none are.
  void Rename(std::map<std::string, std::string> names);

 private:
  struct Operand {
    NodeId node;
    bool negative;
  };
  struct Visit {
    NodeId node;
    bool top;  // not inside of a function or power
    bool children_done;
  };

  void Operands(NodeId node, std::vector<Operand>& out) const;
  void Forget();
  TermId Make(NodeId node, bool top, const Reading& reading);
  TermId MakeSymbol(const Node& node, const Reading& reading);

  Terms& terms_;
  const Formula& formula_;
  std::vector<TermId> made_;
  std::vector<NodeId> touched_;
  Reading last_;
  std::map<NodeId, uint32_t> plus_minus_;       // which ± a node is
  std::map<std::string, std::string> renames_;  // given by Rename
  std::map<std::string, std::string> renamed_;  // names by order of appearance
};

}  // namespace entrain

#include "controller/laws/dial_laws.h"

namespace entrain::laws {

DialOutput Dial(const StaticDial& law, const DialState&, const LawInput&) {
  return {.value = law.value, .reason = "static"};
}

}  // namespace entrain::laws

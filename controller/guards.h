#pragma once

#include <string>

#include "controller/laws/law.h"
#include "controller/schedule.h"

namespace entrain {

// What stands around every law (docs/architecture.md 4): legal range, dead band, rate limit for closed-loop
// laws and manual edits. Takes a law's output and its state before, answers what is really to be used;
// `reason` gains a sentence when a guard acted. `revision`: of the schedule in force; a change of it is a
// person's edit. Pure.
LawOutput ApplyGuards(const Schedule& schedule, const LawState& before, LawOutput output, int64_t revision);

}  // namespace entrain

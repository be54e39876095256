#pragma once

#include <cstdint>

#include "controller/laws/law.h"
#include "controller/schedule.h"

namespace entrain {

// What a whole schedule decides at one step: the law of the clip bounds with the guards around it, and the
// law of every dial. `revision` is that of the schedule. A pure function: the live controller, preview and
// replay decide by it alone. The schedule is valid.
LawOutput DecideStep(const Schedule& schedule, const LawState& before, const LawInput& input,
                     int64_t revision);

}  // namespace entrain

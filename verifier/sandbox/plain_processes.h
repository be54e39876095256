#pragma once

#include <map>
#include <memory>
#include <string>

#include "verifier/sandbox/sandbox.h"

namespace entrain {

// Runs programs as ordinary processes of this user: NOTHING confines what they read, write or reach. For
// judges that the operator trusts, and for an operator who turned the sandbox off. A run still has a working
// folder of its own, an empty environment and its limits of wall and processor time, memory (per process) and
// output, and its process group is killed at the end; a process that leaves the group stays. Thread-safe.
std::unique_ptr<Sandbox> MakePlainProcesses(std::map<std::string, std::string> python_programs = {},
                                            std::string python = "/usr/bin/python3");

}  // namespace entrain

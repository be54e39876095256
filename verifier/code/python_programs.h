#pragma once

#include <map>
#include <string>
#include <vector>

namespace entrain {

// The names of SandboxRequest::python_program that the verifier `code` starts. The sources are the files of
// verifier/code/python, which tell what each does.
inline constexpr const char* kProgramRunner = "program";
inline constexpr const char* kCandidate = "candidate";
inline constexpr const char* kTester = "tester";

// name → source, and what a warm interpreter should have imported for them.
std::map<std::string, std::string> CodePrograms();
std::vector<std::string> CodeProgramImports();

}  // namespace entrain

// entrain-sandbox-python.so: the fork server inside an interpreter, called through ctypes.
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "verifier/sandbox/confine/fork_server.h"
#include "verifier/sandbox/confine/keeper.h"
#include "verifier/sandbox/confine/server_arguments.h"

// Returns in the processes of programs: the name of the program to run. `arguments` as entrain-sandbox passes
// them on.
extern "C" __attribute__((visibility("default"))) const char* entrain_sandbox_serve(char** arguments) {
  const entrain::confine::RunRequest request =
      entrain::confine::ServeRuns(entrain::confine::ReadServerArguments(arguments));
  if (request.probe) _exit(entrain::confine::ProbeLayers());
  static std::string program;
  program = request.python_program;
  return program.c_str();
}

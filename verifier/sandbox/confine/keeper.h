#pragma once

#include <string>

#include "verifier/sandbox/confine/file_access.h"
#include "verifier/sandbox/confine/run_message.h"
#include "verifier/sandbox/confine/system_calls.h"

namespace entrain::confine {

// What all runs of a fork server share. Made once, before the first fork.
struct KeeperSetup {
  bool namespaces = false;  // every run has its own process-id, mount and user namespace
  bool landlock = false;
  unsigned user = 0, group = 0;  // of the fork server
  int proc = -1;                 // an open /proc
  int base_folder = -1;          // without namespaces: working folders are made in it
  std::string base_path;
  long other_tasks = 0;  // without namespaces: of this user, that RLIMIT_NPROC counts too
  FileAccess file_access;
  SystemCallFilter filter;
};

// In a fresh child of the fork server, which becomes the keeper of one run: it reads the request, makes the
// folder, starts the program and watches it; when the program or a limit ends the run, or the other end asks
// for it or is gone, it kills every process of the run, waits until none is left, removes the folder and
// writes a RunReport. The keeper never returns. In the program's process, confined, it returns the request;
// argv is to be executed by the caller with ExecuteProgram.
RunRequest KeepRun(const KeeperSetup& setup, const int (&descriptors)[kRunDescriptors]);

// Executes argv; on failure the keeper reports it as ours.
[[noreturn]] void ExecuteProgram(const RunRequest& request);

// The exit status of a run that tries what must be refused: 0 when all is.
int ProbeLayers();

}  // namespace entrain::confine

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrain::confine {

// What all processes below this one use together, as /proc tells it now.
struct TreeUse {
  int64_t tasks = 0;           // processes and threads
  int64_t resident_bytes = 0;  // pages that several share count for each
  int64_t cpu_ns = 0;          // of those that live, and of their children that have ended; 10 ms steps
};

class ProcessTree {
 public:
  // `proc`: an open /proc; may be one of an outer process-id namespace, whose numbers are used then.
  explicit ProcessTree(int proc);

  // Looks at no more than some `most` processes.
  void Look(int64_t most);
  size_t processes() const { return processes_.size(); }
  void Signal(int signal) const;
  const TreeUse& use() const { return use_; }
  // For how long the tree could have run and was given no processor, because others had them. cpu_ns: of the
  // whole tree, as far as it is known. A thread waits in the kernel's queue for others of the tree or for
  // strangers; what the tree's others ran is taken off its wait, and the longest rest of a thread counts. So
  // a tree cannot make this larger by itself. 0 where the kernel keeps no such record (schedstat).
  int64_t StarvedNs(int64_t cpu_ns) const;
  // With shared pages counted once, but for processes that cannot be looked into. Slower.
  int64_t ProportionalBytes() const;
  // Of files that have no name any longer but are still open. `hidden`: a process cannot be looked into, as
  // it executes what may not be read.
  int64_t DeletedFileBytes(bool& hidden) const;

 private:
  struct Process {
    int id = 0;
    int64_t threads = 0;
    int64_t resident_bytes = 0;
  };

  void AppendChildren(int process, int64_t threads);

  int proc_;
  int self_ = 0;
  std::vector<Process> processes_;
  TreeUse use_;
};

}  // namespace entrain::confine

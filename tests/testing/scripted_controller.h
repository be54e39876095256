#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "controller/controller_port.h"

namespace entrain {

// A controller in memory that knows one law, the static box eps_std, to see what the network layer makes of
// it. Edits act at once. A new object is a controller that lost its memory. Thread-safe.
class ScriptedController final : public ControllerPort {
 public:
  absl::StatusOr<RegistrationReply> Register(const Registration& registration) override {
    MutexLock lock(mutex_);
    registrations_.push_back(registration);
    if (revisions_[registration.run_id].empty()) {
      Add({.run_id = registration.run_id,
           .schedule = registration.schedule,
           .author = "trainer",
           .reason = "registration"});
    }
    return RegistrationReply{.revision = revisions_[registration.run_id].back().revision};
  }
  absl::StatusOr<Directive> ReportStep(const Observation& observation) override {
    MutexLock lock(mutex_);
    const auto found = revisions_.find(observation.run_id);
    if (found == revisions_.end())
      return absl::NotFoundError(absl::StrCat("run \"", observation.run_id, "\" is not registered"));
    observations_[observation.run_id][observation.step] = observation;
    Directive& directive = directives_[observation.run_id][observation.for_step];
    if (directive.id == 0) {
      const Revision& revision = found->second.back();
      const ClipLine box{.intercept = revision.schedule.clip.eps_std};
      directive = {.id = static_cast<int64_t>(directives_[observation.run_id].size()),
                   .run_id = observation.run_id,
                   .attempt = observation.attempt,
                   .step = observation.for_step,
                   .revision = revision.revision,
                   .bounds = {.upper = box, .lower = box},
                   .state = "static"};
      Tell(observation.run_id, observation);
      Tell(observation.run_id, directive);
    }
    return directive;
  }
  absl::StatusOr<Revision> GetSchedule(const std::string& run_id, std::optional<int64_t> revision) override {
    MutexLock lock(mutex_);
    return Find(run_id, revision);
  }
  absl::StatusOr<EditResult> EditSchedule(const Edit& edit) override {
    MutexLock lock(mutex_);
    const absl::StatusOr<Revision> newest = Find(edit.run_id, std::nullopt);
    if (!newest.ok()) return newest.status();
    if (edit.etag != newest->etag)
      return absl::AbortedError(absl::StrCat("the newest etag is ", newest->etag));
    Revision next{.run_id = edit.run_id,
                  .author = edit.author,
                  .reason = edit.reason,
                  .effective_step = edit.effective_step.value_or(0)};
    if (edit.schedule) {
      next.schedule = *edit.schedule;
    } else {
      const absl::StatusOr<Revision> former = Find(edit.run_id, edit.to_revision);
      if (!former.ok()) return former.status();
      next.schedule = former->schedule;
    }
    next.revision = newest->revision + 1;
    next.etag = absl::StrCat("etag-", next.revision);
    if (!edit.validate_only) Add(next);
    return EditResult{.revision = next,
                      .diff = absl::StrCat("revision ", newest->revision, " -> ", next.revision)};
  }
  absl::StatusOr<std::vector<Revision>> ListRevisions(const std::string& run_id, int32_t max) override {
    MutexLock lock(mutex_);
    const absl::StatusOr<Revision> newest = Find(run_id, std::nullopt);
    if (!newest.ok()) return newest.status();
    std::vector<Revision> revisions(revisions_[run_id].rbegin(), revisions_[run_id].rend());
    if (max > 0 && revisions.size() > static_cast<size_t>(max)) revisions.resize(static_cast<size_t>(max));
    return revisions;
  }
  absl::StatusOr<std::string> Diff(const std::string&, int64_t from, int64_t to) override {
    return absl::StrCat(from, " -> ", to);
  }
  absl::StatusOr<std::vector<Point>> Preview(const Schedule& schedule, int64_t steps, int64_t total_steps,
                                             const std::map<int64_t, double>& entropy) override {
    std::vector<Point> points;
    const ClipLine box{.intercept = schedule.clip.eps_std};
    for (int64_t step = 0; step < steps; ++step) {
      points.push_back({.step = step,
                        .bounds = {.upper = box, .lower = box},
                        .reason = absl::StrCat(total_steps, "/", entropy.size())});
    }
    return points;
  }
  absl::StatusOr<std::vector<ReplayedPoint>> Replay(const std::string& run_id,
                                                    const Schedule& schedule) override {
    MutexLock lock(mutex_);
    std::vector<ReplayedPoint> points;
    const ClipLine box{.intercept = schedule.clip.eps_std};
    for (const auto& [step, directive] : directives_[run_id]) {
      points.push_back(
          {.replayed = {.step = step, .bounds = {.upper = box, .lower = box}}, .recorded = directive.bounds});
    }
    return points;
  }
  absl::Status Hold(const std::string& run_id, const std::string& author,
                    const std::string& reason) override {
    return Audit(run_id, author, "hold", reason);
  }
  absl::Status Release(const std::string& run_id, const std::string& author,
                       const std::string& reason) override {
    return Audit(run_id, author, "release", reason);
  }
  absl::StatusOr<std::vector<Run>> ListRuns() override {
    MutexLock lock(mutex_);
    std::vector<Run> runs;
    for (const auto& [run_id, revisions] : revisions_) runs.push_back(RunOf(run_id));
    return runs;
  }
  absl::StatusOr<Run> GetRun(const std::string& run_id) override {
    MutexLock lock(mutex_);
    const absl::StatusOr<Revision> newest = Find(run_id, std::nullopt);
    if (!newest.ok()) return newest.status();
    return RunOf(run_id);
  }
  absl::StatusOr<std::vector<Observation>> ListObservations(const std::string& run_id, int64_t from,
                                                            int32_t max) override {
    MutexLock lock(mutex_);
    return Page(run_id, observations_, from, max);
  }
  absl::StatusOr<std::vector<Directive>> ListDirectives(const std::string& run_id, int64_t from,
                                                        int32_t max) override {
    MutexLock lock(mutex_);
    return Page(run_id, directives_, from, max);
  }
  absl::StatusOr<std::vector<AuditEntry>> ListAudit(const std::string&) override {
    MutexLock lock(mutex_);
    return audit_;
  }
  absl::StatusOr<int64_t> Watch(const std::string& run_id, std::function<void(const Event&)> event) override {
    MutexLock lock(mutex_);
    const absl::StatusOr<Revision> newest = Find(run_id, std::nullopt);
    if (!newest.ok()) return newest.status();
    watchers_[++last_watch_] = {run_id, std::move(event)};
    return last_watch_;
  }
  void Unwatch(int64_t watch) override {
    MutexLock lock(mutex_);
    watchers_.erase(watch);
  }

  std::vector<Registration> registrations() {
    MutexLock lock(mutex_);
    return registrations_;
  }
  size_t watchers() {
    MutexLock lock(mutex_);
    return watchers_.size();
  }

 private:
  absl::StatusOr<Revision> Find(const std::string& run_id, std::optional<int64_t> revision)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = revisions_.find(run_id);
    if (found == revisions_.end())
      return absl::NotFoundError(absl::StrCat("run \"", run_id, "\" is not known"));
    if (!revision) return found->second.back();
    if (*revision < 1 || *revision > static_cast<int64_t>(found->second.size()))
      return absl::NotFoundError("no such revision");
    return found->second[static_cast<size_t>(*revision - 1)];
  }
  void Add(Revision revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<Revision>& revisions = revisions_[revision.run_id];
    revision.revision = static_cast<int64_t>(revisions.size()) + 1;
    revision.etag = absl::StrCat("etag-", revision.revision);
    revisions.push_back(revision);
    Tell(revision.run_id, revision);
  }
  void Tell(const std::string& run_id, const Event& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const auto& [watch, watcher] : watchers_) {
      if (watcher.first == run_id) watcher.second(event);
    }
  }
  Run RunOf(const std::string& run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Run run{.run_id = run_id, .revision = revisions_[run_id].back().revision};
    if (!observations_[run_id].empty()) {
      run.last_step = observations_[run_id].rbegin()->first;
      run.last_entropy_nats = observations_[run_id].rbegin()->second.entropy_nats;
    }
    if (!directives_[run_id].empty()) run.last_directive = directives_[run_id].rbegin()->second;
    return run;
  }
  template <typename T>
  absl::StatusOr<std::vector<T>> Page(const std::string& run_id,
                                      std::map<std::string, std::map<int64_t, T>>& lists, int64_t from,
                                      int32_t max) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const absl::StatusOr<Revision> newest = Find(run_id, std::nullopt);
    if (!newest.ok()) return newest.status();
    std::vector<T> page;
    for (auto at = lists[run_id].lower_bound(from);
         at != lists[run_id].end() && page.size() < static_cast<size_t>(max); ++at) {
      page.push_back(at->second);
    }
    return page;
  }
  absl::Status Audit(const std::string& run_id, const std::string& author, const std::string& action,
                     const std::string& reason) {
    MutexLock lock(mutex_);
    audit_.push_back({.id = static_cast<int64_t>(audit_.size()) + 1,
                      .run_id = run_id,
                      .author = author,
                      .action = action,
                      .reason = reason});
    return absl::OkStatus();
  }

  Mutex mutex_;
  std::vector<Registration> registrations_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<Revision>> revisions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::map<int64_t, Observation>> observations_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::map<int64_t, Directive>> directives_ ABSL_GUARDED_BY(mutex_);
  std::vector<AuditEntry> audit_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, std::pair<std::string, std::function<void(const Event&)>>> watchers_
      ABSL_GUARDED_BY(mutex_);
  int64_t last_watch_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace entrain

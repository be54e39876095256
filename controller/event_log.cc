#include "controller/event_log.h"

#include <sqlite3.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "controller/record_json.h"
#include "controller/schedule_json.h"

namespace entrain {
namespace {

constexpr int kSchemaVersion = 2;

// A file of version v is brought up to date by the steps from v on. kMigrations[0] makes an empty one.
constexpr const char* kMigrations[kSchemaVersion] = {R"(
CREATE TABLE runs(run_id TEXT PRIMARY KEY, name TEXT NOT NULL, config_digest TEXT NOT NULL, total_steps INTEGER NOT NULL, attempt INTEGER NOT NULL,
  lines INTEGER NOT NULL, plain_box INTEGER NOT NULL, held INTEGER NOT NULL, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL);
CREATE TABLE revisions(run_id TEXT NOT NULL, revision INTEGER NOT NULL, schedule TEXT NOT NULL, etag TEXT NOT NULL, author TEXT NOT NULL,
  reason TEXT NOT NULL, effective_step INTEGER NOT NULL, create_time INTEGER NOT NULL, PRIMARY KEY(run_id, revision));
CREATE TABLE observations(run_id TEXT NOT NULL, attempt INTEGER NOT NULL, step INTEGER NOT NULL, record TEXT NOT NULL, create_time INTEGER NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(run_id, attempt, step));
CREATE TABLE directives(run_id TEXT NOT NULL, id INTEGER NOT NULL, attempt INTEGER NOT NULL, step INTEGER NOT NULL, record TEXT NOT NULL,
  create_time INTEGER NOT NULL, superseded INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(run_id, id));
CREATE INDEX directives_by_step ON directives(run_id, step);
CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, time INTEGER NOT NULL, author TEXT NOT NULL, action TEXT NOT NULL,
  reason TEXT NOT NULL, detail TEXT NOT NULL);
)",
                                                     R"(
ALTER TABLE runs ADD COLUMN dials TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN needed_dials TEXT NOT NULL DEFAULT '[]';
)"};

// One prepared statement, run once.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) { sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr); }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(const std::string& text) {
    sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& Bind(int64_t number) {
    sqlite3_bind_int64(statement_, ++bound_, number);
    return *this;
  }
  Statement& Bind(absl::Time time) { return Bind(absl::ToUnixMicros(time)); }

  // Calls `row` for every row.
  absl::Status ForEach(const std::function<absl::Status()>& row) {
    if (statement_ == nullptr) return Failure();
    while (true) {
      const int code = sqlite3_step(statement_);
      if (code == SQLITE_DONE) return absl::OkStatus();
      if (code != SQLITE_ROW) return Failure();
      ENTRAIN_RETURN_IF_ERROR(row());
    }
  }
  absl::Status Run() {
    return ForEach([] { return absl::OkStatus(); });
  }

  std::string Text(int column) const {
    const auto* text = sqlite3_column_text(statement_, column);
    return text == nullptr ? ""
                           : std::string(reinterpret_cast<const char*>(text),
                                         static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }
  int64_t Number(int column) const { return sqlite3_column_int64(statement_, column); }
  absl::Time Time(int column) const { return absl::FromUnixMicros(Number(column)); }

 private:
  absl::Status Failure() const {
    const int code = sqlite3_errcode(db_);
    const std::string message = absl::StrCat("the controller's history: ", sqlite3_errmsg(db_));
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return absl::DataLossError(message);
    if (code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_BUSY)
      return absl::UnavailableError(message);
    return absl::InternalError(message);
  }

  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

class SqliteLog final : public EventLog {
 public:
  explicit SqliteLog(sqlite3* db) : db_(db) {}
  ~SqliteLog() override { sqlite3_close(db_); }

  // Whether this is a history of ours, or nothing yet. Only reads.
  absl::Status Check() {
    ENTRAIN_ASSIGN_OR_RETURN(const int64_t version, Number("PRAGMA user_version"));
    if (version > kSchemaVersion) {
      return absl::FailedPreconditionError(absl::StrCat("written by a newer entrain (schema ", version,
                                                        ", this one knows ", kSchemaVersion,
                                                        "); use that version, or start with another file"));
    }
    ENTRAIN_ASSIGN_OR_RETURN(const int64_t tables, Number("SELECT COUNT(*) FROM sqlite_master"));
    if (version == 0 && tables == 0) return absl::OkStatus();
    ENTRAIN_ASSIGN_OR_RETURN(const int64_t ours,
                             Number("SELECT COUNT(*) FROM sqlite_master WHERE type='table' AND name IN "
                                    "('runs', 'revisions', 'observations', 'directives', 'audit')"));
    if (version < 1 || ours != 5) {
      return absl::FailedPreconditionError(
          "a SQLite file of another program, no history of a controller; start with another file");
    }
    Statement check(db_, "PRAGMA quick_check(1)");
    std::string verdict;
    ENTRAIN_RETURN_IF_ERROR(check.ForEach([&] {
      verdict = check.Text(0);
      return absl::OkStatus();
    }));
    return verdict == "ok" ? absl::OkStatus() : absl::DataLossError(verdict);
  }

  // Of a file that Check found good.
  absl::Status Prepare() {
    // An exclusive writer: a second controller on the same file is refused at once.
    for (const char* pragma :
         {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON"}) {
      ENTRAIN_RETURN_IF_ERROR(Statement(db_, pragma).Run());
    }
    ENTRAIN_ASSIGN_OR_RETURN(const int64_t version, Number("PRAGMA user_version"));
    if (version == kSchemaVersion) return absl::OkStatus();
    return Commit(true, [this, version] {
      for (int64_t from = version; from < kSchemaVersion; ++from) {
        char* error = nullptr;
        sqlite3_exec(db_, kMigrations[from], nullptr, nullptr, &error);
        if (error != nullptr) {
          const absl::Status status = absl::InternalError(error);
          sqlite3_free(error);
          return status;
        }
      }
      return Statement(db_, absl::StrCat("PRAGMA user_version = ", kSchemaVersion).c_str()).Run();
    });
  }

  absl::Status Commit(bool durable, const std::function<absl::Status()>& body) override {
    ENTRAIN_RETURN_IF_ERROR(
        Statement(db_, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL").Run());
    ENTRAIN_RETURN_IF_ERROR(Statement(db_, "BEGIN IMMEDIATE").Run());
    absl::Status status = body();
    if (status.ok()) status = Statement(db_, "COMMIT").Run();
    if (!status.ok()) Statement(db_, "ROLLBACK").Run().IgnoreError();
    return status;
  }

  absl::Status PutRun(const RunRecord& run) override {
    return Statement(db_, "INSERT OR REPLACE INTO runs VALUES(?,?,?,?,?,?,?,?,?,?,?,?)")
        .Bind(run.run_id)
        .Bind(run.name)
        .Bind(run.config_digest)
        .Bind(run.total_steps)
        .Bind(run.attempt)
        .Bind(int64_t{run.trainer.lines})
        .Bind(int64_t{run.trainer.plain_box})
        .Bind(int64_t{run.held})
        .Bind(run.create_time)
        .Bind(run.update_time)
        .Bind(WriteNamesJson(run.trainer.dials))
        .Bind(WriteNamesJson(run.trainer.needed_dials))
        .Run();
  }

  absl::Status AddRevision(const ControllerPort::Revision& revision) override {
    return Statement(db_, "INSERT INTO revisions VALUES(?,?,?,?,?,?,?,?)")
        .Bind(revision.run_id)
        .Bind(revision.revision)
        .Bind(WriteScheduleJson(revision.schedule))
        .Bind(revision.etag)
        .Bind(revision.author)
        .Bind(revision.reason)
        .Bind(revision.effective_step)
        .Bind(revision.create_time)
        .Run();
  }

  absl::Status AddObservation(const Observation& observation, absl::Time now) override {
    return Statement(db_,
                     "INSERT OR REPLACE INTO observations(run_id, attempt, step, record, create_time) "
                     "VALUES(?,?,?,?,?)")
        .Bind(observation.run_id)
        .Bind(observation.attempt)
        .Bind(observation.step)
        .Bind(WriteObservationJson(observation))
        .Bind(now)
        .Run();
  }

  absl::Status AddDirective(const Directive& directive, absl::Time now) override {
    return Statement(
               db_,
               "INSERT INTO directives(run_id, id, attempt, step, record, create_time) VALUES(?,?,?,?,?,?)")
        .Bind(directive.run_id)
        .Bind(directive.id)
        .Bind(directive.attempt)
        .Bind(directive.step)
        .Bind(WriteDirectiveJson(directive))
        .Bind(now)
        .Run();
  }

  absl::Status Supersede(const std::string& run_id, int64_t step) override {
    ENTRAIN_RETURN_IF_ERROR(Statement(db_, "UPDATE directives SET superseded=1 WHERE run_id=? AND step>=?")
                                .Bind(run_id)
                                .Bind(step)
                                .Run());
    return Statement(db_, "UPDATE observations SET superseded=1 WHERE run_id=? AND step>=?")
        .Bind(run_id)
        .Bind(step)
        .Run();
  }

  absl::StatusOr<int64_t> AddAudit(const ControllerPort::AuditEntry& entry) override {
    ENTRAIN_RETURN_IF_ERROR(
        Statement(db_, "INSERT INTO audit(run_id, time, author, action, reason, detail) VALUES(?,?,?,?,?,?)")
            .Bind(entry.run_id)
            .Bind(entry.time)
            .Bind(entry.author)
            .Bind(entry.action)
            .Bind(entry.reason)
            .Bind(entry.detail)
            .Run());
    return sqlite3_last_insert_rowid(db_);
  }

  absl::StatusOr<std::vector<RunRecord>> Runs() override {
    std::vector<RunRecord> runs;
    Statement query(db_,
                    "SELECT run_id, name, config_digest, total_steps, attempt, lines, plain_box, held, "
                    "create_time, update_time, dials, needed_dials FROM runs");
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(std::vector<std::string> dials, ReadNamesJson(query.Text(10)));
      ENTRAIN_ASSIGN_OR_RETURN(std::vector<std::string> needed, ReadNamesJson(query.Text(11)));
      runs.push_back({.run_id = query.Text(0),
                      .name = query.Text(1),
                      .config_digest = query.Text(2),
                      .total_steps = query.Number(3),
                      .attempt = query.Number(4),
                      .trainer = {.lines = query.Number(5) != 0,
                                  .plain_box = query.Number(6) != 0,
                                  .dials = std::move(dials),
                                  .needed_dials = std::move(needed)},
                      .held = query.Number(7) != 0,
                      .create_time = query.Time(8),
                      .update_time = query.Time(9)});
      return absl::OkStatus();
    }));
    return runs;
  }

  absl::StatusOr<std::vector<ControllerPort::Revision>> Revisions(const std::string& run_id) override {
    std::vector<ControllerPort::Revision> revisions;
    Statement query(db_,
                    "SELECT revision, schedule, etag, author, reason, effective_step, create_time FROM "
                    "revisions WHERE run_id=? ORDER BY revision");
    query.Bind(run_id);
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&]() -> absl::Status {
      ControllerPort::Revision revision{.run_id = run_id,
                                        .revision = query.Number(0),
                                        .etag = query.Text(2),
                                        .author = query.Text(3),
                                        .reason = query.Text(4),
                                        .effective_step = query.Number(5),
                                        .create_time = query.Time(6)};
      absl::StatusOr<Schedule> schedule = ReadScheduleJson(query.Text(1));
      const absl::Status usable = schedule.ok() ? schedule->Validate() : schedule.status();
      if (!usable.ok()) {
        return absl::DataLossError(absl::StrCat("the stored schedule of revision ", revision.revision,
                                                " cannot be used: ", usable.message()));
      }
      revision.schedule = *std::move(schedule);
      revisions.push_back(std::move(revision));
      return absl::OkStatus();
    }));
    return revisions;
  }

  absl::StatusOr<std::vector<Observation>> Observations(const std::string& run_id, int64_t from_step,
                                                        int32_t max) override {
    std::vector<Observation> out;
    Statement query(
        db_,
        "SELECT record FROM observations WHERE run_id=? AND step>=? AND superseded=0 ORDER BY step LIMIT ?");
    query.Bind(run_id).Bind(from_step).Bind(Bound(max));
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(Observation record, ReadObservationJson(query.Text(0)));
      out.push_back(std::move(record));
      return absl::OkStatus();
    }));
    return out;
  }

  absl::StatusOr<std::vector<Directive>> Directives(const std::string& run_id, int64_t from_step,
                                                    int32_t max) override {
    Statement query(
        db_,
        "SELECT record FROM directives WHERE run_id=? AND step>=? AND superseded=0 ORDER BY step LIMIT ?");
    query.Bind(run_id).Bind(from_step).Bind(Bound(max));
    return ReadDirectives(query);
  }

  absl::StatusOr<std::optional<Directive>> LastDirective(const std::string& run_id,
                                                         std::optional<int64_t> before_step) override {
    Statement query(db_,
                    "SELECT record FROM directives WHERE run_id=? AND step<? AND superseded=0 ORDER BY step "
                    "DESC LIMIT 1");
    query.Bind(run_id).Bind(before_step.value_or(INT64_MAX));
    return First(query);
  }

  absl::StatusOr<std::optional<Directive>> DirectiveOfStep(const std::string& run_id, int64_t step) override {
    Statement query(db_, "SELECT record FROM directives WHERE run_id=? AND step=? AND superseded=0");
    query.Bind(run_id).Bind(step);
    return First(query);
  }

  absl::StatusOr<std::optional<Directive>> DirectiveById(const std::string& run_id, int64_t id) override {
    Statement query(db_, "SELECT record FROM directives WHERE run_id=? AND id=?");
    query.Bind(run_id).Bind(id);
    return First(query);
  }

  absl::StatusOr<std::optional<double>> LastEntropy(const std::string& run_id) override {
    std::optional<double> entropy;
    Statement query(
        db_,
        "SELECT record FROM observations WHERE run_id=? AND superseded=0 AND "
        "CASE WHEN json_valid(record) THEN json_extract(record, '$.entropy_nats') END IS NOT NULL "
        "ORDER BY step DESC LIMIT 1");
    query.Bind(run_id);
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const Observation record, ReadObservationJson(query.Text(0)));
      entropy = record.entropy_nats;
      return absl::OkStatus();
    }));
    return entropy;
  }

  absl::StatusOr<int64_t> HighestDirectiveId(const std::string& run_id) override {
    int64_t highest = 0;
    Statement query(db_, "SELECT COALESCE(MAX(id), 0) FROM directives WHERE run_id=?");
    query.Bind(run_id);
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&] {
      highest = query.Number(0);
      return absl::OkStatus();
    }));
    return highest;
  }

  absl::StatusOr<std::vector<ControllerPort::AuditEntry>> Audit(const std::string& run_id) override {
    std::vector<ControllerPort::AuditEntry> entries;
    Statement query(db_,
                    "SELECT id, time, author, action, reason, detail FROM audit WHERE run_id=? ORDER BY id");
    query.Bind(run_id);
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&] {
      entries.push_back({.id = query.Number(0),
                         .run_id = run_id,
                         .time = query.Time(1),
                         .author = query.Text(2),
                         .action = query.Text(3),
                         .reason = query.Text(4),
                         .detail = query.Text(5)});
      return absl::OkStatus();
    }));
    return entries;
  }

 private:
  static int64_t Bound(int32_t max) { return max > 0 ? max : INT64_MAX; }

  // The single number that `sql` answers.
  absl::StatusOr<int64_t> Number(const char* sql) {
    int64_t number = 0;
    Statement query(db_, sql);
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&] {
      number = query.Number(0);
      return absl::OkStatus();
    }));
    return number;
  }

  static absl::StatusOr<std::vector<Directive>> ReadDirectives(Statement& query) {
    std::vector<Directive> out;
    ENTRAIN_RETURN_IF_ERROR(query.ForEach([&]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(Directive record, ReadDirectiveJson(query.Text(0)));
      out.push_back(std::move(record));
      return absl::OkStatus();
    }));
    return out;
  }

  static absl::StatusOr<std::optional<Directive>> First(Statement& query) {
    ENTRAIN_ASSIGN_OR_RETURN(std::vector<Directive> all, ReadDirectives(query));
    if (all.empty()) return std::nullopt;
    return std::move(all.front());
  }

  sqlite3* db_;
};

}  // namespace

absl::Status WithWayOut(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  if (!absl::IsDataLoss(status))
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  return absl::DataLossError(absl::StrCat(path, ": damaged or no history of a controller (", status.message(),
                                          "). Nothing was changed. Restore a backup, or move the file away: "
                                          "trainers bring their last directive"));
}

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(const std::string& path) {
  const auto open = [&](int flags) -> absl::StatusOr<std::unique_ptr<SqliteLog>> {
    sqlite3* db = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
    auto log = std::make_unique<SqliteLog>(db);
    if (code != SQLITE_OK)
      return absl::UnavailableError(absl::StrCat(path, ": cannot be opened: ", sqlite3_errstr(code)));
    sqlite3_busy_timeout(db, 2000);
    return log;
  };
  // What is not ours must not be changed, and opening for writing may already do that.
  if (std::error_code error; std::filesystem::exists(path, error)) {
    ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteLog> found, open(SQLITE_OPEN_READONLY));
    ENTRAIN_RETURN_IF_ERROR(WithWayOut(path, found->Check()));
  }
  ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<SqliteLog> log, open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  ENTRAIN_RETURN_IF_ERROR(WithWayOut(path, log->Prepare()));
  return log;
}

}  // namespace entrain

#include "services/config/run_config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/config/schedule_file.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

constexpr char kGood[] = R"(name: test
seed: 3
model:
  init: {hidden_size: 8, intermediate_size: 16, num_layers: 1, num_heads: 2, vocab_size: 14, max_position: 32, tokenizer: {chars: "01", special: ["<pad>", "<eos>"]}}
data: {train: train.jsonl}
learner:
  steps: 10
)";

class RunFile : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(folder_ / "train.jsonl") << "{\"prompt\": \"1\"}\n"; }
  absl::StatusOr<RunConfig> Read(const std::string& text, const std::vector<std::string>& overrides = {}) {
    std::ofstream(folder_ / "run.yaml") << text;
    return ReadRunConfig(folder_ / "run.yaml", overrides);
  }
  void Refused(const std::string& text, const std::vector<std::string>& expected,
               const std::vector<std::string>& overrides = {}) {
    const auto config = Read(text, overrides);
    ASSERT_FALSE(config.ok()) << text;
    for (const std::string& part : expected)
      EXPECT_NE(config.status().message().find(part), absl::string_view::npos)
          << config.status() << "\nexpected: " << part;
  }
  const TemporaryFolder folder_;
};

TEST_F(RunFile, HasTheDocumentedDefaults) {
  const auto config = Read(kGood);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->rollout.workers, 2);
  EXPECT_EQ(config->rollout.max_tokens, 256);
  EXPECT_EQ(config->learner.completions_per_prompt, 8);
  EXPECT_EQ(config->learner.prompts_per_step, 32);
  EXPECT_EQ(config->learner.minibatches, 4);
  EXPECT_EQ(config->learner.epochs, 1);
  EXPECT_EQ(config->learner.threads, 2);
  EXPECT_EQ(config->learner.microbatch_tokens, 8192);
  EXPECT_EQ(config->learner.optimizer.lr, 1e-6);
  EXPECT_EQ(config->learner.grad_clip, 1.0);
  EXPECT_EQ(config->learner.checkpoint_every_steps, 50);
  EXPECT_EQ(config->learner.objective.name, "flex_clip");
  EXPECT_EQ(config->learner.max_staleness, 0);
  EXPECT_TRUE(config->exact_staleness);
  EXPECT_EQ(config->schedule, Schedule{});
  EXPECT_EQ(config->learner.on_silence, OnSilence::kHold);
  EXPECT_EQ(config->learner.controller_wait_seconds, 2);
  EXPECT_EQ(config->data_train, folder_ / "train.jsonl");
  EXPECT_EQ(config->model.init->eos_token_ids, std::vector<int32_t>{1});
}

TEST_F(RunFile, TheEffectiveFileReadsBackAsTheSame) {
  const auto config =
      Read(std::string(kGood) +
               "schedule: {clip: {law: od, upper: off, od: {h_init: 0.5}}}\nobjective: {tis: {cap: 3}}\n",
           {"learner.eval.every_steps=5", "data.eval=train.jsonl"});
  ASSERT_TRUE(config.ok()) << config.status();
  for (const std::string& text : {WriteConfigJson(*config), WriteConfigYaml(*config)}) {
    const auto again = Read(text);
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << text;
    EXPECT_EQ(WriteConfigJson(*again), WriteConfigJson(*config));
  }
}

TEST_F(RunFile, RecordsBatchesWhenItSaysHowOften) {
  EXPECT_EQ(Read(kGood)->learner.record_batches_every_steps, 0);
  const std::string text = std::string(kGood) + "  record_batches: {every_steps: 5}\n";
  const auto config = Read(text);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->learner.record_batches_every_steps, 5);
  EXPECT_EQ(Read(WriteConfigYaml(*config))->learner.record_batches_every_steps, 5);
  Refused(std::string(kGood) + "  record_batches: {}\n", {"run.yaml:8", "every_steps is missing"});
  Refused(text, {"learner.record_batches.every_steps", "0"}, {"learner.record_batches.every_steps=0"});
}

TEST_F(RunFile, MasksRegionsByName) {
  EXPECT_FALSE(Read(kGood)->learner.objective.regions.Any());
  const std::string text = std::string(kGood) + "objective: {regions: {mask: [e1, e4], rule: exact}}\n";
  const auto config = Read(text);
  ASSERT_TRUE(config.ok()) << config.status();
  for (const auto& read : {*config, *Read(WriteConfigYaml(*config))}) {
    EXPECT_EQ(read.learner.objective.regions.masked, (std::array{false, true, false, false, true}));
    EXPECT_EQ(read.learner.objective.regions.rule, RegionMask::Rule::kExact);
  }
  Refused(std::string(kGood) + "objective: {regions: {mask: [e5]}}\n", {"run.yaml:8", "e1, e2, e3, e4"});
  Refused(std::string(kGood) + "objective: {regions: {mask: e1}}\n", {"objective.regions.mask", "a list"});
  Refused(std::string(kGood) + "objective: {regions: {rule: exact}}\n", {"mask is missing"});
  Refused(std::string(kGood) + "objective: {regions: {mask: [e1], rule: approximate}}\n", {"surprisal"});
  Refused(std::string(kGood) + "objective: {regions: {mask: [e1, e2, e3, e4]}}\n", {"nothing would train"});
}

TEST_F(RunFile, TheEffectiveFileHasPhasesAndDials) {
  const auto config =
      Read(std::string(kGood) +
           "objective: {name: abc_grpo}\nschedule:\n"
           "  clip: {law: id, phase: {advance: inflection, inflection: {hits: 3}}, lower: off}\n"
           "  dials: {abc_e1: {law: magic}, abc_e2: {law: piecewise, at: position, points: [{position: 0.5, "
           "value: 1}]},"
           " abc_e3: {law: static, value: 1.0e-5}}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->schedule.dials.size(), 3u);
  for (const std::string& text : {WriteConfigJson(*config), WriteConfigYaml(*config)}) {
    const auto again = Read(text);
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << text;
    EXPECT_EQ(again->schedule, config->schedule);
  }
}

TEST_F(RunFile, AnUnknownKeyIsNamedWithItsLineAndTheNearestName) {
  Refused(std::string(kGood) + "  promts_per_step: 4\n",
          {"run.yaml:8: learner.promts_per_step", "did you mean \"prompts_per_step\""});
  Refused(std::string(kGood) + "scedule: {}\n", {"run.yaml:8: scedule", "schedule"});
}

TEST_F(RunFile, AnUnknownKeyOfAnOverrideIsNamedAlthoughItsValueIsNull) {
  Refused(kGood, {"--set: unknown: unknown key; known: name, seed, model"}, {"unknown.key=null"});
  Refused(kGood, {"--set: scedule: unknown key; did you mean \"schedule\"?"}, {"scedule.clip=null"});
  Refused(kGood, {"--set: learner.stps: unknown key; did you mean \"steps\"?"}, {"learner.stps=null"});
}

TEST_F(RunFile, AnUnknownKeyOfTheScheduleIsNamedByItsPath) {
  const std::string text = std::string(kGood) + "schedule:\n  clip: {law: id}\n  gaurds: {}\n";
  Refused(text, {"run.yaml:10: schedule.gaurds: unknown key; did you mean \"guards\"?"});
  Refused(kGood, {"--set: schedule.clip.lwa: unknown key; did you mean \"law\"?"},
          {"schedule.clip.lwa=null"});
  Refused(std::string(kGood) + "schedule: 5\n", {"run.yaml:8: schedule: expected an object, found 5"});
}

TEST_F(RunFile, WhereTheLearnerListensIsCheckedWithItsLine) {
  Refused(std::string(kGood) + "listen: 0.0.0.0\n", {"run.yaml:8: listen: expected host:port", "0.0.0.0"});
  Refused(std::string(kGood) + "listen: 0.0.0.0:5000\n",
          {"run.yaml:8: listen: 0.0.0.0:5000", "can be reached from other machines"});
  Refused(kGood, {"--set: controller.address: expected host:port"}, {"controller.address=somewhere"});
  EXPECT_TRUE(Read(kGood, {"listen=127.0.0.1:5000", "controller.address=far.example:5000"}).ok());
}

// A key that is read and not used would be worse than none.
TEST_F(RunFile, TlsIsRefusedUntilItIsUsed) {
  Refused(std::string(kGood) + "tls: {certificate: a.pem, key: b.pem, ca: c.pem}\n",
          {"run.yaml:8: tls: is not yet supported"});
  Refused(std::string(kGood) + "listen: 0.0.0.0:5000\ntls: {certificate: a.pem, key: b.pem, ca: c.pem}\n",
          {"run.yaml:8: listen: 0.0.0.0:5000", "run.yaml:9: tls: is not yet supported"});
}

TEST_F(RunFile, SettingsOfTheVerifierAreReadAndWritten) {
  const auto defaults = Read(kGood);
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  EXPECT_EQ(defaults->verifier.sandbox, "required");
  EXPECT_EQ(defaults->verifier.cache_mb, 64);
  EXPECT_TRUE(defaults->verifier.commands.empty());
  EXPECT_TRUE(defaults->warnings.empty());

  std::ofstream(folder_ / "judge.sh") << "#!/bin/sh\n";
  std::filesystem::permissions(folder_ / "judge.sh", std::filesystem::perms::owner_all);
  const auto config = Read(std::string(kGood) +
                           "verifier:\n  cache_mb: 0\n  sandbox: off\n"
                           "  commands: {style: [judge.sh, --strict], lint: [/bin/sh, -e, lint.sh]}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->verifier.cache_mb, 0);
  EXPECT_EQ(config->verifier.sandbox, "off");
  const std::map<std::string, std::vector<std::string>> commands = {
      {"style", {folder_ / "judge.sh", "--strict"}}, {"lint", {"/bin/sh", "-e", "lint.sh"}}};
  EXPECT_EQ(config->verifier.commands, commands);
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_NE(config->warnings[0].find("run.yaml:10: verifier.sandbox: off"), std::string::npos)
      << config->warnings[0];
  // What is written reads back as the same.
  std::ofstream(folder_ / "effective.json") << WriteConfigJson(*config);
  const auto again = ReadRunConfig(folder_ / "effective.json", {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->verifier.commands, commands);
  EXPECT_EQ(again->verifier.cache_mb, 0);
}

TEST_F(RunFile, CommandsOfTheVerifierAreCheckedWithTheirLines) {
  const std::string text = std::string(kGood) + "verifier:\n  commands:\n    style: ";
  Refused(text + "[absent.sh]\n", {"run.yaml:10: verifier.commands.style: there is no program", "absent.sh"});
  Refused(text + "[train.jsonl]\n", {"verifier.commands.style: there is no program"});  // not executable
  Refused(text + "judge.sh\n", {"verifier.commands.style: expected a list of a program's path"});
  Refused(text + "[]\n", {"verifier.commands.style: expected a list of a program's path"});
  Refused(text + "[/bin/sh, \"a b\"]\n", {"and its arguments, without white space"});
  Refused(text + "[/bin/sh, 3]\n", {"verifier.commands.style: expected a list of a program's path"});
  Refused(std::string(kGood) + "verifier: {commands: {\"a b\": [/bin/sh]}}\n",
          {"expected a name of up to 64"});
  Refused(std::string(kGood) + "verifier: {commands: [/bin/sh]}\n", {"verifier.commands: expected names"});
  Refused(std::string(kGood) + "verifier: {cache_mb: -1}\n", {"verifier.cache_mb: expected a whole number"});
}

TEST_F(RunFile, AWrongTypeSaysWhatWasExpectedAndFound) {
  Refused(std::string(kGood) + "  minibatches: many\n",
          {"run.yaml:8: learner.minibatches", "expected a whole number", "found \"many\""});
  Refused(std::string(kGood) + "  minibatches: 2.5\n", {"learner.minibatches", "2.5"});
  Refused(std::string(kGood) + "  dynamic_sampling: 1\n", {"learner.dynamic_sampling", "true or false"});
}

TEST_F(RunFile, AllProblemsComeAtOnce) {
  Refused("seed: -1\nmodel: {}\ndata: {train: absent.jsonl}\nlearner: {}\n",
          {"name: is missing", "seed: expected", "expected either path", "absent.jsonl",
           "learner: steps is missing"});
}

TEST_F(RunFile, OverridesWinAndAreNamedAsSuch) {
  const auto config = Read(kGood, {"learner.steps=7", "rollout.temperature=0.5", "schedule.clip={law: id}"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->learner.steps, 7);
  EXPECT_EQ(config->learner.temperature, 0.5);
  EXPECT_EQ(config->schedule.clip.law, ClipLaw::kId);
  Refused(kGood, {"--set: learner.steps"}, {"learner.steps=none at all"});
  Refused(kGood, {"--set nonsense"}, {"nonsense"});
}

TEST_F(RunFile, DangerousCombinationsAreRefused) {
  Refused(kGood, {"top_p", "objective.tis"}, {"rollout.top_p=0.9"});
  EXPECT_TRUE(Read(kGood, {"rollout.top_p=0.9", "objective.tis={cap: 2}"}).ok());
  Refused(kGood, {"plain box"}, {"objective.name=ppo_clip", "schedule.clip.law=id"});
  EXPECT_TRUE(Read(kGood, {"objective.name=ppo_clip"}).ok());
  Refused(kGood, {"schedule.clip"}, {"objective.name=ppo_clip", "objective.params={eps_low: 0.3}"});
  Refused(kGood, {"data.eval"}, {"learner.eval.every_steps=5"});
}

TEST_F(RunFile, DemonstrationsThatAreNotThereAreRefused) {
  Refused(kGood, {"model.warmup.data: there is no file", "none.jsonl"},
          {"model.warmup={data: none.jsonl, steps: 5}"});
  EXPECT_TRUE(Read(kGood, {"model.warmup={data: train.jsonl, steps: 5}"}).ok());
}

TEST_F(RunFile, OneUpdatePerStepIsAWarning) {
  const auto config = Read(kGood, {"learner.minibatches=1"});
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_TRUE(Read(kGood)->warnings.empty());
}

TEST_F(RunFile, WithoutAScheduleAnObjectiveHasTheBoxItWasPublishedWith) {
  const auto gspo = Read(kGood, {"objective.name=gspo"});  // arXiv 2507.18071: 3e-4 below, 4e-4 above
  ASSERT_TRUE(gspo.ok()) << gspo.status();
  EXPECT_EQ(gspo->schedule.clip.lower->line, (ClipLine{3e-4, 0}));
  EXPECT_EQ(gspo->schedule.clip.upper->line, (ClipLine{4e-4, 0}));
  const auto given = Read(kGood, {"objective.name=gspo", "schedule.clip.eps_std=0.1"});
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_FALSE(given->schedule.clip.lower.has_value());
  EXPECT_FALSE(Read(kGood, {"objective.name=ppo_clip"})->schedule.clip.upper.has_value());
}

TEST_F(RunFile, AParameterWithoutADefaultIsNeeded) {
  Refused(std::string(kGood) + "objective: {name: aer}\n", {"objective.params", "alpha is missing"});
  EXPECT_TRUE(Read(kGood, {"objective.name=aer", "objective.params.alpha=0.01"}).ok());
}

TEST_F(RunFile, AParameterWithoutADefaultMayComeFromADial) {
  const auto config = Read(kGood, {"objective.name=aer", "schedule.dials.entropy_bonus.law=aer"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->schedule.dials.at("entropy_bonus"), DialSchedule(AerDial{}));
  Refused(kGood, {"objective.params: alpha is missing", "schedule.dials.entropy_bonus"},
          {"objective.name=aer", "schedule.dials.difficulty_rho.law=static",
           "schedule.dials.difficulty_rho.value=0.5"});
  EXPECT_TRUE(Read(kGood, {"objective.name=entropic", "schedule.dials.entropic_alpha.law=entropic"}).ok());
}

TEST_F(RunFile, ADialThatTheObjectiveDoesNotTakeIsNamedWithItsLine) {
  Refused(std::string(kGood) +
              "objective: {name: ce_gppo}\nschedule:\n  dials:\n    entropy_bonus: {law: magic}\n",
          {"run.yaml:11: schedule.dials.entropy_bonus: objective ce_gppo does not take this dial; it takes "
           "ce_gppo_beta1, ce_gppo_beta2, dual_c"});
  Refused(std::string(kGood) + "schedule:\n  dials:\n    entropy_bonuss: {law: magic}\n",
          {"run.yaml:10: schedule.dials.entropy_bonuss: unknown dial", "entropy_bonus"});
}

TEST_F(RunFile, AScheduleOfDialsAloneKeepsTheBoxItsObjectiveWasPublishedWith) {
  const auto config = Read(kGood, {"objective.name=ce_gppo", "schedule.dials.ce_gppo_beta1.law=static",
                                   "schedule.dials.ce_gppo_beta1.value=0.5"});
  ASSERT_TRUE(config.ok()) << config.status();
  const auto dapo = Read(
      kGood, {"objective.name=dapo", "schedule.dials.dual_c.law=static", "schedule.dials.dual_c.value=5"});
  ASSERT_TRUE(dapo.ok()) << dapo.status();
  EXPECT_EQ(dapo->schedule.clip.upper->line, (ClipLine{0.28, 0}));  // arXiv 2503.14476
}

TEST_F(RunFile, ThresholdsOfAnObjectiveWithoutClipFormAreParameters) {
  EXPECT_TRUE(Read(kGood, {"objective.name=dcpo", "objective.params.eps_low=0.1"}).ok());
  EXPECT_FALSE(Read(kGood, {"objective.name=ppo_clip", "objective.params.eps_low=0.1"}).ok());
}

TEST_F(RunFile, AScheduleProblemHasItsLine) {
  Refused(std::string(kGood) + "schedule:\n  clip:\n    law: id\n    eps_std: 1.28\n",
          {"run.yaml:11: schedule.clip.eps_std", "ratio_bounds"});
}

TEST_F(RunFile, BrokenYamlAndRepeatedKeysNameTheLine) {
  Refused("name: [\n", {"run.yaml:"});
  Refused("name: a\nname: b\n", {"run.yaml:2", "twice"});
  EXPECT_EQ(ReadRunConfig(folder_ / "absent.yaml", {}).status().code(), absl::StatusCode::kNotFound);
}

// Two aliases of the list that holds them: 2^32 values if they were followed.
TEST_F(RunFile, AnAliasThatHoldsItselfEndsAtOnce) {
  Refused("name: x\nmodel: &a [*a, *a]\n", {"run.yaml:2", "nested more than 32 deep"});
}

// Nine levels of nine aliases each: 9^9 values of a few hundred bytes of text.
TEST_F(RunFile, AliasesThatMultiplyAreRefused) {
  std::string yaml = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (char name = 'b'; name <= 'i'; ++name) {
    yaml += std::string(1, name) + ": &" + name + " [";
    for (int i = 0; i < 9; ++i) yaml += std::string(i > 0 ? ", *" : "*") + static_cast<char>(name - 1);
    yaml += "]\n";
  }
  Refused(yaml, {"run.yaml:", "values"});
}

TEST_F(RunFile, AnOverrideThatIsNestedTooDeeplyIsRefused) {
  Refused(kGood, {"--set name", "nested"}, {"name=" + std::string(40, '[') + "1" + std::string(40, ']')});
}

TEST_F(RunFile, ADeviceThatWorkersDoNotHaveIsRefusedBeforeAnythingStarts) {
  Refused(kGood, {"rollout.device: expected cpu, found \"cuda:0\""}, {"rollout.device=cuda:0"});
  Refused(kGood, {"rollout.dtype: expected float32"}, {"rollout.dtype=int8"});
}

TEST_F(RunFile, AScheduleFileMayStandAloneOrInARunFile) {
  std::ofstream(folder_ / "s.yaml") << "clip: {law: static, lower: off}\n";
  const auto schedule = ReadScheduleFile(folder_ / "s.yaml", {"clip.eps_std=0.3"});
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->clip.eps_std, 0.3);
  EXPECT_TRUE(schedule->clip.lower->off);
  std::ofstream(folder_ / "r.yaml") << "name: x\nschedule: {clip: {law: did}}\n";
  EXPECT_EQ(ReadScheduleFile(folder_ / "r.yaml", {})->clip.law, ClipLaw::kDid);
}

TEST_F(RunFile, RatioBoundsOnTheCommandLineReplaceTheBoxThatIsThere) {
  Schedule schedule;
  schedule.clip.upper = ClipSide{.line = {0.4, 0}};
  const auto changed =
      OverrideSchedule(schedule, {"clip.ratio_bounds.low=0.75", "clip.ratio_bounds.high=1.25"});
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->clip.upper->line, (ClipLine{0.25, 0}));
  EXPECT_EQ(changed->clip.lower->line, (ClipLine{0.25, 0}));
  const auto both = OverrideSchedule(
      schedule, {"clip.ratio_bounds.low=0.75", "clip.ratio_bounds.high=1.25", "clip.eps_std=0.2"});
  EXPECT_NE(both.status().message().find("without eps_std"), absl::string_view::npos) << both.status();
}

TEST_F(RunFile, AKlTermIsReadWithItsDefaults) {
  EXPECT_FALSE(Read(kGood)->learner.objective.kl.has_value());
  const auto measured = Read(std::string(kGood) + "objective: {kl: {coef: 0}}\n");
  ASSERT_TRUE(measured.ok()) << measured.status();
  ASSERT_TRUE(measured->learner.objective.kl.has_value());
  EXPECT_EQ(measured->learner.objective.kl->coef, 0);
  EXPECT_EQ(measured->learner.objective.kl->estimator, KlEstimator::kK3);
  EXPECT_EQ(measured->kl_reference, "");
  const auto config =
      Read(std::string(kGood) + "objective: {name: gspo, kl: {coef: 0.05, estimator: k1, reference: .}}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->learner.objective.kl->coef, 0.05);
  EXPECT_EQ(config->learner.objective.kl->estimator, KlEstimator::kK1);
  EXPECT_FALSE(config->kl_reference.empty());
  const auto again = Read(WriteConfigJson(*config));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(WriteConfigJson(*again), WriteConfigJson(*config));
  Refused(std::string(kGood) + "objective: {kl: {coef: -1, estimator: k2, reference: nowhere}}\n",
          {"objective.kl.coef", "objective.kl.estimator", "there is no folder"});
}

TEST_F(RunFile, AKlTermBesideAClosedLoopLawIsAWarning) {
  const auto warnings = [&](const std::string& law, const std::string& kl) {
    const auto config =
        Read(std::string(kGood) + "schedule: {clip: {law: " + law + "}}\nobjective: {kl: " + kl + "}\n");
    EXPECT_TRUE(config.ok()) << config.status();
    return config->warnings;
  };
  ASSERT_EQ(warnings("od", "{coef: 0.1}").size(), 1u);
  EXPECT_NE(warnings("od", "{coef: 0.1}")[0].find("acts on entropy too"), std::string::npos);
  EXPECT_TRUE(warnings("od", "{coef: 0}").empty());
  EXPECT_TRUE(warnings("id", "{coef: 0.1}").empty());
  const auto dial = [](const std::string& law) { return "id}, dials: {dual_c: {law: " + law + "}"; };
  EXPECT_EQ(warnings(dial("pi, target: 0.5, min: 2, max: 9"), "{coef: 0.1}").size(), 1u);
  EXPECT_TRUE(warnings(dial("static, value: 3"), "{coef: 0.1}").empty());
}

TEST_F(RunFile, AKlTermBesideAClosedLoopLawOfADialIsAWarning) {
  const auto config = Read(std::string(kGood) +
                           "objective: {name: pos_adv_reweight, kl: {coef: 0.1}}\n"
                           "schedule: {dials: {positive_advantage_weight: {law: entropy_guided}}}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_NE(config->warnings[0].find("schedule.dials.positive_advantage_weight (entropy_guided)"),
            std::string::npos)
      << config->warnings[0];
}

TEST_F(RunFile, AKlTermTakesItsDialAndRecordedBatches) {
  const std::string dial = "schedule: {dials: {kl_coef: {law: static, value: 0.1}}}\n";
  const auto config = Read(std::string(kGood) + dial + "objective: {kl: {coef: 0}}\n");
  EXPECT_TRUE(config.ok()) << config.status();
  Refused(std::string(kGood) + dial, {"schedule.dials.kl_coef", "does not take this dial"});
  const auto both =
      Read(std::string(kGood) + "  record_batches: {every_steps: 5}\nobjective: {kl: {coef: 0}}\n");
  EXPECT_TRUE(both.ok()) << both.status();
}

TEST_F(RunFile, TheOverlongPenaltyMustFitTheCompletions) {
  const auto config =
      Read(std::string(kGood) + "  overlong: {max: 20, cache: 5}\nrollout: {max_tokens: 20}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->learner.overlong->max, 20);
  EXPECT_EQ(config->learner.overlong->cache, 5);
  EXPECT_EQ(config->learner.max_tokens, 20);
  EXPECT_EQ(WriteConfigJson(*Read(WriteConfigJson(*config))), WriteConfigJson(*config));
  Refused(std::string(kGood) + "  overlong: {max: 20, cache: 5}\nrollout: {max_tokens: 19}\n",
          {"run.yaml:8: learner.overlong.max: expected at most rollout.max_tokens, 19, found 20"});
  Refused(std::string(kGood) + "  overlong: {max: 20, cache: 20}\n",
          {"learner.overlong.cache: expected less than max, 20, found 20"});
  Refused(std::string(kGood) + "  overlong: {max: 20, cache: 0}\n", {"learner.overlong.cache"});
  Refused(std::string(kGood) + "  overlong: {max: 20}\n", {"cache is missing"});
}

}  // namespace
}  // namespace entrain

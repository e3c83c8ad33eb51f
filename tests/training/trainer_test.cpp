#include "rustorch/training/trainer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "rustorch/data/dataset.h"
#include "rustorch/nn/nn.h"
#include "rustorch/optim/optim.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/loss.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/training/callbacks.h"
#include "tests/support/expect_error.h"

namespace rustorch::training {
namespace {

namespace fs = std::filesystem;

struct Net : nn::Module {
  nn::Linear first = layer("first", nn::Linear(4, 16));
  nn::BatchNorm1d norm = layer("norm", nn::BatchNorm1d(16));
  nn::Dropout dropout = layer("dropout", nn::Dropout(0.2));
  nn::Linear last = layer("last", nn::Linear(16, 3));
  Tensor forward(const Tensor& x) override { return last(dropout(relu(norm(first(x))))); }
};

Tensor loss_of(const Tensor& output, const Tensor& target) { return cross_entropy(output, target); }

/// Three classes by the largest of the first three inputs.
data::TensorDataset examples() {
  manual_seed(3);
  const Tensor x = randn({96, 4});
  return data::TensorDataset(x, x.slice(1, 0, 3).argmax(1));
}

/// A training run with everything that a checkpoint must hold.
struct Job {
  Net net;
  optim::AdamW optimizer;
  optim::OneCycleLR scheduler;
  data::DataLoader loader;
  Trainer trainer;

  explicit Job(TrainerOptions options)
      : net((manual_seed(5), Net())),
        optimizer(net.parameters(), {.lr = 1e-2}),
        scheduler(optimizer, {.max_lr = 2e-2, .total_steps = 36}),
        loader(examples(), {.batch_size = 8, .shuffle = true, .workers = 1, .seed = 11}),
        trainer(net, optimizer, loss_of, options) {
    manual_seed(5);
    trainer.set_scheduler(scheduler);
  }
};

class TrainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("trainer_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

void expect_same_bits(Net& a, Net& b) {
  const StateDict x = a.state_dict();
  const StateDict y = b.state_dict();
  ASSERT_EQ(x.names(), y.names());
  for (const auto& [name, tensor] : x) EXPECT_TRUE(tensor.equal(y.at(name))) << name;
}

TEST_F(TrainerTest, LearnsAndReports) {
  Job run({.epochs = 3});
  data::DataLoader test(examples(), {.batch_size = 50});
  const TrainingResult result = run.trainer.fit(run.loader, &test);
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(result.steps, 36);
  ASSERT_EQ(result.epochs.size(), 3u);
  EXPECT_LT(result.epochs[2].train_loss, result.epochs[0].train_loss);
  EXPECT_GT(result.epochs[2].test_accuracy, 0.8);
  EXPECT_EQ(run.trainer.epoch(), 4);
}

TEST_F(TrainerTest, ResumesBitForBitFromAnyStep) {
  Job whole({.epochs = 3});
  whole.trainer.fit(whole.loader);
  for (const std::int64_t at : {1, 11, 12, 13, 30}) {
    Job first({.epochs = 3, .max_steps = at});
    first.trainer.fit(first.loader);
    first.trainer.save_checkpoint(folder_ / "c.safetensors");
    Job second({.epochs = 3});
    second.trainer.load_checkpoint(folder_ / "c.safetensors");
    EXPECT_EQ(second.trainer.step(), at);
    EXPECT_EQ(second.trainer.fit(second.loader).steps, 36);
    SCOPED_TRACE(at);
    expect_same_bits(whole.net, second.net);
  }
}

TEST_F(TrainerTest, StopFlagEndsAfterTheStep) {
  struct StopAt : Callback {
    std::atomic<bool>* flag;
    void on_step(Trainer&, const StepRecord& record) override { *flag = record.step == 5; }
  };
  std::atomic<bool> flag{false};
  Job run({.epochs = 3, .stop = &flag});
  auto stop = std::make_shared<StopAt>();
  stop->flag = &flag;
  run.trainer.add(stop);
  const TrainingResult result = run.trainer.fit(run.loader);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.steps, 5);
}

TEST_F(TrainerTest, CheckpointOfAnotherNetworkNamesTheKeys) {
  struct Other : nn::Module {
    nn::Linear first = layer("frist", nn::Linear(4, 16));
  };
  Other other;
  optim::AdamW optimizer(other.parameters(), {});
  Trainer trainer(other, optimizer, loss_of);
  trainer.save_checkpoint(folder_ / "other.safetensors");
  Job run({.epochs = 1});
  Net before = nn::clone(run.net);
  optim::SGD plain(run.net.parameters(), {.lr = 0.1});
  Trainer unscheduled(run.net, plain, loss_of);
  const auto error = testing::error_of([&] { unscheduled.load_checkpoint(folder_ / "other.safetensors"); });
  ASSERT_TRUE(error);
  const std::string text = error->what();
  EXPECT_NE(text.find("first.weight"), std::string::npos) << text;
  EXPECT_NE(text.find("frist.weight"), std::string::npos) << text;
  EXPECT_NE(text.find("other.safetensors"), std::string::npos) << text;
  expect_same_bits(before, run.net);
}

TEST_F(TrainerTest, NoCheckpointAndDamagedCheckpoint) {
  Job run({.epochs = 1});
  EXPECT_EQ(testing::error_of([&] { run.trainer.load_checkpoint(folder_ / "absent.safetensors"); })->code(),
            ErrorCode::not_found);
  run.trainer.save_checkpoint(folder_ / "c.safetensors");
  fs::resize_file(folder_ / "c.safetensors", 200);
  EXPECT_EQ(testing::error_of([&] { run.trainer.load_checkpoint(folder_ / "c.safetensors"); })->code(),
            ErrorCode::corrupt_data);
}

TEST_F(TrainerTest, CheckpointsKeepTheNewest) {
  Job run({.epochs = 3});
  run.trainer.add(std::make_shared<Checkpoints>(folder_ / "checkpoints", 5, 2));
  run.trainer.fit(run.loader);
  const auto kept = list_checkpoints(folder_ / "checkpoints");
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].filename(), "step-00000036.safetensors");
  EXPECT_EQ(kept[1].filename(), "step-00000035.safetensors");
}

TEST_F(TrainerTest, LogHoldsEveryStepOnceAfterAResume) {
  const fs::path log = folder_ / "log.jsonl";
  Job first({.epochs = 2, .max_steps = 15});
  first.trainer.add(std::make_shared<JsonLog>(log));
  first.trainer.add(std::make_shared<Checkpoints>(folder_ / "c", 10, 5));
  first.trainer.fit(first.loader);
  Job second({.epochs = 2});
  second.trainer.load_checkpoint(folder_ / "c" / "step-00000010.safetensors");  // steps 11 to 15 happen again
  second.trainer.add(std::make_shared<JsonLog>(log));
  second.trainer.fit(second.loader);
  const TrainingLog read = read_training_log(log);
  ASSERT_EQ(read.steps.size(), 24u);
  for (std::size_t i = 0; i < read.steps.size(); ++i)
    EXPECT_EQ(read.steps[i].step, static_cast<std::int64_t>(i + 1));
  EXPECT_EQ(read.epochs.size(), 2u);
}

TEST_F(TrainerTest, DamagedLogLines) {
  const fs::path log = folder_ / "log.jsonl";
  std::ofstream(log) << "{\"step\":1,\"epoch\":1,\"loss\":2.5}\n{\"step\":2,\"ep";
  EXPECT_EQ(read_training_log(log).steps.size(), 1u);
  std::ofstream(log) << "{\"step\":1,\"epoch\n{\"step\":2,\"epoch\":1}\n";
  EXPECT_EQ(testing::error_of([&] { read_training_log(log); })->code(), ErrorCode::corrupt_data);
}

TEST_F(TrainerTest, EarlyStopping) {
  Job run({.epochs = 3});
  for (auto& group : run.optimizer.param_groups()) group.options["lr"] = 0.0;
  Trainer still(run.net, run.optimizer, loss_of, {.epochs = 50});
  data::DataLoader test(examples(), {.batch_size = 50});
  for (auto& [name, buffer] : run.net.named_buffers()) (void)name, (void)buffer;
  still.add(std::make_shared<EarlyStopping>(2, 10.0));  // nothing improves by 10
  const TrainingResult result = still.fit(run.loader, &test);
  EXPECT_EQ(result.epochs.size(), 3u);
}

TEST_F(TrainerTest, LossThatIsNotFiniteIsAnError) {
  Job run({.epochs = 1});
  Trainer diverging(run.net, run.optimizer,
                    [](const Tensor& output, const Tensor&) { return (output * 0.0).sum() / 0.0; },
                    {.epochs = 1});
  const auto error = testing::error_of([&] { diverging.fit(run.loader); });
  ASSERT_TRUE(error);
  EXPECT_NE(std::string(error->what()).find("step 1"), std::string::npos);
}

TEST(Evaluate, RestoresTheModeAndCounts) {
  Net net;
  data::DataLoader loader(examples(), {.batch_size = 40});
  const Evaluation result = evaluate(net, loader, loss_of, 3);
  EXPECT_TRUE(net.is_training());
  EXPECT_EQ(result.confusion.total(), 96);
  EXPECT_GT(result.loss, 0.0);
}

}  // namespace
}  // namespace rustorch::training

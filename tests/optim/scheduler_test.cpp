#include "rustorch/optim/scheduler.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rustorch/optim/optim.h"
#include "rustorch/tensor/operations/creation.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

optim::SGD make_sgd(double lr = 0.1) {
  return optim::SGD(std::vector<Tensor>{zeros({1}, {.requires_grad = true})}, {.lr = lr, .momentum = 0.9});
}

// The rates of step 0 to `steps`.
std::vector<double> rates(optim::Optimizer& optimizer, optim::LRScheduler& scheduler, int steps,
                          const char* option = "lr") {
  std::vector<double> result{optimizer.param_groups()[0].options.at(option)};
  for (int i = 0; i < steps; ++i) {
    optimizer.step();
    scheduler.step();
    result.push_back(optimizer.param_groups()[0].options.at(option));
  }
  return result;
}

void expect_near(const std::vector<double>& given, const std::vector<double>& wanted) {
  ASSERT_EQ(given.size(), wanted.size());
  for (std::size_t i = 0; i < given.size(); ++i) EXPECT_NEAR(given[i], wanted[i], 1e-15) << i;
}

// All values are those of torch.optim.lr_scheduler (2.11): scripts/oracle/optimizers.py.

TEST(Schedulers, Step) {
  optim::SGD optimizer = make_sgd();
  optim::StepLR scheduler(optimizer, {.step_size = 3, .gamma = 0.5});
  expect_near(rates(optimizer, scheduler, 8), {0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025});
  EXPECT_EQ(scheduler.last_epoch(), 8);
  EXPECT_EQ(scheduler.get_last_lr(), std::vector<double>{0.025});
}

TEST(Schedulers, MultiStep) {
  optim::SGD optimizer = make_sgd();
  optim::MultiStepLR scheduler(optimizer, {5, 2, 5});
  expect_near(rates(optimizer, scheduler, 7),
              {0.1, 0.1, 0.010000000000000002, 0.010000000000000002, 0.010000000000000002,
               0.00010000000000000005, 0.00010000000000000005, 0.00010000000000000005});
}

TEST(Schedulers, Exponential) {
  optim::SGD optimizer = make_sgd();
  optim::ExponentialLR scheduler(optimizer, 0.9);
  expect_near(rates(optimizer, scheduler, 6),
              {0.1, 0.09000000000000001, 0.08100000000000002, 0.07290000000000002, 0.06561000000000002,
               0.05904900000000002, 0.05314410000000002});
}

TEST(Schedulers, CosineAnnealing) {
  optim::SGD optimizer = make_sgd();
  optim::CosineAnnealingLR scheduler(optimizer, {.t_max = 5, .eta_min = 0.01});
  expect_near(rates(optimizer, scheduler, 13),
              {0.1, 0.09140576474687263, 0.06890576474687263, 0.04109423525312736, 0.018594235253127367, 0.01,
               0.018594235253127367, 0.04109423525312739, 0.06890576474687267, 0.09140576474687269,
               0.10000000000000006, 0.09140576474687272, 0.06890576474687268, 0.0410942352531274});
}

TEST(Schedulers, Linear) {
  optim::SGD optimizer = make_sgd();
  optim::LinearLR scheduler(optimizer, 0.25, 0.9, 4);
  expect_near(rates(optimizer, scheduler, 7),
              {0.025, 0.04125, 0.05750000000000001, 0.07375000000000001, 0.09000000000000002,
               0.09000000000000002, 0.09000000000000002, 0.09000000000000002});
}

TEST(Schedulers, Lambda) {
  optim::SGD optimizer = make_sgd();
  optim::LambdaLR scheduler(optimizer, [](std::int64_t step) { return 1.0 / static_cast<double>(1 + step); });
  expect_near(rates(optimizer, scheduler, 5),
              {0.1, 0.05, 0.03333333333333333, 0.025, 0.020000000000000004, 0.016666666666666666});
}

TEST(Schedulers, OneCycle) {
  const std::vector<double> lr{0.016000000000000014, 0.1399158616878332,  0.3517140636488515,
                               0.39776617418036475,  0.3732051879365647,  0.3246982615799052,
                               0.25895159907804133,  0.18505484106679002, 0.11322439928347969,
                               0.05339101207553224,  0.01382679497015809, 1.6e-06,
                               0.013826794970158067};
  const std::vector<double> momentum{0.95,
                                     0.9177302443521267,
                                     0.8625744625914449,
                                     0.8505584586887436,
                                     0.856698729810778,
                                     0.8688255099070633,
                                     0.8852622412794547,
                                     0.9037365046793212,
                                     0.9216941869558779,
                                     0.9366525935914912,
                                     0.9465436874322102,
                                     0.95,
                                     0.9465436874322102};
  optim::SGD by_lr = make_sgd();
  optim::OneCycleLR first(by_lr, 0.4, 12);
  expect_near(rates(by_lr, first, 12), lr);
  optim::SGD by_momentum = make_sgd();
  optim::OneCycleLR second(by_momentum, {.max_lr = 0.4, .total_steps = 12});
  expect_near(rates(by_momentum, second, 12, "momentum"), momentum);
  expect_error(ErrorCode::invalid_argument, "step 13 of a schedule of 12 steps", [&] {
    second.step();
    return 0;
  });
}

TEST(Schedulers, OneCycleInThreeLinearPhases) {
  const optim::OneCycleLROptions options{.max_lr = 0.4,
                                         .epochs = 3,
                                         .steps_per_epoch = 4,
                                         .pct_start = 0.25,
                                         .anneal_strategy = "linear",
                                         .base_momentum = 0.8,
                                         .max_momentum = 0.9,
                                         .div_factor = 10,
                                         .final_div_factor = 100,
                                         .three_phase = true};
  optim::SGD by_lr = make_sgd();
  optim::OneCycleLR first(by_lr, options);
  EXPECT_EQ(first.total_steps(), 12);
  expect_near(rates(by_lr, first, 11),
              {0.04, 0.22000000000000003, 0.4, 0.22, 0.03999999999999998, 0.03434285714285715,
               0.028685714285714287, 0.02302857142857143, 0.017371428571428572, 0.011714285714285712,
               0.006057142857142858, 0.0003999999999999976});
  optim::SGD by_momentum = make_sgd();
  optim::OneCycleLR second(by_momentum, options);
  expect_near(rates(by_momentum, second, 11, "momentum"),
              {0.9, 0.8500000000000001, 0.8, 0.8500000000000001, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9});
}

TEST(Schedulers, OneCycleTurnsBeta1OfAdam) {
  optim::AdamW optimizer(std::vector<Tensor>{zeros({1}, {.requires_grad = true})}, {.lr = 1});
  optim::OneCycleLR scheduler(optimizer, {.max_lrs = {0.4}, .total_steps = 5});
  expect_near(rates(optimizer, scheduler, 4, "beta1"),
              {0.95, 0.854951556604879, 0.8888739533021842, 0.9311744900929366, 0.95});
  EXPECT_EQ(optimizer.param_groups()[0].options.at("beta2"), 0.999);
  EXPECT_NEAR(optimizer.learning_rate(), 1.6e-06, 1e-15);
}

TEST(Schedulers, Sequential) {
  optim::SGD optimizer = make_sgd();
  optim::SequentialLR scheduler(optimizer, {3, 7}, optim::LinearLR(optimizer, 0.1, 1.0, 3),
                                optim::CosineAnnealingLR(optimizer, 4), optim::ExponentialLR(optimizer, 0.5));
  expect_near(rates(optimizer, scheduler, 11),
              {0.010000000000000002, 0.04, 0.07, 0.1, 0.08535533905932738, 0.05, 0.014644660940672627, 0.1,
               0.05, 0.025, 0.0125, 0.00625});
}

TEST(Schedulers, SetEachGroup) {
  optim::SGD optimizer({{.parameters = {zeros({1}, {.requires_grad = true})}, .options = {{"lr", 1.0}}},
                        {.parameters = {zeros({1}, {.requires_grad = true})}}},
                       {.lr = 0.5});
  optim::LambdaLR scheduler(optimizer, {[](std::int64_t) { return 0.5; }, [](std::int64_t) { return 0.1; }});
  EXPECT_EQ(scheduler.get_last_lr(), (std::vector<double>{0.5, 0.05}));
  EXPECT_EQ(optimizer.learning_rate(1), 0.05);
}

TEST(Schedulers, StayAttachedWhenTheOptimizerMoves) {
  optim::SGD first = make_sgd();
  optim::StepLR scheduler(first, 1, 0.5);
  optim::SGD second = std::move(first);
  scheduler.step();
  EXPECT_EQ(second.learning_rate(), 0.05);
}

// A schedule that is saved in the middle goes on as if nothing had happened.
template <class Make>
void expect_resumes(const Make& make) {
  optim::SGD straight = make_sgd();
  const auto uninterrupted = make(straight);
  const std::vector<double> wanted = rates(straight, *uninterrupted, 9);
  optim::SGD first = make_sgd();
  const auto before = make(first);
  rates(first, *before, 4);
  optim::SGD second = make_sgd();
  const auto after = make(second);
  second.load_state_dict(first.state_dict());
  after->load_state_dict(before->state_dict());
  EXPECT_EQ(after->get_last_lr(), before->get_last_lr());
  EXPECT_EQ(after->last_epoch(), 4);
  EXPECT_EQ(rates(second, *after, 5), std::vector<double>(wanted.begin() + 4, wanted.end()));
}

TEST(Schedulers, Resume) {
  using optim::Optimizer;
  expect_resumes([](Optimizer& o) { return std::make_unique<optim::StepLR>(o, 3); });
  expect_resumes([](Optimizer& o) {
    return std::make_unique<optim::MultiStepLR>(o, std::vector<std::int64_t>{2, 6});
  });
  expect_resumes([](Optimizer& o) { return std::make_unique<optim::ExponentialLR>(o, 0.9); });
  expect_resumes([](Optimizer& o) { return std::make_unique<optim::CosineAnnealingLR>(o, 5); });
  expect_resumes([](Optimizer& o) { return std::make_unique<optim::LinearLR>(o, 0.1, 1.0, 6); });
  expect_resumes([](Optimizer& o) { return std::make_unique<optim::OneCycleLR>(o, 0.4, 12); });
  expect_resumes([](Optimizer& o) {
    return std::make_unique<optim::SequentialLR>(
        o, std::vector<std::int64_t>{2, 6}, optim::LinearLR(o, 0.1, 1.0, 3), optim::CosineAnnealingLR(o, 4),
        optim::ExponentialLR(o, 0.5));
  });
}

TEST(Schedulers, SettingsThatMakeNoSenseAreErrors) {
  optim::SGD optimizer = make_sgd();
  optim::Adagrad without_momentum(std::vector<Tensor>{zeros({1}, {.requires_grad = true})});
  const auto refuse = [](std::string_view message, const auto& make) {
    expect_error(ErrorCode::invalid_argument, message, [&] { return make().last_epoch(); });
  };
  refuse("StepLR: step_size must be positive, not 0", [&] { return optim::StepLR(optimizer, 0); });
  refuse("t_max must be positive", [&] { return optim::CosineAnnealingLR(optimizer, {.eta_min = 0.1}); });
  refuse("start_factor", [&] { return optim::LinearLR(optimizer, 0.0); });
  refuse("end_factor", [&] { return optim::LinearLR(optimizer, 0.5, 1.5); });
  refuse("total_iters", [&] { return optim::LinearLR(optimizer, 0.5, 1.0, 0); });
  refuse("OneCycleLR needs total_steps", [&] { return optim::OneCycleLR(optimizer, {.max_lr = 1}); });
  refuse("max_lr must be positive", [&] { return optim::OneCycleLR(optimizer, {.total_steps = 5}); });
  refuse("pct_start",
         [&] { return optim::OneCycleLR(optimizer, {.max_lr = 1, .total_steps = 5, .pct_start = 2}); });
  refuse("not \"sine\"", [&] {
    return optim::OneCycleLR(optimizer, {.max_lr = 1, .total_steps = 5, .anneal_strategy = "sine"});
  });
  refuse("2 rates were given for 1", [&] {
    return optim::OneCycleLR(optimizer, {.max_lrs = {1, 2}, .total_steps = 5});
  });
  refuse("no momentum to cycle", [&] { return optim::OneCycleLR(without_momentum, 1, 5); });
  refuse("2 functions were given for 1 parameter groups", [&] {
    return optim::LambdaLR(optimizer,
                           std::vector<optim::LambdaLR::Factor>(2, [](std::int64_t) { return 1.0; }));
  });
  refuse("2 schedules need one milestone less, not 2", [&] {
    return optim::SequentialLR(optimizer, {1, 2}, optim::StepLR(optimizer, 1), optim::StepLR(optimizer, 1));
  });
  refuse("the milestones must be in order", [&] {
    return optim::SequentialLR(optimizer, {2, 1}, optim::StepLR(optimizer, 1), optim::StepLR(optimizer, 1),
                               optim::StepLR(optimizer, 1));
  });
  refuse("must belong to the same optimizer",
         [&] { return optim::SequentialLR(optimizer, {}, optim::StepLR(without_momentum, 1)); });
}

TEST(Schedulers, StatesThatDoNotFitAreErrors) {
  optim::SGD optimizer = make_sgd();
  optim::StepLR scheduler(optimizer, 2);
  optim::SchedulerState state = scheduler.state_dict();
  state.erase("last_lr.0");
  expect_error(ErrorCode::invalid_argument, "the scheduler's state has 2 numbers", [&] {
    scheduler.load_state_dict(state);
    return 0;
  });
  state["lats_lr.0"] = 1;
  expect_error(ErrorCode::not_found, "there is no entry `last_lr.0`", "`lats_lr.0`", [&] {
    scheduler.load_state_dict(state);
    return 0;
  });
  optimizer.add_param_group({.parameters = {zeros({1}, {.requires_grad = true})}});
  expect_error(ErrorCode::invalid_argument, "2 instead of 1", [&] {
    scheduler.step();
    return 0;
  });
}

}  // namespace
}  // namespace rustorch::testing

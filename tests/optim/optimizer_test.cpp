#include "rustorch/optim/optimizer.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "optim/problem.h"
#include "rustorch/memory/memory_allocator.h"
#include "rustorch/nn/nn.h"
#include "rustorch/optim/optim.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

// What torch.optim (2.11) makes of the problem in 10 steps.
struct OptimizerCase {
  const char* name;
  MakeOptimizer make;
  std::vector<double> values;
};

const std::vector<OptimizerCase>& cases() {
  static const std::vector<OptimizerCase> all{
      {"SGD",
       [](auto p) { return std::make_unique<optim::SGD>(p, optim::SGDOptions{.lr = 0.1}); },
       {-0.09557928733432625, -0.5745688387250293, 0.08404179443718747, 0.3235365701325391, 1.015727509519204,
        -1.5480669543651164}},
      {"SGDMomentum",
       [](auto p) { return std::make_unique<optim::SGD>(p, optim::SGDOptions{.lr = 0.1, .momentum = 0.9}); },
       {-1.2350890344602052, -0.9863507059245021, -1.3283659076610939, -1.4527350719289456,
        -0.5044435710334874, -2.573755490952381}},
      {"SGDDampening",
       [](auto p) {
         return std::make_unique<optim::SGD>(
             p, optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.05});
       },
       {-0.884656140740824, -0.7449923637342137, -0.9370300571183028, -1.0068619456216077,
        -0.31133484698006086, -1.998651009462938}},
      {"SGDNesterovMaximize",
       [](auto p) {
         return std::make_unique<optim::SGD>(
             p, optim::SGDOptions{
                    .lr = 0.01, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true, .maximize = true});
       },
       {0.7851769758489942, -0.19458818105444178, 1.1525889096877824, 1.6424714881395004, 2.7186714743235583,
        -0.883679592042062}},
      {"Adam",
       [](auto p) { return std::make_unique<optim::Adam>(p, optim::AdamOptions{.lr = 0.05}); },
       {-0.00608935186474735, -0.4624140952828533, 0.29207509942822674, 0.6920309638696487,
        1.7515515290848165, -1.2510791315671095}},
      {"AdamAmsgrad",
       [](auto p) {
         return std::make_unique<optim::Adam>(
             p, optim::AdamOptions{
                    .lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1, .amsgrad = true});
       },
       {-0.017511337031886884, -0.47634678621716037, 0.28428867009397846, 0.6867627251737827,
        1.752301089952812, -1.252463453159472}},
      {"AdamMaximize",
       [](auto p) {
         return std::make_unique<optim::Adam>(p, optim::AdamOptions{.lr = 0.05, .maximize = true});
       },
       {1.0016255218765309, -0.25054747241557696, 1.305822941890471, 1.70769622200427, 2.2508407711709375,
        -0.7562952515164357}},
      {"AdamW",
       [](auto p) { return std::make_unique<optim::AdamW>(p, optim::AdamWOptions{.lr = 0.05}); },
       {-0.007464278641413975, -0.46112685271804343, 0.28921127980525907, 0.6871804702727866,
        1.7468440731158033, -1.2483359660810616}},
      {"AdamWAmsgrad",
       [](auto p) {
         return std::make_unique<optim::AdamW>(
             p, optim::AdamWOptions{.lr = 0.05, .weight_decay = 0.2, .amsgrad = true});
       },
       {-0.03205783981510617, -0.43755686564609536, 0.23757323219199214, 0.5994580802562195,
        1.659284302976841, -1.1971521954414595}},
      {"RMSprop",
       [](auto p) { return std::make_unique<optim::RMSprop>(p); },
       {-0.12635707370146804, -0.6968115613524462, 0.20081860008401264, 0.6221026618340529,
        1.6968679451864555, -1.36891453160957}},
      {"RMSpropCentered",
       [](auto p) {
         return std::make_unique<optim::RMSprop>(p, optim::RMSpropOptions{.lr = 0.02,
                                                                          .alpha = 0.9,
                                                                          .eps = 1e-4,
                                                                          .weight_decay = 0.1,
                                                                          .momentum = 0.5,
                                                                          .centered = true});
       },
       {-0.4248129597432831, -0.7636443266212082, -0.09955205397401153, 0.3201620100037597,
        1.6175967711195127, -1.4587672242900862}},
      {"Adagrad",
       [](auto p) { return std::make_unique<optim::Adagrad>(p, optim::AdagradOptions{.lr = 0.1}); },
       {-0.1226648658684121, -0.6934982473572212, 0.20475161908184275, 0.626199920700749, 1.698122125924444,
        -1.3677173199561572}},
      {"AdagradDecay",
       [](auto p) {
         return std::make_unique<optim::Adagrad>(p, optim::AdagradOptions{.lr = 0.1,
                                                                          .lr_decay = 0.05,
                                                                          .weight_decay = 0.1,
                                                                          .initial_accumulator_value = 0.2,
                                                                          .eps = 1e-6});
       },
       {0.07029720553626953, -0.5095869673800116, 0.3527698816822386, 0.7453662340049292, 1.7180074802214398,
        -1.3047379412116011}},
  };
  return all;
}

void PrintTo(const OptimizerCase& tested, std::ostream* out) { *out << tested.name; }

class Optimizers : public ::testing::TestWithParam<OptimizerCase> {};

TEST_P(Optimizers, EqualPyTorch) {
  Problem problem;
  const auto optimizer = GetParam().make(problem.parameters);
  problem.run(*optimizer, 10);
  const std::vector<double> values = problem.values();
  ASSERT_EQ(values.size(), GetParam().values.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], GetParam().values[i], 1e-13);
}

TEST_P(Optimizers, ReducedPrecisionFollowsRoughly) {
  for (const DType dtype : {float32, bfloat16}) {
    Problem problem(dtype);
    const auto optimizer = GetParam().make(problem.parameters);
    problem.run(*optimizer, 10);
    const std::vector<double> values = problem.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], GetParam().values[i], dtype == float32 ? 1e-5 : 0.1);
    }
  }
}

TEST_P(Optimizers, ResumeBitForBit) {
  Problem straight(float32);
  const auto uninterrupted = GetParam().make(straight.parameters);
  straight.run(*uninterrupted, 10);

  Problem first(float32);
  const auto before = GetParam().make(first.parameters);
  first.run(*before, 5);
  before->param_groups()[0].options["lr"] *= 1.0;
  Problem second(float32);
  for (std::size_t i = 0; i < 2; ++i) {
    const NoGrad guard;
    second.parameters[i].copy_(first.parameters[i]);
  }
  const auto after = GetParam().make(second.parameters);
  after->load_state_dict(before->state_dict());
  second.steps = 5;
  second.run(*after, 5);
  EXPECT_EQ(second.values(), straight.values());
  // What was loaded is a copy.
  for (const auto& [name, tensor] : before->state_dict().tensors) {
    EXPECT_FALSE(tensor.shares_storage(after->state_dict().tensors.at(name))) << name;
  }
}

TEST_P(Optimizers, WorkOnStridedParameters) {
  Problem problem;
  const Tensor wide = zeros({2, 6}, {.dtype = float64});
  Tensor strided = wide.slice(1, 0, 6, 3).detach();
  strided.copy_(problem.parameters[0].detach());
  strided.requires_grad_();
  problem.parameters[0] = strided;
  const auto optimizer = GetParam().make(problem.parameters);
  problem.run(*optimizer, 10);
  const std::vector<double> values = problem.values();
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], GetParam().values[i], 1e-13);
  EXPECT_EQ(wide.select(1, 1).abs().sum().item<double>(), 0.0);
}

TEST_P(Optimizers, CountAsInPlaceChanges) {
  Problem problem;
  const auto optimizer = GetParam().make(problem.parameters);
  const std::uint64_t before = problem.parameters[0].version();
  problem.run(*optimizer, 1);
  EXPECT_GT(problem.parameters[0].version(), before);
  EXPECT_TRUE(problem.parameters[0].is_leaf());
}

TEST_P(Optimizers, AllocateNothingInASteadyStep) {
  Problem problem(float32);
  const auto optimizer = GetParam().make(problem.parameters);
  problem.run(*optimizer, 2);
  const std::uint64_t before = cpu_allocator().statistics().allocations;
  optimizer->step();  // with the gradients of the step before
  EXPECT_EQ(cpu_allocator().statistics().allocations, before);
}

INSTANTIATE_TEST_SUITE_P(Optim, Optimizers, ::testing::ValuesIn(cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Optimizer, SkipsParametersWithoutGradient) {
  Problem problem;
  optim::AdamW optimizer(problem.parameters, {.lr = 0.1, .weight_decay = 0.5});
  const std::vector<double> before = problem.values();
  optimizer.step();
  EXPECT_EQ(problem.values(), before);
  EXPECT_TRUE(optimizer.state_dict().tensors.empty());
}

TEST(Optimizer, GroupsHaveTheirOwnOptions) {
  Problem problem;
  optim::SGD optimizer({{.parameters = {problem.parameters[0]}, .options = {{"lr", 0.1}}},
                        {.parameters = {problem.parameters[1]}, .options = {{"momentum", 0.9}}}},
                       {.lr = 0.5});
  EXPECT_EQ(optimizer.learning_rate(0), 0.1);
  EXPECT_EQ(optimizer.learning_rate(1), 0.5);
  EXPECT_EQ(optimizer.param_groups()[1].options.at("momentum"), 0.9);
  for (Tensor& parameter : problem.parameters) parameter.set_grad(ones_like(parameter.detach()));
  const std::vector<double> before = problem.values();
  optimizer.step();
  EXPECT_NEAR(problem.values()[0], before[0] - 0.1, 1e-15);
  EXPECT_NEAR(problem.values()[5], before[5] - 0.5, 1e-15);
  EXPECT_EQ(optimizer.state_dict().tensors.names(), std::vector<std::string>{"1.momentum_buffer"});
  optimizer.set_learning_rate(0.25);
  EXPECT_EQ(optimizer.learning_rate(1), 0.25);
  expect_error(ErrorCode::index_out_of_range, "no parameter group 2 among 2",
               [&] { return optimizer.learning_rate(2); });
}

TEST(Optimizer, DropsOrZeroesGradients) {
  Problem problem;
  optim::SGD optimizer(problem.parameters);
  problem.parameters[0].set_grad(ones_like(problem.parameters[0].detach()));
  optimizer.zero_grad(false);
  EXPECT_EQ(problem.parameters[0].grad().sum().item<double>(), 0.0);
  optimizer.zero_grad();
  EXPECT_FALSE(problem.parameters[0].grad().defined());
}

TEST(Optimizer, MovesAndPrints) {
  Problem problem;
  optim::SGD first(problem.parameters, {.lr = 0.1});
  optim::SGD second = std::move(first);
  problem.run(second, 10);
  EXPECT_NEAR(problem.values()[0], -0.09557928733432625, 1e-14);
  expect_error(ErrorCode::invalid_argument, "this optimizer was moved from", [&] {
    first.step();  // NOLINT(bugprone-use-after-move): that is the point
    return 0;
  });
  expect_error(ErrorCode::invalid_argument, "made for an optimizer that was",
               [&] { return optim::StepLR(first, 1).last_epoch(); });
  EXPECT_EQ(second.to_string(),
            "SGD (\nParameter Group 0\n    lr: 0.1\n    momentum: 0\n    dampening: 0\n    weight_decay: 0\n"
            "    nesterov: 0\n    maximize: 0\n)");
}

TEST(Optimizer, NamesItsStateAsPyTorch) {
  Problem problem;
  optim::AdamW optimizer(problem.parameters);
  problem.run(optimizer, 1);
  const StateDict tensors = optimizer.state_dict().tensors;
  EXPECT_EQ(tensors.names(), (std::vector<std::string>{"0.step", "0.exp_avg", "0.exp_avg_sq", "1.step",
                                                       "1.exp_avg", "1.exp_avg_sq"}));
  EXPECT_EQ(tensors.at("0.step").dtype(), int64);
  EXPECT_EQ(tensors.at("0.step").item<std::int64_t>(), 1);
  EXPECT_EQ(tensors.at("0.exp_avg").shape(), problem.parameters[0].shape());
}

TEST(Optimizer, LearnsALine) {
  manual_seed(1);
  nn::Linear model(1, 1);
  optim::AdamW optimizer(model.parameters(), {.lr = 0.1, .weight_decay = 0.0});
  const Tensor x = linspace(-1, 1, 32).unsqueeze(1);
  const Tensor y = x * 3 + 0.5;
  for (int i = 0; i < 200; ++i) {
    optimizer.zero_grad();
    nn::functional::mse_loss(model(x), y).backward();
    optimizer.step();
  }
  EXPECT_NEAR(model.weight.item<float>(), 3.F, 1e-2);
  EXPECT_NEAR(model.bias.item<float>(), 0.5F, 1e-2);
}

TEST(Optimizer, HyperparametersThatMakeNoSenseAreErrors) {
  const Problem problem;
  const std::vector<Tensor>& p = problem.parameters;
  expect_error(ErrorCode::invalid_argument, "AdamW: lr must not be negative, not -1",
               [&] { return optim::AdamW(p, {.lr = -1}).learning_rate(); });
  expect_error(ErrorCode::invalid_argument, "Adam: beta2 must be at least 0 and less than 1, not 1", [&] {
    return optim::Adam(p, {.betas = {0.9, 1.0}}).learning_rate();
  });
  expect_error(ErrorCode::invalid_argument, "SGD: momentum must not be negative, not nan", [&] {
    return optim::SGD(p, {.momentum = std::numeric_limits<double>::quiet_NaN()}).learning_rate();
  });
  expect_error(ErrorCode::invalid_argument, "nesterov needs momentum",
               [&] { return optim::SGD(p, {.nesterov = true}).learning_rate(); });
  expect_error(ErrorCode::invalid_argument, "RMSprop: alpha",
               [&] { return optim::RMSprop(p, {.alpha = -0.5}).learning_rate(); });
  expect_error(ErrorCode::invalid_argument, "Adagrad: eps",
               [&] { return optim::Adagrad(p, {.eps = -1}).learning_rate(); });
  expect_error(ErrorCode::invalid_argument, "SGD has no option `weight_dacay`", "weight_decay", [&] {
    return optim::SGD({{.parameters = p, .options = {{"weight_dacay", 0.1}}}}).learning_rate();
  });
  expect_error(ErrorCode::invalid_argument, "SGD: lr must not be negative", [&] {
    return optim::SGD({{.parameters = p, .options = {{"lr", -0.1}}}}).learning_rate();
  });
}

TEST(Optimizer, ParametersThatCannotBeOptimizedAreErrors) {
  Problem problem;
  const auto& [p, q] = std::tie(problem.parameters[0], problem.parameters[1]);
  expect_error(ErrorCode::invalid_argument, "SGD: there are no parameters to optimize",
               [] { return optim::SGD(std::vector<Tensor>{}).learning_rate(); });
  expect_error(ErrorCode::invalid_argument, "SGD: parameter 1, [2, 2], was given twice", [&] {
    return optim::SGD(std::vector<Tensor>{p, p}).learning_rate();
  });
  expect_error(ErrorCode::invalid_argument, "was given twice", [&] {
    optim::SGD optimizer(std::vector<Tensor>{p, q});
    optimizer.add_param_group({.parameters = {q}});
    return 0;
  });
  expect_error(ErrorCode::invalid_argument, "is the result of `mul`", "computed from",
               [&] { return optim::SGD(std::vector<Tensor>{p * 2}).learning_rate(); });
  expect_error(ErrorCode::dtype_mismatch, "int64 [2], has no gradients",
               [&] { return optim::SGD(std::vector<Tensor>{zeros({2}, {.dtype = int64})}).learning_rate(); });
  expect_error(ErrorCode::invalid_argument, "parameter 0 is undefined",
               [&] { return optim::SGD(std::vector<Tensor>{Tensor()}).learning_rate(); });
}

TEST(Optimizer, StatesOfSeveralDtypesStayApart) {
  // A parameter that became bfloat16 after its first step has float32 momentum, beside one that has bfloat16.
  const auto trained = [](bool together) {
    Tensor a = tensor({0.5F, -2.F, 3.F}), b = tensor({1.F, 0.25F, 4.F}).to(bfloat16);
    for (Tensor* parameter : {&a, &b}) parameter->requires_grad_();
    std::vector<optim::SGD> optimizers;
    const optim::SGDOptions options{.lr = 0.25, .momentum = 0.5};
    if (together) {
      optimizers.emplace_back(std::vector{a, b}, options);
    } else {
      optimizers.emplace_back(std::vector{a}, options);
      optimizers.emplace_back(std::vector{b}, options);
    }
    for (int step = 0; step < 3; ++step) {
      for (Tensor* parameter : {&a, &b}) parameter->set_grad(parameter->detach() * 0.5);
      for (optim::SGD& optimizer : optimizers) optimizer.step();
      if (step == 0) {
        a.set_grad(Tensor());
        a.set_data(a.detach().to(bfloat16));
      }
    }
    return std::pair(a.to_vector<float>(), b.to_vector<float>());
  };
  EXPECT_EQ(trained(true), trained(false));
}

TEST(Optimizer, GradientsThatNoLongerFitAreErrorsAndChangeNothing) {
  Problem problem;
  optim::SGD optimizer(problem.parameters);
  for (Tensor& parameter : problem.parameters) parameter.set_grad(ones_like(parameter.detach()));
  const std::vector<double> before = problem.parameters[0].to_vector<double>();
  problem.parameters[1].set_data(zeros({3}, {.dtype = float64}));
  expect_error(ErrorCode::shape_mismatch,
               "SGD: a parameter of shape [3], but its gradient or state of shape [2]", [&] {
                 optimizer.step();
                 return 0;
               });
  EXPECT_EQ(problem.parameters[0].to_vector<double>(), before);
  problem.parameters[1].set_grad(Tensor());
  optimizer.step();  // what was collected before the error is forgotten
  EXPECT_NEAR(problem.parameters[0].to_vector<double>()[0], before[0] - 1e-3, 1e-15);
}

TEST(Optimizer, StatesThatDoNotFitAreErrorsAndChangeNothing) {
  Problem problem;
  optim::AdamW optimizer(problem.parameters);
  problem.run(optimizer, 3);
  const optim::OptimizerState good = optimizer.state_dict();
  const std::vector<double> moments = good.tensors.at("0.exp_avg").to_vector<double>();
  const auto refuse = [&](ErrorCode code, std::string_view message, std::string_view suggestion,
                          const auto& change) {
    optim::OptimizerState state = optimizer.state_dict();
    state.groups[0].options["lr"] = 123;
    change(state);
    expect_error(code, message, suggestion, [&] {
      optimizer.load_state_dict(state);
      return 0;
    });
    EXPECT_EQ(optimizer.learning_rate(), 1e-3);
    EXPECT_EQ(optimizer.state_dict().tensors.at("0.exp_avg").to_vector<double>(), moments);
  };
  refuse(ErrorCode::invalid_argument, "the state of SGD does not fit AdamW", "",
         [](auto& state) { state.type = "SGD"; });
  refuse(ErrorCode::invalid_argument, "the state has 2 parameter groups, the optimizer 1", "",
         [](auto& state) { state.groups.push_back(state.groups[0]); });
  refuse(ErrorCode::invalid_argument, "group 0 has 3 parameters in the state and 2 in the optimizer", "",
         [](auto& state) { state.groups[0].parameter_count = 3; });
  refuse(ErrorCode::shape_mismatch, "`1.exp_avg` is [3] in the state, but its parameter is [2]", "",
         [](auto& state) { state.tensors["1.exp_avg"] = zeros({3}); });
  refuse(ErrorCode::invalid_argument, "the state holds an unknown `1.exp_agv`", "exp_avg",
         [](auto& state) { state.tensors["1.exp_agv"] = zeros({2}); });
  refuse(ErrorCode::invalid_argument, "`2.exp_avg`, which belongs to no parameter", "",
         [](auto& state) { state.tensors["2.exp_avg"] = zeros({2}); });
  refuse(ErrorCode::invalid_argument, "`exp_avg`, which belongs to no parameter", "",
         [](auto& state) { state.tensors["exp_avg"] = zeros({2}); });
  refuse(ErrorCode::invalid_argument, "beta1 must be", "",
         [](auto& state) { state.groups[0].options["beta1"] = 2; });
}

}  // namespace
}  // namespace rustorch::testing

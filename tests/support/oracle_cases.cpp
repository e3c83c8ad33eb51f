#include "support/oracle_cases.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"
#include "support/print.h"

namespace rustorch::testing {

namespace {

struct Input {
  std::string kind;
  std::uint32_t seed = 0;
  Shape shape;
};
struct Values {
  std::string dtype;
  Shape shape;
  std::vector<double> values;
  bool none = false;  // no gradient flows there
};

Shape parse_shape(const std::string& text) {
  Shape shape;
  std::istringstream stream(text);
  for (std::string size; std::getline(stream, size, ',');) shape.push_back(std::stoll(size));
  return shape;
}

std::vector<double> parse_values(std::istringstream& stream) {
  std::vector<double> values;
  for (std::string word; stream >> word;)
    values.push_back(std::strtod(word.c_str(), nullptr));  // nan and inf too
  return values;
}

std::vector<double> uniform(std::size_t count, std::uint32_t seed) {
  std::uint32_t state = seed * 2654435761U;
  std::vector<double> values(count);
  for (double& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<double>(state >> 8) / 16777216.0;
  }
  return values;
}

/// The same formula as in scripts/oracle/operations.py.
Tensor sample(const std::string& full_kind, std::uint32_t seed, const Shape& shape) {
  const auto colon = full_kind.find(':');
  const std::string kind = full_kind.substr(0, colon);
  const double parameter = colon == std::string::npos ? 0 : std::stod(full_kind.substr(colon + 1));
  std::vector<double> values = uniform(static_cast<std::size_t>(shape.element_count()), seed);
  DType dtype = DType::float64;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double& v = values[i];
    if (kind == "real") {
      v = 4 * v - 2;
    } else if (kind == "positive") {
      v = 0.2 + 2 * v;
    } else if (kind == "unit") {
      v = 0.05 + 0.9 * v;
    } else if (kind == "zeros") {
      v = v < 0.34 ? 0.0 : 4 * v - 2;
    } else if (kind == "ties") {
      v = std::trunc(v * 4);
    } else if (kind == "nan") {
      v = i % 5 == 3 ? std::nan("") : 4 * v - 2;
    } else if (kind == "integers") {
      v = std::trunc(v * 20) - 10;
      dtype = DType::int64;
    } else if (kind == "classes") {
      v = std::trunc(v * parameter);
      dtype = DType::int64;
    } else if (kind == "truth") {
      v = v < 0.5 ? 1 : 0;
      dtype = DType::bool_;
    } else {
      ADD_FAILURE() << "unknown kind of sample: " << full_kind;
    }
  }
  return from_vector(values, shape).to(dtype);
}

/// How inputs lie in memory.
enum class Memory : std::uint8_t { contiguous, transposed, channels_last };

Tensor lay_out(const Tensor& x, Memory memory) {
  if (memory == Memory::transposed && x.rank() >= 2)
    return x.transpose(0, -1).contiguous().transpose(0, -1).detach();
  if (memory == Memory::channels_last && x.rank() >= 3 && x.rank() <= 5) return x.channels_last().detach();
  return x;
}

void expect_close(const Tensor& actual, const Values& expected, double tolerance, const std::string& what) {
  if (expected.none) {
    if (actual.defined()) {
      EXPECT_EQ(count_nonzero(actual).item<std::int64_t>(), 0) << what << ": expected no gradient";
    }
    return;
  }
  ASSERT_TRUE(actual.defined() || expected.values.empty() ||
              std::all_of(expected.values.begin(), expected.values.end(), [](double v) { return v == 0; }))
      << what << ": no gradient";
  if (!actual.defined()) return;
  const std::vector<double> values = actual.to_vector<double>();
  ASSERT_EQ(values.size(), expected.values.size()) << what << ": shape " << actual.shape().to_string();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double wanted = expected.values[i], got = values[i];
    const bool same = std::isnan(wanted)
                          ? std::isnan(got)
                          : got == wanted || std::abs(got - wanted) <= tolerance * (1 + std::abs(wanted));
    ASSERT_TRUE(same) << what << ": element " << i << " is " << got << ", PyTorch has " << wanted
                      << " (shape " << actual.shape().to_string() << ")";
  }
}

}  // namespace

struct OracleCases::Case {
  std::vector<Input> inputs;
  std::vector<Values> outputs;
  std::map<std::size_t, Values> gradients, seconds;
};

struct OracleCases::State {
  std::string file;
  std::map<std::string, Case> cases;
  std::set<std::string> used;
};

OracleCases::OracleCases(const std::string& file) : state_(std::make_unique<State>()) {
  state_->file = file;
  std::ifstream stream(RUSTORCH_TEST_DATA_DIR "/operations/" + file);
  EXPECT_TRUE(stream.good()) << file << " is missing: run scripts/oracle/operations.py";
  Case* current = nullptr;
  for (std::string text; std::getline(stream, text);) {
    std::istringstream line(text);
    std::string key, word, bar;
    line >> key;
    if (key == "case") {
      line >> word;
      current = &state_->cases[word];
    } else if (key == "input") {
      Input input;
      line >> input.kind >> input.seed;
      std::string shape;
      line >> shape;
      input.shape = parse_shape(shape);
      current->inputs.push_back(std::move(input));
    } else if (key == "output") {
      Values output;
      line >> output.dtype >> word;
      if (word != "|") {
        output.shape = parse_shape(word);
        line >> bar;
      }
      output.values = parse_values(line);
      current->outputs.push_back(std::move(output));
    } else {
      std::size_t index = 0;
      line >> index >> word;
      Values values;
      values.none = word == "none";
      values.values = parse_values(line);
      (key == "grad" ? current->gradients : current->seconds)[index] = std::move(values);
    }
  }
}

OracleCases::~OracleCases() = default;

void OracleCases::expect_all_used() const {
  for (const auto& [name, unused] : state_->cases) {
    EXPECT_TRUE(state_->used.contains(name)) << "no test checks the case " << name << " of " << state_->file;
  }
}

void OracleCases::check(const std::string& name, const Function& function, const Options& options) const {
  const auto found = state_->cases.find(name);
  ASSERT_NE(found, state_->cases.end()) << "no case " << name << " in " << state_->file;
  state_->used.insert(name);
  const Case& expected = found->second;

  const auto run = [&](DType dtype, Memory memory) {
    const std::string what = fmt::format("{} ({}{})", name, dtype,
                                         memory == Memory::transposed      ? ", transposed"
                                         : memory == Memory::channels_last ? ", channels-last"
                                                                           : "");
    const bool is_double = dtype == DType::float64;
    const double tolerance = is_double ? options.tolerance : options.float32_tolerance;
    TensorList inputs, leaves;
    for (const Input& input : expected.inputs) {
      Tensor x = sample(input.kind, input.seed, input.shape);
      if (x.is_floating_point()) x = lay_out(x.to(dtype), memory).requires_grad_();
      if (x.is_floating_point()) leaves.push_back(x);
      inputs.push_back(std::move(x));
    }
    const TensorList outputs = function(inputs);
    ASSERT_EQ(outputs.size(), expected.outputs.size()) << what;
    TensorList differentiable, weights;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const Values& output = expected.outputs[k];
      EXPECT_EQ(outputs[k].shape(), output.shape) << what;
      if (is_double) {
        EXPECT_EQ(to_string(outputs[k].dtype()), output.dtype) << what;
      }
      expect_close(outputs[k], output, tolerance, fmt::format("{}, output {}", what, k));
      if (!outputs[k].requires_grad()) continue;
      differentiable.push_back(outputs[k]);
      weights.push_back(
          sample("real", 5000 + static_cast<std::uint32_t>(k), outputs[k].shape()).to(outputs[k].dtype()));
    }
    if (::testing::Test::HasFatalFailure() || expected.gradients.empty()) return;
    ASSERT_FALSE(differentiable.empty()) << what << ": no output requires a gradient";

    // Without and with create_graph: kernels and composed forms must agree.
    const auto check_all = [&](const TensorList& gradients, const std::map<std::size_t, Values>& wanted,
                               const char* kind) {
      for (const auto& [i, values] : wanted) {
        expect_close(gradients[i], values, tolerance, fmt::format("{}, {} {}", what, kind, i));
      }
    };
    check_all(autograd::grad(differentiable, leaves, weights, true, false, true), expected.gradients,
              "gradient");
    if (!is_double) return;
    const TensorList gradients = autograd::grad(differentiable, leaves, weights, true, true, true);
    check_all(gradients, expected.gradients, "gradient with graph");
    if (expected.seconds.empty() || ::testing::Test::HasFatalFailure()) return;
    TensorList again, again_weights;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined() || !gradients[i].requires_grad()) continue;
      again.push_back(gradients[i]);
      again_weights.push_back(sample("real", 6000 + static_cast<std::uint32_t>(i), gradients[i].shape()));
    }
    if (again.empty()) {  // PyTorch's may have a graph whose derivatives are all 0
      check_all(TensorList(leaves.size()), expected.seconds, "second derivative");
      return;
    }
    check_all(autograd::grad(again, leaves, again_weights, false, false, true), expected.seconds,
              "second derivative");
  };

  run(DType::float64, Memory::contiguous);
  if (options.float32) run(DType::float32, Memory::contiguous);
  if (!options.strided) return;
  bool has_rank2 = false, has_rank3 = false;
  for (const Input& input : expected.inputs) {
    has_rank2 = has_rank2 || input.shape.size() >= 2;
    has_rank3 = has_rank3 || (input.shape.size() >= 3 && input.shape.size() <= 5);
  }
  if (has_rank2) run(DType::float64, Memory::transposed);
  if (has_rank3) run(DType::float64, Memory::channels_last);
  if (has_rank3 && options.float32) run(DType::float32, Memory::channels_last);
}

}  // namespace rustorch::testing

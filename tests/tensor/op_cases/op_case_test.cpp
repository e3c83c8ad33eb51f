#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include "rustorch/autograd/autograd.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/core/type_promotion.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/lazy.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/op_support.h"
#include "support/print.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

constexpr Arrangement arrangements[] = {Arrangement::transposed, Arrangement::strided,
                                        Arrangement::channels_last, Arrangement::expanded,
                                        Arrangement::mixed};

const std::vector<OpSample>& samples_of(const OpCase& one) {
  static const std::vector<OpSample> none;
  const auto& family = op_samples(one.family);
  const auto found = family.find(one.name);
  return found == family.end() ? none : found->second;
}

TensorList on_default_device(const TensorList& inputs) {
  TensorList list;
  for (const Tensor& x : inputs) list.push_back(x.defined() ? x.to(default_device()) : x);
  return list;
}

bool mentions(const OpSample& sample, const char* word) {
  return sample.name.find(word) != std::string::npos;
}

/// The less precise of two floating-point or complex dtypes.
DType wider(DType a, DType b) {
  const auto rank = [](DType dtype) {
    return dtype == bfloat16 ? 3 : dtype == float16 ? 2 : real_dtype(dtype) == float32 ? 1 : 0;
  };
  return rank(a) > rank(b) ? a : b;
}

/// Where dtypes are mixed, the least precise of them decides how near results can be.
DType floor_of(const OpCase& one, const OpSample& sample) {
  DType floor = one.floor;
  std::set<DType> kinds;
  for (const Tensor& x : sample.inputs) {
    // PyTorch computes float functions of integers in float32, in gradients too.
    kinds.insert(is_differentiable(x.dtype()) ? x.dtype() : DType::float32);
  }
  if (!kinds.empty() && !sample.outputs.empty() && is_differentiable(sample.outputs[0].dtype())) {
    kinds.insert(sample.outputs[0].dtype());
  }
  if (kinds.size() > 1) {
    for (const DType dtype : kinds) floor = wider(floor, dtype);
  }
  return floor;
}

Closeness closeness(const OpCase& one, const OpSample& sample) {
  const bool signs = one.elementwise && mentions(sample, "special");
  return {one.tolerance, one.signs_of_zero && (signs || one.tolerance == 0), floor_of(one, sample)};
}

Closeness gradient_closeness(const OpCase& one, const OpSample& sample) {
  return {one.gradient_tolerance, false, floor_of(one, sample)};
}

/// Whether PyTorch has what the sample asks for, and we have not.
bool is_lacking(const OpCase& one, const OpSample& sample) {
  for (const TensorList* tensors : {&sample.inputs, &sample.outputs}) {
    for (const Tensor& x : *tensors) {
      if (one.lacking.contains(x.dtype())) return true;
    }
  }
  return false;
}

bool has_values(const OpCase& one, const OpSample& sample) {
  return !sample.refused && !is_lacking(one, sample);
}
bool has_gradients(const OpCase& one, const OpSample& sample) {
  return sample.has_gradients() && !is_lacking(one, sample);
}

/// What `work` throws, unless it is an Error as operations throw them: then empty.
template <class Work>
std::string unexpected_exception(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code() == ErrorCode::internal ? error.what() : "";
  } catch (const std::exception& other) {
    return other.what();
  }
  return "";
}

void expect_outputs(const TensorList& actual, const TensorList& expected, const Closeness& close,
                    const std::string& where) {
  ASSERT_EQ(actual.size(), expected.size()) << where;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(difference(actual[i], expected[i], close), "") << where << ", output " << i;
  }
}

/// Runs `work`; an exception is a failure of this sample only.
template <class Work>
void in_sample(const std::string& where, Work&& work) {
  try {
    work();
  } catch (const std::exception& exception) {
    ADD_FAILURE() << where << ": " << exception.what();
  }
}

}  // namespace

std::string test_name(const ::testing::TestParamInfo<OpCase>& info) {
  std::string text;
  bool separate = false;
  for (const char c : info.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      if (separate && !text.empty()) text += '_';
      separate = false;
      text += c;
    } else if (c == '-') {
      text += separate ? "_minus" : "minus";
      separate = true;
    } else {
      separate = true;
    }
  }
  return fmt::format("{}_{}", text, info.index);
}

OpCases in_family(const char* family, OpCases cases) {
  for (OpCase& one : cases) one.family = family;
  return cases;
}

void expect_data_for(const std::string& family, const OpCases& cases) {
  std::set<std::string> names;
  for (const OpCase& one : cases) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name << " is listed twice";
    EXPECT_TRUE(op_samples(family).contains(one.name))
        << one.name << " is missing in the data: run op_cases.py";
    bool has_gradients = false;
    for (const OpSample& sample : samples_of(one)) has_gradients = has_gradients || sample.has_gradients();
    EXPECT_EQ(one.differentiable, has_gradients) << one.name << ": PyTorch's gradients say otherwise";
  }
  for (const auto& [name, samples] : op_samples(family)) {
    EXPECT_TRUE(names.contains(name)) << name << " is in the data, but not among the cases";
  }
}

TEST_P(OpValues, EqualPyTorch) {
  const OpCase& one = GetParam();
  for (const OpSample& sample : samples_of(one)) {
    const TensorList inputs = on_default_device(sample.inputs);
    if (!has_values(one, sample)) {
      bool done = false;
      EXPECT_EQ(unexpected_exception([&] {
                  one.run(inputs);
                  done = true;
                }),
                "")
          << sample.name;
      EXPECT_FALSE(done && !sample.refused) << sample.name << " works: take it from without()";
      OpSupport::instance().add(one, sample.dtype, done ? SampleEnd::extended : SampleEnd::refused);
      continue;
    }
    SampleEnd end = SampleEnd::failed;
    in_sample(sample.name, [&] {
      TensorList copies;
      for (const Tensor& x : inputs) copies.push_back(arranged(x.cpu(), Arrangement::contiguous));
      const std::uint64_t fallbacks = fallback_count();
      const TensorList outputs = one.run(inputs);
      for (const Tensor& y : outputs) {
        if (y.defined()) materialize(y);
      }
      const bool fell_back = fallback_count() != fallbacks;
      expect_outputs(outputs, sample.outputs, closeness(one, sample), sample.name);
      expect_outputs(inputs, copies, {0, true}, sample.name + ": inputs afterwards");
      if (!HasFailure()) end = fell_back ? SampleEnd::fell_back : SampleEnd::equal;
    });
    OpSupport::instance().add(one, sample.dtype, end);
  }
}

TEST_P(OpValues, DoNotDependOnLayout) {
  const OpCase& one = GetParam();
  for (const OpSample& sample : samples_of(one)) {
    if (!has_values(one, sample)) continue;
    for (const Arrangement arrangement : arrangements) {
      const TensorList inputs = arranged(sample.inputs, arrangement);
      const std::string where = sample.name + ", " + to_string(arrangement);
      if (inputs.empty()) continue;
      in_sample(where,
                [&] { expect_outputs(one.run(inputs), sample.outputs, closeness(one, sample), where); });
    }
  }
}

TEST_P(OpForms, AreEqual) {
  const OpCase& one = GetParam();
  for (const OpSample& sample : samples_of(one)) {
    if (!has_values(one, sample)) continue;
    const TensorList inputs = on_default_device(sample.inputs);
    in_sample(sample.name, [&] {
      const TensorList expected = one.run(inputs);
      for (std::size_t i = 0; i < one.others.size(); ++i) {
        expect_outputs(one.others[i](inputs), expected, {0, true},
                       fmt::format("{}, form {}", sample.name, i));
      }
    });
    if (!one.change || !(sample.outputs[0].shape() == sample.inputs[0].shape())) continue;
    const DType dtype = sample.inputs[0].dtype();
    const bool fits = can_cast(sample.outputs[0].dtype(), dtype);
    for (const Arrangement arrangement : {Arrangement::contiguous, Arrangement::transposed,
                                          Arrangement::strided, Arrangement::channels_last}) {
      const TensorList in = arranged(sample.inputs, arrangement);
      const std::string where = sample.name + ", in place, " + to_string(arrangement);
      if (in.empty()) continue;
      Tensor x = in[0];
      if (!fits) {
        bool done = false;
        EXPECT_EQ(unexpected_exception([&] {
                    one.change(x, in);
                    done = true;
                  }),
                  "")
            << where;
        EXPECT_FALSE(done) << where << ": a result of dtype " << to_string(sample.outputs[0].dtype());
        continue;
      }
      in_sample(where, [&] {
        const std::uint64_t version = x.version();
        const Layout layout = x.layout();
        one.change(x, in);
        EXPECT_EQ(difference(x, sample.outputs[0].to(dtype), closeness(one, sample)), "") << where;
        EXPECT_GT(x.version(), version) << where;
        EXPECT_TRUE(x.layout() == layout) << where;
      });
    }
  }
}

// The float32 sample whose inputs have one shape, many times over: several threads and tiles.
TEST_P(OpLargeTensors, EqualSmallOnes) {
  const OpCase& one = GetParam();
  for (const OpSample& sample : samples_of(one)) {
    bool same_shape = has_values(one, sample) && sample.dtype == float32 && sample.inputs[0].numel() >= 38;
    for (const Tensor& x : sample.inputs) same_shape = same_shape && x.shape() == sample.inputs[0].shape();
    if (!same_shape) continue;
    constexpr std::int64_t copies = 1201;
    TensorList large;
    for (const Tensor& x : sample.inputs) {
      Tensor wide = allocate(Layout::contiguous({copies, x.numel()}), x.dtype(), Device());
      auto* bytes = static_cast<std::byte*>(wide.view_for_write().data);
      const std::size_t length = static_cast<std::size_t>(x.numel()) * x.element_size();
      for (std::size_t i = 0; i < static_cast<std::size_t>(copies); ++i) {
        std::memcpy(bytes + i * length, x.view_for_read().data, length);
      }
      large.push_back(wide.to(default_device()));
    }
    in_sample(sample.name, [&] {
      const TensorList results = one.run(large);
      const TensorList small = one.run(on_default_device(sample.inputs));
      for (std::size_t i = 0; i < results.size(); ++i) {
        const Tensor flat = small[i].cpu();
        for (const std::int64_t row : {std::int64_t{0}, copies / 3, copies / 2, copies - 1}) {
          Layout layout = Layout::contiguous(flat.shape());
          layout.offset = row * flat.numel();
          const Tensor part(
              IntrusivePointer<TensorImpl>::make(results[i].cpu().storage(), layout, flat.dtype()));
          EXPECT_EQ(difference(part, flat, {0, true}), "") << sample.name << ", row " << row;
        }
      }
    });
  }
}

namespace {

TensorList leaves_of(const TensorList& inputs) {
  TensorList leaves;
  for (const Tensor& x : inputs) {
    Tensor leaf = x;
    if (is_differentiable(x.dtype())) leaf.requires_grad_();
    leaves.push_back(leaf);
  }
  return leaves;
}

TensorList differentiable_only(const TensorList& tensors) {
  TensorList chosen;
  for (const Tensor& x : tensors) {
    if (is_differentiable(x.dtype())) chosen.push_back(x);
  }
  return chosen;
}

/// Gradients of the weighted outputs by all differentiable inputs.
TensorList gradients_of(const TensorList& outputs, const TensorList& leaves, const TensorList& weights) {
  TensorList chosen, chosen_weights;
  const TensorList results = differentiable_only(outputs);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!weights.at(i).defined()) continue;
    chosen.push_back(results[i]);
    chosen_weights.push_back(weights[i]);
  }
  return autograd::grad(chosen, differentiable_only(leaves), chosen_weights, false, false, true);
}

void expect_gradients(const TensorList& actual, const TensorList& expected, const Closeness& close,
                      const std::string& where) {
  ASSERT_EQ(actual.size(), expected.size()) << where;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (!expected[i].defined()) {
      if (actual[i].defined()) {
        EXPECT_EQ(difference(actual[i], zeros_like(actual[i]), {}), "")
            << where << ", gradient " << i << " should be none";
      }
    } else {
      const Tensor found = actual[i].defined() ? actual[i] : zeros_like(expected[i]);
      EXPECT_EQ(difference(found, expected[i], close), "") << where << ", gradient " << i;
    }
  }
}

}  // namespace

TEST_P(OpGradients, EqualPyTorch) {
  const OpCase& one = GetParam();
  for (const OpSample& sample : samples_of(one)) {
    if (!has_gradients(one, sample)) continue;
    in_sample(sample.name, [&] {
      const TensorList leaves = leaves_of(arranged(sample.inputs, Arrangement::contiguous));
      const TensorList gradients = gradients_of(one.run(leaves), leaves, on_default_device(sample.weights));
      expect_gradients(gradients, sample.gradients, gradient_closeness(one, sample), sample.name);
      if (!HasFailure()) OpSupport::instance().add_gradient(one, false);
    });
    for (const Arrangement arrangement : arrangements) {
      const TensorList inputs = arranged(sample.inputs, arrangement);
      const std::string where = sample.name + ", " + to_string(arrangement);
      if (inputs.empty()) continue;
      in_sample(where, [&] {
        const TensorList leaves = leaves_of(inputs);
        TensorList weights;
        for (const Tensor& w : sample.weights)
          weights.push_back(w.defined() ? arranged(w, Arrangement::strided) : w);
        expect_gradients(gradients_of(one.run(leaves), leaves, weights), sample.gradients,
                         gradient_closeness(one, sample), where);
      });
    }
  }
}

TEST_P(OpGradients, OfInPlaceForms) {
  const OpCase& one = GetParam();
  for (const OpSample& sample : samples_of(one)) {
    if (!one.change || !has_gradients(one, sample) ||
        !(sample.outputs[0].shape() == sample.inputs[0].shape()) ||
        sample.outputs[0].dtype() != sample.inputs[0].dtype()) {
      continue;
    }
    in_sample(sample.name, [&] {
      const TensorList leaves = leaves_of(arranged(sample.inputs, Arrangement::contiguous));
      TensorList in = leaves;
      in[0] = leaves[0].clone();
      Tensor x = in[0];
      one.change(x, in);
      expect_gradients(gradients_of({x}, leaves, on_default_device(sample.weights)), sample.gradients,
                       gradient_closeness(one, sample), sample.name);
    });
  }
}

// float16 and bfloat16: the gradients of the same inputs in float32, within their precision.
TEST_P(OpGradients, OfHalfPrecision) {
  const OpCase& one = GetParam();
  for (const OpSample& sample : samples_of(one)) {
    bool all_half = has_values(one, sample) && is_reduced_precision(sample.dtype) &&
                    is_differentiable(sample.outputs[0].dtype()) && !mentions(sample, "special") &&
                    !mentions(sample, "large");
    for (const Tensor& x : sample.inputs) {
      all_half = all_half && (x.dtype() == sample.dtype || !is_differentiable(x.dtype()));
    }
    if (!all_half) continue;
    in_sample(sample.name, [&] {
      const auto gradients_in = [&](DType dtype) {
        TensorList inputs, weights;
        for (const Tensor& x : sample.inputs)
          inputs.push_back(is_differentiable(x.dtype()) ? x.to(dtype).clone() : x);
        const TensorList leaves = leaves_of(on_default_device(inputs));
        const TensorList outputs = one.run(leaves);
        for (const Tensor& y : differentiable_only(outputs)) {
          weights.push_back(y.requires_grad() ? ones_like(y.detach()) : Tensor());
        }
        return gradients_of(outputs, leaves, weights);
      };
      const TensorList half = gradients_in(sample.dtype), full = gradients_in(float32);
      const double precision = sample.dtype == float16 ? 4e-3 : 4e-2;
      for (std::size_t i = 0; i < full.size(); ++i) {
        ASSERT_EQ(half[i].defined(), full[i].defined());
        if (!full[i].defined() || full[i].numel() == 0) continue;
        EXPECT_EQ(half[i].dtype(), sample.dtype);
        const std::vector<double> a = half[i].to_vector<double>(), b = full[i].to_vector<double>();
        double scale = 1;
        for (const double value : b) scale = std::max(scale, std::abs(value));
        for (std::size_t j = 0; j < b.size(); ++j) {
          if (sample.dtype == float16 && std::abs(b[j]) > 65504) continue;  // overflows
          EXPECT_NEAR(a[j], b[j], precision * scale * one.gradient_tolerance)
              << sample.name << ", element " << j;
        }
      }
    });
  }
}

namespace {

/// One real tensor of all outputs, for gradcheck: the output itself, or the sum of their weighted sums.
Tensor combined(const TensorList& outputs, const TensorList& weights) {
  const TensorList chosen = differentiable_only(outputs);
  if (chosen.size() == 1 && !chosen[0].is_complex()) return chosen[0];
  Tensor total;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (!weights.at(i).defined()) continue;
    const Tensor weighted = chosen[i] * weights[i];
    const Tensor part =
        weighted.is_complex() ? (real(weighted) + imag(weighted) * 0.7).sum() : weighted.sum();
    total = total.defined() ? total + part : part;
  }
  return total;
}

std::int64_t element_count(const OpSample& sample) {
  std::int64_t count = 0;
  for (const Tensor& x : sample.inputs) count += is_differentiable(x.dtype()) ? x.numel() : 0;
  return count;
}

bool all_inputs_are(const OpSample& sample, DType dtype) {
  for (const Tensor& x : sample.inputs) {
    if (is_differentiable(x.dtype()) && x.dtype() != dtype) return false;
  }
  return true;
}

/// The smallest sample with gradients whose differentiable inputs have this dtype; nullptr if there is none.
const OpSample* sample_to_check(const OpCase& one, DType dtype) {
  const OpSample* best = nullptr;
  for (const OpSample& sample : samples_of(one)) {
    const std::int64_t count = element_count(sample);
    if (!has_gradients(one, sample) || count == 0 || count > 600 || !all_inputs_are(sample, dtype)) continue;
    if (best == nullptr || (count >= 4 && count < element_count(*best))) best = &sample;
  }
  return best;
}

/// Complex inputs as pairs of real ones, which gradcheck can move. Inputs whose gradient is no concern stay.
std::pair<std::function<Tensor(const TensorList&)>, TensorList> check_problem(const OpCase& one,
                                                                              const OpSample& sample) {
  TensorList leaves;
  std::size_t differentiable = 0;
  for (const Tensor& x : sample.inputs) {
    const bool wanted = is_differentiable(x.dtype()) && sample.gradients.at(differentiable++).defined();
    if (x.is_complex()) {
      leaves.push_back(real(x).requires_grad_(wanted));
      leaves.push_back(imag(x).requires_grad_(wanted));
    } else {
      leaves.push_back(x.detach().clone());
      if (wanted) leaves.back().requires_grad_();
    }
  }
  const auto function = [&one, &sample](const TensorList& in) {
    TensorList inputs;
    std::size_t next = 0;
    for (const Tensor& x : sample.inputs) {
      if (x.is_complex()) {
        inputs.push_back(complex(in[next], in[next + 1]));
        next += 2;
      } else {
        inputs.push_back(in[next++]);
      }
    }
    return combined(one.run(inputs), sample.weights);
  };
  return {function, leaves};
}

}  // namespace

TEST_P(OpGradients, EqualCentralDifferences) {
  const OpCase& one = GetParam();
  if (!one.gradcheck) return;
  const OpSample* real_sample = sample_to_check(one, float64);
  const OpSample* complex_sample = sample_to_check(one, complex128);
  EXPECT_TRUE(real_sample != nullptr || complex_sample != nullptr) << "no float64 sample with gradients";
  for (const OpSample* each : {real_sample, complex_sample}) {
    if (each == nullptr) continue;
    const auto [function, leaves] = check_problem(one, *each);
    in_sample(each->name, [&, &f = function, &in = leaves] { autograd::gradcheck(f, in); });
  }
}

TEST_P(OpSecondGradients, EqualCentralDifferences) {
  const OpCase& one = GetParam();
  for (const OpSample* each : {sample_to_check(one, float64), sample_to_check(one, complex128)}) {
    if (each == nullptr) continue;
    const auto [function, leaves] = check_problem(one, *each);
    in_sample(each->name, [&, &f = function, &in = leaves] {
      autograd::gradgradcheck(f, in);
      if (!HasFailure()) OpSupport::instance().add_gradient(one, true);
    });
  }
}

namespace {

/// Writes what the tests found out, where RUSTORCH_WRITE_OP_SUPPORT names a file.
class WriteOpSupport : public ::testing::Environment {
 public:
  void TearDown() override {
    const char* path = std::getenv("RUSTORCH_WRITE_OP_SUPPORT");
    if (path == nullptr) return;
    std::ofstream file(path);
    file << OpSupport::instance().json() << "\n";
    file.close();
    EXPECT_TRUE(file) << "cannot write " << path;
  }
};

[[maybe_unused]] ::testing::Environment* const write_op_support =
    ::testing::AddGlobalTestEnvironment(new WriteOpSupport);

}  // namespace
}  // namespace rustorch::testing

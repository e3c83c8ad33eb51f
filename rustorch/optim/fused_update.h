#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "rustorch/compute/program.h"
#include "rustorch/tensor/operations/elementwise_core.h"

namespace rustorch::optim {

/// An optimizer's update of one parameter, written as formulas over whole tensors, run as one pass over
/// memory:
///
///     FusedUpdate pass("SGD", parameter.dtype());
///     const auto p = pass.load(parameter), g = pass.load(gradient);
///     pass.store(parameter, p + g * -lr);
///     pass.run();
///
/// Reduced precision is computed in float32. Numbers are run-time values of the program, so that its form is
/// the same in every step.
class FusedUpdate {
 public:
  /// A value of the program: one register.
  struct Value {
    FusedUpdate* pass;
    Program::Register index;

    friend Value operator+(Value x, Value y) { return x.pass->apply(Op::add, x, y); }
    friend Value operator-(Value x, Value y) { return x.pass->apply(Op::sub, x, y); }
    friend Value operator*(Value x, Value y) { return x.pass->apply(Op::mul, x, y); }
    friend Value operator/(Value x, Value y) { return x.pass->apply(Op::div, x, y); }
    friend Value operator+(Value x, double y) { return x + x.pass->number(y); }
    friend Value operator*(Value x, double y) { return x * x.pass->number(y); }
    friend Value operator-(Value x) { return x.pass->apply(Op::neg, x); }
    friend Value sqrt(Value x) { return x.pass->apply(Op::sqrt, x); }
    friend Value maximum(Value x, Value y) { return x.pass->apply(Op::maximum, x, y); }
    /// x + y · z, in one instruction.
    friend Value multiply_add(Value x, Value y, Value z) { return x.pass->apply(Op::multiply_add, x, y, z); }
    friend Value multiply_add(Value x, Value y, double z) { return multiply_add(x, y, x.pass->number(z)); }
  };

  FusedUpdate(const char* name, DType dtype) : name_(name), compute_(compute_dtype(dtype)) {}

  Value load(const Tensor& tensor) {
    inputs_[input_count_++] = tensor;
    return {this, program_.input(tensor.dtype(), compute_)};
  }
  template <class... Values>
  Value apply(Op op, Values... values) {
    return {this, program_.apply(op, values.index...)};
  }
  Value number(double value) { return {this, program_.scalar(value, compute_)}; }
  /// The tensor takes the value when the pass runs; it may be one that was loaded.
  void store(const Tensor& tensor, Value value) {
    outputs_[output_count_++] = tensor;
    program_.output(value.index, tensor.dtype());
  }
  void run() {
    run_program_into(program_, std::span(inputs_.data(), input_count_),
                     std::span(outputs_.data(), output_count_), name_);
  }

 private:
  const char* name_;
  DType compute_;
  Program program_;
  std::array<Tensor, 6> inputs_;
  std::array<Tensor, 5> outputs_;
  std::size_t input_count_ = 0, output_count_ = 0;
};

}  // namespace rustorch::optim

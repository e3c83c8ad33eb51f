#pragma once

#include "rustorch/compute/program.h"
#include "rustorch/core/inline_list.h"
#include "rustorch/error/error.h"
#include "rustorch/tensor/operations/program_batches.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch::optim {

/// An optimizer's update of one parameter, written as formulas over whole tensors: one pass over memory.
///
///     FusedUpdate pass(batches, "SGD", parameter);
///     const auto p = pass.load(parameter), g = pass.load(gradient);
///     pass.store(parameter, p + g * -lr);
///     pass.finish();
///
/// It is done with the batches, together with the updates of all parameters that have the same formulas and
/// numbers; until then the tensors must live. Reduced precision is computed in float32. Numbers are run-time
/// values of the program, so that its form is the same in every step.
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

  FusedUpdate(ProgramBatches& batches, const char* name, const Tensor& parameter)
      : batches_(batches),
        name_(name),
        device_(parameter.device()),
        compute_(compute_dtype(parameter.dtype())) {}

  Value load(const Tensor& tensor) {
    check_device(tensor);
    inputs_.emplace_back(tensor.view_for_read());
    return {this, program_.input(tensor.dtype(), compute_)};
  }
  template <class... Values>
  Value apply(Op op, Values... values) {
    return {this, program_.apply(op, values.index...)};
  }
  Value number(double value) { return {this, program_.scalar(value, compute_)}; }
  /// The tensor takes the value when the batches run; it may be one that was loaded.
  void store(const Tensor& tensor, Value value) {
    check_device(tensor);
    tensor.storage()->prepare_write();
    outputs_.emplace_back(tensor.view_for_read());
    program_.output(value.index, tensor.dtype());
  }
  /// Hands the update to the batches.
  void finish() {
    batches_.add(name_, program_, device_, {inputs_.data(), inputs_.size()},
                 {outputs_.data(), outputs_.size()});
  }

 private:
  void check_device(const Tensor& tensor) const {
    RUSTORCH_CHECK(tensor.device() == device_, device_mismatch,
                   "{}: a parameter on {}, but its gradient or state on {}", name_, device_, tensor.device());
  }

  ProgramBatches& batches_;
  const char* name_;
  Device device_;
  DType compute_;
  Program program_;
  InlineList<View, 6> inputs_;
  InlineList<View, 5> outputs_;
};

}  // namespace rustorch::optim

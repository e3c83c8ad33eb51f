#pragma once

#include <array>
#include <cstddef>

#include "rustorch/compute/program.h"
#include "rustorch/error/error.h"
#include "rustorch/tensor/operations/program_batches.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch::optim {

/// An optimizer's update of parameters that are alike, written as formulas over whole tensors: one pass over
/// memory, all parameters together when the batches run. Until then the tensors must live.
///
///     FusedUpdate pass(batches, "SGD", parameters[0]);
///     for (… parameter, gradient …) {
///       pass.begin(parameter);
///       const auto p = pass.load(parameter), g = pass.load(gradient);
///       pass.store(parameter, p + g * -lr);
///       pass.finish();
///     }
///
/// The program is made of the first one's formulas; for the others, which have the same formulas and numbers,
/// only the tensors are noted. Reduced precision is computed in float32. Numbers are run-time values of the
/// program, so that its form is the same in every step.
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

  /// `like` has the dtype and the device of all parameters.
  FusedUpdate(ProgramBatches& batches, const char* name, const Tensor& like)
      : batches_(batches), name_(name), device_(like.device()), compute_(compute_dtype(like.dtype())) {}

  void begin(const Tensor& parameter) {
    parameter_ = &parameter;
    input_count_ = output_count_ = 0;
  }
  Value load(const Tensor& tensor) {
    check(tensor);
    inputs_[input_count_++] = tensor.view_for_read();
    return record([&] { return program_.input(tensor.dtype(), compute_); });
  }
  template <class... Values>
  Value apply(Op op, Values... values) {
    return record([&] { return program_.apply(op, values.index...); });
  }
  Value number(double value) {
    return record([&] { return program_.scalar(value, compute_); });
  }
  /// The tensor takes the value when the batches run; it may be one that was loaded.
  void store(const Tensor& tensor, Value value) {
    check(tensor);
    tensor.storage()->prepare_write();
    outputs_[output_count_++] = tensor.view_for_read();
    if (batch_ == nullptr) program_.output(value.index, tensor.dtype());
  }
  void finish() {
    RUSTORCH_CHECK(
        input_count_ == program_.input_dtypes().size() && output_count_ == program_.outputs().size(),
        internal, "{}: updates of one pass differ", name_);
    if (batch_ == nullptr) batch_ = &batches_.batch_for(program_, device_);
    batch_->add({inputs_.data(), input_count_}, {outputs_.data(), output_count_});
  }

 private:
  template <class Make>
  Value record(const Make& make) {
    return {this, batch_ == nullptr ? make() : Program::Register{}};
  }
  void check(const Tensor& tensor) const {
    RUSTORCH_CHECK(tensor.device() == device_, device_mismatch,
                   "{}: a parameter on {}, but its gradient or state on {}", name_, device_, tensor.device());
    RUSTORCH_CHECK(tensor.shape() == parameter_->shape(), shape_mismatch,
                   "{}: a parameter of shape {}, but its gradient or state of shape {}", name_,
                   parameter_->shape(), tensor.shape());
  }

  ProgramBatches& batches_;
  const char* name_;
  Device device_;
  DType compute_;
  const Tensor* parameter_ = nullptr;
  Program program_;
  ProgramBatches::Batch* batch_ = nullptr;  // once the program is made
  std::array<View, 6> inputs_;
  std::array<View, 5> outputs_;
  std::size_t input_count_ = 0, output_count_ = 0;
};

}  // namespace rustorch::optim

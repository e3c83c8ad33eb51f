#include "rustorch/nn/utils.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/program_batches.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::nn::utils {

namespace {

std::vector<Tensor> gradients_of(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> gradients;
  for (const Tensor& parameter : parameters) {
    if (Tensor gradient = parameter.grad(); gradient.defined()) gradients.push_back(gradient.detach());
  }
  return gradients;
}

/// Kept by each thread, so that steady steps allocate nothing.
struct Room {
  ProgramBatches batches;
  std::vector<Layout> layouts;  // views of the batches point into it
  std::vector<const Storage*> memory;

  /// The thread's, without what a call that failed left; with layouts for so many tensors.
  static Room& of_thread(std::size_t tensors) {
    thread_local Room room;
    room.batches.clear();
    room.layouts.clear();
    room.layouts.reserve(tensors);
    return room;
  }
};

/// Numbers (0-d, of one dtype and device) as one vector: one launch on a GPU, where stack takes one for each.
Tensor as_vector(std::span<const Tensor> numbers) {
  const Tensor& first = numbers.front();
  Tensor vector =
      empty({static_cast<std::int64_t>(numbers.size())}, {.dtype = first.dtype(), .device = first.device()});
  Room& room = Room::of_thread(numbers.size());
  Program copy;
  copy.output(copy.input(first.dtype()), first.dtype());
  auto& batch = room.batches.batch_for(copy, first.device());
  const View whole = vector.view_for_write();
  for (const Tensor& number : numbers) {
    View element = whole;
    element.layout =
        &room.layouts.emplace_back(Shape{}, Strides{}, static_cast<std::int64_t>(room.layouts.size()));
    const View view = number.view_for_read();
    batch.add({&view, 1}, {&element, 1});
  }
  room.batches.run();
  return vector;
}

/// Whether two of the tensors are parts of one memory. `room` is for its work.
bool any_share_memory(std::span<const Tensor> tensors, std::vector<const Storage*>& room) {
  room.clear();
  for (const Tensor& tensor : tensors) room.push_back(tensor.storage().get());
  std::ranges::sort(room);
  return std::ranges::adjacent_find(room) != room.end();
}

/// tensor *= factor (0-d) for all of them: few launches on a GPU.
void multiply_all(std::span<const Tensor> tensors, const Tensor& factor) {
  Room& room = Room::of_thread(tensors.size());
  ProgramBatches& batches = room.batches;
  // A tensor that is there twice is multiplied twice, one time after the other.
  const bool one_by_one = any_share_memory(tensors, room.memory);
  Tensor own;  // the factor, on the tensors' device
  for (const Tensor& tensor : tensors) {
    check_in_place(tensor, "clip_grad_norm_");
    if (!own.defined() || own.device() != tensor.device()) {
      batches.run();
      own = factor.to(tensor.device());
    }
    const DType compute = compute_dtype(tensor.dtype());
    Program program;
    const auto x = program.input(tensor.dtype(), compute), y = program.input(own.dtype(), compute);
    program.output(program.apply(Op::mul, x, y), tensor.dtype());
    tensor.storage()->prepare_write();
    const View view = tensor.view_for_read();
    View number = own.view_for_read();
    number.layout = &room.layouts.emplace_back(own.layout().broadcast_to(tensor.shape()));
    batches.batch_for(program, tensor.device()).add(std::array{view, number}, {&view, 1});
    if (one_by_one) batches.run();
  }
  batches.run();
}

}  // namespace

Tensor get_total_norm(const std::vector<Tensor>& gradients, double norm_type) {
  RUSTORCH_CHECK(norm_type > 0, invalid_argument, "the order of a total norm must be positive, not {}",
                 norm_type);
  const NoGrad guard;
  if (gradients.empty()) return zeros({});
  std::vector<Tensor> norms;
  norms.reserve(gradients.size());
  for (const Tensor& gradient : gradients) {
    norms.push_back(
        norm(gradient, norm_type).to(gradients.front().device()).to(real_dtype(gradients.front().dtype())));
  }
  return norm(as_vector(norms), norm_type);
}

Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  RUSTORCH_CHECK(max_norm >= 0, invalid_argument, "clip_grad_norm_: max_norm must not be negative, not {}",
                 max_norm);
  const NoGrad guard;
  const std::vector<Tensor> gradients = gradients_of(parameters);
  Tensor total = get_total_norm(gradients, norm_type);
  if (error_if_nonfinite && !std::isfinite(total.item<double>())) {
    fail(ErrorCode::invalid_argument, "clip_grad_norm_: the total norm of order {} is {}", norm_type,
         total.item<double>());
  }
  // Multiplied in any case: asking whether it is needed would wait for the device.
  const Tensor factor = clamp(max_norm / total.add(1e-6), std::nullopt, 1.0);
  multiply_all(gradients, factor);
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  RUSTORCH_CHECK(clip_value >= 0, invalid_argument,
                 "clip_grad_value_: clip_value must not be negative, not {}", clip_value);
  const NoGrad guard;
  for (Tensor gradient : gradients_of(parameters)) gradient.clamp_(-clip_value, clip_value);
}

Tensor parameters_to_vector(const std::vector<Tensor>& parameters) {
  RUSTORCH_CHECK(!parameters.empty(), invalid_argument, "parameters_to_vector: there are no parameters");
  std::vector<Tensor> flat;
  flat.reserve(parameters.size());
  for (const Tensor& parameter : parameters) flat.push_back(parameter.reshape({-1}));
  return cat(flat);
}

void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters) {
  std::int64_t total = 0;
  for (const Tensor& parameter : parameters) total += parameter.numel();
  RUSTORCH_CHECK(vector.rank() == 1 && vector.numel() == total, shape_mismatch,
                 "vector_to_parameters: a vector {} does not fill parameters of {} elements", vector.shape(),
                 total);
  const NoGrad guard;
  std::int64_t start = 0;
  for (Tensor parameter : parameters) {
    parameter.copy_(vector.detach().narrow(0, start, parameter.numel()).reshape(parameter.shape()));
    start += parameter.numel();
  }
}

}  // namespace rustorch::nn::utils

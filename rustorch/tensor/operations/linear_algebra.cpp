#include "rustorch/tensor/operations/linear_algebra.h"

#include "rustorch/backends/runtime.h"
#include "rustorch/core/shape_suggestion.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/elementwise_gradients.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

// ---- checks

void check_operands(const char* op, const Tensor& a, const Tensor& b) {
  common_device(op, {&a, &b});
  if (a.dtype() != b.dtype()) {
    const DType common = promote_types(a.dtype(), b.dtype());
    fail_with_suggestion(
        ErrorCode::dtype_mismatch,
        fmt::format("convert the {} operand: .to({})", a.dtype() == common ? "second" : "first", common),
        "{}: operands of {} and {} (shapes {} and {})", op, a.dtype(), b.dtype(), a.shape(), b.shape());
  }
  if (a.dtype() == DType::bool_) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "convert both operands: .to(int64) or .to(float32)",
                         "{} is not defined for bool (shapes {} and {})", op, a.shape(), b.shape());
  }
}

[[noreturn]] void fail_shapes(const char* op, const Tensor& a, const Tensor& b) {
  fail_with_suggestion(ErrorCode::shape_mismatch, suggest_matmul(a.shape(), b.shape()),
                       "{}: shapes {} and {} do not fit together", op, a.shape(), b.shape());
}

void check_rank(const char* op, const char* which, const Tensor& x, std::size_t rank) {
  if (x.rank() == rank) return;
  const std::string suggestion = rank == 2 || rank == 3 ? "matmul takes every rank" : "";
  fail_with_suggestion(ErrorCode::shape_mismatch, suggestion,
                       "{}: the {} operand must have {} dim{}, its shape is {}", op, which, rank,
                       rank == 1 ? "" : "s", x.shape());
}

// ---- the product of matrices

/// All dims but the last two, broadcast.
Shape common_batch(const char* op, const Tensor& a, const Tensor& b) {
  const std::size_t dims_a = a.rank() - 2, dims_b = b.rank() - 2;
  Shape batch((dims_a >= dims_b ? a : b).shape().span().first(std::max(dims_a, dims_b)));
  for (std::size_t i = 1; i <= std::min(dims_a, dims_b); ++i) {
    const std::int64_t in_a = a.shape()[dims_a - i], in_b = b.shape()[dims_b - i];
    RUSTORCH_CHECK(in_a == in_b || in_a == 1 || in_b == 1, shape_mismatch,
                   "{}: the batch dims of shapes {} and {} do not broadcast", op, a.shape(), b.shape());
    batch[batch.size() - i] = in_a == 1 ? in_b : in_a;
  }
  return batch;
}

/// A matrix operand seen with the batch dims of the result: stride 0 where it is broadcast.
Layout with_batch(const Layout& x, const Shape& batch) {
  Layout wide(batch, Shape::filled(batch.size(), 0), x.offset);
  const std::size_t missing = batch.size() + 2 - x.rank();
  for (std::size_t i = 0; i + 2 < x.rank(); ++i) {
    if (x.shape[i] != 1) wide.strides[missing + i] = x.strides[i];
  }
  for (std::size_t i = x.rank() - 2; i < x.rank(); ++i) {
    wide.shape.push_back(x.shape[i]);
    wide.strides.push_back(x.strides[i]);
  }
  return wide;
}

/// All dims but the last in one, where the strides allow it.
std::optional<Layout> rows_of(const Layout& x) {
  std::int64_t rows = 1, stride = 0;
  for (std::size_t i = x.rank() - 1; i-- > 0;) {
    if (x.shape[i] == 1) continue;
    if (rows == 1) {
      stride = x.strides[i];
    } else if (x.strides[i] != stride * rows) {
      return std::nullopt;
    }
    rows *= x.shape[i];
  }
  return Layout({rows, x.shape.back()}, {rows == 1 ? x.shape.back() : stride, x.strides.back()}, x.offset);
}

/// The same for what is known to follow each other.
Layout as_rows(const Layout& x) {
  const std::optional<Layout> rows = rows_of(x);
  RUSTORCH_CHECK(rows.has_value(), internal, "rows with strides {} do not follow each other", x.strides);
  return *rows;
}

/// activation(a @ b + bias), a and b of rank 2 or more, the bias broadcast to the result; no gradient.
Tensor product_values(const char* op, const Tensor& a, const Tensor& b, const Tensor& bias = {},
                      std::optional<Op> activation = std::nullopt) {
  const std::size_t last_a = a.rank() - 1, last_b = b.rank() - 1;
  if (a.shape()[last_a] != b.shape()[last_b - 1]) fail_shapes(op, a, b);
  const Shape batch = common_batch(op, a, b);
  Shape shape = batch;
  shape.push_back(a.shape()[last_a - 1]);
  shape.push_back(b.shape()[last_b]);
  Tensor out = allocate(Layout::contiguous(shape), a.dtype(), a.device());
  if (out.numel() == 0) return out;
  if (a.shape()[last_a] == 0) {  // sums of nothing
    bias.defined() ? out.copy_(bias.detach()) : out.zero_();
    return activation ? elementwise(*activation, out) : out;
  }

  Layout layout_a, layout_b, layout_out;
  // One matrix for the whole batch: a single product of many rows, which is faster than many products.
  std::optional<Layout> rows;
  if (b.rank() == 2 && a.rank() > 2) rows = rows_of(a.layout());
  if (rows) {
    layout_a = std::move(*rows);
    layout_b = b.layout();
    layout_out = as_rows(out.layout());
  } else {
    layout_a = with_batch(a.layout(), batch);
    layout_b = with_batch(b.layout(), batch);
    layout_out = out.layout();
  }
  const auto view = [](View whole, const Layout& layout) {
    whole.layout = &layout;
    return whole;
  };
  Matmul work{.a = view(a.view_for_read(), layout_a),
              .b = view(b.view_for_read(), layout_b),
              .out = view(out.view_for_write(), layout_out),
              .bias = {},
              .activation = activation};
  Tensor wide_bias;
  Layout layout_bias;
  if (bias.defined()) {
    wide_bias = bias.detach().expand(shape);
    layout_bias = rows ? as_rows(wide_bias.layout()) : wide_bias.layout();
    work.bias = view(wide_bias.view_for_read(), layout_bias);
  }
  backend_for(a.device()).matmul(work);
  return out;
}

Tensor adjoint(const Tensor& x) { return conjugate(x.transpose(-2, -1)); }

/// x with all dims but the last in one.
Tensor as_rows(const Tensor& x) {
  const std::int64_t columns = x.shape().back();
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < x.rank(); ++i) rows *= x.shape()[i];
  return x.reshape({rows, columns});
}

Tensor product(const char* op, const Tensor& a, const Tensor& b);

/// The gradient of b in a @ b: summed over the batch at once where b is one matrix.
Tensor right_gradient(const Tensor& g, const Tensor& a, std::size_t rank_b) {
  if (rank_b == 2 && a.rank() > 2) return product("matmul_backward", adjoint(as_rows(a)), as_rows(g));
  return product("matmul_backward", adjoint(a), g);
}

Tensor product(const char* op, const Tensor& a, const Tensor& b) {
  Tensor y = product_values(op, a, b);
  const Tensor none;
  return with_gradient(std::move(y), op, {&a, &b},
                       [a = Saved(b.requires_grad() ? a : none), b = Saved(a.requires_grad() ? b : none),
                        rank_b = b.rank()](const Tensor& g, Needs needs) {
                         std::array<Tensor, 2> d;
                         if (needs[0]) d[0] = product("matmul_backward", g, adjoint(*b));
                         if (needs[1]) d[1] = right_gradient(g, *a, rank_b);
                         return d;
                       });
}

/// The same for vectors too, as torch.matmul: a vector on the left is a row, on the right a column.
Tensor product_of_any_rank(const char* op, const Tensor& a, const Tensor& b) {
  check_operands(op, a, b);
  if (a.rank() == 0 || b.rank() == 0) fail_shapes(op, a, b);
  if (a.rank() >= 2 && b.rank() >= 2) return product(op, a, b);
  const std::int64_t inner_b = b.rank() == 1 ? b.shape()[0] : b.shape()[b.rank() - 2];
  if (a.shape().back() != inner_b) fail_shapes(op, a, b);
  Tensor y = product(op, a.rank() == 1 ? a.unsqueeze(0) : a, b.rank() == 1 ? b.unsqueeze(1) : b);
  if (b.rank() == 1) y = y.squeeze(-1);
  return a.rank() == 1 ? y.squeeze(b.rank() == 1 ? -1 : -2) : y;
}

Tensor activated(const Tensor& x, Op activation) {
  return activation == Op::relu ? relu(x) : gelu(x, activation == Op::gelu ? "none" : "tanh");
}

/// Whether a product can make an activation of its result on the way. The gradients of gelu need what stands
/// before it.
bool can_activate(DType dtype, Op activation, std::initializer_list<const Tensor*> inputs) {
  return is_floating_point(dtype) && (activation == Op::relu || !gradient_detail::wanted(inputs));
}

/// Records the gradients of a product with an epilogue that relu may end: `gradients` gives those of what
/// stands before it.
template <class Gradients>
Tensor with_product_gradient(Tensor y, const char* op, std::initializer_list<const Tensor*> inputs,
                             std::optional<Op> activation, Gradients gradients) {
  if (!activation) return with_gradient(std::move(y), op, inputs, std::move(gradients));
  Saved saved(y);
  return with_gradient(std::move(y), op, inputs,
                       [y = std::move(saved), gradients = std::move(gradients)](
                           const Tensor& g, Needs needs) { return gradients(relu_gradient(g, *y), needs); });
}

/// activation(beta · input + alpha · a @ b) for matrices (batches of them).
Tensor add_product(const char* op, const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                   const Scalar& alpha, std::optional<Op> activation = std::nullopt) {
  check_operands(op, a, b);
  check_operands(op, input, a);
  const bool is_scaled =
      beta.to<double>() != 1.0 || alpha.to<double>() != 1.0 || beta.is_complex() || alpha.is_complex();
  if (activation && (is_scaled || !can_activate(a.dtype(), *activation, {&input, &a, &b})))
    return activated(add_product(op, input, a, b, beta, alpha), *activation);
  if (is_scaled) {
    Tensor scaled = product(op, a, b) * alpha;
    if (!beta.is_complex() && beta.to<double>() == 0.0) return scaled;  // NaN in input does not count
    return input * beta + scaled;
  }
  Shape shape = a.shape();
  shape[a.rank() - 1] = b.shape().back();
  if (!(broadcast_shapes(shape, input.shape(), op) == shape)) {
    fail(ErrorCode::shape_mismatch, "{}: the input of shape {} does not broadcast to the product's shape {}",
         op, input.shape(), shape);
  }
  Tensor y = product_values(op, a, b, input, activation);
  const Tensor none;
  return with_product_gradient(std::move(y), op, {&input, &a, &b}, activation,
                               [a = Saved(b.requires_grad() ? a : none),
                                b = Saved(a.requires_grad() ? b : none)](const Tensor& g, Needs needs) {
                                 std::array<Tensor, 3> d;
                                 if (needs[0]) d[0] = g;
                                 if (needs[1]) d[1] = product("matmul_backward", g, adjoint(*b));
                                 if (needs[2]) d[2] = product("matmul_backward", adjoint(*a), g);
                                 return d;
                               });
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) { return product_of_any_rank("matmul", a, b); }

Result<Tensor> try_matmul(const Tensor& a, const Tensor& b) {
  return capture_error([&] { return matmul(a, b); });
}

Tensor mm(const Tensor& a, const Tensor& b) {
  check_rank("mm", "first", a, 2);
  check_rank("mm", "second", b, 2);
  return product_of_any_rank("mm", a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_rank("bmm", "first", a, 3);
  check_rank("bmm", "second", b, 3);
  RUSTORCH_CHECK(a.shape()[0] == b.shape()[0], shape_mismatch,
                 "bmm: batches of {} and {} matrices (shapes {} and {})", a.shape()[0], b.shape()[0],
                 a.shape(), b.shape());
  return product_of_any_rank("bmm", a, b);
}

Tensor mv(const Tensor& a, const Tensor& b) {
  check_rank("mv", "first", a, 2);
  check_rank("mv", "second", b, 1);
  return product_of_any_rank("mv", a, b);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_rank("dot", "first", a, 1);
  check_rank("dot", "second", b, 1);
  return product_of_any_rank("dot", a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check_rank("outer", "first", a, 1);
  check_rank("outer", "second", b, 1);
  return a.unsqueeze(1) * b.unsqueeze(0);
}

Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha) {
  check_rank("addmm", "first", a, 2);
  check_rank("addmm", "second", b, 2);
  if (a.shape()[1] != b.shape()[0]) fail_shapes("addmm", a, b);
  return add_product("addmm", input, a, b, beta, alpha);
}

Tensor addmm_activation(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                        const Scalar& alpha, bool use_gelu) {
  check_rank("addmm_activation", "first", a, 2);
  check_rank("addmm_activation", "second", b, 2);
  if (a.shape()[1] != b.shape()[0]) fail_shapes("addmm_activation", a, b);
  return add_product("addmm_activation", input, a, b, beta, alpha, use_gelu ? Op::gelu : Op::relu);
}

Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
               const Scalar& alpha) {
  check_rank("baddbmm", "first", a, 3);
  check_rank("baddbmm", "second", b, 3);
  if (a.shape()[0] != b.shape()[0] || a.shape()[2] != b.shape()[1]) fail_shapes("baddbmm", a, b);
  return add_product("baddbmm", input, a, b, beta, alpha);
}

namespace {

/// activation(x @ weightᵀ + bias).
Tensor linear_with(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                   std::optional<Op> activation) {
  check_operands("linear", x, weight);
  check_rank("linear", "weight", weight, 2);
  RUSTORCH_CHECK(x.rank() >= 1, shape_mismatch, "linear: the input has no dims, the weight's shape is {}",
                 weight.shape());
  const std::int64_t features = weight.shape()[1];
  if (x.shape().back() != features) {
    std::string suggestion;
    std::int64_t all_features = 1;
    for (std::size_t dim = 1; dim < x.rank(); ++dim) all_features *= x.shape()[dim];
    if (x.rank() > 2 && all_features == features) {
      suggestion = fmt::format("flatten(1) the input: [{}, {}]", x.shape()[0], features);
    } else if (x.shape().back() == weight.shape()[0]) {
      suggestion = fmt::format("transpose the weight: it is [out, in], here {}", weight.shape());
    } else {
      suggestion = fmt::format("a layer with {} input features fits this input", x.shape().back());
    }
    fail_with_suggestion(ErrorCode::shape_mismatch, std::move(suggestion),
                         "linear: the weight of shape {} takes {} features, the input of shape {} has {}",
                         weight.shape(), features, x.shape(), x.shape().back());
  }
  if (bias.defined()) {
    check_operands("linear", x, bias);
    RUSTORCH_CHECK((bias.shape() == Shape{weight.shape()[0]}), shape_mismatch,
                   "linear: the bias of shape {} does not fit the weight of shape {}: it needs {} elements",
                   bias.shape(), weight.shape(), weight.shape()[0]);
  }
  if (activation && !can_activate(x.dtype(), *activation, {&x, &weight, &bias}))
    return activated(linear(x, weight, bias), *activation);
  if (x.rank() == 1) return linear_with(op, x.unsqueeze(0), weight, bias, activation).squeeze(0);

  const Strides& steps = weight.strides();
  const Tensor transposed =
      alias(weight, Layout({features, weight.shape()[0]}, {steps[1], steps[0]}, weight.storage_offset()));
  Tensor y = product_values(op, x, transposed, bias, activation);
  const Tensor none;
  return with_product_gradient(
      std::move(y), op, {&x, &weight, &bias}, activation,
      [x = Saved(weight.requires_grad() ? x : none), weight = Saved(x.requires_grad() ? weight : none)](
          const Tensor& g, Needs needs) {
        std::array<Tensor, 3> d;
        if (needs[0]) d[0] = product("linear_backward", g, conjugate(*weight));
        if (needs[1]) d[1] = product("linear_backward", as_rows(g).t(), conjugate(as_rows(*x)));
        if (needs[2]) d[2] = sum(as_rows(g), 0);
        return d;
      });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return linear_with("linear", x, weight, bias, std::nullopt);
}

Tensor linear_relu(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return linear_with("linear_relu", x, weight, bias, Op::relu);
}

Tensor linear_gelu(const Tensor& x, const Tensor& weight, const Tensor& bias, std::string_view approximate) {
  return linear_with("linear_gelu", x, weight, bias, gelu_op(approximate));
}

// ---- methods

Tensor Tensor::matmul(const Tensor& other) const { return rustorch::matmul(*this, other); }
Tensor Tensor::mm(const Tensor& other) const { return rustorch::mm(*this, other); }
Tensor Tensor::bmm(const Tensor& other) const { return rustorch::bmm(*this, other); }
Tensor Tensor::mv(const Tensor& other) const { return rustorch::mv(*this, other); }
Tensor Tensor::dot(const Tensor& other) const { return rustorch::dot(*this, other); }
Tensor Tensor::outer(const Tensor& other) const { return rustorch::outer(*this, other); }

}  // namespace rustorch

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>

#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

// PyTorch's defaults: 4 digits, tensors of more than 1000 elements show 3 entries at each end of a dim, 80
// columns.
constexpr int precision = 4;
constexpr std::int64_t summarize_beyond = 1000;
constexpr std::int64_t edge_items = 3;
constexpr std::size_t line_width = 80;

/// The indices of a dim that are shown; -1 stands for "...".
std::vector<std::int64_t> shown(std::int64_t size, bool summarize) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < size; ++i) {
    if (summarize && size > 2 * edge_items && i >= edge_items && i < size - edge_items) {
      if (i == edge_items) indices.push_back(-1);
      continue;
    }
    indices.push_back(i);
  }
  return indices;
}

/// How the elements of one tensor are written: one width and one style for all.
class ElementFormat {
 public:
  explicit ElementFormat(DType dtype) : dtype_(dtype) {}

  void see(const Scalar& value) {
    if (!is_floating_point(dtype_)) {
      width_ = std::max(width_, format(value).size());
      return;
    }
    const double number = value.to<double>();
    if (!std::isfinite(number)) return special_.push_back(number);
    any_ = true;
    whole_ = whole_ && number == std::ceil(number);
    const double magnitude = std::abs(number);
    if (magnitude != 0) {
      largest_ = std::max(largest_, magnitude);
      smallest_ = smallest_ == 0 ? magnitude : std::min(smallest_, magnitude);
    }
    finite_.push_back(number);
  }

  void finish() {
    if (!is_floating_point(dtype_)) return;
    if (any_ && largest_ > 0) {
      scientific_ =
          whole_ ? largest_ >= 1e9 : largest_ / smallest_ > 1000.0 || largest_ > 1e8 || smallest_ < 1e-4;
    }
    for (const auto* list : {&finite_, &special_}) {
      for (const double number : *list) width_ = std::max(width_, format(Scalar(number)).size());
    }
  }

  std::string padded(const Scalar& value) const { return fmt::format("{:>{}}", format(value), width_); }

 private:
  std::string format(const Scalar& value) const {
    if (dtype_ == DType::bool_) return value.to<bool>() ? "True" : "False";
    if (is_complex(dtype_)) {
      const auto number = value.to<std::complex<double>>();
      return fmt::format("{:.{}f}{:+.{}f}j", number.real(), precision, number.imag(), precision);
    }
    if (!is_floating_point(dtype_)) return fmt::format("{}", value.to<std::int64_t>());
    const double number = value.to<double>();
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
    if (scientific_) return fmt::format("{:.{}e}", number, precision);
    return whole_ ? fmt::format("{:.0f}.", number) : fmt::format("{:.{}f}", number, precision);
  }

  DType dtype_;
  bool any_ = false, whole_ = true, scientific_ = false;
  double largest_ = 0, smallest_ = 0;
  std::size_t width_ = 0;
  std::vector<double> finite_, special_;
};

class Printer {
 public:
  explicit Printer(const Tensor& tensor)
      : tensor_(tensor), format_(tensor.dtype()), summarize_(tensor.numel() > summarize_beyond) {
    visit(tensor_, [this](const Scalar& value) { format_.see(value); });
    format_.finish();
  }

  std::string text() const { return write(tensor_, std::string_view("tensor(").size()); }

 private:
  template <class F>
  void visit(const Tensor& part, const F& f) const {
    if (part.rank() == 0) return f(part.item());
    for (const std::int64_t i : shown(part.size(0), summarize_)) {
      if (i >= 0) visit(part.select(0, i), f);
    }
  }

  std::string write(const Tensor& part, std::size_t indent) const {
    if (part.rank() == 0) return format_.padded(part.item());
    const std::vector<std::int64_t> indices = shown(part.size(0), summarize_);
    std::string text(1, '[');
    std::size_t column = indent + 1;
    for (std::size_t n = 0; n < indices.size(); ++n) {
      const std::string item = indices[n] < 0 ? "..." : write(part.select(0, indices[n]), indent + 1);
      if (n > 0) {
        text += ",";
        if (part.rank() > 1) {
          text.append(part.rank() - 1, '\n').append(indent + 1, ' ');
        } else if (column + item.size() + 2 > line_width) {
          text.append(1, '\n').append(indent + 1, ' ');
          column = indent + 1;
        } else {
          text += " ";
          ++column;
        }
      }
      text += item;
      column += item.size() + 1;
    }
    return text + "]";
  }

  Tensor tensor_;
  ElementFormat format_;
  bool summarize_;
};

}  // namespace

std::string Tensor::to_string() const {
  if (!defined()) return "tensor(undefined)";
  const NoGrad no_grad;
  std::string text = "tensor(";
  if (numel() == 0) {
    text += rank() == 1 ? "[]" : fmt::format("[], size={}", shape());
  } else {
    text += Printer(detach().cpu()).text();
  }
  const DType plain = rustorch::is_floating_point(dtype()) ? default_dtype() : DType::int64;
  const bool obvious = dtype() == plain || dtype() == DType::bool_ || dtype() == DType::complex64;
  if (!obvious || (numel() == 0 && dtype() != default_dtype())) text += fmt::format(", dtype={}", dtype());
  if (!device().is_cpu()) text += fmt::format(", device={}", device());
  if (const std::string op = grad_fn_name(); !op.empty()) {
    text += fmt::format(", grad_fn=<{}>", op);
  } else if (requires_grad()) {
    text += ", requires_grad=True";
  }
  return text + ")";
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) { return stream << tensor.to_string(); }

}  // namespace rustorch

#include "rustorch/core/shape_suggestion.h"

#include <optional>
#include <utility>

namespace rustorch {

namespace {

bool broadcasts(const Shape& a, const Shape& b) noexcept {
  const std::size_t rank = std::min(a.size(), b.size());
  for (std::size_t i = 1; i <= rank; ++i) {
    const std::int64_t in_a = a[a.size() - i];
    const std::int64_t in_b = b[b.size() - i];
    if (in_a != in_b && in_a != 1 && in_b != 1) return false;
  }
  return true;
}

Shape with_last_two_swapped(const Shape& shape) {
  Shape swapped = shape;
  std::swap(swapped[shape.size() - 1], swapped[shape.size() - 2]);
  return swapped;
}

// A shape that may stem from a user or a file: its product may overflow, then there is no count.
std::optional<std::int64_t> count_of(const Shape& shape) noexcept {
  std::int64_t count = 1;
  for (const std::int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) return std::nullopt;
  }
  return count;
}

// `shape` followed by as few dims of size 1 as let it broadcast with `other`: a vector over rows.
std::optional<Shape> with_trailing_ones(const Shape& shape, const Shape& other) {
  Shape padded = shape;
  while (padded.size() < other.size()) {
    padded.push_back(1);
    if (broadcasts(padded, other)) return padded;
  }
  return std::nullopt;
}

}  // namespace

std::string suggest_broadcast(const Shape& a, const Shape& b) {
  if (!a.empty() && !b.empty()) {
    if (const auto padded = with_trailing_ones(b, a)) {
      return fmt::format("reshape the second operand to {}", *padded);
    }
    if (const auto padded = with_trailing_ones(a, b)) {
      return fmt::format("reshape the first operand to {}", *padded);
    }
  }
  if (b.size() >= 2 && broadcasts(a, with_last_two_swapped(b))) {
    return fmt::format("transpose the second operand: {} -> {}", b, with_last_two_swapped(b));
  }
  if (a.size() >= 2 && broadcasts(with_last_two_swapped(a), b)) {
    return fmt::format("transpose the first operand: {} -> {}", a, with_last_two_swapped(a));
  }
  const auto count = count_of(a);
  if (count && count == count_of(b)) return fmt::format("reshape the second operand to {}", a);
  return {};
}

std::string suggest_matmul(const Shape& a, const Shape& b) {
  if (a.empty() || b.empty()) return "multiply by a number with * instead";
  const std::int64_t inner_a = a.back();
  if (b.size() >= 2 && b.back() == inner_a) {
    return fmt::format("transpose the second operand: {} x {}", a, with_last_two_swapped(b));
  }
  const std::int64_t inner_b = b.size() >= 2 ? b[b.size() - 2] : b.back();
  if (a.size() >= 2 && a[a.size() - 2] == inner_b) {
    return fmt::format("transpose the first operand: {} x {}", with_last_two_swapped(a), b);
  }
  if (a.size() >= 2 && b.size() >= 2 && b.back() == a[a.size() - 2]) {
    return fmt::format("swap the operands: {} x {}", b, a);
  }
  // A batch of feature maps that goes into a linear layer: everything but the batch dim in one.
  if (a.size() > 2) {
    const Shape features(a.span().subspan(1));
    if (count_of(features) == inner_b) {
      return fmt::format("flatten(1) the first operand: [{}, {}] x {}", a.front(), inner_b, b);
    }
  }
  return {};
}

std::string suggest_reshape(const Shape& from, const Shape& wanted) {
  const auto count = count_of(from);
  if (!count || wanted.empty()) return {};
  // Which single dim, left to be inferred, would make it fit? The last such: batch dims come first.
  for (std::size_t i = wanted.size(); i-- > 0;) {
    Shape others = wanted;
    others.erase(i);
    const auto rest = count_of(others);
    if (rest && *rest > 0 && *count % *rest == 0) {
      Shape fits = wanted;
      fits[i] = *count / *rest;
      return fmt::format("{} has the same {} elements", fits, *count);
    }
  }
  return {};
}

std::string suggest_cat(const Shape& first, const Shape& other, std::size_t dim) {
  const auto differ_only_at = [&](const Shape& shape, std::size_t at) {
    if (shape.size() != first.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i != at && shape[i] != first[i]) return false;
    }
    return true;
  };
  if (other.size() + 1 == first.size() && dim < first.size()) {
    Shape unsqueezed = other;
    unsqueezed.insert(dim, 1);
    if (differ_only_at(unsqueezed, dim))
      return fmt::format("unsqueeze({}) the tensor of shape {}", dim, other);
  }
  for (std::size_t at = 0; at < first.size(); ++at) {
    if (at != dim && differ_only_at(other, at)) return fmt::format("they fit along dim {}", at);
  }
  if (other.size() >= 2 && differ_only_at(with_last_two_swapped(other), dim)) {
    return fmt::format("transpose the tensor of shape {}: {}", other, with_last_two_swapped(other));
  }
  return {};
}

std::string suggest_convolution(const Shape& input, const Shape& weight, std::int64_t groups) {
  if (weight.size() < 3) return {};
  const std::int64_t channels = weight[1] * groups;
  if (input.size() + 1 == weight.size() && !input.empty() && input.front() != channels && channels == 1) {
    return fmt::format("unsqueeze the input to {}: it has no channels", [&] {
      Shape with_channels = input;
      with_channels.insert(0, 1);
      with_channels.insert(0, 1);
      return with_channels;
    }());
  }
  if (input.size() != weight.size()) return {};
  if (input[1] != channels && input.back() == channels) {
    std::string order = "0, " + std::to_string(input.size() - 1);
    for (std::size_t i = 1; i + 1 < input.size(); ++i) order += ", " + std::to_string(i);
    return fmt::format("the input's channels are last: permute({{{}}}) it", order);
  }
  if (weight[1] > 0 && input[1] % weight[1] == 0 && input[1] / weight[1] != groups &&
      weight[0] % (input[1] / weight[1]) == 0 && input[1] > 0) {
    return fmt::format("groups = {} fits these channels", input[1] / weight[1]);
  }
  return fmt::format("a layer with {} input channels fits this input", input[1]);
}

}  // namespace rustorch

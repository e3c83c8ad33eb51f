#include "rustorch/error/suggestion.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace rustorch {

namespace {

// Names come from files too: comparing two of a megabyte each would take hours.
constexpr std::size_t longest_compared_name = 256;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// "module.conv1.weight" and "conv1.weight": one of them has a prefix too many.
bool differ_by_prefix(std::string_view a, std::string_view b) {
  const auto [shorter, longer] = a.size() < b.size() ? std::pair(a, b) : std::pair(b, a);
  return !shorter.empty() && longer.size() > shorter.size() && longer.ends_with(shorter) &&
         longer[longer.size() - shorter.size() - 1] == '.';
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: cell j of a row is the distance of a's first i characters to b's first j.
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> candidates,
                                       std::size_t limit) {
  if (name.empty() || name.size() > longest_compared_name) return {};
  const std::string wanted = lower_case(name);
  const std::size_t farthest = std::max<std::size_t>(1, name.size() / 3);

  // Letters first, then their case, then the order of the candidates.
  std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> near;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string& candidate = candidates[i];
    if (candidate.size() > longest_compared_name) continue;
    const std::string lower = lower_case(candidate);
    if (differ_by_prefix(wanted, lower)) {
      near.emplace_back(1, edit_distance(name, candidate), i);
      continue;
    }
    const std::size_t length_difference =
        std::max(wanted.size(), lower.size()) - std::min(wanted.size(), lower.size());
    if (length_difference > farthest) continue;
    const std::size_t distance = edit_distance(wanted, lower);
    // A distance as long as the name means that nothing of it was kept.
    if (distance > farthest || distance >= std::max(wanted.size(), lower.size())) continue;
    near.emplace_back(distance, edit_distance(name, candidate), i);
  }
  std::sort(near.begin(), near.end());

  std::vector<std::string> names;
  for (const auto& [distance, exact_distance, index] : near) {
    if (names.size() == limit) break;
    names.push_back(candidates[index]);
  }
  return names;
}

std::string one_of(std::span<const std::string> choices) {
  std::string text = "one of";
  for (const std::string& choice : choices)
    text.append(&choice == choices.data() ? " " : ", ").append(choice);
  return text;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::vector<std::string> nearest = nearest_names(name, candidates, 1);
  return nearest.empty() ? std::string() : fmt::format("did you mean `{}`?", nearest.front());
}

}  // namespace rustorch

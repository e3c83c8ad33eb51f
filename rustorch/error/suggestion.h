#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rustorch {

/// Edit distance (Damerau-Levenshtein, adjacent transpositions count once) between two names.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidates near enough to `name` to be a likely misspelling, best first, at most `limit`.
std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> candidates,
                                       std::size_t limit = 3);

/// "one of float16, float32": the choices there are, for when no name is near.
std::string one_of(std::span<const std::string> choices);

/// "did you mean `conv1.weight`?", or "" when no candidate is near.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace rustorch

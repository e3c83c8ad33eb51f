#include "rustorch/compute/op.h"

#include <algorithm>
#include <array>

namespace rustorch {
namespace {

constexpr std::array table{
#define RUSTORCH_OP(name, arity, domain, result, ...) \
  OpInfo{#name, arity, OpDomain::domain, OpResult::result, #__VA_ARGS__},
#include "rustorch/compute/op_table/ops.def"
};

constexpr bool table_is_sound() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].name.empty() || table[i].formula.empty()) return false;
    if (table[i].arity < 1 || table[i].arity > 3) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (table[j].name == table[i].name) return false;
    }
  }
  return true;
}

static_assert(table.size() == static_cast<std::size_t>(op_count), "every op has a row");
static_assert(op_count <= 256, "Op is stored in a byte");
static_assert(table_is_sound(), "each row has its own name, a formula and one to three operands");
static_assert(table[static_cast<std::size_t>(Op::copy)].name == "copy");

}  // namespace

const OpInfo& op_info(Op op) noexcept { return table[static_cast<std::size_t>(op)]; }

}  // namespace rustorch

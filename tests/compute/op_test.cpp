#include "rustorch/compute/op.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "rustorch/compute/simd/kernels.h"

namespace rustorch {
namespace {

TEST(OpTable, InfoFollowsTheEnum) {
  EXPECT_EQ(op_info(Op::copy).name, "copy");
  EXPECT_EQ(op_info(Op::mul).name, "mul");
  EXPECT_EQ(op_info(Op::mul).arity, 2);
  EXPECT_EQ(op_info(Op::mul).domain, OpDomain::number);
  EXPECT_EQ(op_info(Op::div).result, OpResult::to_float);
  EXPECT_EQ(op_info(Op::bitwise_xor).name, "bitwise_xor");
  EXPECT_EQ(op_info(Op::tanh).name, "tanh");
  EXPECT_EQ(op_info(Op::where).arity, 3);
  EXPECT_EQ(op_info(Op::isnan).result, OpResult::boolean);
  EXPECT_EQ(op_info(Op::logit_backward).name, "logit_backward");
}

TEST(OpTable, FormulasAreKeptAsText) {
  EXPECT_EQ(op_info(Op::add).formula, "x + y");
  EXPECT_EQ(op_info(Op::relu).formula, "select(x < lit(0), lit(0), x)");
  for (int i = 0; i < op_count; ++i) {
    const OpInfo& info = op_info(static_cast<Op>(i));
    const auto balance = std::count(info.formula.begin(), info.formula.end(), '(') -
                         std::count(info.formula.begin(), info.formula.end(), ')');
    EXPECT_EQ(balance, 0) << info.name;
  }
}

TEST(OpTable, ComputeTypes) {
  EXPECT_EQ(compute_dtype(bool_), int32);
  EXPECT_EQ(compute_dtype(uint8), int32);
  EXPECT_EQ(compute_dtype(bfloat16), float32);
  EXPECT_EQ(compute_dtype(int64), int64);
  for (int i = 0; i < dtype_count; ++i) {
    const DType compute = compute_dtype(static_cast<DType>(i));
    EXPECT_EQ(compute_dtype(compute), compute);
  }
}

TEST(OpTable, Domains) {
  EXPECT_TRUE(domain_has(OpDomain::number, complex64));
  EXPECT_FALSE(domain_has(OpDomain::real, complex128));
  EXPECT_TRUE(domain_has(OpDomain::real, int64));
  EXPECT_FALSE(domain_has(OpDomain::fractional, int32));
  EXPECT_TRUE(domain_has(OpDomain::fractional, complex64));
  EXPECT_FALSE(domain_has(OpDomain::floating, complex64));
  EXPECT_TRUE(domain_has(OpDomain::integral, int32));
  EXPECT_FALSE(domain_has(OpDomain::integral, float32));
}

TEST(OpTable, KernelsExistWhereTheDomainSaysSo) {
  for (int i = 0; i < op_count; ++i) {
    const Op op = static_cast<Op>(i);
    for (int t = 0; t < dtype_count; ++t) {
      const DType dtype = static_cast<DType>(t);
      const bool wanted = compute_dtype(dtype) == dtype && domain_has(op_info(op).domain, dtype);
      EXPECT_EQ(simd::elementwise_kernel(op, dtype) != nullptr, wanted)
          << op_info(op).name << " of " << to_string(dtype);
    }
  }
}

}  // namespace
}  // namespace rustorch

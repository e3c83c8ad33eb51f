// Complex numbers on each GPU that is here, beside the CPU's: what op cases do not reach. (Other files have
// complex numbers among their dtypes.)
#include <complex>

#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class GpuComplex : public OnGpu {
 protected:
  /// Each device, for each complex dtype that it has.
  template <class Body>
  void for_each(const Body& body) {
    for (gpu::GpuBackend* backend : backends) {
      for (const DType dtype : {DType::complex64, DType::complex128}) {
        if (!backend->supports(Kind::elementwise, dtype)) continue;
        body(*backend, dtype);
        if (HasFatalFailure()) return;
      }
    }
  }
};

/// z conj(z) + (1 + 2i) y of a complex z and a real y.
Program prologue(DType dtype) {
  Program program;
  const auto z = program.input(dtype), y = program.input(real_dtype(dtype), dtype);
  const auto length = program.apply(Op::mul, z, program.apply(Op::conj, z));
  program.output(program.apply(Op::multiply_add, length, y, program.scalar(std::complex(1.0, 2.0), dtype)),
                 dtype);
  return program;
}

TEST_F(GpuComplex, ReductionsBetweenPrograms) {
  for_each([](gpu::GpuBackend& backend, DType dtype) {
    const Program before = prologue(dtype);
    for (const bool is_length : {false, true}) {              // a complex result, or its absolute value
      if (is_length && dtype == DType::complex128) continue;  // each is a compilation
      Program after;
      const auto sum = after.input(dtype);
      const auto scaled = after.apply(Op::mul, sum, after.scalar(std::complex(0.25, -0.5), dtype));
      const DType result = is_length ? real_dtype(dtype) : dtype;
      after.output(is_length ? after.apply(Op::abs, scaled) : scaled, result);
      // Groups that share long rows in chunks, threads for columns, one that waits for nothing.
      for (const auto& [shape, reduced] : {std::pair{Shape{3, 50021}, Shape{3, 1}},
                                           {Shape{5021, 3}, Shape{1, 3}},
                                           {Shape{0, 3}, Shape{1, 3}}}) {
        HostTensor z(dtype, shape, Order::gaps), y(real_dtype(dtype), shape, Order::reversed);
        z.randomize(1), y.randomize(2);
        HostTensor out(result, reduced, Order::gaps);
        const double terms = static_cast<double>(std::max<std::int64_t>(1, z.count() / out.count()));
        expect_as_on_cpu(
            backend, {&z, &y}, {&out},
            [&](ComputeBackend& on, const auto& view) {
              const View inputs[] = {view(z), view(y)};
              Reduction work;
              work.inputs = inputs, work.out = view(out);
              work.prologue = &before, work.epilogue = &after;
              on.reduce(work);
            },
            4 * std::sqrt(terms), fmt::format("{} {} to {}", dtype, shape, result));
      }
    }
  });
}

TEST_F(GpuComplex, ProductsAndTruthOfAll) {
  for_each([](gpu::GpuBackend& backend, DType dtype) {
    for (const ReduceOp op : {ReduceOp::prod, ReduceOp::all, ReduceOp::any}) {
      HostTensor z(dtype, {3, 200});
      // Of length 1; a row of all, one of some, one of none that are not 0.
      for (std::int64_t i = 0; i < z.count(); ++i) {
        const Wide unit = std::polar(1.0L, static_cast<long double>(i));
        z.set(i, i < 200 ? unit : i == 333 ? Wide(0, 1) : Wide(0));
      }
      const bool is_product = op == ReduceOp::prod;
      HostTensor out(is_product ? dtype : DType::bool_, {3, 1});
      expect_as_on_cpu(
          backend, {&z}, {&out},
          [&](ComputeBackend& on, const auto& view) {
            const View input = view(z);
            Reduction work;
            work.op = op, work.inputs = {&input, 1}, work.out = view(out);
            on.reduce(work);
          },
          is_product ? 200 : 0, fmt::format("{} op {}", dtype, static_cast<int>(op)));
    }
  });
}

TEST_F(GpuComplex, RandomNumbersAndSequences) {
  for_each([](gpu::GpuBackend& backend, DType dtype) {
    for (const GenerateKind kind : {GenerateKind::sequence, GenerateKind::uniform, GenerateKind::normal,
                                    GenerateKind::integers, GenerateKind::bernoulli}) {
      for (const Order order : {Order::plain, Order::gaps}) {
        HostTensor out(dtype, {7, 43}, order);
        expect_as_on_cpu(
            backend, {}, {&out},
            [&](ComputeBackend& on, const auto& view) {
              Generate work;
              work.kind = kind, work.out = view(out), work.seed = 5, work.offset = 3;
              work.a = 0.25, work.b = 2, work.ia = -3, work.ib = 100;
              on.generate(work);
            },
            kind == GenerateKind::normal ? 16 : 0, fmt::format("{} kind {}", dtype, static_cast<int>(kind)));
      }
    }
  });
}

TEST_F(GpuComplex, WhatHasNoOrderIsRefused) {
  for_each([](gpu::GpuBackend& backend, DType dtype) {
    HostTensor z(dtype, {3, 40}), out(dtype, {3, 1});
    const View input = z.view();
    for (const ReduceOp op : {ReduceOp::max, ReduceOp::min, ReduceOp::variance}) {
      Reduction work;
      work.op = op, work.inputs = {&input, 1}, work.out = out.view();
      expect_error(ErrorCode::dtype_mismatch, "does not take complex", [&] { backend.reduce(work); });
    }
    for (const ScanOp op : {ScanOp::max, ScanOp::min, ScanOp::log_sum_exp}) {
      expect_error(ErrorCode::dtype_mismatch, "does not take complex", [&] {
        backend.scan({op, input, 1, z.view(), {}});
      });
    }
    EXPECT_FALSE(backend.supports(Kind::arg_reduce, dtype));
    EXPECT_FALSE(backend.supports(Kind::sort, dtype));
  });
}

}  // namespace
}  // namespace rustorch::testing

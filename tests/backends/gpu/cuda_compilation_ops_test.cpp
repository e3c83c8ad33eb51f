// NVRTC compiles elementwise programs, reductions, copies and indexing, without a GPU.
#include <gtest/gtest.h>

#include <array>

#include "backends/gpu/cuda_compilation.h"
#include "rustorch/backends/deterministic.h"

namespace rustorch::testing {
namespace {

/// Sums of as many ops as a program holds: together, every op that the dtype has.
std::vector<Program> programs_of_all_ops(DType dtype) {
  std::vector<Program> programs;
  Program::Register operands[3], total = 0;
  const DType compute = compute_dtype(dtype);
  for (int number = 0; number < op_count; ++number) {
    const Op op = static_cast<Op>(number);
    if (!domain_has(op_info(op).domain, compute)) continue;
    constexpr std::size_t of_an_op = 3;
    if (programs.empty() || programs.back().instructions().size() + of_an_op > Program::max_instructions) {
      Program& program = programs.emplace_back();
      for (Program::Register& operand : operands) operand = program.input(dtype);
      total = operands[0];
    }
    Program& program = programs.back();
    Program::Register result = program.apply(op, std::span(operands, op_info(op).arity));
    if (program.instructions()[result].dtype != compute) result = program.cast(result, compute);
    total = program.apply(Op::add, total, result);
    const bool is_last = program.instructions().size() + of_an_op > Program::max_instructions;
    if (is_last) program.output(total, dtype);
  }
  if (programs.back().outputs().empty()) programs.back().output(total, dtype);
  return programs;
}

TEST_F(CudaCompilation, EveryElementwiseOp) {
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::uint8, DType::int64,
                            DType::complex64, DType::complex128}) {
    const View x = view(dtype, {1000, 30});
    const std::vector<Program> programs = programs_of_all_ops(dtype);
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      const std::uint64_t before = backend->kernels().statistics().compiled;
      for (const Program& program : programs)
        backend->elementwise(program, std::array{x, x, x}, std::array{view(dtype, {1000, 30})});
      EXPECT_EQ(backend->kernels().statistics().compiled, before + programs.size());
    }
  }
}

TEST_F(CudaCompilation, SourcesOfSingleComplexOps) {
  // Programs of one op have a source with the kernels of all ops that take such operands.
  for (const DType dtype : {DType::complex64, DType::complex128}) {
    const View x = view(dtype, {1000, 30});
    for (const Op op : {Op::exp, Op::mul, Op::eq, Op::where}) {
      Program program;
      Program::Register operands[3];
      const OpInfo& info = op_info(op);
      for (std::size_t k = 0; k < info.arity; ++k) operands[k] = program.input(dtype);
      const DType result = info.result == OpResult::boolean ? DType::bool_ : dtype;
      program.output(program.apply(op, std::span(operands, info.arity)), result);
      const View inputs[] = {x, x, x};
      for (const auto& backend : backends) {
        if (dtype == DType::complex128 && backend != backends[0]) continue;
        backend->elementwise(program, std::span(inputs, info.arity), std::array{view(result, {1000, 30})});
      }
    }
  }
  EXPECT_EQ(backends[0]->kernels().statistics().compiled, 8u);
}

TEST_F(CudaCompilation, EveryFormOfAnElementwiseKernel) {
  // So many elements that a thread takes several: adjacent ones where memory is aligned for it.
  const Shape shape{1200, 40, 50};
  const Layout dense = Layout::contiguous(shape), turned(shape, {1, 1200, 48000}), row(shape, {0, 0, 1}),
               gaps(shape, {8000, 200, 3}), large(shape, {std::int64_t{1} << 40, 50, 1}),
               odd(shape, {2000, 50, 1}, 1);
  for (const DType dtype : {DType::float32, DType::float16, DType::bool_, DType::complex128}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const Layout& x : {dense, turned, row, gaps, large, odd}) {
        Program program;
        const auto a = program.input(dtype), b = program.input(DType::float32);
        program.output(program.apply(Op::mul, program.cast(a, DType::float32), b), dtype);
        backend->elementwise(program, std::array{view(dtype, x), view(DType::float32, dense)},
                             std::array{view(dtype, dense)});
        Program copy;
        copy.output(copy.input(dtype), dtype);
        backend->elementwise(copy, std::array{view(dtype, x)}, std::array{view(dtype, dense)});
      }
    }
  }
}

TEST_F(CudaCompilation, EveryReduction) {
  const Shape shape{64, 3000, 40};
  for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::int64, DType::bool_,
                            DType::complex64, DType::complex128}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const ReduceOp op : {ReduceOp::sum, ReduceOp::prod, ReduceOp::max, ReduceOp::min, ReduceOp::all,
                                ReduceOp::any, ReduceOp::variance}) {
        const bool logical = op == ReduceOp::all || op == ReduceOp::any;
        const bool is_first = backend == backends[0].get();
        // Other ops differ from these in the one function that joins two values.
        const bool in_all = op == ReduceOp::sum || (op == ReduceOp::max && !is_complex(dtype)) ||
                            (op == ReduceOp::prod && dtype == DType::complex64) ||
                            (op == ReduceOp::all && dtype == DType::complex128);
        if ((dtype != DType::float32 || !is_first) && !in_all) continue;
        const bool counts = op == ReduceOp::sum && !is_differentiable(dtype);
        const DType result = logical ? DType::bool_ : counts ? DType::int64 : dtype;
        for (const Shape& reduced : {Shape{1, 1, 1}, Shape{64, 1, 1}, Shape{64, 1, 40}, Shape{1, 3000, 40}}) {
          if (dtype != DType::float32 && reduced[0] == 1) continue;  // what is different is seen in these
          Reduction work;
          work.op = op;
          const View input = view(dtype, shape);
          work.inputs = {&input, 1};
          work.out = view(result, reduced);
          backend->reduce(work);
        }
      }
    }
  }
}

TEST_F(CudaCompilation, Indexing) {
  for (const DType dtype :
       {DType::float32, DType::float16, DType::uint8, DType::int64, DType::complex64, DType::complex128}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      const std::int64_t rows = 500, columns = 64, count = 2000;
      const View elements = view(dtype, {count, columns});
      const View base = view(dtype, Layout({count, columns}, {0, 1}));
      const IndexOperand index{view(DType::int64, Layout({count, columns}, {1, 0})), rows, columns};
      backend->gather({"rows", base, {&index, 1}, elements});
      for (const ScatterMode mode : {ScatterMode::write, ScatterMode::add, ScatterMode::multiply,
                                     ScatterMode::max, ScatterMode::min}) {
        const bool orders = mode == ScatterMode::max || mode == ScatterMode::min;
        if (!orders || !is_complex(dtype)) backend->scatter({"rows", mode, base, {&index, 1}, elements});
      }
      backend->nonzero(elements, view(DType::int64, {100, 2}));
      if (is_complex(dtype)) continue;
      use_deterministic_algorithms(false);
      backend->scatter({"rows", ScatterMode::add, base, {&index, 1}, elements});
      use_deterministic_algorithms(true);
      const View sorted = view(dtype, {count, columns}), places = view(DType::int64, {count, columns});
      backend->sort({elements, 0, false, true, sorted, places});
      backend->sort({elements, 1, true, false, view(dtype, {count, 5}), view(DType::int64, {count, 5})});
    }
  }
}

TEST_F(CudaCompilation, RandomNumbers) {
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::int64, DType::bool_,
                            DType::complex64, DType::complex128}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const GenerateKind kind : {GenerateKind::sequence, GenerateKind::uniform, GenerateKind::normal,
                                      GenerateKind::integers, GenerateKind::bernoulli}) {
        const bool floats = kind == GenerateKind::uniform || kind == GenerateKind::normal;
        if (floats && !is_differentiable(dtype)) continue;
        Generate work;
        work.kind = kind, work.out = view(dtype, {1000, 30});
        work.ib = 100;
        backend->generate(work);
      }
    }
  }
}

}  // namespace
}  // namespace rustorch::testing

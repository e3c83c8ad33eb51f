#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "backends/host_tensor.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/compute/simd/kernels.h"
#include "rustorch/device/cpu_info.h"

namespace rustorch {
namespace {

using testing::HostTensor;
using testing::Wide;
using Random = std::mt19937;

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}
template <class List>
auto pick_from(Random& random, const List& list) {
  return list[static_cast<std::size_t>(pick(random, 0, static_cast<std::int64_t>(std::size(list)) - 1))];
}

/// One element, of any dtype.
struct Element {
  alignas(16) std::array<std::byte, 16> bytes{};
};

Element convert(const Element& value, DType from, DType to) {
  Element result;
  simd::conversion_kernel(from, to)(value.bytes.data(), result.bytes.data(), 1);
  return result;
}

/// A program run on single elements, in the order it is written down.
std::vector<Element> run_on_elements(const Program& program, const std::vector<Element>& inputs) {
  std::vector<Element> registers;
  for (const Program::Instruction& instruction : program.instructions()) {
    Element value;
    const auto operand = [&](std::size_t i) { return registers[instruction.operands[i]].bytes.data(); };
    switch (instruction.kind) {
      case Program::Kind::input:
        value =
            convert(inputs[instruction.slot], program.input_dtypes()[instruction.slot], instruction.dtype);
        break;
      case Program::Kind::scalar:
        visit_dtype(instruction.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          const T number = program.scalars()[instruction.slot].template to<T>();
          std::memcpy(value.bytes.data(), &number, sizeof(T));
        });
        break;
      case Program::Kind::cast: {
        const std::size_t source = instruction.operands[0];
        value = convert(registers[source], program.instructions()[source].dtype, instruction.dtype);
        break;
      }
      case Program::Kind::apply:
        simd::elementwise_kernel(instruction.op, instruction.dtype)(operand(0), operand(1), operand(2),
                                                                    value.bytes.data(), 1);
        break;
    }
    registers.push_back(value);
  }
  std::vector<Element> results;
  for (const Program::Output& output : program.outputs()) {
    results.push_back(
        convert(registers[output.value], program.instructions()[output.value].dtype, output.dtype));
  }
  return results;
}

/// All of a tensor's memory.
std::span<std::byte> memory_of(HostTensor& tensor) {
  const auto items = static_cast<std::size_t>(tensor.layout().end());
  return {static_cast<std::byte*>(tensor.view().data), items * item_size(tensor.dtype())};
}
std::vector<std::byte> copy_of_memory(HostTensor& tensor) {
  const auto memory = memory_of(tensor);
  return {memory.begin(), memory.end()};
}

Element element_of(HostTensor& tensor, std::int64_t index) {
  Element element;
  const std::size_t bytes = item_size(tensor.dtype());
  std::memcpy(element.bytes.data(), memory_of(tensor).data() + tensor.place(index) * bytes, bytes);
  return element;
}

bool is_nan(Wide value) { return std::isnan(value.real()) || std::isnan(value.imag()); }

Wide number_of(const Element& element, DType dtype) {
  HostTensor one(dtype, Shape{1});
  std::memcpy(memory_of(one).data(), element.bytes.data(), item_size(dtype));
  return one.get(0);
}

/// Equal bits, but one NaN is as good as another.
bool same(HostTensor& tensor, std::int64_t index, const Element& expected) {
  const Element got = element_of(tensor, index);
  if (std::memcmp(got.bytes.data(), expected.bytes.data(), item_size(tensor.dtype())) == 0) return true;
  return is_nan(tensor.get(index)) && is_nan(number_of(expected, tensor.dtype()));
}

/// Runs a program on the CPU backend and element by element. `alias[k]` names the input that output k is
/// written over, or is -1.
void check_program(const Program& program, std::vector<HostTensor>& inputs, std::vector<HostTensor>& outputs,
                   const std::vector<int>& alias, const std::string& what) {
  const std::int64_t count = outputs[0].count();
  std::vector<std::vector<Element>> expected;
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<Element> values;
    for (HostTensor& input : inputs) values.push_back(element_of(input, i));
    expected.push_back(run_on_elements(program, values));
  }
  std::vector<View> in, out;
  for (HostTensor& input : inputs) in.push_back(input.view());
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    out.push_back(alias[k] >= 0 ? inputs[static_cast<std::size_t>(alias[k])].view() : outputs[k].view());
  }
  cpu_backend().elementwise(program, in, out);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    HostTensor& result = alias[k] >= 0 ? inputs[static_cast<std::size_t>(alias[k])] : outputs[k];
    for (std::int64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(same(result, i, expected[static_cast<std::size_t>(i)][k]))
          << what << ": " << result.get(i) << " is not "
          << number_of(expected[static_cast<std::size_t>(i)][k], result.dtype()) << " in output " << k
          << ", element " << i << " of " << count << "\n"
          << program.to_string();
    }
    // Nothing else of the memory has changed.
    const std::span<std::byte> memory = memory_of(result);
    std::vector<bool> touched(memory.size(), false);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::size_t bytes = item_size(result.dtype());
      for (std::size_t b = 0; b < bytes; ++b) touched[result.place(i) * bytes + b] = true;
    }
    if (alias[k] >= 0) continue;
    for (std::size_t b = 0; b < touched.size(); ++b) {
      ASSERT_TRUE(touched[b] || memory[b] == std::byte{0x5a}) << what << ": wrote between the elements";
    }
  }
}

std::vector<std::size_t> random_order(Random& random, std::size_t rank) {
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

/// A layout that fills memory, lies with gaps, repeats itself, or any mixture.
Layout random_layout(Random& random, const Shape& shape, bool may_repeat) {
  const std::int64_t kind = pick(random, 0, 4);
  if (kind == 0) return Layout::contiguous(shape);
  if (kind == 1) return Layout::channels_last(shape);
  Layout layout = Layout::dense(shape, random_order(random, shape.size()));
  if (kind == 2) return layout;
  if (kind == 3) {
    const std::int64_t gap = pick(random, 2, 3);
    for (std::int64_t& stride : layout.strides) stride *= gap;
    layout.offset = pick(random, 0, 5);
    return layout;
  }
  if (may_repeat) {
    const bool all = pick(random, 0, 2) == 0;
    for (std::int64_t& stride : layout.strides) {
      if (all || pick(random, 0, 1) == 0) stride = 0;
    }
  }
  return layout;
}

constexpr DType all_dtypes[] = {uint8,    int8,    int16,   int32,     int64,      float16,
                                bfloat16, float32, float64, complex64, complex128, bool_};
constexpr DType compute_types[] = {int32, int64, float32, float64, complex64, complex128};

/// Sets every element to something small, with a few zeros and negative numbers.
void fill_random(HostTensor& tensor, Random& random) {
  std::uniform_real_distribution<double> numbers(-4, 4);
  for (std::int64_t i = 0; i < tensor.count(); ++i) {
    const double re = numbers(random), im = numbers(random);
    const bool unsigned_type = tensor.dtype() == uint8;
    tensor.set(i, pick(random, 0, 9) == 0 ? Wide(0) : Wide(unsigned_type ? std::abs(re) : re, im));
  }
}

Shape random_shape(Random& random) {
  static const Shape shapes[] = {
      {},         {1},           {7},           {1000},         {33, 65},
      {2, 3, 4},  {5, 1, 7, 3},  {2, 8, 5, 6},  {1, 1},         {3, 0, 2},
      {64, 10},   {2, 3, 1, 40}, {1, 4500},     {4, 16, 3, 3},  {2, 1, 2, 1, 2, 1, 3, 2, 2, 3},
      {130, 130}, {3, 70, 20},   {2, 40, 9, 9}, {2, 2, 2, 2, 2}};
  return pick_from(random, shapes);
}

struct RandomWork {
  Program program;
  std::vector<HostTensor> inputs, outputs;
  std::vector<int> alias;
};

/// A random op whose domain has the type and that is cheap enough to run by elements.
Op random_op(Random& random, DType compute) {
  while (true) {
    const Op op = static_cast<Op>(pick(random, 0, op_count - 1));
    if (domain_has(op_info(op).domain, compute)) return op;
  }
}

RandomWork random_work(Random& random) {
  RandomWork work;
  const Shape shape = random_shape(random);
  std::vector<Program::Register> registers;
  std::vector<DType> types;
  const auto add = [&](Program::Register value, DType type) {
    registers.push_back(value);
    types.push_back(type);
  };
  const std::int64_t input_count = pick(random, 1, 4);
  for (std::int64_t i = 0; i < input_count; ++i) {
    const DType dtype = pick_from(random, all_dtypes);
    const DType compute = pick(random, 0, 2) == 0 ? pick_from(random, compute_types) : compute_dtype(dtype);
    work.inputs.emplace_back(dtype, random_layout(random, shape, true));
    fill_random(work.inputs.back(), random);
    add(work.program.input(dtype, compute), compute);
  }
  if (pick(random, 0, 1) == 0) {
    const DType compute = pick_from(random, compute_types);
    add(work.program.scalar(1.5, compute), compute);
  }
  const std::int64_t steps = pick(random, 0, 12);
  for (std::int64_t i = 0; i < steps; ++i) {
    const auto r = static_cast<std::size_t>(pick(random, 0, static_cast<std::int64_t>(registers.size()) - 1));
    const DType type = types[r];
    // Other registers of the same type, or the same again.
    const auto other = [&] {
      for (int attempt = 0; attempt < 8; ++attempt) {
        const auto s =
            static_cast<std::size_t>(pick(random, 0, static_cast<std::int64_t>(registers.size()) - 1));
        if (types[s] == type) return registers[s];
      }
      return registers[r];
    };
    if (pick(random, 0, 3) == 0) {
      const DType to = pick_from(random, compute_types);
      add(work.program.cast(registers[r], to), to);
      continue;
    }
    const Op op = random_op(random, type);
    switch (op_info(op).arity) {
      case 1:
        add(work.program.apply(op, registers[r]), type);
        break;
      case 2:
        add(work.program.apply(op, registers[r], other()), type);
        break;
      default:
        add(work.program.apply(op, registers[r], other(), other()), type);
        break;
    }
  }
  const std::int64_t output_count = pick(random, 1, 3);
  for (std::int64_t k = 0; k < output_count; ++k) {
    const auto r = static_cast<std::size_t>(
        std::max(pick(random, 0, static_cast<std::int64_t>(registers.size()) - 1), std::int64_t{0}));
    const std::size_t value = pick(random, 0, 1) == 0 ? registers.size() - 1 : r;
    const DType dtype = pick(random, 0, 1) == 0 ? types[value] : pick_from(random, all_dtypes);
    work.program.output(registers[value], dtype);
    work.outputs.emplace_back(dtype, random_layout(random, shape, false));
    // Written over an input where one has its dtype and does not repeat itself.
    int alias = -1;
    for (std::size_t i = 0; i < work.inputs.size(); ++i) {
      const bool taken =
          std::find(work.alias.begin(), work.alias.end(), static_cast<int>(i)) != work.alias.end();
      const bool fits = work.inputs[i].dtype() == dtype && !work.inputs[i].layout().may_overlap_itself();
      if (fits && !taken && pick(random, 0, 1) == 0) alias = static_cast<int>(i);
    }
    work.alias.push_back(alias);
  }
  return work;
}

TEST(Elementwise, RandomProgramsEqualElementByElement) {
  for (unsigned seed = 0; seed < 1500; ++seed) {
    Random random(seed);
    RandomWork work = random_work(random);
    check_program(work.program, work.inputs, work.outputs, work.alias, "seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

Program one_op(Op op, DType dtype, DType out) {
  Program program;
  const DType compute = compute_dtype(dtype);
  std::array<Program::Register, 3> operands{};
  const std::size_t arity = op_info(op).arity;
  for (std::size_t i = 0; i < arity; ++i) operands[i] = program.input(dtype, compute);
  program.output(arity == 1   ? program.apply(op, operands[0])
                 : arity == 2 ? program.apply(op, operands[0], operands[1])
                              : program.apply(op, operands[0], operands[1], operands[2]),
                 out);
  return program;
}

/// The program on tensors of the given layouts: inputs first, the output last.
void check_layouts(const Program& program, const std::vector<Layout>& layouts, const std::string& what) {
  Random random(17);
  std::vector<HostTensor> inputs, outputs;
  for (std::size_t i = 0; i + 1 < layouts.size(); ++i) {
    inputs.emplace_back(program.input_dtypes()[i], layouts[i]);
    fill_random(inputs.back(), random);
  }
  outputs.emplace_back(program.outputs()[0].dtype, layouts.back());
  check_program(program, inputs, outputs, {-1}, what);
}

TEST(Elementwise, BroadcastStrides) {
  const Program add = one_op(Op::add, float32, float32);
  const Shape shape{6, 50};
  const Layout full = Layout::contiguous(shape);
  check_layouts(add, {full, Layout(shape, {0, 1}), full}, "a row");
  check_layouts(add, {full, Layout(shape, {1, 0}), full}, "a column");
  check_layouts(add, {full, Layout(shape, {0, 0}), full}, "a number");
  check_layouts(add, {Layout(shape, {0, 1}), Layout(shape, {1, 0}), full}, "a row and a column");
  check_layouts(add, {Layout(shape, {0, 0}), Layout(shape, {0, 0}), full}, "two numbers");
  const Shape image{2, 5, 9, 7};
  const Layout channel(image, {0, 1, 0, 0});
  check_layouts(add, {Layout::contiguous(image), channel, Layout::contiguous(image)}, "a channel, NCHW");
  check_layouts(add, {Layout::channels_last(image), channel, Layout::channels_last(image)},
                "a channel, NHWC");
  const Shape long_rows{3, 5000};
  check_layouts(add,
                {Layout::contiguous(long_rows), Layout(long_rows, {0, 1}), Layout::contiguous(long_rows)},
                "a row longer than a tile");
}

TEST(Elementwise, LayoutsThatLieAlikeAndNot) {
  const Shape image{3, 8, 6, 5};
  const Layout plain = Layout::contiguous(image), last = Layout::channels_last(image);
  for (const DType dtype : {float32, float16, int64}) {
    const Program add = one_op(Op::add, dtype, dtype);
    for (const Layout& a : {plain, last}) {
      for (const Layout& b : {plain, last}) {
        for (const Layout& out : {plain, last}) check_layouts(add, {a, b, out}, "images");
      }
    }
  }
}

TEST(Elementwise, LargeOperandsThatLieAcross) {
  const Program add = one_op(Op::add, float32, float32);
  const Shape matrix{300, 310};
  const Layout plain = Layout::contiguous(matrix), turned(matrix, {1, 300});
  check_layouts(add, {plain, turned, plain}, "a transposed operand");
  check_layouts(add, {turned, turned, plain}, "two of them");
  check_layouts(add, {plain, turned, Layout(matrix, {620, 2})}, "gaps in the output");
  const Shape images{4, 40, 25, 26};
  check_layouts(add, {Layout::contiguous(images), Layout::channels_last(images), Layout::contiguous(images)},
                "images");
  check_layouts(one_op(Op::add, float64, float64), {plain, turned, plain}, "float64");
}

TEST(Elementwise, ComparisonsGiveBool) {
  for (const DType dtype : all_dtypes) {
    const Layout layout = Layout::contiguous({1500});
    for (const Op op : {Op::eq, Op::ne, Op::logical_or, Op::lt}) {
      if (domain_has(op_info(op).domain, compute_dtype(dtype))) {
        check_layouts(one_op(op, dtype, bool_), {layout, layout, layout}, "comparison");
      }
    }
  }
}

TEST(Elementwise, CopiesOfEveryDtypeAndLayout) {
  const std::vector<Shape> shapes{{}, {3000}, {100, 130}, {3, 20, 17, 9}, {70, 1, 80}, {9, 8, 9}, {2, 3}};
  Random random(3);
  for (const DType from : all_dtypes) {
    for (const DType to : all_dtypes) {
      Program program;
      program.output(program.input(from), to);
      const Shape shape = from == to ? pick_from(random, shapes) : shapes[3];
      check_layouts(program, {random_layout(random, shape, true), random_layout(random, shape, false)},
                    "copy");
    }
    Program program;
    program.output(program.apply(Op::copy, program.input(from)), from);
    for (const Shape& shape : shapes) {
      std::vector<std::size_t> reversed(shape.size());
      for (std::size_t i = 0; i < shape.size(); ++i) reversed[i] = shape.size() - 1 - i;
      check_layouts(program, {Layout::dense(shape, reversed), Layout::contiguous(shape)}, "transposition");
      check_layouts(program, {Layout::contiguous(shape), Layout::channels_last(shape)}, "to channels-last");
      check_layouts(program, {Layout::channels_last(shape), Layout::contiguous(shape)}, "from channels-last");
    }
  }
}

TEST(Elementwise, FillsWithAScalar) {
  for (const DType dtype : all_dtypes) {
    Program program;
    program.output(program.scalar(3, compute_dtype(dtype)), dtype);
    check_layouts(program, {Layout::contiguous({50, 60})}, "fill");
    check_layouts(program, {Layout({50, 60}, {180, 3})}, "fill with gaps");
  }
}

TEST(Elementwise, IntegersWrapInTheirStorage) {
  HostTensor x(uint8, Shape{4}), y(uint8, Shape{4}), out(uint8, Shape{4});
  const int xs[] = {200, 255, 0, 7}, ys[] = {100, 255, 1, 5};
  for (std::int64_t i = 0; i < 4; ++i) {
    x.set(i, xs[i]);
    y.set(i, ys[i]);
  }
  const auto run = [&](Op op) {
    const std::array<View, 2> in{x.view(), y.view()};
    const View result = out.view();
    cpu_backend().elementwise(one_op(op, uint8, uint8), in, {&result, 1});
    return std::vector<int>{static_cast<int>(out.get(0).real()), static_cast<int>(out.get(1).real()),
                            static_cast<int>(out.get(2).real()), static_cast<int>(out.get(3).real())};
  };
  EXPECT_EQ(run(Op::add), (std::vector<int>{44, 254, 1, 12}));
  EXPECT_EQ(run(Op::sub), (std::vector<int>{100, 0, 255, 2}));
  EXPECT_EQ(run(Op::mul), (std::vector<int>{32, 1, 0, 35}));
}

TEST(Elementwise, ComplexToRealKeepsTheRealPart) {
  HostTensor z(complex64, Shape{1}), out(float32, Shape{1});
  z.set(0, Wide(3, 4));
  const auto run = [&](Op op) {
    const View in = z.view(), result = out.view();
    cpu_backend().elementwise(one_op(op, complex64, float32), {&in, 1}, {&result, 1});
    return static_cast<float>(out.get(0).real());
  };
  EXPECT_EQ(run(Op::abs), 5);
  EXPECT_EQ(run(Op::imag), 4);
  EXPECT_EQ(run(Op::real), 3);
}

TEST(Elementwise, ResultsDoNotDependOnTheNumberOfThreads) {
  const int before = num_threads();
  const Shape shape{300, 1001};
  Program program;
  const auto x = program.input(float32), y = program.input(bfloat16), row = program.input(float32);
  const auto wave = program.apply(Op::sin, program.apply(Op::mul, x, program.scalar(9000.0, float32)));
  const auto power = program.apply(Op::pow, program.apply(Op::add, wave, row), y);
  program.output(power, float32);
  program.output(program.apply(Op::gt, power, wave), bool_);

  Random random(5);
  std::vector<HostTensor> inputs;
  inputs.emplace_back(float32, shape);
  inputs.emplace_back(bfloat16, Layout(shape, {1, 300}));
  inputs.emplace_back(float32, Layout(shape, {0, 1}));
  for (HostTensor& input : inputs) fill_random(input, random);
  const std::array<View, 3> in{inputs[0].view(), inputs[1].view(), inputs[2].view()};

  std::vector<std::vector<std::byte>> seen;
  for (const int threads : {1, 2, 3, 5}) {
    set_num_threads(threads);
    HostTensor a(float32, shape), b(bool_, shape);
    const std::array<View, 2> out{a.view(), b.view()};
    cpu_backend().elementwise(program, in, out);
    HostTensor sine(float32, shape);
    const std::array<View, 1> single{sine.view()};
    cpu_backend().elementwise(one_op(Op::sin, float32, float32), {in.data(), 1}, single);
    seen.push_back(copy_of_memory(a));
    seen.push_back(copy_of_memory(b));
    seen.push_back(copy_of_memory(sine));
  }
  set_num_threads(before);
  for (std::size_t i = 3; i < seen.size(); ++i) EXPECT_EQ(seen[i], seen[i % 3]);
}

TEST(Elementwise, LargeInPlaceAndWithScalars) {
  const Shape shape{200000};
  HostTensor x(float32, shape);
  for (std::int64_t i = 0; i < x.count(); ++i) x.set(i, Wide(static_cast<long double>(i)));
  Program program;
  const auto value = program.input(float32);
  program.output(
      program.apply(Op::multiply_add, program.scalar(1, float32), value, program.scalar(2, float32)),
      float32);
  const View view = x.view();
  cpu_backend().elementwise(program, {&view, 1}, {&view, 1});
  for (std::int64_t i = 0; i < x.count(); ++i)
    ASSERT_EQ(x.get(i).real(), static_cast<long double>(2 * i + 1));
}

TEST(Elementwise, ProgramsOfTheGreatestLength) {
  Program program;
  auto value = program.input(complex128);
  std::vector<Program::Register> all{value};
  while (program.instructions().size() < Program::max_instructions / 2) {
    all.push_back(value = program.apply(Op::neg, value));
  }
  while (program.instructions().size() <
         Program::max_instructions) {  // every one of them is alive up to here
    value = program.apply(Op::add, value, all.back());
    all.pop_back();
  }
  program.output(value, complex128);
  check_layouts(program, {Layout({30, 31}, {1, 30}), Layout::contiguous({30, 31})}, "64 instructions");
}

}  // namespace
}  // namespace rustorch

#include "rustorch/tensor/operations/convolution.h"

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

using Convolution = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvolutionOptions&);
using Transposed = Tensor (*)(const Tensor&, const Tensor&, const Tensor&,
                              const TransposedConvolutionOptions&);

template <class Function, class Options>
void add(OpCases& cases, const std::string& name, Function f, const Options& options) {
  cases.emplace_back(
      name, [=](const TensorList& in) { return f(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), options); });
}

void add_rank(OpCases& cases, int rank, Convolution f, Transposed g) {
  const std::string name = fmt::format("conv{}d", rank), turned = fmt::format("conv_transpose{}d", rank);
  using C = ConvolutionOptions;
  add(cases, name, f, C{});
  add(cases, name + "(bias)", f, C{});
  add(cases, name + "(padding=1, bias)", f, C{.padding = 1});
  add(cases, name + "(stride=2)", f, C{.stride = 2});
  add(cases, name + "(stride=2, padding=1, groups=2)", f, C{.stride = 2, .padding = 1, .groups = 2});
  add(cases, name + "(dilation=2)", f, C{.dilation = 2});
  add(cases, name + "(groups=3, padding=2, dilation=2)", f, C{.padding = 2, .dilation = 2, .groups = 3});
  using O = TransposedConvolutionOptions;
  add(cases, turned, g, O{});
  add(cases, turned + "(bias)", g, O{});
  add(cases, turned + "(stride=2, padding=1, output_padding=1)", g,
      O{.stride = 2, .padding = 1, .output_padding = 1});
  add(cases, turned + "(groups=2, dilation=2)", g, O{.groups = 2, .dilation = 2});
}

OpCases list() {
  OpCases cases;
  add_rank(cases, 1, conv1d, conv_transpose1d);
  add_rank(cases, 2, conv2d, conv_transpose2d);
  add_rank(cases, 3, conv3d, conv_transpose3d);
  add(cases, "conv2d(stride=2,1, padding=0,2, dilation=1,2)", static_cast<Convolution>(conv2d),
      ConvolutionOptions{.stride = {2, 1}, .padding = {0, 2}, .dilation = {1, 2}});
  add(cases, "conv3d(stride=1,2,1, padding=1,0,2)", static_cast<Convolution>(conv3d),
      ConvolutionOptions{.stride = {1, 2, 1}, .padding = {1, 0, 2}});
  add(cases, "conv_transpose2d(stride=1,2, padding=1,0, output_padding=0,1)", conv_transpose2d,
      TransposedConvolutionOptions{.stride = {1, 2}, .padding = {1, 0}, .output_padding = {0, 1}});
  for (OpCase& one : cases)
    one.loosen(8).without({complex64, complex128});  // sums of up to some hundred products
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(convolution, list);

}  // namespace rustorch::testing

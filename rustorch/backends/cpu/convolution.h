#pragma once

#include "rustorch/backends/cpu/onednn.h"

namespace rustorch::cpu {

using onednn::ConvolutionSizes;
using onednn::ConvolutionWork;

/// Convolutions by our own code: windows are laid out as rows of a matrix, which is multiplied. For float64,
/// and for sizes that oneDNN has no fast code for. Operands as in onednn::convolution.
template <class T>
void convolution_by_windows(const ConvolutionSizes& sizes, T* input, T* weight, T* bias, T* output);

extern template void convolution_by_windows(const ConvolutionSizes&, float*, float*, float*, float*);
extern template void convolution_by_windows(const ConvolutionSizes&, double*, double*, double*, double*);

/// Convolutions of one and two dims without groups, without laying out windows. Operands as in
/// onednn::convolution; returns false, having done nothing, for sizes that it is not made for.
bool convolution_direct(const ConvolutionSizes& sizes, float* input, float* weight, float* bias,
                        float* output);

/// Forward and backward_weight of two-dimensional convolutions of few input channels into many, which oneDNN
/// is slow at. Operands as in onednn::convolution; returns false, having done nothing, for sizes that it is
/// not made for.
bool convolution_few_channels(const ConvolutionSizes& sizes, const float* input, float* weight, float* bias,
                              float* output);

}  // namespace rustorch::cpu

// The smallest program that uses RusTorch. Each way to find the library builds it.
#include <rustorch/rustorch.h>

#include <cstdio>

int main() {
  using namespace rustorch;
  Tensor a = ones({2, 3});
  const float sum = a.sum().item<float>();
  std::printf("%g\n", static_cast<double>(sum));
  return sum == 6.0F ? 0 : 1;
}

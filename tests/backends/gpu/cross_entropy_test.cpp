// Cross entropy on each GPU that is here, compared with the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class GpuCrossEntropy : public OnGpu {};

struct Case {
  DType dtype = DType::float32;
  std::int64_t rows = 5, classes = 7;
  Order order = Order::plain;
  bool weighted = false;
  double smoothing = 0;
  bool one_gradient = false;  ///< the same for all rows, by stride 0
};

void check(gpu::GpuBackend& backend, const Case& one) {
  const DType dtype = one.dtype;
  HostTensor logits(dtype, {one.rows, one.classes}, one.order),
      d_logits(dtype, {one.rows, one.classes}, one.order);
  HostTensor targets(DType::int64, {one.rows}, one.order), weight(dtype, {one.classes}, one.order);
  HostTensor losses(dtype, {one.rows}, one.order), logarithms(dtype, {one.rows}, one.order);
  HostTensor d_losses(dtype, Layout({one.rows}, {one.one_gradient ? 0 : 2}, 1));
  logits.randomize(1), weight.randomize(2), d_losses.randomize(3);
  for (std::int64_t i = 0; i < logits.count(); ++i) logits.set(i, logits.get(i) * 6.0L);
  for (std::int64_t i = 0; i < weight.count(); ++i) weight.set(i, std::abs(weight.get(i)));
  for (std::int64_t row = 0; row < one.rows; ++row)
    targets.set(row, static_cast<long double>(row % 5 == 3 ? -100 : row * 31 % one.classes));
  const std::string what = fmt::format("{} [{}, {}] order {} weighted {} smoothing {}", dtype, one.rows,
                                       one.classes, static_cast<int>(one.order), one.weighted, one.smoothing);
  std::vector<HostTensor*> inputs = {&logits, &targets, &weight};
  const double tolerance = dtype == DType::float32 || dtype == DType::float64 ? 64 : 2;
  expect_as_on_cpu(
      backend, inputs, {&losses, &logarithms},
      [&](ComputeBackend& on, const auto& view) {
        CrossEntropyForward work;
        work.logits = view(logits), work.targets = view(targets);
        if (one.weighted) work.weight = view(weight);
        work.label_smoothing = one.smoothing;
        work.losses = view(losses), work.log_sum_exp = view(logarithms);
        on.cross_entropy_forward(work);
      },
      tolerance, what + " forward");
  inputs.insert(inputs.end(), {&logarithms, &d_losses});
  expect_as_on_cpu(
      backend, inputs, {&d_logits},
      [&](ComputeBackend& on, const auto& view) {
        CrossEntropyBackward work;
        work.logits = view(logits), work.targets = view(targets), work.log_sum_exp = view(logarithms);
        if (one.weighted) work.weight = view(weight);
        work.label_smoothing = one.smoothing;
        work.d_losses = view(d_losses), work.d_logits = view(d_logits);
        on.cross_entropy_backward(work);
      },
      tolerance, what + " backward");
}

TEST_F(GpuCrossEntropy, EveryDtypeAndOption) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
      if (!backend->supports(Kind::cross_entropy, dtype)) continue;
      check(*backend, {.dtype = dtype});
      check(*backend, {.dtype = dtype, .rows = 33, .classes = 10, .weighted = true, .smoothing = 0.1});
      if (HasFatalFailure()) return;
    }
    check(*backend, {.weighted = true});
    check(*backend, {.smoothing = 0.3, .one_gradient = true});
  }
}

TEST_F(GpuCrossEntropy, EveryShape) {
  for (gpu::GpuBackend* backend : backends) {
    for (const Order order : all_orders) {
      check(*backend, {.rows = 70, .classes = 19, .order = order, .weighted = true, .smoothing = 0.1});
      check(*backend, {.rows = 3, .classes = 700, .order = order});
    }
    check(*backend, {.rows = 0});
    check(*backend, {.rows = 1, .classes = 1});
    check(*backend, {.rows = 20000, .classes = 3});
    check(*backend, {.rows = 2, .classes = 100000, .weighted = true, .smoothing = 0.1});
    check(*backend, {.rows = 3, .classes = 5000, .order = Order::reversed});
  }
}

TEST_F(GpuCrossEntropy, LargeAndInfiniteLogits) {
  constexpr long double infinity = std::numeric_limits<long double>::infinity();
  for (gpu::GpuBackend* backend : backends) {
    HostTensor logits(DType::float32, {6, 70}), targets(DType::int64, {6}), losses(DType::float32, {6});
    logits.randomize(4);
    for (std::int64_t i = 0; i < 6; ++i) targets.set(i, 2 * i);
    logits.set(0, -infinity), logits.set(5, -infinity);
    logits.set(70 + 3, 10000.0L), logits.set(70 + 2, 9999.0L);
    logits.set(140 + 9, infinity);
    logits.set(210 + 9, std::numeric_limits<long double>::quiet_NaN());
    for (std::int64_t i = 280; i < 350; ++i) logits.set(i, -infinity);
    for (std::int64_t i = 350; i < 420; ++i) logits.set(i, 1e30L * static_cast<long double>(i % 2));
    expect_as_on_cpu(
        *backend, {&logits, &targets}, {&losses},
        [&](ComputeBackend& on, const auto& view) {
          CrossEntropyForward work;
          work.logits = view(logits), work.targets = view(targets), work.losses = view(losses);
          on.cross_entropy_forward(work);
        },
        16, "large and infinite");
  }
}

TEST_F(GpuCrossEntropy, TargetsOutOfRangeAreErrorsAtTheNextSynchronization) {
  for (gpu::GpuBackend* backend : backends) {
    for (const std::int64_t bad : {std::int64_t{7}, std::int64_t{-1}, std::int64_t{1} << 40}) {
      HostTensor logits(DType::float32, {5, 7}), targets(DType::int64, {5}), losses(DType::float32, {5});
      logits.randomize(1);
      for (std::int64_t i = 0; i < 5; ++i) targets.set(i, i);
      targets.set(3, static_cast<long double>(bad));
      DeviceCopy x(*backend, logits), t(*backend, targets), y(*backend, losses), dx(*backend, logits);
      const std::string message =
          fmt::format("target {} of row 3 is out of range for 7 classes in op cross_entropy", bad);
      CrossEntropyForward forward;
      forward.logits = x.view(), forward.targets = t.view(), forward.losses = y.view();
      backend->cross_entropy_forward(forward);
      expect_error(ErrorCode::index_out_of_range, message, "", [&] { backend->synchronize(); });
      CrossEntropyBackward backward;
      backward.logits = x.view(), backward.targets = t.view(), backward.log_sum_exp = y.view();
      backward.d_losses = y.view(), backward.d_logits = dx.view();
      backend->cross_entropy_backward(backward);
      expect_error(ErrorCode::index_out_of_range, message, "", [&] { backend->synchronize(); });
      forward.logits = logits.view(), forward.targets = targets.view(), forward.losses = losses.view();
      expect_error(ErrorCode::index_out_of_range, message, "",
                   [&] { cpu_backend().cross_entropy_forward(forward); });
      check(*backend, {});  // the device goes on
    }
  }
}

}  // namespace
}  // namespace rustorch::testing

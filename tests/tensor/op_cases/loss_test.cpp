#include "rustorch/tensor/operations/loss.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

using T = const Tensor&;
using R = LossReduction;
constexpr std::pair<const char*, R> reductions[] = {{"mean", R::mean}, {"none", R::none}, {"sum", R::sum}};

using ClassLoss = Tensor (*)(T, T, const CrossEntropyOptions&);

void add_class_losses(OpCases& cases, const std::string& name, ClassLoss f) {
  const auto add = [&](const char* arguments, const CrossEntropyOptions& options) {
    cases.emplace_back(name + arguments, [=](T x, T target) { return f(x, target, options); });
  };
  const auto add_weighted = [&](const char* arguments, R reduction) {
    cases.emplace_back(name + arguments, [=](T x, T target, T weight) {
      return f(x, target, {.weight = weight.detach(), .reduction = reduction});
    });
  };
  add("", {});
  add("(none)", {.reduction = R::none});
  add("(sum)", {.reduction = R::sum});
  add("(ignored)", {});
  add("(ignored, none)", {.reduction = R::none});
  add("(ignore_index=2)", {.ignore_index = 2});
  add_weighted("(weight)", R::mean);
  add_weighted("(weight, none)", R::none);
  add_weighted("(weight, sum)", R::sum);
  add_weighted("(weight, ignored)", R::mean);
}

void add_cross_entropy(OpCases& cases) {
  for (const auto& [name, reduction] : reductions) {
    cases.emplace_back(fmt::format("cross_entropy(label_smoothing=0.1, {})", name),
                       [r = reduction](T x, T target) {
                         return cross_entropy(x, target, {.reduction = r, .label_smoothing = 0.1});
                       });
    cases.emplace_back(fmt::format("cross_entropy(probabilities, {})", name),
                       [r = reduction](T x, T target) { return cross_entropy(x, target, {.reduction = r}); });
  }
  cases.emplace_back("cross_entropy(label_smoothing=0.2, weight, ignored)", [](T x, T target, T weight) {
    return cross_entropy(x, target, {.weight = weight.detach(), .label_smoothing = 0.2});
  });
  cases.emplace_back("cross_entropy(probabilities, weight, label_smoothing=0.1)",
                     [](T x, T target, T weight) {
                       return cross_entropy(x, target, {.weight = weight.detach(), .label_smoothing = 0.1});
                     });
  cases.emplace_back("cross_entropy(large)", [](T x, T target) { return cross_entropy(x, target); });
}

void add_pair_losses(OpCases& cases) {
  for (const auto& [name, reduction] : reductions) {
    const auto add = [&, text = name](const char* form, auto function) {
      cases.emplace_back(fmt::format(fmt::runtime(form), text), function);
    };
    const R r = reduction;
    add("mse_loss({})", [r](T x, T y) { return mse_loss(x, y, r); });
    add("l1_loss({})", [r](T x, T y) { return l1_loss(x, y, r); });
    add("smooth_l1_loss({})", [r](T x, T y) { return smooth_l1_loss(x, y, r); });
    add("smooth_l1_loss({}, beta=0.4)", [r](T x, T y) { return smooth_l1_loss(x, y, r, 0.4); });
    add("huber_loss({})", [r](T x, T y) { return huber_loss(x, y, r); });
    add("huber_loss({}, delta=0.4)", [r](T x, T y) { return huber_loss(x, y, r, 0.4); });
    add("binary_cross_entropy({})", [r](T x, T y) { return binary_cross_entropy(x, y, {}, r); });
    add("binary_cross_entropy({}, weight)",
        [r](T x, T y, T w) { return binary_cross_entropy(x, y.detach(), w.detach(), r); });
    add("binary_cross_entropy_with_logits({})",
        [r](T x, T y) { return binary_cross_entropy_with_logits(x, y, {}, r); });
    add("binary_cross_entropy_with_logits({}, weight, pos_weight)", [r](T x, T y, T w, T p) {
      return binary_cross_entropy_with_logits(x, y, w.detach(), r, p.detach());
    });
    add("kl_div({})", [r](T x, T y) { return kl_div(x, y, r); });
    add("kl_div({}, log_target)", [r](T x, T y) { return kl_div(x, y, r, true); });
  }
  cases.emplace_back("binary_cross_entropy(edges)",
                     [](T x, T y) { return binary_cross_entropy(x, y.detach()); });
  cases.emplace_back("binary_cross_entropy_with_logits(large)",
                     [](T x, T y) { return binary_cross_entropy_with_logits(x, y); });
  cases.emplace_back("mse_loss(broadcast)", [](T x, T y) { return mse_loss(x, y); });
  cases.emplace_back("l1_loss(equal)", [](T x, T y) { return l1_loss(x, y); });
  cases.emplace_back("smooth_l1_loss(beta=0)", [](T x, T y) { return smooth_l1_loss(x, y, R::mean, 0); });
}

OpCases list() {
  OpCases cases;
  add_class_losses(cases, "cross_entropy", cross_entropy);
  add_class_losses(cases, "nll_loss", nll_loss);
  add_cross_entropy(cases);
  add_pair_losses(cases);
  for (OpCase& one : cases) one.loosen(3);  // PyTorch rounds each step in the 16-bit types
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(loss, list);

}  // namespace rustorch::testing

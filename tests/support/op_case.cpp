#include "support/op_case.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <sstream>

#include "rustorch/device/device_scope.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"
#include "rustorch/tensor/operations/creation.h"

namespace rustorch::testing {
namespace {

// ---- reading the data

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  if (!text.empty() && text.back() == separator) parts.emplace_back();
  return parts;
}

/// The tensor that "@float32:64x1500" stands for; op_case_families/samples.py has the same formula.
Tensor pattern(const std::string& text) {
  const std::vector<std::string> parts = split(text.substr(1), ':');
  const DType dtype = dtype_from_string(parts.at(0));
  Shape shape;
  for (const std::string& dim : split(parts.at(1), 'x')) shape.push_back(std::stoll(dim));
  Tensor result = allocate(Layout::contiguous(shape), dtype, Device());
  visit_dtype(dtype, [&]<class T>(TypeTag<T>) {
    T* out = static_cast<T*>(result.view_for_write().data);
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(shape.element_count()); ++i) {
      const std::uint64_t mixed = (i * 2654435761u + 12345u) & 0xffffffffu;
      double value = static_cast<double>((mixed ^ (mixed >> 15)) & 0xfffffu) / 524288.0 - 1.0;
      if (is_integral(dtype)) value = std::floor(value * 8);
      out[i] = convert_element<T>(value);
    }
  });
  return result;
}

/// Pairs along the last dim as complex numbers.
Tensor as_complex(const Tensor& pairs) {
  Shape shape = pairs.shape();
  shape.erase(shape.size() - 1);
  Tensor result = allocate(Layout::contiguous(shape), complex_dtype(pairs.dtype()), Device());
  if (pairs.numel() == 0) return result;
  std::memcpy(result.view_for_write().data, pairs.view_for_read().data,
              static_cast<std::size_t>(pairs.numel()) * pairs.element_size());
  return result;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : file_(path) {}

  std::map<std::string, std::vector<OpSample>> samples() {
    std::map<std::string, std::vector<OpSample>> found;
    for (const std::string& line : split(file_.metadata().at("samples"), '\n')) {
      const std::vector<std::string> fields = split(line, '|');
      RUSTORCH_CHECK(fields.size() == 6, corrupt_data, "{}: a sample of {} fields: {}", file_.path().string(),
                     fields.size(), line);
      OpSample sample;
      sample.name = fields[1];
      sample.dtype = dtype_from_string(fields[1].substr(0, fields[1].find(' ')));
      sample.refused = fields[3] == "error";
      sample.inputs = tensors(fields[2]);
      if (!sample.refused) sample.outputs = tensors(fields[3]);
      sample.weights = tensors(fields[4]);
      sample.gradients = tensors(fields[5]);
      found[fields[0]].push_back(std::move(sample));
    }
    return found;
  }

 private:
  TensorList tensors(const std::string& names) {
    TensorList list;
    for (const std::string& name : split(names, ',')) list.push_back(tensor(name));
    return list;
  }
  Tensor tensor(const std::string& name) {
    if (name == "-") return {};
    Tensor& known = tensors_[name];
    if (known.defined()) return known;
    if (name.front() == '@') {
      known = pattern(name);
    } else if (name.back() == 'c') {
      known = as_complex(file_.tensor(name.substr(0, name.size() - 1)));
    } else {
      known = file_.tensor(name);
    }
    return known;
  }

  SafetensorsFile file_;
  std::map<std::string, Tensor> tensors_;
};

// ---- walking through memory, without the operations that are tested

/// Calls visit(offset) for every element in row-major order.
template <class Visit>
void for_each_offset(const Layout& layout, Visit visit) {
  if (layout.element_count() == 0) return;
  std::vector<std::int64_t> index(layout.rank(), 0);
  std::int64_t offset = layout.offset;
  while (true) {
    visit(static_cast<std::size_t>(offset));
    std::size_t dim = layout.rank();
    while (dim > 0) {
      --dim;
      offset += layout.strides[dim];
      if (++index[dim] < layout.shape[dim]) break;
      offset -= layout.strides[dim] * layout.shape[dim];
      index[dim] = 0;
      if (dim == 0) return;
    }
    if (layout.rank() == 0) return;
  }
}

template <class T>
std::vector<T> elements(const Tensor& x) {
  const Tensor host = x.detach().cpu();
  const T* data = static_cast<const T*>(host.view_for_read().data);
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(x.numel()));
  for_each_offset(host.layout(), [&](std::size_t offset) { values.push_back(data[offset]); });
  return values;
}

/// x's values in memory of `layout`, among garbage.
Tensor laid_out(const Tensor& x, const Layout& layout) {
  const std::size_t item = x.element_size();
  const std::int64_t count = std::max<std::int64_t>(layout.end(), 1) + 3;
  const Tensor memory = allocate(Layout::contiguous({count}), x.dtype(), Device());
  Tensor writable = memory;
  auto* bytes = static_cast<std::byte*>(writable.view_for_write().data);
  std::memset(bytes, x.dtype() == DType::bool_ ? 1 : 0xff, static_cast<std::size_t>(count) * item);
  const auto* source = static_cast<const std::byte*>(x.view_for_read().data);
  std::vector<std::size_t> targets;
  for_each_offset(layout, [&](std::size_t offset) { targets.push_back(offset); });
  std::size_t i = 0;
  for_each_offset(x.layout(), [&](std::size_t offset) {
    std::memcpy(bytes + targets[i++] * item, source + offset * item, item);
  });
  const Tensor there = memory.to(default_device());
  return Tensor(IntrusivePointer<TensorImpl>::make(there.storage(), layout, x.dtype()));
}

/// Whether all slices along `dim` hold the same bytes.
bool is_constant_along(const Tensor& x, std::size_t dim) {
  Layout first = x.layout();
  first.strides[dim] = 0;
  const auto* bytes = static_cast<const std::byte*>(x.view_for_read().data);
  const std::size_t item = x.element_size();
  std::vector<std::size_t> of_first;
  for_each_offset(first, [&](std::size_t offset) { of_first.push_back(offset); });
  std::size_t i = 0;
  bool same = true;
  for_each_offset(x.layout(), [&](std::size_t offset) {
    same = same && std::memcmp(bytes + offset * item, bytes + of_first[i++] * item, item) == 0;
  });
  return same;
}

std::optional<Layout> arranged_layout(const Tensor& x, Arrangement arrangement) {
  const Shape& shape = x.shape();
  const std::size_t rank = shape.size();
  switch (arrangement) {
    case Arrangement::transposed: {
      if (rank < 2) return {};
      std::vector<std::size_t> order(rank);
      for (std::size_t i = 0; i < rank; ++i) order[i] = rank - 1 - i;
      return Layout::dense(shape, order);
    }
    case Arrangement::strided: {
      Layout layout = Layout::contiguous(shape);
      for (std::size_t i = 0; i < rank; ++i) layout.strides[i] *= std::int64_t{1} << (rank - i);
      layout.offset = 3;
      return layout;
    }
    case Arrangement::channels_last:
      if (rank < 3 || rank > 5) return {};
      return Layout::channels_last(shape);
    case Arrangement::expanded: {
      Layout layout = Layout::contiguous(shape);
      bool changed = false;
      for (std::size_t i = 0; i < rank; ++i) {
        if (shape[i] < 2 || x.numel() == 0 || !is_constant_along(x, i)) continue;
        layout.strides[i] = 0;
        changed = true;
      }
      if (!changed) return {};
      return layout;
    }
    case Arrangement::contiguous:
    case Arrangement::mixed:
      break;
  }
  return {};
}

// ---- comparing

struct Tolerance {
  double relative;
  double absolute;
};

Tolerance tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return {2e-3, 5e-4};
    case DType::bfloat16:
      return {1.6e-2, 4e-3};
    case DType::float32:
    case DType::complex64:
      return {2e-6, 1e-6};
    case DType::float64:
    case DType::complex128:
      return {1e-11, 1e-12};
    default:
      return {0, 0};
  }
}

template <class T>
constexpr bool is_complex_type = false;
template <class T>
constexpr bool is_complex_type<std::complex<T>> = true;

bool close(double a, double b, const Tolerance& tolerance, bool sign_of_zero) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return !sign_of_zero || std::signbit(a) == std::signbit(b);
  return std::isfinite(a) && std::isfinite(b) &&
         std::abs(a - b) <= tolerance.absolute + tolerance.relative * std::abs(b);
}

template <class T>
bool close(std::complex<T> a, std::complex<T> b, const Tolerance& tolerance) {
  const Tolerance both{0, tolerance.absolute + tolerance.relative * static_cast<double>(std::abs(b))};
  const bool finite = std::isfinite(b.real()) && std::isfinite(b.imag());
  return close(a.real(), b.real(), finite ? both : tolerance, false) &&
         close(a.imag(), b.imag(), finite ? both : tolerance, false);
}

template <class T>
std::string text_of(T value) {
  if constexpr (is_complex_type<T>) {
    return fmt::format("{}{:+}i", value.real(), value.imag());
  } else if constexpr (std::is_integral_v<T>) {
    return fmt::format("{}", static_cast<std::int64_t>(value));
  } else {
    return fmt::format("{}", static_cast<double>(value));
  }
}

}  // namespace

TensorList OpCase::as_list(bool truth) { return {scalar_tensor(truth, {.dtype = bool_})}; }

const std::map<std::string, std::vector<OpSample>>& op_samples(const std::string& family) {
  // Never destroyed: tensors may outlive neither their allocator nor their file.
  static auto& families = *new std::map<std::string, std::map<std::string, std::vector<OpSample>>>();
  const auto [found, is_new] = families.try_emplace(family);
  if (is_new) {
    found->second =
        Reader(std::filesystem::path(RUSTORCH_TEST_DATA_DIR) / "ops" / (family + ".safetensors")).samples();
  }
  return found->second;
}

const char* to_string(Arrangement arrangement) {
  switch (arrangement) {
    case Arrangement::contiguous:
      return "contiguous";
    case Arrangement::transposed:
      return "transposed";
    case Arrangement::strided:
      return "strided";
    case Arrangement::channels_last:
      return "channels last";
    case Arrangement::expanded:
      return "expanded";
    case Arrangement::mixed:
      return "mixed";
  }
  return "";
}

Tensor arranged(const Tensor& x, Arrangement arrangement) {
  return laid_out(x, arranged_layout(x, arrangement).value_or(Layout::contiguous(x.shape())));
}

TensorList arranged(const TensorList& inputs, Arrangement arrangement) {
  TensorList list;
  bool changed = arrangement == Arrangement::contiguous || arrangement == Arrangement::mixed;
  if (arrangement == Arrangement::mixed && inputs.size() < 2) return {};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    constexpr Arrangement mix[] = {Arrangement::transposed, Arrangement::strided, Arrangement::contiguous};
    const Arrangement one = arrangement == Arrangement::mixed ? mix[i % 3] : arrangement;
    changed = changed || arranged_layout(inputs[i], one).has_value();
    list.push_back(arranged(inputs[i], one));
  }
  return changed ? list : TensorList();
}

std::string difference(const Tensor& actual, const Tensor& expected, const Closeness& closeness) {
  if (!actual.defined()) return "undefined";
  if (actual.dtype() != expected.dtype()) {
    return fmt::format("dtype {}, expected {}", actual.dtype(), expected.dtype());
  }
  if (!(actual.shape() == expected.shape())) {
    return fmt::format("shape {}, expected {}", actual.shape(), expected.shape());
  }
  Tolerance tolerance = tolerance_of(actual.dtype());
  const Tolerance floor = tolerance_of(closeness.floor);
  tolerance.relative = std::max(tolerance.relative, floor.relative) * closeness.factor;
  tolerance.absolute = std::max(tolerance.absolute, floor.absolute) * closeness.factor;
  std::string text;
  std::size_t count = 0;
  visit_dtype(actual.dtype(), [&]<class T>(TypeTag<T>) {
    const std::vector<T> a = elements<T>(actual), b = elements<T>(expected);
    for (std::size_t i = 0; i < a.size(); ++i) {
      bool same = false;
      if constexpr (is_complex_type<T>) {
        same = close(a[i], b[i], tolerance);
      } else if constexpr (std::is_integral_v<T>) {
        same = a[i] == b[i];
      } else {
        same =
            close(static_cast<double>(a[i]), static_cast<double>(b[i]), tolerance, closeness.signs_of_zero);
      }
      if (!same && count++ < 3)
        text += fmt::format("element {} is {}, expected {}; ", i, text_of(a[i]), text_of(b[i]));
    }
  });
  if (count != 0) text += fmt::format("{} of {} differ", count, actual.numel());
  return text;
}

OpCaseFamilies& OpCaseFamilies::instance() {
  static OpCaseFamilies families;
  return families;
}

}  // namespace rustorch::testing

#pragma once

#include <span>
#include <utility>
#include <vector>

#include "rustorch/backends/gpu/cuda/cudnn_api.h"

namespace rustorch::gpu::cuda {

class DnnObject;

constexpr DnnAttributeType attribute_type(DnnHandle) { return DnnAttributeType::handle; }
constexpr DnnAttributeType attribute_type(DnnDataType) { return DnnAttributeType::data_type; }
constexpr DnnAttributeType attribute_type(bool) { return DnnAttributeType::boolean; }
constexpr DnnAttributeType attribute_type(std::int64_t) { return DnnAttributeType::int64; }
constexpr DnnAttributeType attribute_type(float) { return DnnAttributeType::float32; }
constexpr DnnAttributeType attribute_type(double) { return DnnAttributeType::float64; }
constexpr DnnAttributeType attribute_type(void*) { return DnnAttributeType::pointer; }
constexpr DnnAttributeType attribute_type(DnnConvolutionMode) { return DnnAttributeType::convolution_mode; }
constexpr DnnAttributeType attribute_type(DnnHeuristics) { return DnnAttributeType::heuristics; }
constexpr DnnAttributeType attribute_type(DnnNote) { return DnnAttributeType::note; }
constexpr DnnAttributeType attribute_type(DnnPointwiseMode) { return DnnAttributeType::pointwise_mode; }
constexpr DnnAttributeType attribute_type(DnnObjectHandle) { return DnnAttributeType::object; }

/// An object of cuDNN's graphs. Failures are Errors (check of cudnn_api.h).
class DnnObject {
 public:
  DnnObject(const CudnnApi& api, DnnObjectKind kind);
  ~DnnObject();
  DnnObject(DnnObject&& other) noexcept : api_(other.api_), handle_(std::exchange(other.handle_, nullptr)) {}
  DnnObject(const DnnObject&) = delete;
  DnnObject& operator=(const DnnObject&) = delete;

  DnnObjectHandle handle() const noexcept { return handle_; }

  template <class Value>
  void set(DnnAttribute attribute, std::span<const Value> values) {
    set(attribute, attribute_type(Value{}), static_cast<std::int64_t>(values.size()), values.data());
  }
  template <class Value>
  void set(DnnAttribute attribute, const Value& value) {
    set(attribute, attribute_type(value), 1, &value);
  }
  void set(DnnAttribute attribute, const DnnObject& value) { set(attribute, value.handle_); }

  /// No more attributes are set after this.
  void finalize();
  /// The same for what the library may refuse: false then.
  bool try_finalize();

  /// Numbers, at most so many.
  template <class Value>
  std::vector<Value> get(DnnAttribute attribute, std::size_t most) const {
    std::vector<Value> values(most);
    values.resize(get(attribute, attribute_type(Value{}), most, values.data()));
    return values;
  }
  /// The objects that an attribute names, each of this kind.
  std::vector<DnnObject> get_objects(DnnAttribute attribute, DnnObjectKind kind) const;

 private:
  void set(DnnAttribute attribute, DnnAttributeType type, std::int64_t count, const void* values);
  std::size_t get(DnnAttribute attribute, DnnAttributeType type, std::size_t most, void* values) const;

  const CudnnApi& api_;
  DnnObjectHandle handle_ = nullptr;
};

}  // namespace rustorch::gpu::cuda

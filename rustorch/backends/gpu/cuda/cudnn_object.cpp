#include "rustorch/backends/gpu/cuda/cudnn_object.h"

#include <algorithm>

#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {

DnnObject::DnnObject(const CudnnApi& api, DnnObjectKind kind) : api_(api) {
  check(api_, api_.cudnnBackendCreateDescriptor(kind, &handle_), "cudnnBackendCreateDescriptor");
}

DnnObject::~DnnObject() {
  if (handle_ != nullptr) api_.cudnnBackendDestroyDescriptor(handle_);
}

void DnnObject::set(DnnAttribute attribute, DnnAttributeType type, std::int64_t count, const void* values) {
  const DnnStatus status = api_.cudnnBackendSetAttribute(handle_, attribute, type, count, values);
  if (status != DnnStatus::success) [[unlikely]]
    check(api_, status,
          fmt::format("cudnnBackendSetAttribute of attribute {}", static_cast<int>(attribute)).c_str());
}

void DnnObject::finalize() { check(api_, api_.cudnnBackendFinalize(handle_), "cudnnBackendFinalize"); }

bool DnnObject::try_finalize() { return api_.cudnnBackendFinalize(handle_) == DnnStatus::success; }

std::size_t DnnObject::get(DnnAttribute attribute, DnnAttributeType type, std::size_t most,
                           void* values) const {
  std::int64_t count = 0;
  check(api_,
        api_.cudnnBackendGetAttribute(handle_, attribute, type, static_cast<std::int64_t>(most), &count,
                                      values),
        "cudnnBackendGetAttribute");
  return std::min(static_cast<std::size_t>(count), most);  // it tells how many there are
}

std::vector<DnnObject> DnnObject::get_objects(DnnAttribute attribute, DnnObjectKind kind) const {
  std::int64_t count = 0;
  check(api_, api_.cudnnBackendGetAttribute(handle_, attribute, DnnAttributeType::object, 0, &count, nullptr),
        "cudnnBackendGetAttribute");
  std::vector<DnnObject> objects;
  std::vector<DnnObjectHandle> handles;
  for (std::int64_t i = 0; i < count; ++i) handles.push_back(objects.emplace_back(api_, kind).handle_);
  const std::size_t found = get(attribute, DnnAttributeType::object, handles.size(), handles.data());
  while (objects.size() > found) objects.pop_back();
  return objects;
}

}  // namespace rustorch::gpu::cuda

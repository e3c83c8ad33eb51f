#include "rustorch/backends/gpu/cuda/cublaslt.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "rustorch/backends/gpu/cuda/device_address.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

/// For sums of parts of the depth; what NVIDIA advises for Hopper.
constexpr std::size_t workspace_bytes = std::size_t{32} << 20;
/// Programs have fewer shapes; those that do not start anew now and then.
constexpr std::size_t most_plans = 1024;

/// A product of fewer multiplications and additions stays with our kernels: they are as fast there, and the
/// library takes 0.2 s to open. Measured on an H200 (docs/tested-hardware.md).
double least_multiply_adds(const LibraryProduct& product) {
  const bool has_tensor_cores =
      is_reduced_precision(product.dtype) ||
      (product.dtype == DType::float32 && product.precision == Float32Precision::high);
  return has_tensor_cores ? 0x1p22 : 0x1p27;
}

BlasComputeType compute_type(const LibraryProduct& product) {
  if (product.dtype == DType::float64) return BlasComputeType::float64;
  return product.dtype == DType::float32 && product.precision == Float32Precision::high
             ? BlasComputeType::tf32
             : BlasComputeType::float32;
}

/// Of a floating-point dtype.
BlasDataType data_type(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return BlasDataType::float64;
    case DType::float16:
      return BlasDataType::float16;
    case DType::bfloat16:
      return BlasDataType::bfloat16;
    default:
      return BlasDataType::float32;
  }
}

/// Whether an epilogue computes the activation as the op does: none does for float64. That NaN goes through
/// relu's is tested (a former version's is told to have made 0 of it: forums.developer.nvidia.com/t/329783).
bool has_epilogue(const LibraryProduct& product) {
  if (!product.activation) return true;
  const bool is_known = *product.activation == Op::relu || *product.activation == Op::gelu_tanh;
  return is_known && product.dtype != DType::float64;
}

/// Of a product that has one.
BlasEpilogue epilogue_of(const LibraryProduct& product) {
  const bool has_row = product.bias == LibraryBias::row;
  if (product.activation == Op::relu) return has_row ? BlasEpilogue::relu_bias : BlasEpilogue::relu;
  if (product.activation == Op::gelu_tanh) return has_row ? BlasEpilogue::gelu_bias : BlasEpilogue::gelu;
  return has_row ? BlasEpilogue::bias : BlasEpilogue::none;
}

void* address_of(const LibraryMatrix& matrix, DType dtype) {
  return reinterpret_cast<void*>(address(matrix.buffer, matrix.offset, dtype));
}

/// The largest power of two that divides an address, up to the 256 that algorithms may ask for.
std::uint32_t alignment_of(DevicePointer pointer) {
  constexpr DevicePointer most = 256;
  return static_cast<std::uint32_t>((pointer | most) & (~(pointer | most) + 1));
}

std::uint32_t alignment_of(const LibraryMatrix& matrix, DType dtype) {
  return alignment_of(address(matrix.buffer, matrix.offset, dtype));
}

/// An object of the library.
template <class Object>
using Owned = std::unique_ptr<Object, BlasStatus (*)(Object*)>;

}  // namespace

/// How products of one key are made. The library's matrices lie by columns and ours by rows, which is the
/// same as being transposed: it makes the transposed result as b · a. A bias along our rows is one along the
/// columns of the result then, as its epilogue wants.
struct CublasLt::Plan {
  Owned<ProductObject> product;
  Owned<MatrixObject> a, b, out;
  BlasAlgorithm algorithm{};
  bool has_algorithm = false;
};

CublasLt::CublasLt(const DriverApi& driver, ContextHandle context, StreamHandle stream, DeviceMemory& memory)
    : driver_(driver),
      context_(context),
      stream_(stream),
      memory_(memory),
      plans_(std::make_unique<Plans>()) {}

CublasLt::~CublasLt() {
  // At the program's end the library's own objects may be gone before us: what is left of ours is not given
  // back to it.
  if (handle_ != nullptr) static_cast<void>(plans_.release());
  if (workspace_ == 0) return;
  try {
    memory_.release(workspace_);
  } catch (const std::exception&) {
    // A device that failed: its memory goes with the context.
  }
}

bool CublasLt::open() {
  if (handle_ != nullptr) return true;
  if (!absence_.empty()) return false;
  const CublasLtApi* api = cublaslt_api(absence_);
  if (api == nullptr) return false;
  workspace_ = memory_.allocate(workspace_bytes);
  if (workspace_ == 0) {
    absence_ = "no device memory for its workspace";
    return false;
  }
  if (const BlasStatus status = api->cublasLtCreate(&handle_); status != BlasStatus::success) {
    absence_ = std::string("cublasLtCreate: ") + api->cublasLtGetStatusName(status);
    handle_ = nullptr;
    memory_.release(std::exchange(workspace_, 0));
    return false;
  }
  api_ = api;
  return true;
}

std::string CublasLt::description() {
  if (!driver_.process.is_same()) return "cuBLASLt absent: CUDA is the parent process's";
  // Of the library alone: its handle and workspace are made for the first product.
  std::string absence;
  const CublasLtApi* api = cublaslt_api(absence);
  if (api == nullptr) return "cuBLASLt absent: " + absence;
  const std::size_t version = api->cublasLtGetVersion();
  return fmt::format("cuBLASLt {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

CublasLt::Key CublasLt::key_of(const LibraryProduct& product) {
  const LibraryMatrix &a = product.a, &b = product.b, &out = product.out;
  const DType dtype = product.dtype;
  const bool has_row = product.bias == LibraryBias::row;
  return {static_cast<std::int64_t>(dtype),
          static_cast<std::int64_t>(compute_type(product)),
          product.rows,
          product.columns,
          product.depth,
          product.batches,
          a.leading,
          b.leading,
          out.leading,
          a.batch_stride,
          b.batch_stride,
          out.batch_stride,
          a.transposed ? 1 : 0,
          b.transposed ? 1 : 0,
          static_cast<std::int64_t>(product.bias),
          static_cast<std::int64_t>(epilogue_of(product)),
          alignment_of(a, dtype),
          alignment_of(b, dtype),
          alignment_of(out, dtype),
          has_row ? alignment_of(address(product.row, product.row_offset, dtype)) : 0};
}

std::unique_ptr<CublasLt::Plan> CublasLt::make_plan(const LibraryProduct& product) const {
  const CublasLtApi& api = *api_;
  const DType dtype = product.dtype;
  const BlasDataType type = data_type(dtype);
  const bool is_double = type == BlasDataType::float64;

  const auto matrix = [&](const LibraryMatrix& its, std::int64_t rows, std::int64_t columns) {
    if (its.transposed) std::swap(rows, columns);
    MatrixHandle layout = nullptr;
    check(api,
          api.cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(columns),
                                         static_cast<std::uint64_t>(rows), its.leading),
          "cublasLtMatrixLayoutCreate");
    Owned<MatrixObject> owned(layout, api.cublasLtMatrixLayoutDestroy);
    const auto set = [&](MatrixAttribute attribute, const auto& value) {
      check(api, api.cublasLtMatrixLayoutSetAttribute(layout, attribute, &value, sizeof value),
            "cublasLtMatrixLayoutSetAttribute");
    };
    set(MatrixAttribute::batch_count, static_cast<std::int32_t>(product.batches));
    set(MatrixAttribute::batch_stride, its.batch_stride);
    return owned;
  };
  ProductHandle description = nullptr;
  check(api,
        api.cublasLtMatmulDescCreate(&description, compute_type(product),
                                     is_double ? BlasDataType::float64 : BlasDataType::float32),
        "cublasLtMatmulDescCreate");
  Owned<ProductObject> owned(description, api.cublasLtMatmulDescDestroy);
  auto plan = std::make_unique<Plan>(Plan{std::move(owned),
                                          matrix(product.a, product.rows, product.depth),
                                          matrix(product.b, product.depth, product.columns),
                                          matrix(product.out, product.rows, product.columns),
                                          {},
                                          false});

  const auto set = [&](ProductAttribute attribute, const auto& value) {
    check(api, api.cublasLtMatmulDescSetAttribute(description, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  };
  const auto operation = [](const LibraryMatrix& its) {
    return its.transposed ? BlasOperation::transpose : BlasOperation::none;
  };
  set(ProductAttribute::transpose_a, operation(product.b));
  set(ProductAttribute::transpose_b, operation(product.a));
  set(ProductAttribute::epilogue, epilogue_of(product));
  if (product.bias == LibraryBias::row)
    set(ProductAttribute::bias_pointer, address(product.row, product.row_offset, dtype));

  PreferenceHandle preference = nullptr;
  check(api, api.cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
  const Owned<PreferenceObject> owned_preference(preference, api.cublasLtMatmulPreferenceDestroy);
  const auto prefer = [&](PreferenceAttribute attribute, const auto& value) {
    check(api, api.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  prefer(PreferenceAttribute::workspace_bytes, std::uint64_t{workspace_bytes});
  prefer(PreferenceAttribute::reduction_schemes, reduction_in_compute_type);
  prefer(PreferenceAttribute::alignment_a, alignment_of(product.b, dtype));
  prefer(PreferenceAttribute::alignment_b, alignment_of(product.a, dtype));
  prefer(PreferenceAttribute::alignment_c, alignment_of(product.out, dtype));
  prefer(PreferenceAttribute::alignment_d, alignment_of(product.out, dtype));

  HeuristicResult best{};
  int found = 0;
  const BlasStatus status =
      api.cublasLtMatmulAlgoGetHeuristic(handle_, description, plan->b.get(), plan->a.get(), plan->out.get(),
                                         plan->out.get(), preference, 1, &best, &found);
  if (status != BlasStatus::not_supported) check(api, status, "cublasLtMatmulAlgoGetHeuristic");
  plan->has_algorithm = status == BlasStatus::success && found == 1 && best.state == BlasStatus::success;
  plan->algorithm = best.algorithm;
  return plan;
}

CublasLt::Plan& CublasLt::plan_for(const LibraryProduct& product) {
  const Key key = key_of(product);
  if (const auto known = plans_->find(key); known != plans_->end()) return *known->second;
  if (plans_->size() >= most_plans) plans_->clear();
  return *plans_->emplace(key, make_plan(product)).first->second;
}

bool CublasLt::takes(const LibraryProduct& product) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t most_batches = 65535;  // of one grid, which some algorithms do not go beyond
  if (!is_floating_point(product.dtype) || !has_epilogue(product) || product.batches > most_batches ||
      std::max({product.rows, product.columns, product.depth}) > most) {
    return false;
  }
  const double multiply_adds = static_cast<double>(product.rows) * static_cast<double>(product.columns) *
                               static_cast<double>(product.depth) * static_cast<double>(product.batches);
  if (multiply_adds < least_multiply_adds(product)) return false;
  const CurrentContext current(driver_, context_);
  const std::lock_guard lock(mutex_);
  return open() && plan_for(product).has_algorithm;
}

void CublasLt::multiply(const LibraryProduct& product) {
  const CurrentContext current(driver_, context_);
  const std::lock_guard lock(mutex_);
  RUSTORCH_CHECK(open(), internal, "a product for cuBLASLt, which is absent: {}", absence_);
  const Plan& plan = plan_for(product);
  RUSTORCH_CHECK(plan.has_algorithm, internal, "a product that cuBLASLt has no algorithm for");
  const DType dtype = product.dtype;
  if (product.bias == LibraryBias::row) {
    const DevicePointer row = address(product.row, product.row_offset, dtype);
    check(*api_,
          api_->cublasLtMatmulDescSetAttribute(plan.product.get(), ProductAttribute::bias_pointer, &row,
                                               sizeof row),
          "cublasLtMatmulDescSetAttribute");
  }
  const auto run = [&](auto one, auto before) {
    void* const out = address_of(product.out, dtype);
    check(*api_,
          api_->cublasLtMatmul(handle_, plan.product.get(), &one, address_of(product.b, dtype), plan.b.get(),
                               address_of(product.a, dtype), plan.a.get(), &before, out, plan.out.get(), out,
                               plan.out.get(), &plan.algorithm, reinterpret_cast<void*>(workspace_),
                               workspace_bytes, stream_),
          "cublasLtMatmul");
  };
  const double before = product.bias == LibraryBias::out ? 1 : 0;
  dtype == DType::float64 ? run(1.0, before) : run(1.0F, static_cast<float>(before));
}

}  // namespace rustorch::gpu::cuda

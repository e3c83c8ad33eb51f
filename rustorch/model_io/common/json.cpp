#include "rustorch/model_io/common/json.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace rustorch::model_io {

using nlohmann::ordered_json;

struct Json::Value {
  Value() = default;
  explicit Value(ordered_json json_) : json(std::move(json_)) {}
  ordered_json json;
};

namespace {

/// Runs what may throw the library's exceptions.
template <class F>
auto guarded(const F& f) {
  try {
    return f();
  } catch (const ordered_json::exception& error) {
    throw JsonError(error.what());
  }
}

}  // namespace

Json::Json() : value_(std::make_unique<Value>()) {}
Json::Json(bool value) : value_(std::make_unique<Value>(value)) {}
Json::Json(double value) : value_(std::make_unique<Value>(value)) {}
Json::Json(Signed value) : value_(std::make_unique<Value>(value.value)) {}
Json::Json(Unsigned value) : value_(std::make_unique<Value>(value.value)) {}
Json::Json(std::string_view text) : value_(std::make_unique<Value>(std::string(text))) {}
Json::Json(std::unique_ptr<Value> value) noexcept : value_(std::move(value)) {}

Json Json::array(std::initializer_list<Json> elements) {
  Json result(std::make_unique<Value>(ordered_json::array()));
  for (const Json& element : elements) result.push_back(element);
  return result;
}

Json Json::object(std::initializer_list<Member> members) {
  Json result(std::make_unique<Value>(ordered_json::object()));
  for (const auto& [name, value] : members) result.set(name, value);
  return result;
}

Json Json::parse(std::string_view text) {
  return guarded([&] { return Json(std::make_unique<Value>(ordered_json::parse(text))); });
}

Json::Json(const Json& other) : value_(std::make_unique<Value>(*other.value_)) {}
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(Json other) noexcept {
  value_ = std::move(other.value_);
  return *this;
}
Json::~Json() = default;

void Json::push_back(const Json& element) {
  guarded([&] { value_->json.push_back(element.value_->json); });
}
void Json::set(const std::string& name, const Json& value) {
  guarded([&] { value_->json[name] = value.value_->json; });
}

bool Json::is_null() const noexcept { return value_->json.is_null(); }
bool Json::contains(const std::string& name) const { return value_->json.contains(name); }
std::size_t Json::size() const noexcept { return value_->json.size(); }

Json Json::at(const std::string& name) const {
  return guarded([&] { return Json(std::make_unique<Value>(value_->json.at(name))); });
}
Json Json::at(std::size_t index) const {
  return guarded([&] { return Json(std::make_unique<Value>(value_->json.at(index))); });
}
std::vector<Json> Json::elements() const {
  if (!value_->json.is_array()) throw JsonError("not an array: " + dump());
  std::vector<Json> list;
  for (const ordered_json& element : value_->json) list.push_back(Json(std::make_unique<Value>(element)));
  return list;
}
std::vector<Json::Member> Json::members() const {
  if (!value_->json.is_object()) throw JsonError("not an object: " + dump());
  std::vector<Member> list;
  for (const auto& [name, value] : value_->json.items())
    list.emplace_back(name, Json(std::make_unique<Value>(value)));
  return list;
}

std::int64_t Json::to_int64() const {
  return guarded([&] { return value_->json.get<std::int64_t>(); });
}
std::uint64_t Json::to_uint64() const {
  return guarded([&] { return value_->json.get<std::uint64_t>(); });
}
double Json::to_double() const {
  return guarded([&] { return value_->json.get<double>(); });
}
std::string Json::to_string() const {
  return guarded([&] { return value_->json.get<std::string>(); });
}

std::string Json::dump(int indent) const {
  return guarded([&] { return value_->json.dump(indent); });
}

}  // namespace rustorch::model_io
